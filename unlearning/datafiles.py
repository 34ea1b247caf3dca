"""Rows of published data sets: from a folder or from the hub, json, jsonl or parquet, each with the place it stands."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.model import need_network
from arena.errors import UsageError
from arena.extras import missing
from arena.textfile import read_text

KINDS = ("jsonl", "json", "parquet")  # in the order in which they are looked for


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `place` is its file and line, or its number in a parquet file."""

    values: Mapping[str, Any]
    place: str

    def text(self, column: str) -> str:
        """The text in that column. Raises UsageError, naming file, line and the columns that there are."""
        value = self._get(column)
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{self.place}: {column!r} has to be a text that is not empty, not {_brief(value)}")
        return value

    def texts(self, column: str) -> tuple[str, ...]:
        """The texts in that column; one text is a list of one."""
        value = self._get(column)
        several = [value] if isinstance(value, str) else value
        if not isinstance(several, Sequence) or not several or not all(isinstance(one, str) for one in several):
            raise UsageError(f"{self.place}: {column!r} has to be a list of texts, not {_brief(value)}")
        return tuple(several)

    def _get(self, column: str) -> Any:
        if column not in self.values:
            raise UsageError(
                f"{self.place}: there is no column {column!r} (there are: {', '.join(sorted(self.values)) or 'none'}); "
                "name a file of the published shape"
            )
        return self.values[column]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a data set lies: a folder, or a hub id such as locuslab/TOFU."""

    id: str

    def rows(self, config: str, split: str = "") -> tuple[Row, ...]:
        """The rows of a configuration, or of one split of it.

        Looked for in the folder are CONFIG.json, CONFIG/SPLIT.jsonl, CONFIG/SPLIT-00000-of-00001.parquet and the like.
        Raises UsageError where there is no such file or one of its rows cannot be read.
        """
        files = self._files(config, split)
        if not files:
            looked = f"{config}/{split}" if split else config
            raise UsageError(
                f"data set {self.id!r}: there is no file {looked}.jsonl, .json or .parquet in {self._folder(())}"
            )
        rows = tuple(row for file in files for row in read(file))
        if not rows:
            raise UsageError(f"{files[0]}: there are no rows in it")
        return rows

    def has(self, config: str, split: str = "") -> bool:
        """Whether there are rows of that configuration."""
        return bool(self._files(config, split))

    def _files(self, config: str, split: str) -> list[Path]:
        stems = [f"{config}/{split}", f"{config}_{split}"] if split else [config, f"{config}/train"]
        names = [f"{stem}{part}.{kind}" for stem in stems for kind in KINDS for part in ("", "-*-of-*")]
        folder = self._folder(tuple(names))
        for name in names:
            if found := sorted(folder.glob(name)):
                return found
        return []

    def _folder(self, patterns: tuple[str, ...]) -> Path:
        folder = Path(self.id).expanduser()
        if folder.is_dir():
            return folder
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.id):
            raise UsageError(
                f"data set {self.id!r}: there is no folder {folder.absolute()}, and it is no hub id (owner/name) either"
            )
        need_network(f"the data set {self.id}")
        try:
            from huggingface_hub import snapshot_download
        except ImportError as error:
            raise missing(f"the data set {self.id}", error) from error
        try:
            return Path(snapshot_download(self.id, repo_type="dataset", allow_patterns=list(patterns)))
        except (OSError, ValueError) as error:  # what the hub's client raises when there is no such set or no network
            raise UsageError(
                f"data set {self.id!r} cannot be fetched: {' '.join(str(error).split())}; give the folder of a copy"
            ) from error


def read(file: Path) -> Iterator[Row]:
    """The rows of one file: parquet, one JSON object a line, or one JSON list of objects."""
    if file.suffix == ".parquet":
        yield from _read_parquet(file)
        return
    try:
        text = read_text(file)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    for line, value in _listed(file, text) if text.lstrip().startswith("[") else _lines(file, text):
        if not isinstance(value, dict):
            raise UsageError(f"{file}, line {line}: a row is a JSON object, not {_brief(value)}")
        yield Row(value, f"{file}, line {line}")


def _lines(file: Path, text: str) -> Iterator[tuple[int, Any]]:
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            try:
                yield line, json.loads(content)
            except json.JSONDecodeError as error:
                raise _broken(file, line, error) from None


def _listed(file: Path, text: str) -> Iterator[tuple[int, Any]]:
    """The elements of a JSON list, each with the line on which it begins."""
    decoder, gap = json.JSONDecoder(), re.compile(r"[\s,]*")
    at = text.index("[") + 1
    line, counted = 1, 0
    while True:
        found = gap.match(text, at)
        assert found is not None  # it matches the empty text
        at = found.end()
        line, counted = line + text.count("\n", counted, at), at
        if text[at : at + 1] == "]":
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise _broken(file, error.lineno, error) from None
        yield line, value


def _read_parquet(file: Path) -> Iterator[Row]:
    try:
        import pyarrow.parquet as parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise missing(f"the parquet file {file}", error) from error
    try:
        table = parquet.read_table(file)
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read as parquet: {error}") from error
    for number, values in enumerate(table.to_pylist(), 1):
        yield Row(values, f"{file}, row {number}")


def _broken(file: Path, line: int, error: json.JSONDecodeError) -> UsageError:
    return UsageError(f"{file}, line {line}: not JSON: {error.msg} at character {error.colno}")


def _brief(value: Any) -> str:
    told = repr(value)
    return told if len(told) <= 60 else f"{told[:60]}…"
