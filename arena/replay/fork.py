"""Fork a recorded episode: keep its first moves and continue from there with other seeds or settings."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text

from arena.engine.match_loop import seed_of
from arena.episode import Episode, Match, Turn
from arena.errors import UsageError
from arena.game import Game
from arena.planning.plan import Plan, make_plan
from arena.replay.trace import Divergence, retrace
from arena.replay.verify import examine
from arena.store.rows import MASK, RowBuffer, dump
from arena.store.select_episodes import choose
from arena.store.store import Pending, Run, Store
from arena.usage import FREE

MICROSECOND = 1e-6  # seconds between the recorded times of kept answers, so that they stay in order


@dataclass(frozen=True, slots=True)
class Forks:
    """Matches that share the first `at` transitions of the episode `parent`: the answers `kept`, refused ones included.

    The k-th match has `seeds[k]`; all have the parent's own seed, so that the game's random draws are the parent's. The
    agents' seeds are derived from the parent's match, the kept answers and `seeds[k]`, so they are reproducible.
    """

    parent: str
    at: int
    kept: tuple[Turn, ...]
    seeds: range
    plan: Plan
    matches: tuple[Match, ...]

    def add_history(self, run: Run, store: Store) -> Run:
        """The run with the kept answers as its history; they are recorded with a reference to the parent.

        Their calls are not recorded again: the parent paid for them. Existing rows stay unchanged.
        """
        pending = tuple(item if item.history else self._record_history(item, store) for item in run.pending)
        return replace(run, pending=pending)

    def _record_history(self, item: Pending, store: Store) -> Pending:
        rows, now = RowBuffer(), time.time()
        for number, turn in enumerate(self.kept):
            rows.turn(item.id, turn, now + number * MICROSECOND)
        rows.add("fork", item.id, self.parent, self.at, self.seeds[item.n - 1])
        store.writer.commit_now(rows)
        return replace(item, history=self.kept)


def plan_fork(
    store: Store,
    which: str,
    at: int,
    seats: Mapping[str, object] | None = None,
    settings: Sequence[str] = (),
    seed: int = 0,
    table: Mapping[str, object] | None = None,
) -> Forks:
    """Forks of the episode `which` after its first `at` transitions, with `seats` and `settings` changed.

    `at` counts from 0, the start of the game, to the number of transitions that were recorded, its end. The kept
    answers are replayed first. `table` holds keys of a plan other than game, seats and seed: `n`, the number of forks,
    `at_once`, `usd`, …; the agents of the k-th use `seed` + k. Raises UsageError for an `at` out of range, for answers
    that today's rules or the changed settings refuse, for an episode of an older rules version that replays
    differently, and for parts that cannot be built.
    """
    parent = store.episode(_find_latest(store) if which == "last" else which)
    plan = _build_plan(parent, seats or {}, settings, table or {})
    match = plan.cells()[0].match
    game, _ = match.build_parts()
    (chosen,) = choose(store, parent.id)
    if game.rules_version != chosen.rules_version and (found := examine(parent, chosen).divergence):
        raise UsageError(
            f"{parent.id} was played under rules_version {chosen.rules_version}, and this is {game.rules_version}, "
            f"which leads elsewhere: {_describe_divergence(found)}; type: arena verify {parent.id}"
        )
    kept = _select_answers(game, match, parent, at)
    seeds = range(seed, seed + plan.n)
    begun = seed_of(parent.match.id, dump([_to_data(turn) for turn in kept]))  # no id: equal parents give equal forks
    branches = (seed_of("fork", begun, at, number) for number in seeds)
    return Forks(parent.id, at, kept, seeds, plan, tuple(map(match.with_branch, branches)))


def _find_latest(store: Store) -> str:
    """The latest episode that is no fork, so that the same command resumes its own forks; "last" without one."""
    query = text(
        "SELECT id FROM episode WHERE id NOT IN (SELECT episode FROM fork) ORDER BY started DESC, n DESC LIMIT 1"
    )
    with store.engine.connect() as connection:
        found = connection.execute(query).scalar()
    return str(found or "last")


def _build_plan(
    parent: Episode, seats: Mapping[str, object], settings: Sequence[str], table: Mapping[str, object]
) -> Plan:
    """The parent's match as a plan, with other seats and settings. Raises UsageError where a secret is missing."""
    match = parent.match
    spec = {"game": _drop_masked(match.game), "seats": _drop_masked(match.seats) | dict(seats)}
    plan = make_plan({**table, **spec, "seed": match.seed, "patience": match.patience}, settings)
    game = plan.build_game()
    kept = {seat: agent for seat, agent in plan.seats.items() if seat in game.seats or seat in seats}
    if f"://{MASK}@" in str((plan.game, kept)):
        raise UsageError(f"a URL of {parent.id} had a password, which is never recorded; give the URL again by --set")
    return replace(plan, seats=kept)


def _select_answers(game: Game, match: Match, parent: Episode, at: int) -> tuple[Turn, ...]:
    """The answers of the first `at` transitions, without their calls, after a check by replay."""
    kept = tuple(turn for turn in parent.turns if turn.step < at)
    trace = retrace(game, match, kept if at >= 0 else parent.turns)
    if trace.divergence is not None and at >= 0:
        raise UsageError(
            f"the first {at} transitions of {parent.id} cannot be kept: {_describe_divergence(trace.divergence)}"
        )
    if trace.step != at:
        raise UsageError(
            f"--at counts the transitions of {parent.id} that are kept: 0 (its start) to {trace.step}; got {at}"
        )
    return tuple(replace(turn, move=replace(turn.move, usage=FREE)) for turn in kept)


def _to_data(turn: Turn) -> list[Any]:
    """An answer as plain data: its words and action, without its usage."""
    move = turn.move
    return [turn.step, turn.seat, turn.attempt, move.text, move.tool, move.args, move.thought, turn.refused]


def _describe_divergence(found: Divergence) -> str:
    where = f"step {found.step}, {found.seat}: " if found.seat else ""
    return f"{where}{found.why} (recorded: {found.then}; now: {found.now})"


def _drop_masked(spec: object) -> Any:
    """A stored spec without the fields whose secrets were masked, which take their defaults."""
    if isinstance(spec, Mapping):
        return {name: _drop_masked(value) for name, value in spec.items() if value != MASK}
    return [_drop_masked(value) for value in spec] if isinstance(spec, list | tuple) else spec
