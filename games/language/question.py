"""One question to one agent: the game that `arena ask` plays and records."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from arena.errors import IllegalMove
from arena.game import JSON, Game, Message, Move, View, game

SEAT = "agent"
ASKER = "user"  # who asks


@dataclass(frozen=True, slots=True)
class AnswerState:
    """What was answered; None before that."""

    text: str | None = None


@game
@dataclass(frozen=True, slots=True)
class Question(Game[AnswerState]):
    """An agent is asked a question in words and answers it; nobody scores the answer."""

    question: str = "What do you know?"
    """Text of the question."""
    rules: str = "Somebody asks you a question. Answer it in a sentence or two, from what you know."
    """Text that the agent is given as the rules."""

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise ValueError("a question has words")

    @property
    def seats(self) -> tuple[str, ...]:
        return (SEAT,)

    @property
    def cast(self) -> Mapping[str, str]:
        return {SEAT: "knower"}

    @property
    def most_answers(self) -> Mapping[str, int]:
        return {SEAT: 1}

    def start(self, rng: Random) -> AnswerState:
        return AnswerState()

    def to_act(self, state: AnswerState) -> tuple[str, ...]:
        return (SEAT,) if state.text is None else ()

    def view(self, state: AnswerState, seat: str) -> View:
        return View(seat, self.rules, self._list_messages(), known={"asked": self.question})

    def apply(self, state: AnswerState, moves: Mapping[str, Move]) -> AnswerState:
        move = moves[SEAT]
        if not move.text.strip():
            raise IllegalMove(SEAT, "the answer has no words")
        return AnswerState(move.text)

    def scores(self, state: AnswerState) -> dict[str, float | None]:
        return {SEAT: None}

    def facts(self, state: AnswerState) -> dict[str, JSON]:
        """`question` and `answer`, which is null where there is none."""
        return {"question": self.question, "answer": state.text}

    def watch(self, state: AnswerState) -> tuple[Message, ...]:
        return self._list_messages() if state.text is None else (*self._list_messages(), Message(SEAT, state.text))

    def _list_messages(self) -> tuple[Message, ...]:
        return (Message(ASKER, self.question),)
