"""The training objective: loss terms that share one forward per role; and the cost of a step, computed in advance."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from unlearning.losses.loss_terms import Term, reads_scores
from unlearning.losses.reference_model import Need, Reference
from unlearning.modeling.forward_view import RoleRows, Sample, build_rows, run_forward
from unlearning.modeling.training_cost import Bill, CostMeter, Frame

Draw: TypeAlias = Mapping[str, Sequence[Sample]]  # the samples of a step, by role
Context: TypeAlias = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Objective:
    """A sum of terms. Terms that have a role in common are a group; each group is run and differentiated by itself,
    so that the activations of one are freed before the next."""

    terms: tuple[Term, ...]

    def __init__(self, *terms: Term) -> None:
        object.__setattr__(self, "terms", tuple(term for term in terms if term.coef))

    @property
    def groups(self) -> tuple[tuple[Term, ...], ...]:
        groups: list[list[Term]] = []
        for term in self.terms:
            own = [group for group in groups if any(set(one.roles) & set(term.roles) for one in group)]
            groups = [group for group in groups if group not in own]
            groups.append([one for group in own for one in group] + [term])
        return tuple(tuple(group) for group in groups)

    def split_by_role(self, role: str) -> tuple["Objective", "Objective"]:
        """The terms of the groups that read a role, and the others."""
        first = [term for group in self.groups if any(role in term.roles for term in group) for term in group]
        return Objective(*first), Objective(*(term for term in self.terms if not any(term is one for one in first)))

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(role for term in self.terms for role in term.roles))

    @property
    def needs(self) -> tuple[Need, ...]:
        """The reference outputs that the terms need, each once."""
        return tuple(dict.fromkeys(need for term in self.terms for need in term.needs))

    @property
    def named(self) -> tuple[tuple[tuple[str, Term], ...], ...]:
        """By group, each term with the name of its value: its own, with a + where another term has that already."""
        groups = []
        for group in self.groups:
            names: dict[str, Term] = {}
            for term in group:
                names[term.name if term.name not in names else f"{term.name}+"] = term
            groups.append(tuple(names.items()))
        return tuple(groups)

    def reach(self, role: str) -> tuple[tuple[int, ...], bool]:
        """The blocks whose output is read for a role, and whether its logits are."""
        terms = [term for term in self.terms if role in term.roles]
        return tuple({layer for term in terms for layer in term.layers}), any(map(reads_scores, terms))

    def learn(
        self,
        module: object,
        parts: Sequence[Draw],
        reference: Reference,
        *,
        pad: int,
        device: object,
        scales: Mapping[str, float] | None = None,
        context: Context = nullcontext,
        meter: CostMeter | None = None,
        frame: Frame | None = None,
        gradient: bool = True,
    ) -> dict[str, float]:
        """Add the gradient of one step, whose draw may come in several parts, and return the value of each term.

        Without `gradient` the values alone are computed, and nothing is counted as spent.
        """
        whole = {role: [sample for part in parts for sample in part.get(role, ())] for role in self.roles}
        told: dict[str, Tensor] = {}
        for part in parts:
            for group in self.named:
                roles = dict.fromkeys(role for _, term in group for role in term.roles)
                if not all(part.get(role) for role in roles):
                    continue
                rows = {role: build_rows(role, part[role], pad, device, whole[role]) for role in roles}
                with context(), torch.set_grad_enabled(gradient):
                    views = {role: run_forward(module, rows[role], *self.reach(role)) for role in roles}
                losses = {}
                for name, term in group:
                    value = term(views, reference)
                    losses[name] = value * term.coef * (scales or {}).get(term.name, 1.0)
                    told[name] = told.get(name, torch.zeros((), device=value.device)) + value.detach()
                del views
                if not gradient:
                    continue
                loss = torch.stack(list(losses.values())).sum()
                loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
                if meter is not None and frame is not None:
                    self._count(meter, frame, rows, whole, reference)
        return dict(zip(told, torch.stack(list(told.values())).tolist(), strict=True)) if told else {}

    def estimate_cost(self, frame: Frame, *, live: bool = False) -> Bill:
        """The cost of a step, with batches of equal size for all roles. live: the reference is asked at each step."""
        forward = backward = asked = 0.0
        for role in self.roles:
            deepest = self._deepest(role)
            forward += frame.forward(deepest)
            backward += frame.backward(deepest)
        for need in self.needs if live else ():
            asked += frame.forward(need.layer)
        return Bill(forward, backward, asked)

    def _deepest(self, role: str) -> int | None:
        layers, scores = self.reach(role)
        return None if scores else max(layers)

    def _count(
        self,
        meter: CostMeter,
        frame: Frame,
        rows: Mapping[str, RoleRows],
        whole: Mapping[str, Sequence[Sample]],
        reference: Reference,
    ) -> None:
        for role, given in rows.items():
            share = len(given.index) / len(whole[role])
            deepest = self._deepest(role)
            live = [need for need in self.needs if need.role == role and need not in reference.kept]
            asked = sum(frame.forward(need.layer) for need in live)
            flops = frame.flops / share  # passes are counted in shares of a batch, tokens one by one
            meter.add(given.size, flops, frame.forward(deepest) * share, frame.backward(deepest) * share, asked * share)
