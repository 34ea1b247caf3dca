"""Arena games as PettingZoo environments, to train or evaluate with its tools.

from arena.adapters.pettingzoo_env import as_aec, as_parallel

env = as_aec("connect")                  # turn-based; simultaneous moves are collected one by one, hidden from each
other env = as_parallel("dilemma")             # all seats at once
"""

from collections.abc import Mapping, Sequence
from typing import Any

from arena.engine.match_loop import first_state
from arena.engine.move_validation import well_formed
from arena.episode import Match
from arena.errors import IllegalMove, UsageError
from arena.extras import missing
from arena.game import Game, Move
from arena.spec import Spec, build, describe

try:
    from pettingzoo import AECEnv, ParallelEnv  # type: ignore[import-untyped]

    from arena.adapters.gym_spaces import Features, seat_spaces
except ModuleNotFoundError as missed:
    raise missing("arena.adapters.pettingzoo_env", missed, "pettingzoo") from missed


def as_aec(
    game: Spec, actions: Sequence[Move | str] | None = None, features: Features | None = None
) -> "TurnBasedGame":
    """A game as a PettingZoo AEC environment; its agents are the seats.

    Actions are numbers where a seat's moves can be listed, with an `action_mask` in the observations, and texts where
    not; `env.moves(agent)` maps the numbers to moves. The list is collected by seeded random play; `actions` replaces
    it, for example `[Move(tool="bid", args={"amount": 10}), …]` to make a price discrete. An observation is the `text`
    that a model would read, and with `features`, a space and a function of the view, an `observation` in it.

    Rewards are the changes of the scores, 0 where a seat has none, so that they add up to the final score. An illegal
    action is never retried: it leads to the game's forfeit, or ends the episode for all agents (truncated), with
    `refused` in the agent's info. `reset(seed=…)` starts the match that arena plays with this seed; a reset without a
    seed takes the next seed, from 0.
    """
    return TurnBasedGame(build(Game, game, "game"), actions, features)


def as_parallel(
    game: Spec, actions: Sequence[Move | str] | None = None, features: Features | None = None
) -> "ParallelGame":
    """A game whose seats all move at once as a PettingZoo Parallel environment; else as `as_aec`.

    Raises UsageError for a game that is played in turns. Actions of seats that no longer act are ignored; after an
    illegal action of one seat the others are asked again.
    """
    built = build(Game, game, "game")
    if {*built.to_act(first_state(built, Match(built)))} != {*built.seats}:
        raise UsageError(f"in {describe(built)['name']} the seats do not all move at once; use as_aec")
    return ParallelGame(built, actions, features)


class Seating:
    """State of a game that is stepped from outside, and the spaces of its seats."""

    def __init__(self, game: Game, actions: Sequence[Move | str] | None, features: Features | None) -> None:
        self.game, self.spaces = game, seat_spaces(game, actions, features)
        self.seed = -1
        self.state: Any = None
        self.ended = False

    def begin(self, seed: int | None) -> None:
        self.seed = self.seed + 1 if seed is None else seed
        self.state, self.ended = first_state(self.game, Match(self.game, seed=self.seed)), False

    @property
    def acting(self) -> tuple[str, ...]:
        return () if self.ended else self.game.to_act(self.state)

    def observation(self, seat: str) -> dict[str, Any]:
        return self.spaces[seat].observation(self.game.view(self.state, seat), seat in self.acting)

    def move(self, seat: str, action: object) -> Move:
        """Convert an action to a well-formed move. Raises IllegalMove."""
        return well_formed(self.game.view(self.state, seat), self.spaces[seat].move(action))

    def payoffs(self) -> dict[str, float]:
        return {seat: float(score or 0.0) for seat, score in self.game.scores(self.state).items()}

    def play(self, moves: Mapping[str, Move] | IllegalMove) -> tuple[dict[str, float], dict[str, str]]:
        """Apply the moves of all acting seats, or forfeit on an illegal one; returns the reward of each seat, and the
        reason of a refusal.
        """
        before = self.payoffs()
        refused = moves if isinstance(moves, IllegalMove) else None
        if not isinstance(moves, IllegalMove):
            try:
                self.state = self.game.apply(self.state, moves)
            except IllegalMove as error:
                refused = error
        if refused is not None:
            after = self.game.forfeit(self.state, refused.seat)
            self.ended = after is None
            self.state = self.state if after is None else after
        gains = {seat: score - before[seat] for seat, score in self.payoffs().items()}
        return gains, {refused.seat: refused.why} if refused else {}

    def transcript(self) -> str:
        lines = (f"{message.sender or '—'}  {message.text}" for message in self.game.watch(self.state))
        return "\n".join(lines)


class Seated:
    """Methods that both environment types share."""

    seating: Seating

    def moves(self, agent: str) -> tuple[Move, ...] | None:
        """The moves that the numbers of an agent's action space stand for; None where actions are texts."""
        return self.seating.spaces[agent].moves

    def observation_space(self, agent: str) -> Any:
        return self.seating.spaces[agent].seen

    def action_space(self, agent: str) -> Any:
        return self.seating.spaces[agent].done


class TurnBasedGame(Seated, AECEnv):  # type: ignore[misc]
    """A game as an AEC environment: one agent acts after the other."""

    def __init__(self, game: Game, actions: Sequence[Move | str] | None, features: Features | None) -> None:
        super().__init__()
        self.seating = Seating(game, actions, features)
        self.metadata = {"name": describe(game)["name"], "render_modes": ["ansi"], "is_parallelizable": False}
        self.render_mode = "ansi"
        self.possible_agents = list(game.seats)
        self.agents: list[str] = []
        self.pending: dict[str, Move] = {}

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        self.seating.begin(seed)
        self.agents, self.pending = list(self.possible_agents), {}
        self.rewards, self._cumulative_rewards = (dict.fromkeys(self.agents, 0.0) for _ in range(2))
        self.terminations, self.truncations = (dict.fromkeys(self.agents, False) for _ in range(2))
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}
        self._skip_agent_selection = None
        self._select()

    def observe(self, agent: str) -> dict[str, Any]:
        return self.seating.observation(agent)

    def step(self, action: object) -> None:
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        self.infos = {seat: {} for seat in self.agents}
        try:
            self.pending[agent] = self.seating.move(agent, action)
        except IllegalMove as error:
            self._play(error)
        else:
            if len(self.pending) == len(self.seating.acting):
                self._play(self.pending)
        self._select()
        self._accumulate_rewards()

    def render(self) -> str:
        """The messages so far, as text."""
        return self.seating.transcript()

    def close(self) -> None:
        """Does nothing: there are no resources to release."""

    def _play(self, moves: Mapping[str, Move] | IllegalMove) -> None:
        gains, refused = self.seating.play(moves)
        self.pending = {}
        self.rewards = {seat: gains[seat] for seat in self.agents}
        for seat, why in refused.items():
            self.infos[seat] = {"refused": why}

    def _select(self) -> None:
        waiting = [seat for seat in self.seating.acting if seat not in self.pending]
        if not waiting:
            ends = self.truncations if self.seating.ended else self.terminations
            ends.update(dict.fromkeys(self.agents, True))
        self.agent_selection = waiting[0] if waiting else self.agents[0]


class ParallelGame(Seated, ParallelEnv):  # type: ignore[misc]
    """A game as a Parallel environment: all agents act at once."""

    def __init__(self, game: Game, actions: Sequence[Move | str] | None, features: Features | None) -> None:
        self.seating = Seating(game, actions, features)
        self.metadata = {"name": describe(game)["name"], "render_modes": ["ansi"]}
        self.render_mode = "ansi"
        self.possible_agents = list(game.seats)
        self.agents: list[str] = []

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        self.seating.begin(seed)
        self.agents = list(self.possible_agents)
        return {seat: self.seating.observation(seat) for seat in self.agents}, {seat: {} for seat in self.agents}

    def step(self, actions: dict[str, Any]) -> Any:
        agents, made = self.agents, dict[str, Move]()
        try:
            for seat in self.seating.acting:
                made[seat] = self.seating.move(seat, actions[seat])
        except IllegalMove as error:
            gains, refused = self.seating.play(error)
        else:
            gains, refused = self.seating.play(made)
        over, cut = not self.seating.acting, self.seating.ended
        self.agents = [] if over else agents
        seen = {seat: self.seating.observation(seat) for seat in agents}
        infos = {seat: {"refused": refused[seat]} if seat in refused else {} for seat in agents}
        ends = dict.fromkeys(agents, over and not cut), dict.fromkeys(agents, cut)
        return seen, {seat: gains[seat] for seat in agents}, *ends, infos

    def render(self) -> str:
        """The messages so far, as text."""
        return self.seating.transcript()

    def close(self) -> None:
        """Does nothing: there are no resources to release."""
