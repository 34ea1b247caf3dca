"""Match loop: replay recorded answers, ask agents, validate moves, apply them until the game is over."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from operator import is_
from random import Random
from typing import Generic, TypeAlias, TypeVar

from arena.agent import Agent
from arena.engine.budget import Asking
from arena.engine.move_validation import may_read, well_formed
from arena.episode import Episode, Match, Status, Turn
from arena.errors import ArenaError, BadReply, IllegalMove, ModelUnavailable, Stopped
from arena.game import Game, Move, View
from arena.usage import Usage

S = TypeVar("S")
OnTurn: TypeAlias = Callable[[Turn], Awaitable[None]]


def seed_of(*parts: object) -> int:
    """A 63-bit seed derived from the parts: equal parts, equal seed; no global state."""
    return int.from_bytes(blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()) >> 1


def first_state(game: Game[S], match: Match) -> S:
    """Initial state of a match: the game's random draws depend on the match's seed alone."""
    return game.start(Random(seed_of(match.seed, "game")))


def answer_seed(match: Match, seat: str, step: int, attempt: int) -> int:
    """The seed an agent may use for one answer; it differs by the branch of a fork."""
    parts = (match.seed, seat, step, attempt)
    return seed_of(*parts, match.branch) if match.branch else seed_of(*parts)


LONGEST = 20_000  # most steps of a match whose game sets no limit


class RecordEnded(Exception):
    """A replay has used all recorded answers."""


@dataclass(frozen=True, slots=True)
class RecordedAnswers:
    """Recorded answers by step and seat, in the order in which they were given."""

    answers: dict[tuple[int, str], deque[Turn]]

    @classmethod
    def of(cls, turns: Iterable[Turn]) -> "RecordedAnswers":
        answers: dict[tuple[int, str], deque[Turn]] = {}
        for turn in turns:
            answers.setdefault((turn.step, turn.seat), deque()).append(turn)
        return cls(answers)

    def next(self, step: int, seat: str) -> Turn | None:
        queue = self.answers.get((step, seat))
        return queue.popleft() if queue else None


class MatchLoop(Generic[S]):
    """State of one match being played."""

    def __init__(
        self,
        game: Game[S],
        agents: Mapping[str, Agent],
        match: Match,
        history: Sequence[Turn] = (),
        on_turn: OnTurn | None = None,
        on_state: Callable[[S], None] | None = None,
        on_replay: Callable[[Turn], None] = lambda turn: None,
    ) -> None:
        self.game, self.agents, self.match = game, agents, match
        self.given, self.on_turn, self.on_state, self.on_replay = (
            RecordedAnswers.of(history),
            on_turn,
            on_state,
            on_replay,
        )
        self.turns: dict[tuple[int, str, int], Turn] = {}
        self.lines: dict[tuple[str, str], tuple[str, str]] = {}
        self.step = 0
        self.state = first_state(game, match)

    async def run(self) -> Episode:
        """Play to the end."""
        longest = max(LONGEST, 2 * sum((self.game.most_answers or {}).values()))
        self._show()
        while seats := self.game.to_act(self.state):
            quitter = await self._step(seats)
            if quitter is not None:
                after = self.game.forfeit(self.state, quitter)
                if after is None:
                    return self.episode("forfeit", quitter)
                self.state = after
            self.step += 1
            if self.step > longest:
                raise ArenaError(
                    f"the game is not over after {longest:,} steps, and is stopped; a game ends by its rules, such as "
                    "after a number of turns, or names the most answers of each seat in most_answers"
                )
            self._show()
        return self.episode("over")

    def episode(self, status: Status, blame: str = "", error: str = "") -> Episode:
        """The episode as far as it was played."""
        scores, facts = self.game.scores(self.state), self.game.facts(self.state)
        return Episode(self.match, tuple(self.turns.values()), scores, facts, status, blame, error)

    async def _step(self, seats: tuple[str, ...]) -> str | None:
        """Play one transition; returns the seat that used up its patience, if any."""
        refusals, complaints = dict.fromkeys(seats, 0), dict.fromkeys(seats, "")
        moves: dict[str, Move] = {}
        waiting = seats
        while True:
            answers = await self._ask_all(waiting, refusals, complaints)
            moves |= {seat: turn.move for seat, turn in answers.items() if not turn.refused}
            refused = [turn for turn in answers.values() if turn.refused]
            if not refused:
                try:
                    self.state = self.game.apply(self.state, moves)
                    return None
                except IllegalMove as error:
                    refused = [await self._record(replace(self._last(error.seat), refused=error.why))]
            for turn in refused:
                refusals[turn.seat] = refusals.get(turn.seat, 0) + 1
                complaints[turn.seat] = turn.refused
                moves.pop(turn.seat, None)
                if refusals[turn.seat] > self.match.patience:
                    return turn.seat
            waiting = tuple(turn.seat for turn in refused)

    async def _ask_all(
        self, seats: tuple[str, ...], refusals: dict[str, int], complaints: dict[str, str]
    ) -> dict[str, Turn]:
        asked = [self._ask(seat, refusals[seat], complaints[seat]) for seat in seats]
        if len(asked) == 1:
            turn = await asked[0]
            return {turn.seat: turn}
        answers = await asyncio.gather(
            *asked, return_exceptions=True
        )  # wait for all, so that no answer already paid for is lost
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return {answer.seat: answer for answer in answers if isinstance(answer, Turn)}

    async def _ask(self, seat: str, attempt: int, complaint: str) -> Turn:
        """Get one answer of one seat, from the record or from its agent; returns it validated or refused."""
        view = self.game.view(self.state, seat)
        recorded = self.given.next(self.step, seat)
        if recorded is not None:
            move, refused = recorded.move, recorded.refused
        elif seat in self.agents:
            move, refused = await self._answer(view, seat, attempt, complaint)
        else:
            raise RecordEnded
        if not refused:
            try:
                move = well_formed(view, move)
            except IllegalMove as error:
                refused = error.why
        return await self._record(Turn(self.step, seat, move, attempt, refused), new=recorded is None)

    async def _answer(self, view: View, seat: str, attempt: int, complaint: str) -> tuple[Move, str]:
        """Ask the agent; returns its answer, and the error if it is no valid move."""
        if not may_read(self.game.privy(seat), view.messages):
            raise AssertionError(f"{seat} was shown a message that is not addressed to it")
        seed = answer_seed(self.match, seat, self.step, attempt)
        view = replace(view, complaint=complaint, seed=seed, seats=self.game.seats)
        try:
            with Asking(seat):
                return await self.agents[seat].act(view), ""
        except BadReply as error:
            return error.move, error.why
        except (ModelUnavailable, Stopped) as error:
            error.seat, error.step = seat, self.step
            raise

    async def _record(self, turn: Turn, new: bool = True) -> Turn:
        turn = self._sparing(turn)
        self.turns[turn.step, turn.seat, turn.attempt] = turn
        if not new:
            self.on_replay(turn)
        elif self.on_turn is not None:
            await self.on_turn(turn)
        return turn

    def _sparing(self, turn: Turn) -> Turn:
        """The same answer with its prompts sharing message objects of earlier ones, so that a long chat takes linear
        memory.
        """
        sent = [call.prompt for call in turn.move.usage.calls]
        kept = [tuple(map(self.lines.setdefault, prompt, prompt)) for prompt in sent]
        if all(all(map(is_, *both)) for both in zip(kept, sent, strict=True)):
            return turn
        calls = (replace(call, prompt=lines) for call, lines in zip(turn.move.usage.calls, kept, strict=True))
        return replace(turn, move=replace(turn.move, usage=Usage(tuple(calls))))

    def _last(self, seat: str) -> Turn:
        return next(turn for turn in reversed(self.turns.values()) if turn.seat == seat)

    def _show(self) -> None:
        if self.on_state is not None:
            self.on_state(self.state)
