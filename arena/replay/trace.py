"""Replay recorded answers through today's code, up to the end or the first divergence."""

import logging
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

from arena.console.transcript import action_of
from arena.engine.match_loop import first_state
from arena.engine.move_validation import well_formed
from arena.episode import Match, Turn
from arena.errors import IllegalMove
from arena.game import Game, Move

LOGGER = logging.getLogger(__name__)

OnAnswer: TypeAlias = Callable[[Any, Turn, str], None]  # state before the answer, the answer, the complaint before it


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where today's code differs from the record: `why`, `then` what was recorded, `now` today's result.

    `step` counts the game's transitions from 0; it is None, and `seat` "", where no single answer can be named.
    """

    why: str
    then: str
    now: str
    step: int | None = None
    seat: str = ""
    attempt: int = 0


class ReplayDiverged(Exception):
    """Raised at the first divergence of a replay."""

    def __init__(self, divergence: Divergence) -> None:
        super().__init__(divergence.why)
        self.divergence = divergence


@dataclass(slots=True)
class Trace:
    """A record as far as it was replayed: `step` transitions, to `state`.

    `ended` is whether the game is over there by today's rules, `blame` the seat that forfeited. `unchecked` counts
    refusals that cannot be checked again: the agent could not parse its model's reply, or another seat's answer is
    missing. `reworded` counts refusals with a different reason.
    """

    game: Game
    match: Match
    state: Any = None
    step: int = 0
    ended: bool = False
    blame: str = ""
    divergence: Divergence | None = None
    unchecked: int = 0
    reworded: int = 0
    watch: OnAnswer = field(default=lambda state, turn, complaint: None)
    current: Turn | None = None

    def advance(self, step: int, turns: Sequence[Turn]) -> None:
        """Apply one transition from its recorded answers. Raises ReplayDiverged."""
        self.current = turns[0]
        seats = self._check_seats(step, turns)
        taken = {turn.seat: turn for turn in turns if not turn.refused}
        refusals, complaints = Counter[str](), dict.fromkeys(seats, "")
        moves: dict[str, Move] = {}
        for turn in turns:
            self.current = turn
            self.watch(self.state, turn, complaints[turn.seat])
            if turn.refused:
                others = {seat: other.move for seat, other in taken.items() if seat != turn.seat}
                self._judge(turn, others, others.keys() | {turn.seat} >= set(seats))
                refusals[turn.seat] += 1
                complaints[turn.seat] = turn.refused
                continue
            try:
                moves[turn.seat] = well_formed(self.game.view(self.state, turn.seat), turn.move)
            except IllegalMove as error:
                raise make_divergence(turn, "an answer that was taken is refused", error.why) from error
        quitter = next((seat for seat in seats if refusals[seat] > self.match.patience), "")
        if quitter:
            self._forfeit(quitter)
        elif len(moves) == len(seats):
            self._apply(moves, taken)

    def _check_seats(self, step: int, turns: Sequence[Turn]) -> tuple[str, ...]:
        """Check that today's rules wait for exactly the seats that answered."""
        seats = () if self.ended else self.game.to_act(self.state)
        for turn in turns:
            if not seats:
                raise make_divergence(turn, "the game is over", "nobody is to act")
            if step != self.step or turn.seat not in seats:
                raise make_divergence(turn, "another seat is to act", f"step {self.step} waits for {', '.join(seats)}")
        return seats

    def _judge(self, turn: Turn, others: dict[str, Move], complete: bool) -> None:
        """Check that a refused answer is refused again; counted as unchecked if that cannot be decided."""
        view = self.game.view(self.state, turn.seat)
        try:
            move = well_formed(view, turn.move)
            if complete:
                self.game.apply(self.state, {**others, turn.seat: move})
        except IllegalMove as error:
            if error.seat != turn.seat:
                self.unchecked += 1
            elif error.why != turn.refused:
                self.reworded += 1
            return
        if not complete or (turn.move.usage.calls and not turn.move.tool):
            self.unchecked += 1
            return
        raise make_divergence(turn, "an answer that was refused is taken", "taken")

    def _apply(self, moves: dict[str, Move], taken: dict[str, Turn]) -> None:
        try:
            self.state = self.game.apply(self.state, moves)
        except IllegalMove as error:
            raise make_divergence(taken[error.seat], "an answer that was taken is refused", error.why) from error
        self.step += 1

    def _forfeit(self, seat: str) -> None:
        after = self.game.forfeit(self.state, seat)
        if after is None:
            self.ended, self.blame = True, seat
            return
        self.state = after
        self.step += 1


def retrace(
    game: Game,
    match: Match,
    turns: Iterable[Turn],
    watch: OnAnswer = lambda state, turn, complaint: None,
) -> Trace:
    """Replay the recorded answers in order through today's rules; stops at the first divergence.

    `watch` is called with each answer and the state before it. An exception of the game's code is a divergence, too.
    """
    trace = Trace(game, match, watch=watch)
    try:
        trace.state = first_state(game, match)
        for step, answers in groupby(turns, key=lambda turn: turn.step):
            trace.advance(step, tuple(answers))
        trace.ended = trace.ended or not game.to_act(trace.state)
    except ReplayDiverged as error:
        trace.divergence = error.divergence
    except Exception as error:
        LOGGER.debug("the game's code failed in a replay", exc_info=True)
        trace.divergence = _make_crash(error, trace.current)
    return trace


def format_answer(turn: Turn) -> str:
    """Short form of an answer: its action and its words."""
    words = turn.move.text if len(turn.move.text) <= 60 else turn.move.text[:60] + "…"
    done = action_of(turn.move.tool, turn.move.args)
    answer = " ".join(filter(None, [f"[{done}]" if done else "", repr(words) if words else ""])) or "an empty answer"
    return f"{answer}, refused: {turn.refused}" if turn.refused else answer


def make_divergence(turn: Turn, why: str, now: str) -> ReplayDiverged:
    """The divergence at a recorded answer."""
    return ReplayDiverged(Divergence(why, format_answer(turn), now, turn.step, turn.seat, turn.attempt))


def _make_crash(error: Exception, turn: Turn | None) -> Divergence:
    at = traceback.extract_tb(error.__traceback__)[-1]
    now = f"{type(error).__name__}: {error} ({Path(at.filename).name}:{at.lineno})"
    if turn is None:
        return Divergence("today's code fails", "the start of the game", now, 0)
    return Divergence("today's code fails", format_answer(turn), now, turn.step, turn.seat, turn.attempt)
