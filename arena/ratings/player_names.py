"""Unique player names: the shown name, and the settings in which players of the same name differ."""

import json
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

K = TypeVar("K", bound=Hashable)
LONGEST = 24  # most characters of a setting's value


def names(players: Mapping[tuple[str, K], Mapping[str, object]]) -> dict[tuple[str, K], str]:
    """A name for each (shown name, key) from its resolved spec: `faratin(beta=0.2)` beside `faratin(beta=1)`.

    Only settings that not all players of a name share are included; names that are still equal are numbered.
    """
    alike: dict[str, list[tuple[str, K]]] = defaultdict(list)
    for key in players:
        alike[key[0]].append(key)
    found: dict[tuple[str, K], str] = {}
    for shown, keys in alike.items():
        flat = {key: dict(_flat(players[key])) for key in keys}
        paths = [path for path in dict.fromkeys(path for one in flat.values() for path in one)
                 if len({json.dumps(one.get(path)) for one in flat.values()}) > 1]  # fmt: skip
        seen = Counter[str]()
        for key in keys:
            told = ", ".join(f"{path}={_short(flat[key][path])}" for path in paths if path in flat[key])
            name = f"{shown}({told})" if told else shown
            seen[name] += 1
            found[key] = name if seen[name] == 1 else f"{name} #{seen[name]}"
    return found


def _flat(spec: Mapping[str, object], above: str = "") -> list[tuple[str, Any]]:
    """Flatten the settings to paths, `sampling.temperature`."""
    pairs: list[tuple[str, Any]] = []
    for key, value in spec.items():
        path = f"{above}{key}"
        pairs += _flat(value, f"{path}.") if isinstance(value, Mapping) else [(path, value)]
    return pairs


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
