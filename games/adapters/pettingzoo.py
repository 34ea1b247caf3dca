"""PettingZoo environments as games: turn-based (AEC) or with simultaneous moves (Parallel)."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from arena.cache_register import memoize
from arena.game import JSON, Message, Move, Tool, View, game
from arena.spec import dump_canonical
from games.adapters.gym_spaces import convert_to_action, convert_to_plain, describe_observation, list_ways_to_act
from games.adapters.pettingzoo_lookup import make_environment, read_documentation
from games.adapters.stateful_env import Foreign, ForeignState


@game("pettingzoo")
@dataclass(frozen=True, slots=True)
class PettingZoo(Foreign):
    """An environment of PettingZoo, by name: `pettingzoo/tictactoe_v3`, or your own: `pettingzoo/my_module:env`.

    Its agents are the seats. The actions of a Discrete action space are the legal texts, their numbers or `names`,
    without those that an action mask rules out; other spaces have the action `act` with a number for each dimension,
    Text spaces take the words. Observations are given in words (arrays in rows) and in `known`; pictures are refused.
    The score is the sum of an agent's rewards; the match's seed is the environment's.

    A live environment cannot be copied: see games.adapters.stateful_env for how states are values all the same. A seat
    that uses up its retries ends the match.
    """

    id: str = ""
    """Environment, by its name in PettingZoo, or MODULE:FUNCTION of your own."""
    options: Mapping[str, JSON] = field(default_factory=dict)
    """Arguments of the environment's constructor."""
    names: tuple[str, ...] = ()
    """Names of the actions of a Discrete action space, in order; empty: their numbers."""
    parallel: bool | None = None
    """Whether all agents act at once (Parallel form) or in turn (AEC); None: at once where the environment has a
    Parallel form."""
    about: str = ""
    """Text in place of the rules; "": the environment's documentation."""
    spaces: Mapping[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    rules: str = field(default="", init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError(
                "say which environment, as in pettingzoo/tictactoe_v3, or pettingzoo/my_module:my_function"
            )
        spaces, rules = _inspect_environment(self.id, self.parallel, dump_canonical(self.options))
        for space in spaces.values():
            list_ways_to_act(space, self.names, None)  # raises for an unsupported action space
        object.__setattr__(self, "spaces", spaces)
        object.__setattr__(self, "rules", self.about or rules)

    @property
    def seats(self) -> tuple[str, ...]:
        return tuple(self.spaces)

    def open(self, seed: int) -> tuple["PettingZooState", ForeignState]:
        live = _begin_episode(self.id, self.parallel, self.options, seed)
        return live, self._collect_state(live, seed)

    def act(self, live: "PettingZooState", state: ForeignState, moves: Mapping[str, Move]) -> ForeignState:
        live.step(self._actions(moves))
        said = tuple(Message(seat, m.text, m.tool, m.args, to=(seat,)) for seat, m in moves.items())
        after = self._collect_state(live, state.seed)
        return replace(after, log=(*state.log, *said, *after.log))

    def close(self, live: "PettingZooState") -> None:
        live.env.close()

    def check(self, state: ForeignState, moves: Mapping[str, Move]) -> None:
        self._actions(moves)

    def view(self, state: ForeignState, seat: str) -> View:
        seen = dict(state.private[seat])
        messages = tuple(message for message in state.log if message.reaches(seat))
        own = tuple(made[seat] for made in state.moves if seat in made)
        legal: tuple[str, ...] | None = None
        tools: tuple[Tool, ...] = ()
        if seat in state.acting:
            legal, tools = list_ways_to_act(self.spaces[seat], self.names, seen["action_mask"])
        return View(seat, self._rules(seat), messages, tools, legal, own, seen)

    def _actions(self, moves: Mapping[str, Move]) -> dict[str, Any]:
        return {seat: convert_to_action(seat, self.spaces[seat], self.names, move) for seat, move in moves.items()}

    def _collect_state(self, live: "PettingZooState", seed: int) -> ForeignState:
        """What is seen now; those who act, or see the end, are told."""
        private: dict[str, Mapping[str, JSON]] = {}
        news = []
        for seat in live.gains:
            seen, mask = live.seen.get(seat), live.masks.get(seat)
            private[seat] = {
                "observation": convert_to_plain(seen),
                "action_mask": convert_to_plain(mask),
                "reward": live.gains[seat],
            }
            if seat in live.acting or (not live.acting and seen is not None):
                news.append(Message("", describe_observation(seen), to=(seat,)))
        return ForeignState(seed, live.acting, private, dict(live.gains), {"truncated": live.truncated}, tuple(news))

    def _rules(self, seat: str) -> str:
        return (
            f"You are {seat} in the environment {self.id} of PettingZoo; its agents are {', '.join(self.seats)}. "
            "Whenever you act you are told what you observe. Your score is the sum of your rewards.\n\n"
            f"{self.rules}"
        ).strip()


@dataclass(slots=True)
class PettingZooState(ABC):
    """An environment being played, and what was last seen and won by each agent."""

    env: Any
    seen: dict[str, Any] = field(default_factory=dict)
    masks: dict[str, Any] = field(default_factory=dict)
    gains: dict[str, float] = field(default_factory=dict)
    acting: tuple[str, ...] = ()
    truncated: bool = False

    @abstractmethod
    def begin(self, seed: int) -> None:
        """Begins an episode."""

    @abstractmethod
    def step(self, actions: Mapping[str, Any]) -> None:
        """Makes the actions of all who act now."""

    def see(self, seat: str, observation: Any, info: Mapping[str, Any]) -> None:
        """Keeps an observation apart from its action mask, which stands beside it or in the info."""
        mask = info.get("action_mask")
        if isinstance(observation, Mapping) and "action_mask" in observation:
            rest = {key: value for key, value in observation.items() if key != "action_mask"}
            observation, mask = rest["observation"] if {*rest} == {"observation"} else rest, observation["action_mask"]
        self.seen[seat], self.masks[seat] = observation, mask


class TurnBasedRules(PettingZooState):
    """An AEC environment: one agent acts, the rewards since its last turn are its own when it is asked again."""

    def begin(self, seed: int) -> None:
        self.env.reset(seed=seed)
        self.gains = dict.fromkeys(self.env.possible_agents, 0.0)
        self._settle()

    def step(self, actions: Mapping[str, Any]) -> None:
        (made,) = actions.values()
        self.env.step(made)
        self._settle()

    def _settle(self) -> None:
        """Step over agents that are done, up to the next one that can act."""
        while self.env.agents:
            agent = self.env.agent_selection
            observation, reward, terminated, truncated, info = self.env.last()
            self.gains[agent] += float(reward)
            self.see(agent, observation, info)
            self.truncated = self.truncated or bool(truncated)
            if not terminated and not truncated:
                self.acting = (agent,)
                return
            self.env.step(None)
        self.acting = ()


class ParallelRules(PettingZooState):
    """A Parallel environment: all agents act at once."""

    def begin(self, seed: int) -> None:
        observations, infos = self.env.reset(seed=seed)
        self.gains = dict.fromkeys(self.env.possible_agents, 0.0)
        self._settle(observations, infos)

    def step(self, actions: Mapping[str, Any]) -> None:
        observations, rewards, _, truncations, infos = self.env.step(dict(actions))
        for agent, reward in rewards.items():
            self.gains[agent] += float(reward)
        self.truncated = self.truncated or any(truncations.values())
        self._settle(observations, infos)

    def _settle(self, observations: Mapping[str, Any], infos: Mapping[str, Any]) -> None:
        for agent, observation in observations.items():
            self.see(agent, observation, infos.get(agent, {}))
        self.acting = tuple(self.env.agents)


@memoize("worlds")
def _inspect_environment(name: str, parallel: bool | None, options: str) -> tuple[Mapping[str, Any], str]:
    """Each agent's action space, and the documentation, of an environment whose observations can be shown as text."""
    live = _begin_episode(name, parallel, json.loads(options), 0)
    for observation in live.seen.values():
        describe_observation(observation)
    spaces = {agent: live.env.action_space(agent) for agent in live.gains}
    live.env.close()
    return spaces, read_documentation(live.env)


def _begin_episode(name: str, parallel: bool | None, options: Mapping[str, Any], seed: int) -> PettingZooState:
    env, together = make_environment(name, parallel, options)
    live = (ParallelRules if together else TurnBasedRules)(env)
    live.begin(seed)
    return live
