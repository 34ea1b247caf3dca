"""Build the matches of a plan from command-line settings or a TOML file."""

import logging
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import prod
from pathlib import Path
from typing import Any

from arena.episode import PATIENCE, Match
from arena.errors import BadPart, UsageError, unknown
from arena.game import Game
from arena.planning.plan_limits import check_sweep, check_values
from arena.planning.schedule import Cell, combinations_of, swaps, sweep_paths
from arena.planning.settings import SettablePart, find_part, parse_setting
from arena.planning.tournament import Tournament
from arena.spec import Spec, assign, build, list_settable
from arena.spec_merge import get_at, merge_spec
from arena.text_files import read_text

LOGGER = logging.getLogger(__name__)

LARGEST = 1_000_000  # most episodes of a plan
MOST = 2000  # most episodes of each cell with --until and without -n
OF_GAME = ("rounds", "preset")  # keys of a plan that stand for the game's
COUNTS = {"n": 1, "seed": None, "patience": 0, "rounds": 1, "at_once": 1, "retries": 0}  # lower bounds


@dataclass(frozen=True, slots=True)
class Plan:
    """`n` matches of one game between the same agents, with the seeds `seed`, `seed` + 1, … in every cell.

    The fields are the keys of a plan file: `game` and each of `seats` is a name or a table with `name`, optionally
    `preset`, and parameters. `sweep` holds lists of values in place of settings, each combination of which is a cell;
    `swap` names seats of which each pair also changes places; with `tournament`, a table of Tournament's fields, each
    cell is one seating of its agents. `usd` and `usd_seats` are caps in dollars on the total and on each of some seats;
    `at_once` episodes are played concurrently; a failed one is retried `retries` times. `until` is a rule that stops
    each cell earlier (see `arena/planning/sequential_stopping.py`); `n` is then the most it plays, 2000 where nothing
    is said. `known`, which is no key, is the spec of an already built game, and the game.
    """

    game: Spec = "bargaining"
    seats: Mapping[str, Spec] = field(default_factory=dict)
    n: int = 1
    seed: int = 0
    patience: int = PATIENCE
    sweep: Mapping[str, Any] = field(default_factory=dict)
    swap: bool | Sequence[str] = False
    tournament: Mapping[str, Any] | None = None
    usd: float | None = None
    usd_seats: Mapping[str, float] = field(default_factory=dict)
    at_once: int = 32
    retries: int = 1
    until: str | None = None
    known: tuple[Spec, Game] | None = field(default=None, compare=False, repr=False)

    def build_game(self) -> Game:
        """The game without swept settings. Raises UsageError if it cannot be built."""
        return Draft(self.game, self.seats, self.known).build_game()

    def cells(self) -> tuple[Cell, ...]:
        """The combinations in order, each built once. Raises UsageError if one cannot be played."""
        if self.n < 1:
            raise UsageError(f"n is how many episodes to play, 1 or more; got {self.n}")
        paths = sweep_paths(self.sweep)
        _check_size(prod(map(len, paths.values())), self.n)
        check_sweep(paths)
        drafts = [(settings, *self._apply_settings(settings)) for settings in combinations_of(paths)]
        seats = {seat for *_, game, _ in drafts for seat in game.seats}
        cells: list[Cell] = []
        for settings, spec, game, named in drafts:  # seats that only other cells have are dropped
            present = {seat: agent for seat, agent in named.items() if seat in game.seats or seat not in seats}
            match = Match(spec, present, self.seed, self.patience).of_game(game)
            if self.tournament is None:
                self._check_kept(settings, match)
                cells += swaps(Cell(settings, match), self.swap)
            else:
                cells += Tournament.of(self.tournament).cells(game, match, settings)
            _check_size(len(cells), self.n)
        for seat in self.usd_seats:
            if seat not in seats:
                raise UsageError(f"the budget of a seat: {unknown('seat', seat, seats)}")
        return tuple(cells)

    def matches(self) -> tuple[Match, ...]:
        """The matches in order, cell by cell. Raises UsageError as `cells` does, before anything is played."""
        return schedule_matches(self.cells(), self.n)

    def _check_kept(self, settings: Mapping[str, object], match: Match) -> None:
        """Raise BadPart if a swept part does not accept the settings of its table."""
        tables = {"game": self.game, **self.seats}
        kept = {
            path: get_at(tables, _normalise_path(path)) for path, value in settings.items() if isinstance(value, str)
        }
        named = {path: list(table) for path, table in kept.items() if isinstance(table, Mapping)}
        try:
            match.build_parts()
        except BadPart as error:
            if not named or "no parameter" not in str(error):
                raise
            whose = " and ".join(f"[{path}] ({', '.join(keys)})" for path, keys in named.items())
            raise BadPart(
                f"{error}; a sweep over names keeps the other settings of {whose}: write a setting that only some of "
                'the names take into those values, such as {name = "…", setting = …}'
            ) from None

    def _apply_settings(self, settings: Mapping[str, object]) -> tuple[Spec, Game, Mapping[str, Spec]]:
        """The game's spec, the game, and the named seats under some settings."""
        draft = Draft(self.game, self.seats, self.known)
        draft.set_all([(path, value, "sweep") for path, value in settings.items()])
        return draft.game, draft.build_game(), draft.seats


def schedule_matches(cells: Sequence[Cell], n: int) -> tuple[Match, ...]:
    """`n` matches of each cell, with the same seeds in every cell."""
    return tuple(cell.match.with_seed(cell.match.seed + k) for cell in cells for k in range(n))


def read_plan(path: Path) -> dict[str, Any]:
    """The table in a TOML plan file. Raises UsageError naming the file, the line, or the unknown key."""
    try:
        table = tomllib.loads(read_text(path))
    except OSError as error:
        raise UsageError(f"the plan {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, ValueError) as error:  # ValueError: a number with thousands of digits
        raise UsageError(f"the plan {path} is not TOML: {error}") from error
    except RecursionError:
        raise UsageError(f"the plan {path}: too many tables and lists stand within each other") from None
    _check(table)
    return table


def read_question(path: Path) -> str:
    """The comment at the start of a plan file, in one line: its research question and cost."""
    lines = []
    for line in read_text(path).splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return " ".join(filter(None, lines))


def make_plan(table: Mapping[str, Any], settings: Sequence[str] = ()) -> Plan:
    """A Plan from nested tables and settings, as `arena/planning/settings.py` reads them, of the game and the seats.

    `rounds` and `preset`, in the table, are short for `game.rounds` and `game.preset`.
    """
    _check(table)
    draft = Draft(table.get("game", Plan().game), table.get("seats", {}))
    for key in OF_GAME:
        if key in table:
            draft.set(f"game.{key}", table[key], key)
    swept = {_normalise_path(path) for path in sweep_paths(table.get("sweep", {}))}
    draft.make(settings, swept, cast="tournament" not in table)
    most = {"n": MOST} if table.get("until") is not None else {}
    made = {**most, **table, "game": draft.game, "seats": draft.seats, "known": draft.known}
    return Plan(**{key: value for key, value in made.items() if key not in OF_GAME})


@dataclass(slots=True)
class Draft:
    """Specs of a plan while settings are applied to them. `known`: the spec of an already built game, and the game."""

    game: Spec
    seats: Mapping[str, Spec]
    known: tuple[Spec, Game] | None = None

    def make(self, settings: Sequence[str], swept: Collection[str], cast: bool) -> None:
        """Make the settings as they were typed; those of the game first, which says what seats it has.

        swept: paths that a sweep sets. cast: whether a bare name can mean an agent that nobody named. Raises UsageError
        for a setting of no part, a bare one of several, and one that is swept.
        """
        parsed = [(*parse_setting(typed), typed) for typed in settings]
        own = SettablePart("game", "game", self.game)
        for path, value, typed in sorted(parsed, key=lambda one: self._order(one[0], own)):
            prefix, rest, _ = find_part(_normalise_path(path), self._parts(path, cast), typed)
            whole = f"{prefix}.{rest}" if rest else prefix
            if whole in swept:
                raise UsageError(f"--set {typed}: the plan sweeps {whole}; take it out of [sweep], or leave this out")
            self.set(whole, value, f"--set {typed}")

    @staticmethod
    def _order(path: str, game: SettablePart) -> int:
        """Settings of the game stand before those that may be, and these before the seats'."""
        return 0 if path.partition(".")[0] == "game" else 1 if game.has(path) else 2

    def _parts(self, path: str, cast: bool) -> list[SettablePart]:
        """The game and the seats, as far as they are needed to find the part that a path means."""
        parts = [SettablePart("game", "game", self.game)]
        if path.startswith("game."):
            return parts
        game = self.build_game()
        agents = {seat: self.seats.get(seat, game.cast[seat]) for seat in game.seats}
        found = (SettablePart(seat, "agent", spec, bare=cast or seat in self.seats) for seat, spec in agents.items())
        return [*parts, *found]

    def set_all(self, settings: Iterable[tuple[str, object, str]]) -> None:
        """Apply the settings, (path, value, origin); those of the game first, since it determines the seats.

        Raises UsageError for an unknown seat.
        """
        for path, value, where in sorted(settings, key=lambda setting: setting[0].partition(".")[0] != "game"):
            self.set(path, value, where)

    def set(self, path: str, value: object, where: str) -> None:
        """Set `game.cost`, `seats.buyer.exponent` or `buyer.exponent`. Raises UsageError for an unknown seat."""
        root, _, rest = _normalise_path(path).partition(".")
        if root == "game":
            tables: dict[str, Any] = {"game": self.game}
            assign(tables, path, merge_spec(get_at(tables, path), value))
            self.game = tables["game"]
            return
        game = self.build_game()
        if root not in game.seats:
            raise UsageError(f"{where}: {unknown('seat', root, ['game', *game.seats])}")
        seats = {**self.seats, root: self.seats.get(root, game.cast[root])}
        inside = f"{root}.{rest}" if rest else root
        assign(seats, inside, merge_spec(get_at(dict(self.seats), inside), value))
        self.seats = seats

    def build_game(self) -> Game:
        """The game with the settings so far, built if needed. Raises UsageError if it cannot be built."""
        if self.known is None or self.known[0] != self.game:
            self.known = (self.game, build(Game, self.game, "game"))
        return self.known[1]


def _check_size(cells: int, n: int) -> None:
    """Raise UsageError for more episodes than fit into memory."""
    if cells * n > LARGEST:
        inside = f" in {cells:,} cells" if cells > 1 else ""
        raise UsageError(
            f"{n:,} episodes{inside} are more than the {LARGEST:,} that one command plays; play fewer (-n), or several "
            "commands with a --seed of their own each"
        )


def _normalise_path(path: str) -> str:
    return path.removeprefix("seats.")


def _check(table: Mapping[str, Any]) -> None:
    """Raise UsageError for an unknown key of a plan, or an invalid value."""
    check_values({key: value for key, value in table.items() if key != "known"})
    known = [*(f.name for f in fields(Plan) if f.name != "known"), *OF_GAME]
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"plan: {unknown('key', key, known)}{_suggest_place(key, table)}")
        if key in COUNTS:
            if not isinstance(value, int) or isinstance(value, bool):
                raise UsageError(f"plan: {key} takes a whole number, got {value!r}")
            if (least := COUNTS[key]) is not None and value < least:
                raise UsageError(f"plan: {key} is {least} or more, got {value}")
        elif key == "preset" and not isinstance(value, str):
            raise UsageError(f"plan: preset takes the name of a preset of the game, got {value!r}")
        elif key in ("seats", "sweep", "usd_seats", "tournament") and not isinstance(value, Mapping):
            raise UsageError(f"plan: {key} takes a table, got {value!r}")
        elif key == "swap" and not (isinstance(value, bool) or _has_only_texts(value)):
            raise UsageError(f"plan: swap takes true or a list of seats, got {value!r}")
        elif key == "until" and not isinstance(value, str):
            raise UsageError(f"plan: until takes a text such as 'deal ci<0.1', got {value!r}")
    if "tournament" in table and table.get("swap"):
        raise UsageError("plan: a tournament plays every way to sit already; leave swap out")
    for name, usd in {"usd": table.get("usd"), **table.get("usd_seats", {})}.items():
        if usd is not None and (not isinstance(usd, int | float) or isinstance(usd, bool) or not 0 <= usd < 1e12):
            raise UsageError(f"plan: a budget is in dollars, 0 or more; got {name} = {usd!r}")


def _suggest_place(key: str, table: Mapping[str, object]) -> str:
    """Where a misplaced top-level key of a plan belongs: in the game or in the seats; "" if in neither."""
    try:
        game = build(Game, table.get("game", Plan().game), "game")
    except UsageError as error:
        LOGGER.debug("no place is suggested for %r: %s", key, error)
        return ""
    if key in game.seats:
        return f"; {key} is a seat: write it under [seats]"
    return f"; {key} is the game's: write it under [game]" if key in list_settable(type(game)) else ""


def _has_only_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
