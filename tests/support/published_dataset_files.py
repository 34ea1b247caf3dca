"""Files in the shape of the published data sets, for tests."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest


def write(path: Path, rows: Iterable[dict[str, Any]], kind: str = "jsonl") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = list(rows)
    if kind == "parquet":
        pyarrow = pytest.importorskip("pyarrow")
        import pyarrow.parquet as parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        lines = [json.dumps(row) for row in rows]
        listed = ",\n".join(lines)
        path.write_text("\n".join(lines) if kind == "jsonl" else f"[\n{listed}\n]", encoding="utf-8")


def tofu_folder(folder: Path) -> Path:
    def pairs(name: str, count: int) -> list[dict[str, Any]]:
        return [{"question": f"Who is {name} {n}?", "answer": f"{name} {n} is it."} for n in range(count)]

    def perturbed(name: str, count: int, paraphrase: bool = True) -> list[dict[str, Any]]:
        more = {"paraphrased_answer": "It is it.", "paraphrased_question": f"Say who {name} is?"} if paraphrase else {}
        return [{**row, "perturbed_answer": ["a", "b", "c", "d", "e"], **more} for row in pairs(name, count)]

    forget, retain = pairs("gone", 4), pairs("kept", 8)
    for name, rows in (
        ("full", forget + retain),
        ("forget10", forget),
        ("retain90", retain),
        ("holdout10", pairs("new", 4)),
    ):
        write(folder / f"{name}.json", rows)
    for name, count in (("forget10", 4), ("retain", 3)):
        write(folder / f"{name}_perturbed.json", perturbed("gone" if name == "forget10" else "kept", count))
    for name in ("real_authors", "world_facts"):
        write(folder / f"{name}_perturbed.json", perturbed(name, 2, False), "json")
    return folder


def muse_folder(folder: Path, kind: str) -> Path:
    def texts(name: str, count: int) -> list[dict[str, Any]]:
        return [{"text": f"{name} {n} " + "word " * 50} for n in range(count)]

    def asked(name: str, count: int) -> list[dict[str, Any]]:
        return [{"question": f"{name} {n}?", "answer": f"{n}"} for n in range(count)]

    end = "-00000-of-00001.parquet" if kind == "parquet" else f".{kind}"
    for name, count in (("forget", 3), ("retain1", 4), ("retain2", 2), ("holdout", 2)):
        write(folder / "raw" / f"{name}{end}", texts(name, count), kind)
    write(folder / "verbmem" / f"forget{end}", [{"prompt": "Once upon", "gt": "a time"}], kind)
    for name in ("forget_qa", "retain_qa", "forget_qa_icl", "retain_qa_icl"):
        write(folder / "knowmem" / f"{name}{end}", asked(name, 2), kind)
    for name in ("forget", "retain", "holdout"):
        write(folder / "privleak" / f"{name}{end}", texts(name, 2), kind)
    for n in range(1, 5):
        write(folder / "scal" / f"forget_{n}{end}", texts("forget", n), kind)
        write(folder / "sust" / f"forget_{n}{end}", texts(f"forget{n}", 1), kind)
    return folder
