"""Compute scores again from stored moves, and store them beside the recorded ones."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import text

from arena.console.long_work import doing
from arena.episode import Episode
from arena.errors import UsageError, unknown
from arena.game import Game
from arena.registry import find, find_name
from arena.replay.trace import retrace
from arena.replay.verify import other_end
from arena.spec import build
from arena.store.rows import RowBuffer, drop_infinite
from arena.store.select_episodes import Chosen, choose
from arena.store.store import LARGEST, Store

LOGGER = logging.getLogger(__name__)

Function: TypeAlias = Callable[[Game, Any], Mapping[str, float | None]]
OWN = "game"  # the scorer name of the game itself


@dataclass(frozen=True, slots=True)
class Scorer:
    """A function of the game and its final state that pays each seat. `version` None: each game's rules_version."""

    name: str
    function: Function
    version: int | None = None

    @classmethod
    def find(cls, name: str, version: int | None = None) -> "Scorer":
        """The game's own scorer, or `module:function`, whose version is its attribute `version`, else 1. Raises
        UsageError.
        """
        if version is not None and not 0 <= version <= LARGEST:
            raise UsageError(f"--version is a whole number, 0 or more; got {version}")
        if name == OWN:
            return cls(OWN, lambda game, state: game.scores(state), version)
        if ":" not in name:
            raise UsageError(f"a scorer is {OWN!r}, or module:function or file.py:function; got {name!r}")
        function, _ = find("scorer", name)
        own = getattr(function, "version", 1)
        if not callable(function) or not isinstance(own, int):
            raise UsageError(f"the scorer {name} takes (game, state), and its version is a whole number; got {own!r}")
        return cls(find_name(function), function, own if version is None else version)

    def compute_scores(self, game: Game, state: object) -> dict[str, float | None]:
        """The scores by seat. Raises UsageError if the function returns something else."""
        paid = self.function(game, state)
        if not isinstance(paid, Mapping):
            raise UsageError(f"the scorer {self.name} returns scores by seat, got {paid!r}")
        for seat, value in paid.items():
            if seat not in game.seats:
                raise UsageError(f"the scorer {self.name}: {unknown('seat', str(seat), game.seats)}")
            if value is not None and not isinstance(value, int | float):
                raise UsageError(f"the scorer {self.name} pays {seat} {value!r}; a score is a number or None")
        return {seat: drop_infinite(value) for seat, value in paid.items()}


@dataclass(frozen=True, slots=True)
class Rescored:
    """One payoff, computed again.

    `old` is the recorded value of the game's own scorer at the rules version of the episode. `stored` is the result for
    the new value: "added", "there" (the same value exists), or "conflict" (another value exists for that version and is
    kept).
    """

    episode: str
    seat: str
    scorer: str
    version: int
    old: float | None
    new: float | None
    stored: str


@dataclass(frozen=True, slots=True)
class Rescoring:
    """All payoffs that were computed again, and the episodes that failed, with the reason."""

    rows: tuple[Rescored, ...]
    left_out: Mapping[str, str]


def rescore(store: Store, which: str, scorer: str = OWN, version: int | None = None) -> Rescoring:
    """Compute the scores of the finished episodes of a run, or of one, again from their stored moves, and add them as
    rows.

    `which` as in `choose`; `scorer` and `version` as in `Scorer.find`. Existing rows are never changed.
    """
    judge = Scorer.find(scorer, version)
    done: list[Rescored] = []
    left_out: dict[str, str] = {}
    found = choose(store, which)
    for n, chosen in enumerate(found, 1):
        doing("episode", f"{n} of {len(found)}")
        answer = _rescore_episode(store, chosen, judge)
        if isinstance(answer, str):
            left_out[chosen.id] = answer
        else:
            done += answer
    return Rescoring(tuple(done), left_out)


def _rescore_episode(store: Store, chosen: Chosen, scorer: Scorer) -> list[Rescored] | str:
    """Compute and store the payoffs of one episode, or return the reason of failure."""
    episode = store.episode(chosen.id)
    if episode.status not in ("over", "forfeit"):
        return f"not finished ({episode.status})"
    try:
        game = build(Game, episode.match.game, "game")
    except UsageError as error:
        return f"the game cannot be built: {error}"
    trace = retrace(game, episode.match, episode.turns)
    if found := trace.divergence or other_end(episode, trace):
        at = f" at step {found.step}, {found.seat or 'the end'}" if found.step is not None else ""
        return f"today's rules lead elsewhere{at}: {found.why}; type: arena verify {episode.id}"
    version = game.rules_version if scorer.version is None else scorer.version
    try:
        paid = scorer.compute_scores(game, trace.state)
    except UsageError:
        raise
    except Exception as error:
        LOGGER.debug("the scorer %s failed on episode %s", scorer.name, episode.id, exc_info=True)
        return f"the scorer {scorer.name} fails: {type(error).__name__}: {error}"
    return _store_scores(store, episode, scorer.name, version, paid)


def _store_scores(
    store: Store, episode: Episode, scorer: str, version: int, scores: Mapping[str, float | None]
) -> list[Rescored]:
    """The result for each score: added, already there, or in conflict with the stored value."""
    there = _load_scores(store, episode.id, scorer, version)
    rows, done = RowBuffer(), []
    for seat, new in scores.items():
        known = seat in there
        stored = "added" if not known else "there" if there[seat] == new else "conflict"
        done.append(Rescored(episode.id, seat, scorer, version, episode.scores.get(seat), new, stored))
        if not known:
            rows.add("rescore", episode.id, seat, scorer, version, new)
    if rows.of:
        store.writer.commit_now(rows)
    return done


def _load_scores(store: Store, episode: str, scorer: str, version: int) -> dict[str, float | None]:
    query = "SELECT seat, value FROM score WHERE episode = :episode AND scorer = :scorer AND version = :version"
    with store.engine.connect() as connection:
        rows = connection.execute(text(query), {"episode": episode, "scorer": scorer, "version": version})
        return {seat: value for seat, value in rows}
