"""Every method that trains, by existing: where its gradient is, how its loss adds up, and that it stays finite.

Logits (or activations) are leaves, one for each token of each item, laid out on either side with junk for padding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import tiny_facts
import torch
from torch import Tensor, nn

from unlearning.losses.loss_terms import Distil, Term, Weighted
from unlearning.losses.objective import Draw
from unlearning.losses.reference_model import Reference
from unlearning.losses.token_weights import Seen
from unlearning.modeling.forward_view import ForwardView, RoleRows, Sample, build_rows, run_forward
from unlearning.training.trainer import TrainingJob

VOCABULARY = 400


@dataclass
class Table(nn.Module):
    """A model that says what stands in a table (B, T, V)."""

    table: Tensor

    def __post_init__(self) -> None:
        super().__init__()

    def forward(self, input_ids: Tensor) -> Any:
        return type("Out", (), {"logits": self.table})


@dataclass
class Sheet:
    """The leaves of one role: for each item (T, width), and junk for padding."""

    samples: Sequence[Sample]
    leaves: list[Tensor]
    junk: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.junk = torch.randn_like(self.leaves[0][:1]).requires_grad_()

    def laid(self, side: str) -> Tensor:
        longest = max(map(len, self.leaves))
        rows = []
        for leaf in self.leaves:
            pad = self.junk.expand(longest - len(leaf), -1)
            rows.append(torch.cat([leaf, pad] if side == "right" else [pad, leaf]))
        return torch.stack(rows)


def sheets(job: TrainingJob, term: Term, draw: Draw, seed: int, scale: float = 1.0) -> dict[str, Sheet]:
    chance = torch.Generator().manual_seed(seed)
    width = job.module.config.hidden_size if term.layers else VOCABULARY
    return {
        role: Sheet(
            draw[role],
            [
                (torch.randn(len(one.encoded.ids), width, generator=chance) * scale).requires_grad_()
                for one in draw[role]
            ],
        )
        for role in term.roles
    }


def view_of(term: Term, sheet: Sheet, rows: RoleRows, side: str) -> ForwardView:
    laid = sheet.laid(side)
    if term.layers:
        return ForwardView(rows, None, {layer: laid[:, rows.columns] for layer in term.layers})
    return run_forward(Table(laid), rows)


def value(term: Term, now: dict[str, Sheet], before: dict[str, Sheet], side: Any = "right", pad: int = 0) -> Tensor:
    """The term on these sheets, the reference being the other ones."""

    def frozen(rows: RoleRows, layers: tuple[int, ...], scores: bool) -> ForwardView:
        return view_of(term, before[rows.role], rows, side)

    views = {
        role: view_of(term, sheet, build_rows(role, sheet.samples, pad, "cpu", side=side), side)
        for role, sheet in now.items()
    }
    return term(views, Reference({}, frozen))


def cases() -> list[Any]:
    found = []
    for name in tiny_facts.trained_methods():
        job = tiny_facts.made(name).job(tiny_facts.study(), remembered=False)
        for place, term in enumerate(job.objective.terms):
            found.append(pytest.param(job, term, id=f"{name}-{place}-{'+'.join(term.roles)}"))
    return found


CASES = cases()
ladder = pytest.mark.parametrize(("job", "term"), CASES)


def gradients(
    term: Term, now: dict[str, Sheet], before: dict[str, Sheet], side: str = "right"
) -> tuple[float, list[Tensor]]:
    leaves = [leaf for sheet in now.values() for leaf in (*sheet.leaves, sheet.junk)]
    loss = value(term, now, before, side)
    found = torch.autograd.grad(loss, leaves, allow_unused=True)
    return loss.item(), [torch.zeros_like(a) if b is None else b for a, b in zip(leaves, found, strict=True)]


@ladder
def test_gradient_is_at_the_answer_alone(job: TrainingJob, term: Term) -> None:
    draw = tiny_facts.first_draw(job)
    now, before = sheets(job, term, draw, 1), sheets(job, term, draw, 2)
    _, found = gradients(term, now, before)
    there = iter(found)
    for sheet in now.values():
        for sample in sheet.samples:
            gradient, start = next(there), sample.encoded.start
            assert not gradient[: start - 1].any(), "the prompt"
            assert not gradient[-1].any(), "behind the last token there is nothing to say"
            assert gradient[start - 1 : -1].any(), "the answer"
        assert not next(there).any(), "padding"


@ladder
def test_the_side_of_padding_makes_no_difference(job: TrainingJob, term: Term) -> None:
    draw = tiny_facts.first_draw(job)
    now, before = sheets(job, term, draw, 1), sheets(job, term, draw, 2)
    lengths = {len(sample.encoded.ids) for role in term.roles for sample in draw[role]}
    assert len(lengths) > 1, "the items have different lengths"
    right, left = gradients(term, now, before, "right"), gradients(term, now, before, "left")
    assert right[0] == pytest.approx(left[0], rel=1e-5)
    for one, other in zip(right[1], left[1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


def norm_of(term: Term) -> str:
    if isinstance(term, Weighted):
        return term.weight.norm
    return "token" if isinstance(term, Distil) else "seq"


@ladder
def test_a_batch_is_the_mean_of_its_items_by_the_declared_norm(job: TrainingJob, term: Term) -> None:
    draw = tiny_facts.first_draw(job)
    now, before = sheets(job, term, draw, 1), sheets(job, term, draw, 2)

    def alone(sheets: dict[str, Sheet], row: int) -> dict[str, Sheet]:
        return {role: Sheet([one.samples[row]], [one.leaves[row]]) for role, one in sheets.items()}

    whole = value(term, now, before).item()
    count = len(draw[term.roles[0]])
    singles = [value(term, alone(now, row), alone(before, row)).item() for row in range(count)]
    sizes = [len(one.encoded.ids) - one.encoded.start for one in draw[term.roles[-1]]]
    weights = sizes if norm_of(term) == "token" else [1] * count
    mean = sum(w * one for w, one in zip(weights, singles, strict=True)) / sum(weights)
    assert whole == pytest.approx(mean, rel=1e-5)


@ladder
def test_the_reference_receives_no_gradient(job: TrainingJob, term: Term) -> None:
    draw = tiny_facts.first_draw(job)
    now, before = sheets(job, term, draw, 1), sheets(job, term, draw, 2)
    value(term, now, before).backward()
    assert all(leaf.grad is None for sheet in before.values() for leaf in sheet.leaves)
    assert all(leaf.grad is not None for sheet in now.values() for leaf in sheet.leaves)


@ladder
@pytest.mark.parametrize("sure", [True, False], ids=["p=1", "p=1e-30"])
def test_it_is_finite_where_the_model_is_certain(job: TrainingJob, term: Term, sure: bool) -> None:
    """Logits in bfloat16, 70 nats in favour of the answer or against it (e^-70 = 4e-31)."""
    draw = tiny_facts.first_draw(job)
    now, before = sheets(job, term, draw, 1), sheets(job, term, draw, 2)
    for sheet in now.values():
        for place, sample in enumerate(sheet.samples):
            ids = torch.tensor(sample.encoded.ids)
            leaf = torch.zeros_like(sheet.leaves[place])
            if not term.layers:
                leaf[torch.arange(len(ids) - 1), ids[1:]] = 70.0 if sure else -70.0
            sheet.leaves[place] = leaf.to(torch.bfloat16).requires_grad_()
        sheet.junk = sheet.junk.detach().to(torch.bfloat16).requires_grad_()
    loss, found = gradients(term, now, before)
    assert torch.tensor(loss).isfinite()
    assert all(gradient.isfinite().all() for gradient in found)


@ladder
def test_a_step_cut_into_parts_has_the_same_gradient(job: TrainingJob, term: Term) -> None:
    draw = tiny_facts.first_draw(job)
    now, before = sheets(job, term, draw, 1), sheets(job, term, draw, 2)
    _, whole = gradients(term, now, before)

    def frozen(rows: RoleRows, layers: tuple[int, ...], scores: bool) -> ForwardView:
        row = [sample.index for sample in draw[rows.role]].index(rows.index[0])
        one = before[rows.role]
        return view_of(term, Sheet([one.samples[row]], [one.leaves[row]]), rows, "right")

    for row in range(len(draw[term.roles[0]])):
        views = {}
        for role, sheet in now.items():
            part = Sheet([sheet.samples[row]], [sheet.leaves[row]])
            views[role] = view_of(term, part, build_rows(role, part.samples, 0, "cpu", sheet.samples), "right")
        term(views, Reference({}, frozen)).backward()
    there = iter(whole)
    for sheet in now.values():
        for leaf in sheet.leaves:
            torch.testing.assert_close(leaf.grad, next(there), rtol=1e-5, atol=1e-7)
        next(there)


@ladder
def test_it_computes_on_the_device_of_what_it_reads(job: TrainingJob, term: Term) -> None:
    """On a device that holds no numbers, where whatever was left on the CPU cannot be computed with."""
    draw, width = tiny_facts.first_draw(job), job.module.config.hidden_size

    def there(rows: RoleRows) -> ForwardView:
        own = {name: getattr(rows, name).to("meta") for name in ("columns", "mask", "targets")}
        shape = (*rows.mask.shape, width if term.layers else VOCABULARY)
        found = torch.empty(shape, device="meta", requires_grad=True)
        rows = replace(rows, inputs={}, **own)
        return ForwardView(rows, None, dict.fromkeys(term.layers, found)) if term.layers else ForwardView(rows, found)

    views = {role: there(build_rows(role, draw[role], 0, "cpu")) for role in term.roles}
    loss = term(
        views, Reference({}, lambda rows, layers, scores: there(build_rows(rows.role, draw[rows.role], 0, "cpu")))
    )
    assert loss.device.type == "meta"
    loss.backward()  # type: ignore[no-untyped-call,unused-ignore]


TELLING = [case for case in CASES if isinstance(case.values[1], Weighted) and case.values[1].weight.value]


@pytest.mark.parametrize(("job", "term"), TELLING)
def test_a_weight_is_the_gradient_of_the_loss_it_tells(job: TrainingJob, term: Any) -> None:
    """Where a weight has an explicit loss, that loss by itself, differentiated, is the same step."""
    chance = torch.Generator().manual_seed(3)
    lp = (-torch.rand(2, 5, generator=chance) * 3).requires_grad_()
    lp0 = -torch.rand(2, 5, generator=chance) * 3
    n = torch.full((2, 1), 5.0)
    seen = Seen(lp, lp.sum(1, keepdim=True), n, lp0, lp0.sum(1, keepdim=True))
    (told,) = torch.autograd.grad(term.weight.value(seen).sum(), lp)
    with torch.no_grad():
        fixed = Seen(lp.detach(), lp.detach().sum(1, keepdim=True), n, lp0, lp0.sum(1, keepdim=True))
        torch.testing.assert_close(told, term.weight.of(fixed).expand_as(lp))
