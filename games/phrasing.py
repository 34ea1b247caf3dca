"""Text formatting that several games share."""

from collections.abc import Iterable


def join_list(items: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; "nothing" without any."""
    *front, end = [*items] or ["nothing"]
    return f"{', '.join(front)} {last} {end}" if front else end


def format_amount(value: float) -> str:
    """`14`, `14.5` or `14.25`, with a comma between thousands."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def format_counts(counts: Iterable[int], names: Iterable[str]) -> str:
    """`2 books and 1 ball`; types of which there are none are left out."""
    return join_list(f"{count} {make_plural(name, count)}" for count, name in zip(counts, names, strict=True) if count)


def make_plural(name: str, count: int) -> str:
    """The name for so many of it; names of one letter stay as they are."""
    return name if count == 1 or len(name) == 1 or name.endswith("s") else f"{name}s"
