"""Size limits of a plan: larger ones are refused before anything is built."""

from collections.abc import Mapping, Sequence
from math import prod

from arena.errors import UsageError

MOST_CELLS = 10_000
DEEPEST = 40  # nesting depth of tables and lists
MOST_VALUES = 100_000
LARGEST = 2**63 - 1


def check_values(table: object, where: str = "plan") -> None:
    """Raise UsageError for a plan that is nested too deeply, has too many values, or numbers beyond 63 bits."""
    waiting, count = [(where, table, 0)], 0
    while waiting:
        path, value, depth = waiting.pop()
        count += 1
        if depth > DEEPEST:
            raise UsageError(f"{_short(path)}: more than {DEEPEST} tables and lists stand within each other")
        if count > MOST_VALUES:
            raise UsageError(f"{where}: it has more than {MOST_VALUES:,} values")
        if isinstance(value, Mapping):
            waiting += [(f"{path}.{key}", inner, depth + 1) for key, inner in value.items()]
        elif isinstance(value, list | tuple):
            waiting += [(path, inner, depth + 1) for inner in value]
        elif isinstance(value, int) and not -LARGEST <= value <= LARGEST:
            raise UsageError(f"{_short(path)}: a whole number has to fit into 63 bits")


def check_sweep(paths: Mapping[str, Sequence[object]]) -> None:
    """Raise UsageError for a sweep with too many combinations."""
    cells = prod(len(values) for values in paths.values())
    if cells > MOST_CELLS:
        raise UsageError(
            f"plan: the sweep has {cells:,} combinations, and {MOST_CELLS:,} are the most; sweep fewer settings at once"
        )


def _short(path: str) -> str:
    return path if len(path) <= 80 else f"{path[:60]}…"
