"""Contract test of games, for arena's own games and for `arena check`."""

import json
import logging
import random
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, is_dataclass, replace
from math import isfinite
from typing import Any

from arena.agent import Agent
from arena.engine.game_check_views import check_seat_fields
from arena.engine.match_loop import MatchLoop
from arena.engine.move_validation import may_read
from arena.engine.play import replay, run_blocking
from arena.episode import Episode, Match, Turn, parse_episode, to_json
from arena.errors import ArenaError, UsageError
from arena.game import Game
from arena.spec import build, describe

LOGGER = logging.getLogger(__name__)

MOST_STEPS = 10_000
ALL_KEPT = 200  # steps whose states are all checked; later ones at growing intervals
SLACK = 1e-9  # relative rounding error of scores


@dataclass(slots=True)
class CheckedEpisode:
    """One episode with random agents: its states, and how many answers led to each."""

    game: Game
    match: Match
    states: list[Any] = field(default_factory=list)
    copies: list[Any] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    kept: dict[tuple[int, str, int], Turn] = field(default_factory=dict)
    episode: Episode | None = None
    steps: int = 0
    due: int = 0  # the next step whose state is checked

    async def play(self) -> "CheckedEpisode":
        agents = {seat: build(Agent, "random") for seat in self.game.seats}
        table: MatchLoop[Any] = MatchLoop(self.game, agents, self.match, (), self._turn, self._state)
        self.episode = await table.run()
        return self

    @property
    def turns(self) -> list[Turn]:
        """The answers in order, each in its latest version: the loop reports a refused answer twice."""
        return list(self.kept.values())

    async def _turn(self, turn: Turn) -> None:
        self.kept[turn.step, turn.seat, turn.attempt] = turn

    def _state(self, state: object) -> None:
        self.steps += 1
        if self.steps > max(MOST_STEPS, sum((self.game.most_answers or {}).values())):
            raise ArenaError(
                f"the game is not over after {self.steps - 1:,} steps; end it, such as after a number of turns that is "
                "one of its parameters, or name the most answers of each seat in most_answers"
            )
        if self.steps <= self.due:
            return
        self.due = self.steps if self.steps < ALL_KEPT else self.steps + self.steps // 10
        self.states.append(state)
        self.copies.append(deepcopy(state))
        self.answers.append(len(self.kept))


@dataclass(frozen=True, slots=True)
class Checked:
    """Findings: `problems` break the contract, `warnings` may be intended; `told` describes what was checked."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    told: str


def check_game(game: object, episodes: int = 20, seed: int = 0) -> list[str]:
    """The contract violations of a game, one sentence each; empty if there are none. A shortcut for `check`."""
    return list(check(game, episodes, seed).problems)


def check(game: object, episodes: int = 20, seed: int = 0) -> Checked:
    """Check a game against its contract in `episodes` episodes with random agents.

    Raises UsageError when the game cannot be built at all, and for no episodes.
    """
    if episodes < 1:
        raise UsageError(f"--episodes is 1 or more, since nothing is checked without one; got {episodes}")
    built = build(Game, game, "game")
    problems, over = list(_check_parts(built)), list[Episode]()
    warnings, private, steps = list[str](), set[str](), 0
    for number in range(episodes):
        match = Match(built, dict.fromkeys(built.seats, "random"), seed + number)
        global_state = random.getstate()
        played = CheckedEpisode(built, match)
        try:
            run_blocking(played.play)
        except Exception as error:
            problems.append(f"seed {match.seed}: a random episode fails with {type(error).__name__}: {error}")
            LOGGER.debug("the random episode of seed %d failed", match.seed, exc_info=True)
            continue
        if random.getstate() != global_state:
            problems.append(f"seed {match.seed}: the game draws from the global random state; use the rng of start")
        problems += [f"seed {match.seed}: {problem}" for problem in _check_episode(played)]
        over += [played.episode] if played.episode and played.episode.status == "over" else []
        warnings += [
            warning for state in played.states[:ALL_KEPT:5] for warning in check_seat_fields(built, state, _alter_value)
        ]
        private |= {name for state in played.states[:1] for name in _list_private(state)}
        steps += played.steps
    problems += _check_sums(built, over)
    return Checked(
        tuple(dict.fromkeys(problems)), tuple(dict.fromkeys(warnings)), _describe_scope(built, episodes, steps, private)
    )


def _list_private(state: object) -> Iterator[str]:
    held = getattr(state, "private", None)
    for seat, value in held.items() if isinstance(held, Mapping) else ():
        yield from (f"{seat}.{key}" for key in value) if isinstance(value, Mapping) else (str(seat),)


def _describe_scope(game: Game, episodes: int, steps: int, private: set[str]) -> str:
    """Describe in words what was checked."""
    named = f"private: {', '.join(sorted(private))}"
    nothing = "nothing is declared private (a state's `private`, by seat), so that no leak could be found"
    return (
        f"{episodes} random episode(s), {steps:,} states of {len(game.seats)} seat(s); "
        f"{named if private else nothing if len(game.seats) > 1 else 'one seat, nobody to hide anything from'}"
    )


def _check_parts(game: Game) -> Iterator[str]:
    if not game.seats or len(set(game.seats)) != len(game.seats):
        yield f"seats must be distinct names, got {game.seats}"
    if missing := [seat for seat in game.seats if seat not in game.cast]:
        yield f"cast names nobody for {missing}"
    if not is_dataclass(game) or build(Game, describe(game)) != game:
        yield "the game is not rebuilt from its description: make it a frozen dataclass whose fields are its parameters"
    for preset in getattr(game, "presets", {}):
        build(Game, {"name": describe(game)["name"], "preset": preset})


def _check_episode(played: CheckedEpisode) -> Iterator[str]:
    game, match, episode = played.game, played.match, played.episode
    assert episode is not None
    if played.states != played.copies:
        yield "a state was changed after it was shown: apply must return a new one"
    turns = played.turns
    for state, answers in zip(played.states, played.answers, strict=True):
        yield from _check_views(game, state)
        if replay(game, turns[:answers], match) != state:
            yield f"replaying the first {answers} answers leads to another state than playing them did"
            break
    yield from _check_numbers(game, episode)
    yield from check_bounds(game, episode)
    try:
        again = parse_episode(to_json(episode))
    except (TypeError, ValueError) as error:
        yield f"the episode cannot be written as JSON: {error}"
        return
    if again != replace(episode, match=again.match):
        yield "the episode does not survive JSON: keep to plain data in moves, facts and scores"


def _check_views(game: Game, state: Any) -> Iterator[str]:
    for seat in game.seats:
        view = game.view(state, seat)
        if game.view(state, seat) != view:
            yield f"looking twice as {seat} shows two different views"
        if not may_read(game.privy(seat), view.messages):
            yield f"{seat} is shown a message that is addressed to somebody else"
        private = getattr(state, "private", None)
        if not isinstance(private, Mapping):
            continue
        others = {s: _alter_value(v) if s not in game.privy(seat) else v for s, v in private.items()}
        if game.view(replace(state, private=others), seat) != view:
            yield f"the view of {seat} changes with what is private to another seat"


def _check_numbers(game: Game, episode: Episode) -> Iterator[str]:
    if set(episode.scores) != set(game.seats):
        yield f"scores must name every seat, None for those without: got {sorted(episode.scores)}"
    for seat, score in episode.scores.items():
        if score is not None and not (isinstance(score, int | float) and isfinite(score)):
            yield f"the score of {seat} is {score!r}, neither None nor a finite number"
    try:
        json.dumps(episode.facts, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield f"facts are not plain data: {error}"


def check_bounds(game: Game, episode: Episode) -> Iterator[str]:
    """Scores of an episode that violate the game's own `bounds`, as messages."""
    for low, high in filter(None, [game.bounds()]):
        slack = SLACK * max(1.0, abs(low), abs(high))
        for seat, score in episode.scores.items():
            if score is not None and not low - slack <= score <= high + slack:
                yield f"the score of {seat} is {score:g}, outside the bounds {low:g} to {high:g} that the game declares"


def _check_sums(game: Game, episodes: list[Episode]) -> Iterator[str]:
    """For a game declared zero-sum: a message if two episodes have different sums of scores."""
    if not game.zero_sum:
        return
    scored = [(e.match.seed, [score for score in e.scores.values() if score is not None]) for e in episodes]
    for seed, scores in scored:
        slack = SLACK * max(1.0, *map(abs, scores)) if scores else SLACK
        if abs(sum(scores) - sum(scored[0][1])) > slack:
            first, here = f"{sum(scored[0][1]):g} (seed {scored[0][0]})", f"{sum(scores):g} (seed {seed})"
            yield f"the game says to be zero-sum, but its scores add up to {first} and to {here}"
            return


def _alter_value(value: object) -> Any:
    """Another value of the same shape."""
    if isinstance(value, Mapping):
        return {key: _alter_value(item) for key, item in value.items()}
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value + "′"
    if isinstance(value, tuple | list):
        return type(value)(_alter_value(item) for item in reversed(value))
    return value
