"""Closed forms of the losses on logits (1, 1, 2) and (1, 1, V), and the limits that lead from one method to another."""

from collections.abc import Callable
from dataclasses import replace
from math import exp, log

import pytest
import tiny_facts
import torch
from torch import Tensor

from unlearning.losses.loss_terms import Activation, Distil, Preferred, Term, Weighted, aim_at, match_reference
from unlearning.losses.objective import Objective
from unlearning.losses.reference_model import Reference
from unlearning.losses.target_distributions import (
    Distance,
    Target,
    cross_entropy,
    divergence,
    exclude_answer,
    flatness,
    lower_answer,
    same,
    uniform,
)
from unlearning.losses.token_weights import ascent, learning, npo, satimp, simnpo, tnpo, undial_self, wga, wtnpo
from unlearning.modeling.forward_view import ForwardView, RoleRows
from unlearning.request import Item, Request


def rows(role: str, targets: Tensor, mask: Tensor | None = None) -> RoleRows:
    """Rows whose logits are given: (B, C) targets, all of them answer unless masked."""
    mask = torch.ones_like(targets, dtype=torch.bool) if mask is None else mask
    columns = torch.arange(targets.shape[1])
    index = tuple(range(len(targets)))
    return RoleRows(role, {"input_ids": targets}, columns, mask, targets, index, len(targets), int(mask.sum()))


def derivative(term: Term, z: Tensor, y: Tensor, z0: Tensor | None = None) -> tuple[float, Tensor]:
    """The loss of a term on the logits z with answer y, and its gradient in z; z0 are the reference's logits."""
    leaf = z.clone().requires_grad_()
    reference = Reference({}, lambda rows, layers, scores: ForwardView(rows, z if z0 is None else z0))
    loss = term({term.roles[0]: ForwardView(rows(term.roles[0], y), leaf)}, reference)
    loss.backward()
    assert leaf.grad is not None
    return loss.item(), leaf.grad


P, P0 = 0.8, 0.3
TWO = torch.tensor([[[log(P), log(1 - P)]]])  # (1, 1, 2): p of token 0 is 0.8
TWO0 = torch.tensor([[[log(P0), log(1 - P0)]]])
ZERO = torch.zeros(1, 1, dtype=torch.long)
# every weight as its formula in p and p0, n = 1, and the loss it tells (None: by definition the weighted form)
FORMS = {
    "ga": (ascent(), 1.0, log(P)),
    "nll": (learning(), -1.0, -log(P)),
    "npo": (npo(0.5), 2 * P**0.5 / (P**0.5 + P0**0.5), -4 * log(1 / (1 + (P / P0) ** 0.5))),
    "simnpo": (simnpo(2.0, 0.3), 2 / (1 + exp(-2 * (log(P) + 0.3))), -log(1 / (1 + exp(2 * (log(P) + 0.3))))),
    "tnpo": (tnpo(0.5), 2 * P**0.5 / (P**0.5 + P0**0.5), None),
    "wtnpo": (wtnpo(0.5, 2.0), 2 * P**0.5 / (P**0.5 + P0**0.5) * P**2, None),
    "wga": (wga(3.0), P**3, P**3 / 3),
    "satimp": (satimp(2.0, 0.5), P**2 * (1 - P) ** 0.5, None),
    "undial, own teacher": (undial_self(1.0), P * (1 - exp(-1)) / (1 - P * (1 - exp(-1))), None),
}


@pytest.mark.parametrize("name", FORMS)
def test_gradient_on_two_tokens(name: str) -> None:
    weight, w, loss = FORMS[name]
    told, found = derivative(Weighted("forget", weight), TWO, ZERO, TWO0)
    torch.testing.assert_close(found, torch.tensor([[[w * (1 - P), -w * (1 - P)]]]), rtol=1e-5, atol=1e-7)
    assert told == pytest.approx(loss if loss is not None else w * log(P), rel=1e-5)


def random_logits(seed: int, size: int = 7) -> Tensor:
    return torch.randn(1, 1, size, generator=torch.Generator().manual_seed(seed)) * 2


@pytest.mark.parametrize(
    ("target", "distance", "q"),
    [
        (exclude_answer, cross_entropy, lambda z, z0: (lambda e: e / e.sum())(z.exp() * (torch.arange(7) != 2))),
        (lower_answer(1.5), cross_entropy, lambda z, z0: (z0 - 1.5 * (torch.arange(7) == 2)).softmax(-1)),
        (same, divergence, lambda z, z0: z0.softmax(-1)),
        (uniform, divergence, lambda z, z0: torch.full((7,), 1 / 7)),
    ],
    ids=["ce-u", "undial", "kl", "uld"],
)
def test_a_target_pulls_by_p_minus_q(target: Target, distance: Distance, q: Callable[[Tensor, Tensor], Tensor]) -> None:
    z, z0, y = random_logits(1), random_logits(2), torch.tensor([[2]])
    term = Distil("forget", target, distance, teacher=target is not exclude_answer)
    _, found = derivative(term, z, y, z0)
    torch.testing.assert_close(found[0, 0], z[0, 0].softmax(-1) - q(z[0, 0], z0[0, 0]), rtol=1e-5, atol=1e-6)


def test_divergence_is_zero_and_flat_where_nothing_has_changed() -> None:
    z = random_logits(3)
    loss, found = derivative(Distil("retain", same, divergence, teacher=True), z, torch.tensor([[2]]))
    assert abs(loss) < 1e-6 and found.abs().max() < 1e-7


def test_undial_with_beta_zero_changes_nothing_and_else_lowers_to_the_closed_form() -> None:
    z, y = random_logits(3), torch.tensor([[2]])
    _, found = derivative(Distil("forget", lower_answer(0.0), cross_entropy, teacher=True), z, y)
    assert found.abs().max() < 1e-7
    p = z.softmax(-1)[0, 0, 2].item()
    aimed = lower_answer(3.0)(z, y).softmax(-1)[0, 0, 2].item()
    assert aimed == pytest.approx(p * exp(-3) / (p * exp(-3) + 1 - p), rel=1e-5)


def test_flatness_is_zero_at_uniform_logits_and_blind_to_a_constant() -> None:
    y = torch.tensor([[2]])
    term = Distil("forget", same, flatness)
    assert derivative(term, torch.full((1, 1, 7), 3.0), y)[0] == 0
    one, other = derivative(term, random_logits(4), y), derivative(term, random_logits(4) + 5, y)
    assert one[0] == pytest.approx(other[0], rel=1e-4)
    torch.testing.assert_close(one[1], other[1], rtol=1e-4, atol=1e-5)


def weighted(weight: object, seed: int = 5) -> Tensor:
    z = torch.randn(2, 4, 7, generator=torch.Generator().manual_seed(seed))
    y = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 1]])
    z0 = torch.randn(2, 4, 7, generator=torch.Generator().manual_seed(seed + 1))
    return derivative(Weighted("forget", weight), z, y, z0)[1]  # type: ignore[arg-type]


def test_limits_between_weights() -> None:
    assert tiny_facts.gap(weighted(wga(0.0)), weighted(ascent())) < 1e-6
    assert tiny_facts.gap(weighted(satimp(2.0, 0.0)), weighted(wga(2.0))) < 1e-6
    assert tiny_facts.gap(weighted(satimp(0.0, 0.0)), weighted(ascent())) < 1e-6
    assert tiny_facts.gap(weighted(wtnpo(0.3, 0.0)), weighted(tnpo(0.3))) < 1e-6
    assert tiny_facts.gap(weighted(tnpo(1e-4)), weighted(ascent())) < 1e-3
    # per row: N/B of the mean over tokens
    assert tiny_facts.gap(weighted(npo(1e-4)) / 4, weighted(ascent())) < 1e-3
    assert tiny_facts.gap(weighted(simnpo(1e-4)), weighted(ascent())) < 1e-3


def test_ce_u_is_unlikelihood_is_satimp_one_minus_one_is_undial_without_end() -> None:
    z = torch.randn(2, 4, 7, generator=torch.Generator().manual_seed(5))
    y = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 1]])
    ce_u = derivative(Distil("forget", exclude_answer, cross_entropy), z, y)[1]
    leaf = z.clone().requires_grad_()
    p = leaf.softmax(-1).gather(-1, y[..., None])
    (-(1 - p).log().mean()).backward()
    assert leaf.grad is not None
    assert tiny_facts.gap(ce_u, leaf.grad) < 1e-5
    assert tiny_facts.gap(weighted(satimp(1.0, -1.0)), ce_u) < 1e-5
    assert tiny_facts.gap(weighted(undial_self(40.0)), ce_u) < 1e-5
    teacher = derivative(Distil("forget", lower_answer(2.0), cross_entropy), z, y)[1]
    assert tiny_facts.gap(weighted(undial_self(2.0)), teacher) < 1e-5


def test_ce_u_stays_finite_where_the_answer_is_certain() -> None:
    z = torch.tensor([[[90.0, 0.0, 0.0]]])
    loss, found = derivative(Distil("forget", exclude_answer, cross_entropy), z, ZERO)
    torch.testing.assert_close(found, torch.tensor([[[1.0, -0.5, -0.5]]]))
    assert loss == pytest.approx(90, abs=1e-3)


def test_token_npo_is_npo_on_answers_of_one_token() -> None:
    z, z0 = random_logits(1), random_logits(2)
    one = derivative(Weighted("forget", tnpo(0.4)), z, torch.tensor([[2]]), z0)[1]
    other = derivative(Weighted("forget", npo(0.4)), z, torch.tensor([[2]]), z0)[1]
    assert tiny_facts.gap(one, other) < 1e-6


def test_npo_begins_at_two_ln_two_over_beta_as_ascent_and_stays_above_zero() -> None:
    z, y = torch.randn(2, 4, 7, generator=torch.Generator().manual_seed(5)), torch.ones(2, 4, dtype=torch.long)
    loss, found = derivative(Weighted("forget", npo(0.1)), z, y)
    assert loss == pytest.approx(2 * log(2) / 0.1, rel=1e-6)
    assert tiny_facts.gap(found / 4, derivative(Weighted("forget", ascent()), z, y)[1]) < 1e-6
    far = z.scatter(-1, y[..., None], -200.0)
    assert 0 <= derivative(Weighted("forget", npo(0.1)), far, y, z)[0] < 1e-6


def test_npo_less_its_start_goes_to_the_mean_gain() -> None:
    z, z0 = random_logits(1), random_logits(2)
    y = torch.tensor([[2]])
    beta = 1e-3
    loss, _ = derivative(Weighted("forget", npo(beta)), z, y, z0)
    gain = z.log_softmax(-1)[0, 0, 2] - z0.log_softmax(-1)[0, 0, 2]
    assert loss - 2 * log(2) / beta == pytest.approx(gain.item(), abs=2e-2)


def test_doubling_an_answer_leaves_simnpo_but_not_npo() -> None:
    z, z0 = random_logits(1), random_logits(2)

    def of(weight: object, times: int) -> float:
        y = torch.full((1, times), 2)
        return derivative(Weighted("forget", weight), z.expand(1, times, 7), y, z0.expand(1, times, 7))[0]  # type: ignore[arg-type]

    assert of(simnpo(2.0), 1) == pytest.approx(of(simnpo(2.0), 2), rel=1e-6)
    assert of(npo(0.5), 1) != pytest.approx(of(npo(0.5), 2), rel=1e-2)


def preferred(
    win: Tensor, lose: Tensor, win0: Tensor, lose0: Tensor, y: Tensor, beta: float
) -> tuple[float, Tensor, Tensor]:
    one, other = win.clone().requires_grad_(), lose.clone().requires_grad_()
    before = {"prefer": win0, "forget": lose0}
    reference = Reference({}, lambda rows, layers, scores: ForwardView(rows, before[rows.role]))
    views = {"prefer": ForwardView(rows("prefer", y), one), "forget": ForwardView(rows("forget", y), other)}
    loss = Preferred("prefer", "forget", beta)(views, reference)
    loss.backward()
    assert one.grad is not None and other.grad is not None
    return loss.item(), one.grad, other.grad


def test_preference_of_an_answer_over_itself_is_nothing() -> None:
    z, y = random_logits(1), torch.tensor([[2]])
    loss, win, lose = preferred(z, z, z, z, y, 0.1)
    assert loss == pytest.approx(2 * log(2) / 0.1)
    torch.testing.assert_close(win + lose, torch.zeros_like(z))


def test_preference_without_its_winning_half_is_npo() -> None:
    """The winner held where the reference has it: Δ = −(s − s0)."""
    z, z0, y = random_logits(1), random_logits(2), torch.tensor([[2]])
    _, _, lose = preferred(z0, z, z0, z0, y, 0.4)
    torch.testing.assert_close(lose, derivative(Weighted("forget", npo(0.4)), z, y, z0)[1])


def activation(term: Activation, h: Tensor, mask: Tensor, h0: Tensor | None = None) -> tuple[float, Tensor]:
    leaf = h.clone().requires_grad_()
    reference = Reference({}, lambda rows, layers, scores: ForwardView(rows, None, {3: h if h0 is None else h0}))
    view = ForwardView(rows(term.role, mask.long(), mask), None, {3: leaf})
    loss = term({term.role: view}, reference)
    loss.backward()
    assert leaf.grad is not None
    return loss.item(), leaf.grad


def test_misdirection_divides_each_row_by_its_own_length() -> None:
    """Two rows of 1 and 3 tokens: an outer product of lengths would give another number."""
    h = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[True, False, False], [True, True, True]])
    aim = torch.tensor([1.0, 0.0, 2.0, 0.0])
    loss, found = activation(Activation("forget", 3, aim_at(aim)), h, mask)
    first, second = (h[0, :1] - aim).square().sum() / 4, (h[1] - aim).square().sum() / (4 * 3)
    assert loss == pytest.approx(((first + second) / 2).item(), rel=1e-6)
    lengths = torch.tensor([1.0, 3.0])[:, None, None]
    torch.testing.assert_close(found, 2 * (h - aim) * mask[..., None] / (4 * lengths * 2))


def test_misdirection_is_zero_at_its_aim_and_retain_at_its_start() -> None:
    aim = torch.tensor([1.0, 0.0, 2.0, 0.0])
    mask = torch.ones(2, 3, dtype=torch.bool)
    assert activation(Activation("forget", 3, aim_at(aim)), aim.expand(2, 3, 4), mask)[0] == 0
    h = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1))
    assert activation(match_reference("retain", 3), h, mask)[0] == 0
    shrink = activation(Activation("forget", 3, aim_at(torch.zeros(4))), h, mask)[1]
    torch.testing.assert_close(shrink, 2 * h / (4 * 3 * 2))


# methods on a model


def test_methods_lead_to_one_another() -> None:
    ga, difference = tiny_facts.gradient(tiny_facts.made("ga")), tiny_facts.gradient(tiny_facts.made("grad-diff"))
    assert tiny_facts.gap(tiny_facts.gradient(tiny_facts.made("grad-diff", alpha=0.0)), ga) < 1e-6
    assert tiny_facts.gap(tiny_facts.gradient(tiny_facts.made("kl-ga")), ga) < 1e-3, (
        "the divergence is flat at the start"
    )
    assert tiny_facts.gap(tiny_facts.gradient(tiny_facts.made("wga", power=0.0)), difference) < 1e-6
    assert (
        tiny_facts.gap(tiny_facts.gradient(tiny_facts.made("satimp", beta1=0.0, beta2=0.0, gamma=1.0)), difference)
        < 1e-6
    )
    assert tiny_facts.gap(tiny_facts.gradient(tiny_facts.made("su", eta=0.0)), difference) < 1e-6
    assert tiny_facts.gap(tiny_facts.gradient(tiny_facts.made("icu", l=0.0, k=0.0)), ga) < 1e-6
    assert (
        tiny_facts.gap(tiny_facts.gradient(tiny_facts.made("coreset", ratio=1.0, host="grad-diff")), difference) < 1e-6
    )
    assert tiny_facts.gap(tiny_facts.gradient(tiny_facts.made("tnpo")), difference) < 1e-5, "p = p0 at the start: w = 1"
    assert tiny_facts.gradient(tiny_facts.made("undial", beta=0.0)).norm() < 1e-4 * ga.norm()


def test_npo_goes_to_ascent_as_beta_goes_to_zero() -> None:
    at = tiny_facts.study()
    moved = replace(
        at, module=tiny_facts.open_weights(tiny_facts.knower(1), "test").module
    )  # not where the reference is

    def of(beta: float) -> Tensor:
        method = tiny_facts.made("npo", beta=beta, alpha=0.0)
        reference = method.job(moved).reference
        job = replace(method.job(at), reference=reference)
        job.objective.learn(job.module, [tiny_facts.first_draw(job)], reference, pad=job.lens.pad, device="cpu")
        return torch.cat([p.grad.flatten() for p in job.module.parameters() if p.grad is not None])

    job = tiny_facts.made("ga").job(at)
    draw = tiny_facts.first_draw(job)
    tokens = sum(len(one.encoded.ids) - one.encoded.start for one in draw["forget"])
    job.objective.learn(job.module, [draw], job.reference, pad=job.lens.pad, device="cpu")
    ga = torch.cat([p.grad.flatten() for p in job.module.parameters()]) * tokens / len(draw["forget"])
    assert tiny_facts.gap(of(1e-5), ga) < 1e-3 < tiny_facts.gap(of(0.1), ga)


def test_the_same_items_on_both_sides_cancel() -> None:
    names = [replace(item, name=f"{item.name} again") for item in tiny_facts.ITEMS[:3]]
    same_items = tiny_facts.study(Request(tiny_facts.ITEMS[:3], tuple(names)))
    job = tiny_facts.made("grad-diff").job(same_items)
    draw = tiny_facts.first_draw(job)
    both = {"forget": draw["forget"], "retain": draw["forget"]}
    job.objective.learn(job.module, [both], job.reference, pad=job.lens.pad, device="cpu")
    scale = tiny_facts.gradient(tiny_facts.made("ga")).norm()
    assert torch.cat([p.grad.flatten() for p in job.module.parameters()]).norm() < 1e-5 * scale


def test_alternates_equal_to_the_answers_do_nothing() -> None:
    honest = [replace(item, wrong=(item.answer,)) for item in tiny_facts.ITEMS[:3]]
    at = tiny_facts.study(Request(tuple(honest), tiny_facts.ITEMS[3:]))
    found = tiny_facts.gradient(tiny_facts.made("altpo", source="wrong", alpha=0.0, variants=1), at)
    assert found.norm() < 1e-4 * tiny_facts.gradient(tiny_facts.made("ga")).norm()


def test_an_offset_of_the_model_itself_is_direct_tuning() -> None:
    job = tiny_facts.made("offset", host="ga").job(tiny_facts.study())
    job.objective.learn(job.module, [tiny_facts.first_draw(job)], job.reference, pad=job.lens.pad, device="cpu")
    found = torch.cat([p.grad.flatten() for p in job.module.parameters() if p.requires_grad])
    assert tiny_facts.gap(found, tiny_facts.gradient(tiny_facts.made("ga"))) < 1e-5
    assert all(p.grad is None for name, p in job.module.named_parameters() if ".assistant." not in name)


def test_first_loss_of_npo_and_preference_on_a_model() -> None:
    for name in ("npo", "idk-dpo", "altpo"):
        job = tiny_facts.made(name, beta=0.1).job(tiny_facts.study())
        told = job.objective.learn(
            job.module, [tiny_facts.first_draw(job)], job.reference, pad=job.lens.pad, device="cpu"
        )
        assert told["forget"] == pytest.approx(2 * log(2) / 0.1, rel=1e-4), name


def test_an_objective_leaves_out_terms_without_a_coefficient() -> None:
    assert Objective(Weighted("forget", ascent()), Weighted("retain", learning(), 0.0)).roles == ("forget",)
    assert tiny_facts.made("grad-diff", gamma=0.0).objective(tiny_facts.study()).roles == ("retain",)
    assert Item("x").names == ("x",)
