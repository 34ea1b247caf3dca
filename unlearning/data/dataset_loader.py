"""Load dataset rows from a folder or the hub: JSON, CSV or parquet, each row with its location."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.chat_model import require_network
from arena.errors import UsageError
from arena.extras import missing
from arena.text_files import read_text
from unlearning.data.json_rows import read_json
from unlearning.data.table_rows import read_table

KINDS = ("jsonl", "ndjson", "json", "parquet", "csv", "tsv")  # in the order in which they are looked for
WHOLE = ("default", "train", "full", "all")  # configurations that a data set of one configuration answers for
HUB = re.compile(r"([\w.-]+/[\w.-]+)(?:@(\S+))?")  # owner/name, or owner/name@revision
LISTED = 8  # files listed in the error where none matched


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One row; `place` is its file and line, or its number in a parquet file. columns: what a column is called in the
    file, by the name under which it is asked for, where these differ."""

    values: Mapping[str, Any]
    place: str
    columns: Mapping[str, str] = field(default_factory=dict)

    def has(self, column: str) -> bool:
        """Whether there is such a column."""
        return self._find_column(column) in self.values

    def text(self, column: str) -> str:
        """The text in that column. Raises UsageError, naming file, line and the columns that there are."""
        value = self._get(column)
        if not isinstance(value, str) or not value.strip():
            raise UsageError(
                f"{self.place}: {self._find_column(column)!r} has to be a text that is not empty, "
                f"not {_shorten_value(value)}"
            )
        return value

    def texts(self, column: str) -> tuple[str, ...]:
        """The texts in that column; one text is a list of one, unless it is a JSON list, as cells of a CSV file are."""
        value = self._get(column)
        several = _parse_list(value) if isinstance(value, str) else value
        if not isinstance(several, Sequence) or not several or not all(isinstance(one, str) for one in several):
            raise UsageError(
                f"{self.place}: {self._find_column(column)!r} has to be a list of texts, not {_shorten_value(value)}"
            )
        return tuple(several)

    def _find_column(self, column: str) -> str:
        return self.columns.get(column, column)

    def _get(self, column: str) -> Any:
        called = self._find_column(column)
        if called not in self.values:
            there = ", ".join(sorted(map(str, self.values))) or "none"
            raise UsageError(
                f"{self.place}: there is no column {called!r} (there are: {there}); name the one that is meant: "
                f"--set benchmark.{column}=COLUMN"
            )
        return self.values[called]


@dataclass(frozen=True, slots=True)
class DatasetSource:
    """The location of a data set: a folder, or a hub id such as locuslab/TOFU (owner/name@revision for one state of
    it). columns: what columns are called there, where they have other names."""

    id: str
    columns: Mapping[str, str] = field(default_factory=dict)

    def rows(self, config: str, split: str = "") -> tuple[DatasetRow, ...]:
        """The rows of a configuration, or of one split of it.

        Looked for in the folder are CONFIG.json, CONFIG/SPLIT.jsonl, CONFIG/SPLIT-00000-of-00001.parquet,
        CONFIG/SPLIT/0000.parquet, data/CONFIG.csv and the like; without a split that of the name `train`. Raises
        UsageError where there is no such file or one of its rows cannot be read.
        """
        files = self._files(config, split)
        if not files:
            looked = f"{config}/{split}" if split else config
            raise UsageError(
                f"data set {self.id!r}: there is no file {looked}.jsonl, .json, .parquet or .csv in "
                f"{self._folder(())}{self._there()}"
            )
        rows = tuple(row for file in files for row in read_rows(file, self.columns, (split, config)))
        if not rows:
            raise UsageError(f"{files[0]}: there are no rows in it")
        return rows

    def has(self, config: str, split: str = "") -> bool:
        """Whether there are rows of that configuration."""
        return bool(self._files(config, split))

    def _files(self, config: str, split: str) -> list[Path]:
        names = list_patterns(config, split)
        folder = self._folder(tuple(names))
        for name in names:
            if found := sorted(folder.glob(name)):
                return found
        return []

    def _there(self) -> str:
        """The files that there are, in words."""
        folder = self._folder(())
        found = sorted(str(file.relative_to(folder)) for kind in KINDS for file in folder.rglob(f"*.{kind}"))
        more = ", …" if len(found) > LISTED else ""
        return f" (there are: {', '.join(found[:LISTED])}{more})" if found else ""

    def _folder(self, patterns: tuple[str, ...]) -> Path:
        folder = Path(self.id).expanduser()
        if folder.is_dir():
            return folder
        found = HUB.fullmatch(self.id)
        if found is None:
            raise UsageError(
                f"data set {self.id!r}: there is no folder {folder.absolute()}, and it is no hub id (owner/name) either"
            )
        require_network(f"the data set {self.id}")
        try:
            from huggingface_hub import snapshot_download
        except ImportError as error:
            raise missing(f"the data set {self.id}", error) from error
        name, revision = found.groups()
        try:
            return Path(snapshot_download(name, repo_type="dataset", revision=revision, allow_patterns=list(patterns)))
        except (OSError, ValueError) as error:  # what the hub's client raises when there is no such set or no network
            raise UsageError(
                f"data set {self.id!r} cannot be fetched: {' '.join(str(error).split())}; give the folder of a copy"
            ) from error


def list_patterns(config: str, split: str = "") -> list[str]:
    """Paths where a configuration's files may be, relative to the folder of its data set, most likely first.

    One file; several parts (-00000-of-00001); a folder with numbered parts, as the hub's own conversion has them; and
    `data/` around all of these. A data set of a single configuration may have no name but its splits'.
    """
    if split:
        stems = [f"{config}/{split}", f"{config}_{split}", f"{config}/data/{split}"]
    else:
        stems = [config, f"{config}/train", f"data/{config}", f"{config}/data/train"]
        stems += ["data/train", "train"] if config in WHOLE else []
    return [f"{stem}{part}.{kind}" for stem in stems for kind in KINDS for part in ("", "-*-of-*", "/[0-9]*")]


def read_rows(file: Path, columns: Mapping[str, str] | None = None, names: Sequence[str] = ()) -> Iterator[DatasetRow]:
    """The rows of one file: parquet, CSV, one JSON object a line, or a JSON list of objects, which may be wrapped.

    names: which list is meant where a JSON file wraps several. Raises UsageError for what cannot be read, naming the
    line.
    """
    called = columns or {}
    if file.suffix == ".parquet":
        yield from _read_parquet(file, called)
        return
    try:
        text = read_text(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    tabular = file.suffix in (".csv", ".tsv")
    found = read_table(file, text, "\t" if file.suffix == ".tsv" else "") if tabular else read_json(file, text, names)
    for line, value in found:
        if not isinstance(value, dict):
            raise UsageError(f"{file}, line {line}: a row is a JSON object, not {_shorten_value(value)}")
        yield DatasetRow(value, f"{file}, line {line}", called)


def _read_parquet(file: Path, columns: Mapping[str, str]) -> Iterator[DatasetRow]:
    try:
        import pyarrow.parquet as parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise missing(f"the parquet file {file}", error) from error
    try:
        table = parquet.read_table(file)
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read as parquet: {error}") from error
    for number, values in enumerate(table.to_pylist(), 1):
        yield DatasetRow(values, f"{file}, row {number}", columns)


def _parse_list(value: str) -> Sequence[Any]:
    """The elements of a JSON list that is written as a text; else the text as the only one."""
    if value.lstrip().startswith("["):
        try:
            found = json.loads(value)
        except json.JSONDecodeError:
            return [value]
        return found if isinstance(found, list) else [value]
    return [value]


def _shorten_value(value: object) -> str:
    told = repr(value)
    return told if len(told) <= 60 else f"{told[:60]}…"
