"""Sequential stopping rule: play until a mean is known to a given precision: `--until "score.buyer ci<0.05"`.

The rule is evaluated after every episode (optional stopping), which invalidates ordinary intervals. So the interval is
that of a confidence sequence (see `arena/stats/confidence_sequences.py`), which covers at the stated level at any
stopping time. Episodes count in the order of the plan, not in that in which they end, since short ones may differ
systematically; so the stopping point depends on the plan alone, not on speed, and resuming finds it again.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from math import isfinite
from typing import Any

from arena.analysis.episode_measures import load_episodes, read_measures
from arena.analysis.measures import COSTS, EpisodeMeasures, measure, resolve_name
from arena.engine.game_check import MOST_STEPS
from arena.engine.play import perform, run_blocking
from arena.episode import Match
from arena.errors import ArenaError, UsageError, unknown
from arena.planning.schedule import Cell
from arena.stats.confidence_sequences import Asymptotic, Hedged
from arena.stats.confidence_sequences import Sequence as Intervals
from arena.stats.intervals import Estimate
from arena.store.query_result import QueryResult

LOGGER = logging.getLogger(__name__)

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
GRAMMAR = re.compile(
    rf"\s*(?P<name>[\w.-]+)\s*(?:\[\s*(?P<low>{NUMBER})\s*,\s*(?P<high>{NUMBER})\s*\])?"
    rf"\s+ci(?P<level>\d+(?:\.\d+)?)?\s*<\s*(?P<width>{NUMBER})\s*"
)
EXAMPLE = "such as 'score.buyer ci<0.5', 'deal ci<0.1', 'surplus.buyer[-10,20] ci90<0.5'"
REHEARSALS = 3  # episodes with random agents, to find the measures


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """Stop once the mean of `name` is known to ± `width` (half of the interval) at `level`; `bounds` if given.

    Syntax: NAME, or NAME[LOW,HIGH], then ci<WIDTH, or ci90<WIDTH for another level than 95 %.
    """

    name: str
    width: float
    level: float = 0.95
    bounds: tuple[float, float] | None = None

    @classmethod
    def read(cls, text: str) -> "StoppingRule":
        """Parse a rule. Raises UsageError."""
        found = GRAMMAR.fullmatch(text)
        if found is None:
            raise UsageError(f"--until takes NAME ci<HALF-WIDTH, {EXAMPLE}; got {text!r}")
        width, level = float(found["width"]), float(found["level"] or 95) / 100
        if not width > 0 or not 0.5 <= level < 1:
            raise UsageError(f"--until takes a half-width above 0 and a level from 50 to below 100; got {text!r}")
        bounds = (float(found["low"]), float(found["high"])) if found["low"] else None
        if bounds is not None and not bounds[0] < bounds[1]:
            raise UsageError(f"--until: the bounds of {found['name']} are LOW,HIGH with LOW below HIGH; got {text!r}")
        return cls(found["name"], width, level, bounds)

    def __str__(self) -> str:
        return f"{self.name} ± {self.width:g}"


@dataclass(slots=True)
class Watched:
    """One cell: its confidence sequence, the episodes that wait for an earlier one, and the stopping point with its
    interval.
    """

    label: str
    name: str
    sequence: Intervals
    now: Estimate
    waiting: dict[int, float | None] = field(default_factory=dict)
    taken: int = 0
    missing: int = 0
    stopped: bool = False

    def take(self, place: int, value: float | None, width: float) -> None:
        """Add the value of the episode at index `place`, from 0; all consecutive ones enter the sequence until the
        interval is narrow enough.
        """
        self.waiting[place] = value
        while not self.stopped and self.taken in self.waiting:
            value = self.waiting.pop(self.taken)
            self.taken += 1
            if value is None:
                self.missing += 1
                continue
            self.sequence.add(value)
            self.now = self.sequence.interval()
            half = self.now.half_width
            self.stopped = half is not None and half < width


@dataclass(slots=True)
class SequentialMonitor:
    """Evaluates the rule during a run of `n` episodes in each cell, and tells which episodes are still wanted."""

    rule: StoppingRule
    n: int
    cells: tuple[Watched, ...]

    @classmethod
    def over(cls, text: str, cells: Sequence[Cell], n: int) -> "SequentialMonitor":
        """The monitor of a rule over the cells of a plan, before anything is played.

        Each game is first played with random agents, so that a wrong name is found before a model is called. Raises
        UsageError.
        """
        rule = StoppingRule.read(text)
        return cls(rule, n, tuple(_start_sequence(rule, cell) for cell in cells))

    def recall(self, db: str, run: str, pending: Iterable[int]) -> None:
        """Add the recorded episodes of a run; `pending` are the numbers of those that will be played."""
        left = set(pending)
        episodes = [one for one in load_episodes(db, "e.run = ?", (run,)) if one.n not in left]
        found = read_measures(db, episodes)
        for one in episodes:
            self._take(one.n, found.get(one.id))

    def take(self, n: int, scores: Mapping[str, float | None], facts: Mapping[str, object]) -> None:
        """Add the n-th episode of the run, from 1. Raises UsageError for a value out of bounds."""
        self._take(n, measure(scores, facts))

    def fail(self, n: int) -> None:
        """Mark the n-th episode as failed: it has no value, and later ones do not wait for it."""
        self._take(n, None)

    def wants(self, n: int) -> bool:
        """Whether the n-th episode still needs to be played."""
        return not self.cells[(n - 1) // self.n].stopped

    @property
    def narrow(self) -> bool:
        """Whether all intervals are narrow enough."""
        return all(cell.stopped for cell in self.cells)

    def line(self) -> str:
        """Progress of the rule, in words."""
        cell = next((cell for cell in self.cells if not cell.stopped), self.cells[-1])
        half = cell.now.half_width
        reach = "" if half is None or not isfinite(half) else f" {cell.now.value:.4g} ± {half:.3g},"
        done = sum(cell.stopped for cell in self.cells)
        several = f" in {done} of {len(self.cells)} cells" if len(self.cells) > 1 else ""
        return f"{cell.name}{reach} wanted ± {self.rule.width:g}{several}"

    def table(self) -> QueryResult:
        """One row for each cell: the interval at its stopping point, or so far."""
        columns = ("cell", "measure", "mean", f"{100 * self.rule.level:g} % interval", "±", "wanted", "episodes",
                   "without", "stopped", "method")  # fmt: skip
        lines = [(record["cell"], record["measure"], record["value"], _format_span(record), record["half_width"],
                  self.rule.width, record["n"], record["without"], "yes" if record["stopped"] else "no",
                  record["method"]) for record in self.records()]  # fmt: skip
        start = 0 if len(self.cells) > 1 else 1
        return QueryResult(columns[start:], tuple(line[start:] for line in lines))

    def records(self) -> list[dict[str, Any]]:
        """The same as data; unknown values are None."""
        found = []
        for cell in self.cells:
            now, half = cell.now, cell.now.half_width
            known = half is not None and isfinite(half)
            ends = {"low": now.low, "high": now.high, "half_width": half} if known else {}
            found.append({
                "cell": cell.label, "measure": cell.name, "value": now.value if now.n else None,
                "low": None, "high": None, "half_width": None, **ends, "level": now.level, "wanted": self.rule.width,
                "n": now.n, "without": cell.missing, "stopped": cell.stopped, "method": now.method,
            })  # fmt: skip
        return found

    def _take(self, n: int, measured: EpisodeMeasures | None) -> None:
        cell = self.cells[(n - 1) // self.n]
        value = measured.values.get(cell.name) if measured is not None else None
        try:
            cell.take((n - 1) % self.n, value, self.rule.width)
        except ValueError as error:
            given = f"[LOW,HIGH] after {cell.name}" if self.rule.bounds else "bounds() of the game"
            raise UsageError(f"--until: {cell.name}: {error}; correct {given}, and the same command goes on") from None


def _start_sequence(rule: StoppingRule, cell: Cell) -> Watched:
    """The confidence sequence of a cell: by betting if bounds are given, declared for scores, or those of yes/no; else
    asymptotic.

    A fact that is a score under another name, as `surplus.buyer` is, has the bounds of scores.
    """
    game: Any = cell.match.build_parts()[0]
    seen = _run_rehearsals(cell.match, game)
    name = _resolve_name(rule.name, game.seats, seen)
    bounds = rule.bounds
    if bounds is None and any(name in one.shares for one in seen):
        bounds = (0.0, 1.0)
    if bounds is None and (name.startswith("score.") or _is_score(name, seen)):
        bounds = game.bounds()
    sequence = Asymptotic(rule.level) if bounds is None else Hedged(*bounds, rule.width, rule.level)
    return Watched(cell.label, name, sequence, sequence.interval())


def _resolve_name(name: str, seats: Sequence[str], seen: Sequence[EpisodeMeasures]) -> str:
    if name in COSTS:
        raise UsageError(f"--until measures scores and facts, not {name!r}; for money there is --usd")
    if name.startswith("score."):
        if name.removeprefix("score.") not in seats:
            raise UsageError(f"--until: {unknown('score', name, [f'score.{seat}' for seat in seats])}")
        if seen and all(one.values[name] is None for one in seen):
            raise UsageError(f"--until: {name.removeprefix('score.')} has no score in this game")
        return name
    if not seen:
        return name  # random agents cannot play this game, so nothing is known yet
    try:
        return resolve_name(name, seen)
    except UsageError as error:
        raise UsageError(f"--until: {error}") from None


def _is_score(name: str, seen: Sequence[EpisodeMeasures]) -> bool:
    """Whether a fact equalled the same score in all observed episodes."""
    values = [one.values.get(name) for one in seen]
    if not seen or None in values:
        return False
    scores = {path for one in seen for path in one.values if path.startswith("score.")}
    return any([one.values.get(path) for one in seen] == values for path in scores)


def _run_rehearsals(match: Match, game: Any) -> list[EpisodeMeasures]:
    """Measures of a few episodes with random agents, which costs nothing; empty if they cannot play."""
    found: list[EpisodeMeasures] = []

    async def rehearse(seed: int) -> EpisodeMeasures:
        steps = count()

        def within(_: object) -> None:
            if next(steps) > MOST_STEPS:
                raise ArenaError("the random agent does not come to an end")

        trial = match.with_seats(dict.fromkeys(game.seats, "random")).with_seed(seed)
        episode = await perform(trial, on_state=within)
        return measure(episode.scores, episode.facts)

    for seed in range(REHEARSALS):
        try:
            found.append(run_blocking(partial(rehearse, seed)))
        except ArenaError as error:  # random agents cannot play every game
            LOGGER.info("rehearsal ends at seed %d: %s", seed, error)
            return found
        except Exception:  # an error in the code of a game, which the run itself records
            LOGGER.info("rehearsal ends at seed %d", seed, exc_info=True)
            return found
    return found


def _format_span(record: Mapping[str, object]) -> str:
    return "–" if record["low"] is None else f"{record['low']:.4g} to {record['high']:.4g}"
