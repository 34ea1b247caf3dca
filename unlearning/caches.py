"""What this process still holds of texts that it read: parsed notes, rendered prompts, keys and values of models.

Emptied when an agent forgets. Other processes keep theirs until they end, or until they forget something themselves.
"""

import sys
from collections.abc import Iterator
from typing import Any

FLOORS = ("arena", "agents", "games", "unlearning")


def emptied() -> int:
    """Empties the caches of all modules that are loaded; how many entries they had.

    Of functions those with a bound are taken: what is kept without one are worlds, types and weights, which hold
    nothing that an agent went through.
    """
    count = 0
    for cache in _bounded():
        count += cache.cache_info().currsize
        cache.cache_clear()
    for name in ("arena.memo", "agents.engine_prefix"):
        module: Any = sys.modules.get(name)
        count += module.emptied() if module is not None else 0
    return count


def _bounded() -> Iterator[Any]:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in FLOORS:
            for value in list(vars(module).values()):
                own = hasattr(value, "cache_info") and getattr(value, "__module__", "") == name
                if own and value.cache_parameters()["maxsize"] is not None:
                    yield value
