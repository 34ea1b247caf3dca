"""Training controllers: they get step readings and return loss factors, dropped samples and early stops."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from arena.parameter_ranges import Finite
from unlearning.training.training_state import Lens, State


class Controller(Protocol):
    """Changes the state at three moments; keeps nothing itself, so that a training can be taken up."""

    def begin(self, state: State, lens: Lens) -> None: ...
    def end_step(self, state: State, values: Mapping[str, float]) -> None: ...
    def end_epoch(self, state: State, lens: Lens) -> None: ...


class Still:
    """A controller that does nothing at the moments it does not name."""

    def begin(self, state: State, lens: Lens) -> None:
        """Before the first step."""

    def end_step(self, state: State, values: Mapping[str, float]) -> None:
        """After a step, with the value of each term."""

    def end_epoch(self, state: State, lens: Lens) -> None:
        """After an epoch."""


@dataclass(frozen=True)
class Dual(Still):
    """The multiplier λ of a constraint value ≤ bound: λ ← max(0, λ + rate (value − bound)) after warm-up epochs.

    bound: None takes (1 + slack) times the value before training. each: update after every step with its own value,
    or after every epoch with that of the whole pool (one forward over it).
    """

    term: str = "retain"
    first: float = 1.0
    rate: float = 1.0
    bound: float | None = None
    slack: float = 0.1
    warmup: int = 0
    each: Literal["step", "epoch"] = "step"

    def begin(self, state: State, lens: Lens) -> None:
        state.scales[self.term] = self.first
        bound = (1 + self.slack) * lens.loss(self.term) if self.bound is None else self.bound
        state.numbers["bound"] = bound

    def end_step(self, state: State, values: Mapping[str, float]) -> None:
        if self.each == "step" and self.term in values:
            self._update(state, values[self.term])

    def end_epoch(self, state: State, lens: Lens) -> None:
        if self.each == "epoch":
            self._update(state, lens.loss(self.term))

    def _update(self, state: State, value: float) -> None:
        if state.epoch >= self.warmup:
            now = state.scales[self.term] + self.rate * (value - state.numbers["bound"])
            state.scales[self.term] = max(0.0, now)


@dataclass(frozen=True)
class Dropping(Still):
    """Leaves out forget samples that are forgotten, and ends when all are, or when the pool as a whole is.

    forgotten: which samples are, by place in the pool; whole: whether the rest of training is not needed. A dropped
    sample never returns.
    """

    forgotten: Callable[[Lens], list[bool]]
    whole: Callable[[Lens], bool]

    def end_epoch(self, state: State, lens: Lens) -> None:
        state.dropped |= {place for place, gone in enumerate(self.forgotten(lens)) if gone}
        if len(state.dropped) == len(lens.pools["forget"]):
            state.stop = "every sample is forgotten"
        elif self.whole(lens):
            state.stop = "the forget set is forgotten"


@dataclass(frozen=True)
class Until(Still):
    """Ends training after the epoch in which a reading of a pool crosses a limit."""

    role: str = "forget"
    """Role whose items are read."""
    reading: Literal["probability", "loss"] = "probability"
    """Reading: "probability", the mean of p(answer)^(1/n), or "loss", nats per answer token."""
    side: Literal["below", "above"] = "below"
    """Side of the limit on which training ends."""
    limit: Finite = 0.1
    """Value of the reading at which training ends."""

    def end_epoch(self, state: State, lens: Lens) -> None:
        value = lens.probability(self.role) if self.reading == "probability" else lens.loss(self.role)
        state.numbers[f"{self.reading} {self.role}"] = value
        if value < self.limit if self.side == "below" else value > self.limit:
            state.stop = f"{self.reading} of {self.role} is {value:.4g}, {self.side} {self.limit:g}"
