"""Import permission: only parts that the user named may run, never those that only a record names.

A command restricts the process to the parts on its command line, to those of its plan file, and to trusted files
(`--trust`), remembered by a hash of their contents. Used as a library, the caller of `build` names the part, and
nothing is restricted.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from arena.cache_register import register
from arena.errors import UntrustedPart
from arena.external_parts import Outside
from arena.user_settings import read_json, write_json

LOGGER = logging.getLogger(__name__)

REMEMBERED = "trusted.json"  # SHA-256 of trusted code: the file it was read from when it was trusted
BEFORE_NAME = re.compile(r"[=(,|\s'\"\[{]")  # start of a part's name within an argument of a command line


@dataclass(slots=True)
class ImportPermission:
    """Parts that this process may import: `named` are those that the user named; None means all.

    With `trusting` (`--trust`) parts that a record or a plan names are allowed, and their hashes remembered.
    `checked` are parts that were allowed already.
    """

    named: list[Outside] | None = None
    trusting: bool = False
    checked: set[Outside] = field(default_factory=set)


_PERMISSION = register("code", ImportPermission())  # process-wide, like imports


@contextmanager
def restrict_imports(words: Sequence[str]) -> Iterator[None]:
    """Context manager: only parts named in the words of a command line may be imported, and those added by `allow`."""
    before = (_PERMISSION.named, _PERMISSION.trusting)
    _PERMISSION.named, _PERMISSION.trusting = [part for word in words for part in _find_parts(word)], False
    _PERMISSION.checked.clear()
    try:
        yield
    finally:
        _PERMISSION.named, _PERMISSION.trusting = before
        _PERMISSION.checked.clear()


def trust_all() -> None:
    """From here on, parts that records and plans name may be imported; each is remembered by its hash."""
    _PERMISSION.trusting = True


def allow(parts: Iterable[Outside]) -> None:
    """Allow these parts to be imported, since the user named the file that names them."""
    if _PERMISSION.named is not None:
        _PERMISSION.named += parts


def check_trust(kind: str, part: Outside) -> None:
    """Raise UntrustedPart if the user has neither named the part nor trusted its code.

    Named parts are remembered like trusted ones, so that recorded episodes can be replayed.
    """
    if _PERMISSION.named is None or part in _PERMISSION.checked:
        return
    if is_named(part) or _PERMISSION.trusting:
        remember([part])
    elif not is_remembered(part):
        where = f"{part.files[-1]}, SHA-256 {part.digest[:12]}…" if part.digest else "no file of that name is here"
        raise UntrustedPart(kind, f"{part.place}:{part.attribute}", where)
    _PERMISSION.checked.add(part)


def is_named(part: Outside) -> bool:
    """Whether the user named the part on this command line, or nothing is restricted."""
    return _PERMISSION.named is None or any(part.same(one) for one in _PERMISSION.named)


def is_remembered(part: Outside) -> bool:
    """Whether code with the same contents was trusted before."""
    return bool(part.digest) and part.digest in _load_remembered()


def remember(parts: Iterable[Outside]) -> None:
    """Store the hashes of these parts; if they cannot be written the parts are trusted this time only."""
    known = _load_remembered()
    new = {part.digest: str(part.files[-1]) for part in parts if part.digest and part.digest not in known}
    try:
        if new:
            write_json(REMEMBERED, {**known, **new})
    except OSError as error:
        LOGGER.info("trusted for this command alone, %s cannot be written: %s", REMEMBERED, error)


def find_outside_parts(value: object) -> list[Outside]:
    """The parts outside of the registry that a plan's table names, each once, in order; nothing is imported."""
    found: list[Outside] = []
    for text in _list_texts(value):
        found += [part for part in _find_parts(text) if part.files and part not in found]
    return found


def _load_remembered() -> Mapping[str, str]:
    known = read_json(REMEMBERED)
    return known if isinstance(known, dict) else {}


def _list_texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _list_texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _list_texts(inner)


def _find_parts(word: str) -> Iterator[Outside]:
    """Everything in a word of a command line that may be the name of a part: `--seat=buyer=my/goods.py:Goods(x=1)`."""
    for colon in re.finditer(r":(?=([A-Za-z_]\w*))", word):
        before = word[: colon.start()]
        starts = [0, *(mark.end() for mark in BEFORE_NAME.finditer(before))]
        for start in starts:
            part = Outside.parse(f"{before[start:]}:{colon[1]}")
            if part is not None and part.place:
                yield part
