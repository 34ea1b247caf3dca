"""From what a user types, or a TOML file, to the matches to play."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from arena.episode import PATIENCE, Match
from arena.errors import UsageError, unknown
from arena.game import Game
from arena.spec import Spec, assign, build


@dataclass(frozen=True, slots=True)
class Plan:
    """`n` matches of one game between the same agents, with the seeds `seed`, `seed` + 1, …

    The fields are the keys of a plan file: `game` and each of `seats` is a name or a table with `name`, optionally
    `preset`, and parameters.
    """

    game: Spec = "bargaining"
    seats: Mapping[str, Spec] = field(default_factory=dict)
    n: int = 1
    seed: int = 0
    patience: int = PATIENCE

    def matches(self) -> tuple[Match, ...]:
        """The matches in order. Raises UsageError for anything that cannot be played, before anything is."""
        if self.n < 1:
            raise UsageError(f"-n is how many episodes to play, 1 or more; got {self.n}")
        plans = tuple(Match(self.game, self.seats, self.seed + k, self.patience) for k in range(self.n))
        plans[0].built()
        return plans


def read_plan(path: Path) -> dict[str, Any]:
    """The table in a TOML plan file. Raises UsageError naming the file, the line, or the unknown key."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the plan {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the plan {path} is not TOML: {error}") from error
    return table


def make_plan(table: Mapping[str, Any], settings: Sequence[str] = ()) -> Plan:
    """A Plan from nested tables and `a.b=c` settings, whose first word is `game`, `seats` or a seat's name."""
    known = {f.name for f in fields(Plan)}
    for key in table:
        if key not in known:
            raise UsageError(f"plan: {unknown('key', key, known)}")
    for key in ("n", "seed", "patience"):
        if key in table and (not isinstance(table[key], int) or isinstance(table[key], bool)):
            raise UsageError(f"plan: {key} takes a whole number, got {table[key]!r}")
    if not isinstance(table.get("seats", {}), Mapping):
        raise UsageError(f"plan: seats takes a table of seat = agent, got {table['seats']!r}")
    draft: dict[str, Any] = {"game": table.get("game", Plan().game), "seats": dict(table.get("seats", {}))}
    for setting in settings:
        _set(draft, setting)
    return Plan(**{**table, **draft})


def _set(draft: dict[str, Any], setting: str) -> None:
    path, sign, text = setting.partition("=")
    root, _, rest = path.partition(".")
    if not sign or not rest:
        raise UsageError(f"--set takes a.b=c, for example game.cost=10 or seller.exponent=4; got {setting!r}")
    if root == "seats":
        root, _, rest = rest.partition(".")
    if root != "game":
        game: Game[Any] = build("game", draft["game"], "game")
        if root not in game.seats:
            raise UsageError(f"--set {setting}: {unknown('seat', root, ['game', *game.seats])}")
        draft["seats"].setdefault(root, game.cast[root])
        assign(draft["seats"], f"{root}.{rest}" if rest else root, value_of(text))
    else:
        assign(draft, path, value_of(text))


def value_of(text: str) -> Any:
    """A setting's value: read as TOML (numbers, true, lists, quoted text), else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
