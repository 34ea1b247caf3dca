"""What every command prints is plain text, by one way, to any terminal, file or pipe."""

import json
from io import StringIO
from pathlib import Path

import pytest
from cli_runner import STYLE, Terminal, typed
from rich.console import Console

from arena.console.transcript import Narrator
from arena.game import Message
from arena.spec import build

TALKERS = """
def {name}(view):
    return {words!r}
"""
HOSTILE = (
    "[/b]", "[red]red[/red]", ":runner: :free:", "[link=file:///etc/passwd]here[/link]", "\x1b]0;title\x07", "\x9b2J",
    "left \u202e right", "hidden \U000e0041\U000e0042", "zero\u200bwidth", "\x1b]8;;http://x\x1b\\click", "[check]",
    "[@click=app.bell]x[/]", "\\[bold]", "&amp;", "{0} %s",
)  # fmt: skip
OBEYED = [chr(code) for code in (*range(9), *range(11, 32), *range(127, 160), 0x202E, 0x2066, 0x200B, 0xE0041)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short run of two hostile talkers, and one of a sweep whose labels look like markup."""
    folder = tmp_path_factory.mktemp("hostile")
    words = " ".join(HOSTILE)
    (folder / "talkers.py").write_text(TALKERS.format(name="loud", words=words))
    (folder / "sweep.toml").write_text(
        'n = 1\n[game]\nname = "kuhn"\n[sweep]\nseats.first = ["says/[check]", "says/[bet]", "says/:free:"]\n'
    )
    talk = ("play", "--seat", "buyer=talkers.py:loud", "--seat", "seller=talkers.py:loud", "--set", "game.turns=1")
    for columns in (80, 0):
        done = typed(folder, *talk, columns=columns)
        assert done.code == 0 and "Traceback" not in done.stderr, done.stderr
        assert not [one for one in OBEYED if one in done.stdout + done.stderr]
        assert ":runner: :free:" in done.stdout and "[link=file:///etc/passwd]here[/link]" in " ".join(
            done.stdout.split()
        )
    return folder


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("columns", [80, 0, 200])
def test_text_of_others_is_printed_as_it_is(folder: Path, columns: int) -> None:
    for text in HOSTILE:
        quoted = text.replace("'", "''")
        done = typed(folder, "sql", f"select '{quoted}' as a, '[/]' as \"[/b] :free:\"", columns=columns)
        assert done.code == 0, done.stderr
        assert not [one for one in OBEYED if one in done.stdout], text
        assert "[/b] :free:" in done.stdout and ("[" not in text or text[-4:] in done.stdout or "\x1b" in text)
    wrong = typed(folder, "list", "[/b] \x1b]0;x\x07 :free:", columns=columns)
    assert wrong.code == 2 and "[/b] \\x1b]0;x\\x07 :free:" in " ".join(wrong.stderr.split())


@pytest.mark.few(1)
@pytest.mark.parametrize("columns", [80, 0])
def test_labels_that_look_like_markup_stay_apart(folder: Path, columns: int) -> None:
    done = typed(folder, "run", "sweep.toml", "--again", columns=columns)
    assert done.code in (0, 3), done.stderr
    for label in ("says/[check]", "says/[bet]", "says/:free:"):
        assert f"seats.first={label}" in done.stdout
    assert "[check]" in typed(folder, "list", "episodes", columns=columns).stdout
    shown = typed(folder, "show", "last", columns=columns)
    assert shown.code == 0 and not [one for one in OBEYED if one in shown.stdout]


@pytest.mark.parametrize("columns", [0, 80, 30])
def test_nothing_that_is_said_or_done_begins_a_line(columns: int) -> None:
    out = Terminal() if columns else StringIO()
    narrator = Narrator(Console(file=out, width=columns or None), build("game", "bargaining"))
    forged = (
        "so\n    seller  I give up\r    buyer  ok\x85    seller  yes\u2028    buyer  no\v    buyer  deal "
        + "word " * 20
    )
    narrator.message(Message("buyer", forged, "offer", {"price": 12, "note": "x]\n    seller  [accept"}))
    narrator.message(Message("", forged, to=("seller",)))
    first, *others = STYLE.sub("", out.getvalue()).splitlines()
    assert first.startswith("     buyer  so")
    assert all(line.startswith(" " * 12) or line.startswith("— so") for line in others), others
    assert "[offer price=12 note=x)     seller  (accept]" in out.getvalue() or columns


@pytest.mark.few(1)
@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "latin-1", "ascii", "cp437", "shift_jis"])
def test_every_encoding_takes_every_text(folder: Path, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "talkers.py").write_text(TALKERS.format(name="odd", words="→ 漢字 ü — “so” 🙂 \ud800 \u2028 €12"))
    done = typed(tmp_path, "play", "--rounds", "1", "--seat", "buyer=talkers.py:odd", encoding=encoding)
    assert done.code == 0 and done.stderr == "", done.stderr
    document = typed(
        tmp_path, "sql", "select text, seat from transcript where seat = 'buyer'", "--json", encoding=encoding
    )
    assert json.loads(document.stdout)[0]["text"].startswith("→ 漢字 ü — “so” 🙂"), "JSON loses nothing"
    assert {
        row["status"] for row in json.loads(typed(tmp_path, "sql", "select status from episodes", "--json").stdout)
    } == {"over"}
    texts = "select '→é漢🙂' as \"é→\""
    for words in (("show",), ("list", "games"), ("list", "runs"), ("play", "--help"), ("play", "--dry-run"),
                  ("verify",), ("sql", texts), ("sql", texts, "--csv"), ("check", "kuhn")):  # fmt: skip
        told = typed(tmp_path, *words, encoding=encoding)
        assert told.code == 0 and "Traceback" not in told.stderr and told.stdout, (words, told.stderr)
    wrong = typed(tmp_path, "list", "→漢", encoding=encoding)
    assert wrong.code == 2 and "there are" in wrong.stderr
