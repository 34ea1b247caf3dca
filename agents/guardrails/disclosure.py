"""What an answer must not disclose: target names, and values of facts unless stated of a subject that may have them."""

from typing import TypeAlias

from agents.name_matching import make_finder
from arena.cache_register import memoize

Pairs: TypeAlias = tuple[tuple[str, str], ...]  # a value, and a subject of whom it may be stated


def find_disclosed(
    text: str, values: tuple[str, ...], *, asked: str = "", subjects: tuple[str, ...] = (), spared: Pairs = ()
) -> tuple[str, ...]:
    """The values that a text contains as whole words and must not disclose.

    A value shared with another subject may be stated of that one: if the question (`asked`) or the text has a
    name that is `spared` with it, and neither has one of the `subjects` of whom it must not be stated.
    """
    if not make_finder(values).search(text):
        return ()
    found = tuple(value for value in values if make_finder((value,)).search(text))
    exchange = f"{asked}\n{text}"
    if not spared or make_finder(subjects).search(exchange):
        return found
    return tuple(value for value in found if not make_finder(_group_spared(spared).get(value, ())).search(exchange))


@memoize("texts", most=64)
def _group_spared(pairs: Pairs) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for value, name in pairs:
        names[value] = (*names.get(value, ()), name)
    return names
