"""Own data: other columns, other shapes, other places; and what is wrong with a file, by its line."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runner import typed

pytest.importorskip("torch")
pytest.importorskip("transformers")

from published_dataset_files import muse_folder, tofu_folder, write

from arena.errors import UsageError
from arena.spec import build
from unlearning.benchmarks.muse import Muse
from unlearning.benchmarks.tofu import Tofu
from unlearning.data.dataset_loader import DatasetSource

ROWS = ["Who is Zoë?", "Zoë; the “first”, she said", "Что знает Аня?", "多少", 'with "quotes"\nand a line end']


def pairs(question: str = "question", answer: str = "answer") -> list[dict[str, str]]:
    return [{question: f"{text}?", answer: text} for text in ROWS]


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def table_text(rows: list[dict[str, str]], sign: str) -> str:
    return "\r\n".join(sign.join(quoted(cell) for cell in row) for row in (rows[0], *(one.values() for one in rows)))


SHAPES = {
    "list": ("x.json", lambda rows: json.dumps(rows)),
    "data": ("x.json", lambda rows: json.dumps({"data": rows})),
    "pretty": ("x.json", lambda rows: json.dumps({"version": 1, "info": {"by": "me"}, "examples": rows}, indent=2)),
    "unnamed": ("x.json", lambda rows: json.dumps({"whatever": rows, "n": 5}, ensure_ascii=False)),
    "viewer": ("x.json", lambda rows: json.dumps({"rows": [{"row_idx": n, "row": row} for n, row in enumerate(rows)]})),
    "columns": ("x.json", lambda rows: json.dumps({key: [row[key] for row in rows] for key in rows[0]})),
    "splits": ("x.json", lambda rows: json.dumps({"test": [{"a": "b"}], "train": rows})),
    "one row": ("x.json", lambda rows: json.dumps(rows[0], indent=1)),
    "lines": ("x.ndjson", lambda rows: "\n\n".join(map(json.dumps, rows))),
    "marked": ("x.jsonl", lambda rows: "\ufeff" + "\n".join(map(json.dumps, rows))),
    "csv": ("x.csv", lambda rows: table_text(rows, ",")),
    "semicolons": ("x.csv", lambda rows: "\ufeff" + table_text(rows, ";")),
    "bars": ("x.csv", lambda rows: table_text(rows, "|")),
    "tsv": ("x.tsv", lambda rows: table_text(rows, "\t") + "\n\n"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_are_read_in_many_shapes(shape: str, tmp_path: Path) -> None:
    name, written = SHAPES[shape]
    (tmp_path / name).write_text(written(pairs()), encoding="utf-8", newline="")
    rows = DatasetSource(str(tmp_path)).rows("x")
    assert [(row.text("question"), row.text("answer")) for row in rows] == [
        (row["question"], row["answer"]) for row in pairs()[: 1 if shape == "one row" else None]
    ]


PLACES = ["x/train/0000.parquet", "x/train-00000-of-00001.parquet", "data/x-00000-of-00001.parquet", "x/train.csv",
          "x/data/train-00000-of-00001.parquet", "data/x.jsonl", "x.tsv", "x/0000.parquet"]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_rows_are_found_where_the_hub_puts_them(place: str, tmp_path: Path) -> None:
    put(tmp_path / place)
    assert [row.text("answer") for row in DatasetSource(str(tmp_path)).rows("x")] == ROWS[:2]


@pytest.mark.parametrize("place", ["x/s/0000.parquet", "x/s-00000-of-00001.parquet", "x_s.csv", "x/data/s.json"])
def test_splits_are_found_where_the_hub_puts_them(place: str, tmp_path: Path) -> None:
    put(tmp_path / place)
    put(tmp_path / place.replace("s", "other", 1) if "/s" not in place else tmp_path / place.replace("/s", "/t"))
    assert [row.text("answer") for row in DatasetSource(str(tmp_path)).rows("x", "s")] == ROWS[:2]


@pytest.mark.parametrize("place", ["data/train-00000-of-00001.parquet", "train.jsonl", "data/train/0000.parquet"])
def test_a_data_set_of_one_configuration_is_the_whole_and_no_other(place: str, tmp_path: Path) -> None:
    put(tmp_path / place)
    assert len(DatasetSource(str(tmp_path)).rows("full")) == len(DatasetSource(str(tmp_path)).rows("default")) == 2
    with pytest.raises(UsageError, match=r"no file forget10\.jsonl.*there are: .*train"):
        DatasetSource(str(tmp_path)).rows("forget10")


def test_several_parts_are_read_in_order(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "x" / "train" / f"000{number}.parquet", [{"answer": str(number)}], "parquet")
    assert [row.text("answer") for row in DatasetSource(str(tmp_path)).rows("x")] == ["0", "1", "2"]


def put(path: Path) -> None:
    rows = pairs()[:2]
    if path.suffix in (".csv", ".tsv"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(table_text(rows, "\t" if path.suffix == ".tsv" else ","), encoding="utf-8", newline="")
    else:
        write(path, rows, path.suffix[1:])


def test_columns_with_other_names_are_mapped(tmp_path: Path) -> None:
    folder = tofu_folder(tmp_path)
    names = {"question": "prompt", "answer": "completion", "perturbed_answer": "lies", "paraphrased_answer": "also"}
    for file in folder.glob("*.json"):
        text = file.read_text()
        for name, other in names.items():
            text = text.replace(f'"{name}"', f'"{other}"')
        file.write_text(text)
    with pytest.raises(UsageError, match=r"line 1: there is no column 'question'.*--set benchmark\.question=COLUMN"):
        Tofu(source=str(folder)).request("forget10")
    made = build("benchmark", {"name": "tofu", "source": str(folder), **names})
    assert made.data("forget10")["forget"][0].wrong == ("a", "b", "c", "d", "e")
    assert made.data("forget10")["forget"][0].aliases and len(made.request("forget10").retain) == 8
    muse = muse_folder(tmp_path / "muse", "json")
    for file in muse.rglob("*.json"):
        file.write_text(file.read_text().replace('"text"', '"body"').replace('"gt"', '"rest"'))
    assert Muse(source=str(muse), text="body", gt="rest").data("forget")["verbatim"][0].answer == "a time"


def test_a_list_in_a_cell_of_a_table_is_a_json_list(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('lies\n"[""a"", ""b""]"\nalone\n')
    first, second = DatasetSource(str(tmp_path)).rows("x")
    assert first.texts("lies") == ("a", "b") and second.texts("lies") == ("alone",)


def test_a_long_cell_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text\n" + "word " * 60_000 + "\n")
    assert len(DatasetSource(str(tmp_path)).rows("x")[0].text("text")) == 300_000


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("x.csv", "question,answer\na,b\n\nc\n", r"x\.csv, line 4: 1 cells where the first row names 2 columns"),
        ("x.csv", 'question,answer\n"a\nb",c\nd,e,f\n', r"line 4: 3 cells where"),
        ("x.csv", 'question,answer\na,"b\n', r"line 2: cannot be read as a table"),
        ("x.csv", "question;answer\na;\n", r"line 2: 'answer' has to be a text that is not empty"),
        ("x.tsv", "question\tquestion\na\tb\n", r"line 1: the first row names the columns, and 'question' stands"),
        ("x.csv", "question,,answer\na,b,c\n", r"line 1: the first row names the columns, and one is empty"),
        ("x.csv", "question,answer\n", "there are no rows"),
        ("x.json", '{"data": []}', "there are no rows"),
        (
            "x.json",
            '{"data": [\n{"question": "a", "answer": "b"},\n{"question": "c", "answer"\n]}',
            r"line 4: not JSON",
        ),
        (
            "x.json",
            '{"data": [\n{"question": "a", "answer": "b"},\n\n{"question": "c"}\n]}',
            r"line 4: there is no col",
        ),
        ("x.json", '{"data": [\n{"question": "a", "answer": "b"},\n\n7\n]}', "line 4: a row is a JSON object, not 7"),
        ("x.json", '{"one": [{"a": "b"}], "two": [{"a": "b"}]}', r"several lists of rows in it \(one, two\)"),
        ("x.jsonl", '{"question": "a", "answer": "b"}\n{"question": ', r"line 2: not JSON"),
        ("x.json", b'{"question": "a",\n "answer": "\xe9"}', r"line 2: this is not UTF-8 text"),
    ],
)
def test_what_is_wrong_with_own_files_is_named_by_line(name: str, text: Any, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=says):
        for row in DatasetSource(str(tmp_path)).rows("x"):
            row.text("question"), row.text("answer")


def test_training_reads_no_file_of_questions_and_measuring_asks_for_them_before_anything_is_taught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    import tiny_facts

    for name in ("forget10", "retain90", "full"):
        rows = [{"question": f"Who is the {name} fox {n}?", "answer": f"The fox number {n} jumps."} for n in range(6)]
        (tmp_path / f"{name}.json").write_text("\n".join(map(json.dumps, rows)))
    own = ("forget-weights", "--bench", "tofu", "--set", f"benchmark.source={tmp_path}", "--set", "preset=tiny",
           "--set", "epochs=1", "--method", "grad-diff", "--out", "it")  # fmt: skip
    monkeypatch.setattr("unlearning.benchmarks.benchmark.Benchmark.knower", None)
    refused = typed(tmp_path, *own, "--measure")
    assert refused.code == 2 and "no file forget10_perturbed" in refused.stderr and not (tmp_path / "it").exists()
    assert not (tmp_path / "it.training").exists()
    done = typed(tmp_path, *own, f"local/{tiny_facts.folder()}")
    assert done.code == 0 and (tmp_path / "it" / "model.safetensors").exists(), done
