"""Words that several games need."""

from collections.abc import Iterable


def listed(items: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; "nothing" without any."""
    *front, end = [*items] or ["nothing"]
    return f"{', '.join(front)} {last} {end}" if front else end


def amount(value: float) -> str:
    """`14`, `14.5` or `14.25`, with a comma between thousands."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def counted(counts: Iterable[int], names: Iterable[str]) -> str:
    """`2 books and 1 ball`; types of which there are none are left out."""
    return listed(f"{count} {plural(name, count)}" for count, name in zip(counts, names, strict=True) if count)


def plural(name: str, count: int) -> str:
    """The name for so many of it; names of one letter stay as they are."""
    return name if count == 1 or len(name) == 1 or name.endswith("s") else f"{name}s"
