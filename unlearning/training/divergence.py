"""Detect a diverged training from its step losses and the norm of its weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite, log
from typing import Any

from unlearning.losses.loss_terms import Term, Weighted
from unlearning.losses.objective import Objective

FAR = 1000.0  # times the first value, or 1: no loss of a model that still computes anything goes there
GUESSES = 3.0  # times log V: answers that are to be learnt are worse by far than guessed in the whole vocabulary
LARGER = 10.0  # times the length that the trained weights had
ADAPTER = 100.0  # the same of an adapter, half of which begins at 0
WORSE = 10.0  # times the first value, or 1, of an objective that cannot fall below 0


@dataclass(slots=True)
class DivergenceMonitor:
    """Looks at a training on its way. vocabulary: tokens that the model scores. size: of the trained weights at first.
    larger: how much longer they may become. first: the value of each term at the first step."""

    objective: Objective
    vocabulary: int
    size: float
    larger: float = LARGER
    first: dict[str, float] = field(default_factory=dict)

    def broken(self, values: Mapping[str, float]) -> str:
        """The fault in the losses of one step; "" for none. Those of the first step are kept."""
        for name, value in values.items():
            if not isfinite(value):
                return f"the loss of {name} is {value}"
        self.first = self.first or dict(values)
        for name, value in values.items():
            if abs(value) > FAR * max(1.0, abs(self.first.get(name, 0.0))):
                return f"the loss of {name} is {value:.3g}, after {self.first.get(name, 0.0):.3g} at the first step"
        guess = log(max(2, self.vocabulary))
        for name, term in self._terms():
            learns = isinstance(term, Weighted) and term.weight.learns and term.coef > 0
            if learns and (value := values.get(name, 0.0)) > max(GUESSES * guess, 2 * self.first.get(name, 0.0)):
                return f"the loss of {name} is {value:.3g} nats a token, where a blind guess is {guess:.3g}"
        return ""

    def worse(self, values: Mapping[str, float], size: float) -> str:
        """The fault in the current weights; "" for none. values: of a step with these weights. size: of
        the trained weights now."""
        if not isfinite(size) or size > self.larger * self.size:
            return f"the trained weights are {size / max(self.size, 1e-30):.3g} times as large as they were"
        if any(value < 0 for value in self.first.values()):
            return ""  # a loss unbounded below falls, however bad it is for the model
        begun, now = self._total(self.first), self._total(values)
        if now > WORSE * max(1.0, begun):
            return f"the whole loss is {now:.3g}, after {begun:.3g} at the first step"
        return ""

    def plain(self) -> dict[str, Any]:
        return {"first": dict(self.first), "size": self.size}

    def restore(self, kept: Mapping[str, Any]) -> None:
        self.first, self.size = dict(kept["first"]), kept["size"]

    def _terms(self) -> Iterator[tuple[str, Term]]:
        yield from (pair for group in self.objective.named for pair in group)

    def _total(self, values: Mapping[str, float]) -> float:
        return sum(term.coef * values.get(name, 0.0) for name, term in self._terms())
