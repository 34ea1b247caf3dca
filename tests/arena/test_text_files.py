"""Text files of any editor, and the plans, templates and data in them."""

import codecs
from pathlib import Path

import pytest
from cli_runner import arena, typed

from agents.inference.chat_templates import load_template
from arena.errors import UsageError
from arena.text_files import read_text
from unlearning.data.dataset_loader import read_rows

PLAN = '# What is asked: ü?\nn = 2\n[game]\nname = "kuhn"\n'
ENCODED = {
    "utf-8": PLAN.encode(),
    "utf-8 with a mark": codecs.BOM_UTF8 + PLAN.encode(),
    "utf-16": PLAN.encode("utf-16"),
    "utf-16 big": codecs.BOM_UTF16_BE + PLAN.encode("utf-16-be"),
    "utf-32": PLAN.encode("utf-32"),
    "dos": codecs.BOM_UTF8 + PLAN.replace("\n", "\r\n").encode(),
    "mac": PLAN.replace("\n", "\r").encode(),
}


@pytest.mark.few(2)
@pytest.mark.parametrize("name", ENCODED)
def test_plans_are_read_in_every_encoding_that_says_what_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "plan.toml").write_bytes(ENCODED[name])
    assert read_text(tmp_path / "plan.toml") == PLAN
    arena(tmp_path, "run", "plan.toml", "-q")
    assert "What is asked: ü?" in arena(tmp_path, "list", "runs", "--wide")


@pytest.mark.parametrize(
    ("data", "says"),
    [("n = 2\n# ü\n".encode("latin-1"), "line 2: this is not UTF-8"), ("n = 2".encode("utf-16-le"), "NUL")],
)
def test_other_encodings_are_named_before_anything_is_played(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "plan.toml").write_bytes(data)
    for words in (("run", "plan.toml"), ("play", "--plan", "plan.toml"), ("run", "plan.toml", "--dry-run")):
        refused = arena(tmp_path, *words, code=2)
        assert "plan.toml" in refused and says in refused and "save the file as UTF-8" in refused


@pytest.mark.parametrize("name", ["jsonl", "json"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_data_and_templates_may_begin_with_a_mark(tmp_path: Path, name: str, encoding: str) -> None:
    row = '{"question": "Wo? – dort", "answer": "ü"}'
    file = tmp_path / f"rows.{name}"
    file.write_bytes((row + "\r\n" + row if name == "jsonl" else f"[{row},\r\n{row}]").encode(encoding))
    assert [(one.text("question"), one.place[-6:]) for one in read_rows(file)] == [
        ("Wo? – dort", "line 1"),
        ("Wo? – dort", "line 2"),
    ]
    template = tmp_path / "chat.jinja"
    template.write_bytes("{{ messages }}\r\nü".encode(encoding))
    assert load_template(str(template)) == "{{ messages }}\nü"
    file.write_bytes(row.encode("cp1252"))
    with pytest.raises(UsageError, match="line 1: this is not UTF-8"):
        list(read_rows(file))


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "where", [":memory:", "sqlite:///:memory:", "sqlite://", "sqlite:///file:x?mode=memory&uri=true"]
)
def test_a_database_in_memory_is_refused_before_anything_is_played(tmp_path: Path, where: str) -> None:
    for words in (("play", "kuhn"), ("list", "runs"), ("teach", "walker"), ("sql", "select 1")):
        done = typed(tmp_path, *words, "--db", where)
        assert done.code == 2 and "kept in a file" in done.stderr and not done.stdout
    assert not list(tmp_path.iterdir())
