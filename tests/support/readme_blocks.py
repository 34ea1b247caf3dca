"""The README as data: its blocks by language, its commands in order, and what each of them shows."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repository import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
RUN_ID = re.compile(r"\b[0-9a-z]{12}(?=\.\d+|\b)")


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it is typed, with the variables before it, and what the README shows of its output, "…" for any
    lines."""

    words: tuple[str, ...]
    shown: str = "…\n"
    variables: tuple[str, ...] = ()

    def __str__(self) -> str:
        return shlex.join((*self.variables, *self.words))

    def prints(self, stdout: str) -> bool:
        """Whether that is what it shows; ids of runs are not compared."""
        pattern = ".*".join(re.escape(part) for part in RUN_ID.sub("ID", self.shown).split("…\n"))
        return bool(re.fullmatch(pattern, RUN_ID.sub("ID", stdout), re.DOTALL))


def blocks(language: str) -> list[str]:
    """The blocks of that language."""
    return [body for name, body in BLOCKS if name == language]


def commands(*languages: str) -> list[Command]:
    """The commands of the blocks in these languages, in their order: `console` shows what is printed, `sh` does not."""
    found: list[Command] = []
    for language, body in BLOCKS:
        if language == "console" and language in languages:
            for piece in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                line, _, shown = piece.partition("\n")
                found += _parsed(line, shown)
        elif language == "sh" and language in languages:
            found += [one for line in body.splitlines() for one in _parsed(line, "…\n")]
    return found


def write_files(folder: Path) -> None:
    """Write the files that the README shows, where its commands will find them."""
    for body in (*blocks("python"), *blocks("toml")):
        if name := re.match(r"# (\w+\.\w+)", body):
            (folder / name[1]).write_text(body, encoding="utf-8")


def _parsed(line: str, shown: str) -> Iterator[Command]:
    words: list[str] = []
    for word in [*shlex.split(line, comments=True), "&&"]:
        if word != "&&":
            words.append(word)
            continue
        at = next((n for n, one in enumerate(words) if not re.match(r"[A-Z_]+=", one)), len(words))
        if words:
            yield Command(tuple(words[at:]), shown, tuple(words[:at]))
        words = []
