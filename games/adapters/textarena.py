"""TextArena games as arena games."""

import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

from arena.cache_register import memoize
from arena.errors import MissingExtra, unknown
from arena.game import JSON, Message, Move, View, game
from arena.spec import dump_canonical
from games.adapters.stateful_env import Foreign, ForeignState

CROWDS = (2, 1, *range(3, 16))  # numbers of players, in the order of attempts
PROMPT = "PROMPT"  # the kind of message that holds a player's rules


@game("textarena")
@dataclass(frozen=True, slots=True)
class TextArena(Foreign):
    """A game of TextArena, by name: `textarena/TicTacToe-v0`, `textarena/KuhnPoker-v0`, `textarena/Nim-v0`.

    Seats are `player_0`, `player_1` and so on. An answer's words are the action, as TextArena reads them (mostly in
    square brackets); a player's first prompt is its rules, all else that it is told is a message. What a name's own
    observation wrappers would make of it is not used. The score is the reward. Illegal moves are handled by TextArena:
    it mostly asks again once, then the player has lost. A seat that uses up its retries ends the match.

    TextArena draws from Python's global random generator; here each environment has its own, put in place while it
    runs. Games that download words or ask a model to judge need the network. See games.adapters.stateful_env for how
    states are values.
    """

    id: str = ""
    """Game, by its name in TextArena."""
    players: int | None = None
    """Number of players; None: the first of 2, 1, 3, 4 … that the game takes."""
    options: Mapping[str, JSON] = field(default_factory=dict)
    """Arguments of the game's constructor."""
    cap: int = 1_000
    """Answers after which the match ends without scores, since some games (Poker) can go on without end."""
    count: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not find_spec("textarena"):
            raise MissingExtra(f"game 'textarena/{self.id}'", "textarena")
        if not self.id:
            raise ValueError("say which game, as in textarena/TicTacToe-v0")
        if self.cap < 1:
            raise ValueError(f"cap is a count of answers, 1 or more, got {self.cap}")
        object.__setattr__(self, "count", _choose_player_count(self.id, dump_canonical(self.options), self.players))

    @property
    def seats(self) -> tuple[str, ...]:
        return tuple(f"player_{k}" for k in range(self.count))

    def open(self, seed: int) -> tuple["TextArenaState", ForeignState]:
        live = _begin_game(self.id, self.options, self.count, seed)
        prompts, news = live.news(self.seats)
        private: dict[str, Mapping[str, JSON]] = {seat: {"rules": prompts.get(seat, "")} for seat in self.seats}
        return live, self._collect_state(live, ForeignState(seed, (), private, {}), news)

    def act(self, live: "TextArenaState", state: ForeignState, moves: Mapping[str, Move]) -> ForeignState:
        (move,) = moves.values()
        live.step(move.text)
        _, news = live.news(self.seats)
        return self._collect_state(live, state, news)

    def close(self, live: "TextArenaState") -> None:
        """Does nothing: TextArena's own close only returns the rewards."""

    def view(self, state: ForeignState, seat: str) -> View:
        rules = str(state.private[seat]["rules"]) or f"You are {seat} in the game {self.id} of TextArena."
        messages = tuple(message for message in state.log if message.reaches(seat))
        own = tuple(made[seat] for made in state.moves if seat in made)
        return View(seat, rules, messages, own=own)

    def _collect_state(self, live: "TextArenaState", before: ForeignState, news: Sequence[Message]) -> ForeignState:
        inner, log = live.inner.state, (*before.log, *news)
        capped = not live.over and len(before.moves) + 1 >= self.cap
        if not live.over and not capped:
            return replace(before, acting=(self.seats[inner.current_player_id],), log=log)
        rewards = {} if capped else inner.rewards or {}
        scores = {seat: None if (won := rewards.get(k)) is None else float(won) for k, seat in enumerate(self.seats)}
        ends = {seat: inner.game_info.get(k, {}) for k, seat in enumerate(self.seats)}
        reason = next((str(end["reason"]) for end in ends.values() if end.get("reason")), None)
        wrong = [seat for seat, end in ends.items() if end.get("invalid_move")]
        told: dict[str, JSON] = {"reason": reason, "capped": capped, "invalid_move": wrong}
        closing = (Message("", reason),) if reason and reason not in (message.text for message in news) else ()
        return replace(before, acting=(), scores=scores, told=told, log=(*log, *closing))


@dataclass(slots=True)
class TextArenaState:
    """A TextArena game being played: with its wrappers, without them, and its own random state."""

    env: Any
    inner: Any
    chance: dict[str, Any]
    heard: int = 0  # entries of the game's log that were already delivered
    over: bool = False

    def step(self, words: str) -> None:
        with use_chance(self.chance):
            self.over = bool(self.env.step(words)[0])

    def news(self, seats: Sequence[str]) -> tuple[dict[str, str], tuple[Message, ...]]:
        """What was said since the last time: each seat's prompts, and the messages in order with whom they reach."""
        state = self.inner.state
        queues = {seat: list(state.observations[k]) for k, seat in enumerate(seats)}
        state.observations = {k: [] for k in range(len(seats))}
        prompts: dict[str, str] = {}
        for seat, queue in queues.items():
            prompts[seat] = "\n".join(str(words) for _, words, kind in queue if _get_kind_name(kind) == PROMPT)
            queue[:] = [entry for entry in queue if _get_kind_name(entry[2]) != PROMPT]
        told: list[Message] = []
        for sender, words in state.logs[self.heard :]:
            reached = [seat for seat, queue in queues.items() if _take_entry(queue, sender, words)]
            name = seats[sender] if isinstance(sender, int) and sender >= 0 else ""
            if told and (told[-1].sender, told[-1].text) == (name, str(words)) and told[-1].to:
                before = told.pop().to  # the same words, sent to several players in turn
                reached = [seat for seat in seats if seat in (*before, *reached)]
            if reached:
                everybody = len(reached) == len(seats) > 1
                told.append(Message(name, str(words), to=() if everybody else tuple(reached), literal=True))
        self.heard = len(state.logs)
        return prompts, tuple(told)


def _get_kind_name(kind: Any) -> str:
    return str(getattr(kind, "name", kind))  # some games write a text where the kind belongs


def _take_entry(queue: list[Any], sender: int, words: str) -> bool:
    """Remove an entry of the log from the queue of a player's messages; False if it is not in it."""
    place = next((k for k, entry in enumerate(queue) if entry[:2] == (sender, words)), None)
    if place is not None:
        del queue[place]
    return place is not None


@memoize("worlds")
def _choose_player_count(name: str, options: str, wanted: int | None) -> int:
    """How many players a game has: those that are wanted, else the first number that it takes."""
    reasons = []
    crowds: tuple[int, ...] = CROWDS if wanted is None else (wanted,)
    for count in crowds:
        try:
            _begin_game(name, json.loads(options), count, 0)
        except WrongStart as error:
            reasons.append(f"{count}: {error}")
            continue
        return count
    raise ValueError(f"{name} cannot be played by {'; by '.join(reasons[:2])}; give the number of players")


class WrongStart(Exception):
    """A game does not begin: mostly for the number of players."""


def _begin_game(name: str, options: Mapping[str, Any], count: int, seed: int) -> TextArenaState:
    """A new game. Raises ValueError where there is no such game, and WrongStart."""
    chance: dict[str, Any] = {}
    with use_chance(chance):
        import textarena  # type: ignore[import-untyped]
        from textarena.envs.registration import ENV_REGISTRY  # type: ignore[import-untyped]

        if name not in ENV_REGISTRY:
            raise ValueError(unknown("game of TextArena", name, [key for key in ENV_REGISTRY if key.endswith("-v0")]))
        random.seed(seed)
        try:
            env = textarena.make(name, **options)
        except Exception as error:
            raise ValueError(f"{name} cannot be made: {type(error).__name__}: {str(error).strip()[:300]}") from error
        if (numpy := sys.modules.get("numpy")) is not None:
            numpy.random.seed(seed)
        try:
            env.reset(num_players=count, seed=seed)
        except Exception as error:
            raise WrongStart(str(error) or type(error).__name__) from error
    inner = env
    while isinstance(inner, textarena.Wrapper):
        inner = inner.env
    return TextArenaState(env, inner, chance)


@contextmanager
def use_chance(chance: dict[str, Any]) -> Iterator[None]:
    """Context manager: replace the global random state of Python and NumPy by `chance`, which is updated; then restore
    it.

    What is printed meanwhile goes to stderr.
    """
    before = {name: get() for name, (get, _) in _list_sources().items()}
    for name, (_, put) in _list_sources().items():
        if name in chance:
            put(chance[name])
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        for name, (get, put) in _list_sources().items():
            chance[name] = get()
            if name in before:
                put(before[name])


def _list_sources() -> dict[str, tuple[Callable[[], Any], Callable[[Any], None]]]:
    numpy = sys.modules.get("numpy")
    both = {"numpy": (numpy.random.get_state, numpy.random.set_state)} if numpy is not None else {}
    return {"python": (random.getstate, random.setstate), **both}
