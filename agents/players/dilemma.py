"""Players of repeated two-seat games, after Axelrod's tournaments; they accept any payoff table."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from agents.required_fields import knowing
from arena.agent import agent
from arena.errors import UsageError
from arena.game import Move, View


@dataclass(frozen=True, slots=True)
class Stage:
    """One round as a seat sees it. `table[i][j]`: own and the rival's payoff when it takes i and the rival j."""

    actions: Sequence[str]
    table: Sequence[Sequence[Sequence[float]]]
    history: Sequence[Sequence[int]]  # (own action, the rival's), in order

    @classmethod
    def of(cls, view: View) -> "Stage":
        known = knowing(view, "dilemma", "actions", "payoffs", "history")
        return cls(known["actions"], known["payoffs"], known["history"])

    @property
    def kind(self) -> tuple[int, int]:
        """The own and the rival's action of the cell with the largest sum of payoffs; of equals the first."""
        cells = [(i, j) for i, line in enumerate(self.table) for j in range(len(line))]
        return max(cells, key=lambda cell: sum(self.table[cell[0]][cell[1]]))

    @property
    def harsh(self) -> int:
        """The own action that leaves a rival who answers best the least, the kind one aside where there is another."""
        others = [i for i in range(len(self.table)) if i != self.kind[0]] or [0]
        return min(others, key=lambda i: max(cell[1] for cell in self.table[i]))

    def answer(self, kind: bool) -> Move:
        return Move(self.actions[self.kind[0] if kind else self.harsh])


@dataclass(frozen=True, slots=True)
class Player(ABC):
    """A player of a repeated two-seat game whose hole is `choose`."""

    async def act(self, view: View) -> Move:
        return self.choose(Stage.of(view), Random(view.seed))

    @abstractmethod
    def choose(self, stage: Stage, rng: Random) -> Move:
        """The next action; randomness, if any, comes from `rng`."""


@agent
@dataclass(frozen=True, slots=True)
class Copycat(Player):
    """Tit for tat: cooperates first, then repeats the rival's action of the last round.

    Rapoport's entry in Axelrod (1980), Journal of Conflict Resolution 24; with forgiveness Nowak & Sigmund (1992).
    """

    forgives: float = 0.0
    """Probability that it cooperates after a defection of the rival; 0: plain tit for tat."""

    def choose(self, stage: Stage, rng: Random) -> Move:
        kind = not stage.history or stage.history[-1][1] == stage.kind[1]
        return stage.answer(kind or rng.random() < self.forgives)


@agent
@dataclass(frozen=True, slots=True)
class Grim(Player):
    """Kind until the rival was not, then never again (Friedman 1971)."""

    def choose(self, stage: Stage, rng: Random) -> Move:
        return stage.answer(all(rival == stage.kind[1] for _, rival in stage.history))


@agent
@dataclass(frozen=True, slots=True)
class Pavlov(Player):
    """Win-stay, lose-shift: repeats what paid at least the mean of its table, else takes its next action.

    Kind at first. Nowak & Sigmund (1993), Nature 364.
    """

    def choose(self, stage: Stage, rng: Random) -> Move:
        if not stage.history:
            return stage.answer(kind=True)
        own, rival = stage.history[-1]
        payoffs = [cell[0] for line in stage.table for cell in line]
        happy = stage.table[own][rival][0] >= sum(payoffs) / len(payoffs)
        return Move(stage.actions[own if happy else (own + 1) % len(stage.actions)])


@agent
@dataclass(frozen=True, slots=True)
class Always(Player):
    """Takes one action always: `always/defect`."""

    id: str = ""
    """Action that it takes; "": the cooperative one."""

    def choose(self, stage: Stage, rng: Random) -> Move:
        if self.id and self.id not in stage.actions:
            raise UsageError(f"no action named {self.id!r} here; write always/{' or always/'.join(stage.actions)}")
        return Move(self.id) if self.id else stage.answer(kind=True)


@agent
@dataclass(frozen=True, slots=True)
class BestReply(Player):
    """Fictitious play: the best reply to how often the rival took each action so far; draws among equal ones.

    Its frequencies reach the equilibrium in zero-sum games. Brown (1951), Robinson (1951), Annals of Mathematics 54.
    """

    def choose(self, stage: Stage, rng: Random) -> Move:
        seen = [rival for _, rival in stage.history]
        counts = [1 / len(stage.table[0]) + seen.count(j) for j in range(len(stage.table[0]))]
        worth: list[Any] = [sum(c * cell[0] for c, cell in zip(counts, line, strict=True)) for line in stage.table]
        best = [i for i, value in enumerate(worth) if value >= max(worth) - 1e-9]
        return Move(stage.actions[rng.choice(best)])
