"""Find names in texts: whole words, in any case, script and form."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from arena.cache_register import memoize
from arena.text.words import PART, UNSPACED, fold, fold_with_offsets, is_unspaced

MARKED = rf"(?!{UNSPACED}){PART}\p{{M}}*"  # a character that a name of a script with spaces may not touch


class NameMatch(NamedTuple):
    """A name found in a text, at the characters [start, end); `name` is its folded form."""

    text: str
    start: int
    end: int
    name: str

    def group(self) -> str:
        return self.text


@dataclass(frozen=True)
class NameFinder:
    """Finds names. `options` are folded: see `arena.text.words.fold` for what counts as the same name.

    `others` are options that are looked for, too, and passed over: names of something else that may have one of these
    in them. A name is not part of a longer word: no letter, mark or digit touches it. In scripts without spaces (Han,
    kana, Thai, …) words have no visible end, so there a name is found wherever its characters occur. Forms of a name
    that a language makes by endings or particles are other words. Any space matches any run of spaces.
    """

    options: tuple[str, ...]
    others: frozenset[str] = frozenset()

    def search(self, text: str) -> NameMatch | None:
        """The first name in a text."""
        return next(self.finditer(text), None)

    def finditer(self, text: str) -> Iterator[NameMatch]:
        """The names in a text, in order; the longest of those that begin at one place."""
        if not self.options:
            return
        made = fold_with_offsets(text)
        pattern = self._ascii if made.text.isascii() else self._any
        if pattern is self._any and not self._near.search(made.text):
            return
        for match in pattern.finditer(made.text):
            name, (start, end) = canonicalize_name(match.group()), made.span(*match.span())
            if name not in self.others:
                yield NameMatch(text[start:end], start, end, name)

    def sub(self, new: str | Callable[[NameMatch], str], text: str) -> str:
        """The text with something in the place of each name."""
        parts, at = list[str](), 0
        for found in self.finditer(text):
            parts += [text[at : found.start], new if isinstance(new, str) else new(found)]
            at = found.end
        return "".join([*parts, text[at:]])

    @cached_property
    def _ascii(self) -> re.Pattern[str]:
        """For texts that fold to ASCII, which only such names can occur in."""
        options = "|".join(_allow_any_spaces(name) for name in self.options if name.isascii())
        return re.compile(rf"(?<!\w)(?:{options})(?!\w)" if options else r"(?!)")

    @cached_property
    def _near(self) -> re.Pattern[str]:
        """Finds the names within words, too; faster than `_any` where there are none."""
        return re.compile("|".join(map(_allow_any_spaces, self.options)))

    @cached_property
    def _any(self) -> Any:
        import regex

        options = "|".join(_add_boundaries(name) for name in self.options)
        return regex.compile(options, cache_pattern=False)


@memoize("texts", most=4096)
def make_finder(names: tuple[str, ...]) -> NameFinder:
    """Finds one of the names as whole words, in any case; nothing where there are no names."""
    return NameFinder(_sort_longest_first(_forms(names)))


def make_finder_beside(names: tuple[str, ...], known: Iterable[str]) -> NameFinder:
    """Finds one of the names, but not within a longer one of those that are known.

    That matters in scripts without spaces alone, where nothing else shows that "王明" in "王明月" is part of another.
    """
    own = _forms(names)
    inner = [name for name in own if is_unspaced(name[0]) or is_unspaced(name[-1])]
    longer = {
        name for name in (_forms(known) if inner else ()) if name not in own and any(one in name for one in inner)
    }
    return NameFinder(_sort_longest_first([*own, *longer]), frozenset(longer)) if longer else make_finder(names)


def canonicalize_name(name: str) -> str:
    """The name folded, with single spaces: equal for all ways of writing it."""
    return " ".join(fold(name).split())


def _sort_longest_first(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=len, reverse=True))


def _forms(names: Iterable[str]) -> dict[str, None]:
    return {form: None for name in names if (form := canonicalize_name(name))}


def _allow_any_spaces(name: str) -> str:
    return r"\s+".join(re.escape(word) for word in name.split(" "))


def _add_boundaries(name: str) -> str:
    """A pattern of the name with word boundaries: no neighbour may extend its first or last word."""
    front = "" if is_unspaced(name[0]) else rf"(?<!{MARKED})"
    behind = r"(?!\p{M})" if is_unspaced(name[-1]) else rf"(?!\p{{M}}|(?!{UNSPACED}){PART})"
    return f"{front}{_allow_any_spaces(name)}{behind}"
