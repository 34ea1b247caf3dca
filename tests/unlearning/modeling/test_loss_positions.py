"""At which tokens losses read, which weights decay, and what stays finite: as the papers and their code have it."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import tiny_facts
from repository import ROOT

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from torch import Tensor, nn

from agents.llm.llm import LLM
from agents.models.local import Local
from arena.errors import BadPart
from arena.registry import list_entries
from arena.spec import build
from unlearning.benchmarks.tofu import Tofu
from unlearning.losses.loss_terms import Distil, Weighted
from unlearning.losses.reference_model import NONE
from unlearning.losses.target_distributions import cross_entropy, exclude_answer
from unlearning.losses.token_weights import Weight, satimp, undial_self
from unlearning.modeling.agent_weights import open_weights
from unlearning.modeling.forward_view import ForwardView, RoleRows
from unlearning.modeling.item_tokenization import Encoded
from unlearning.modeling.loss_positions import mark_every_token, without_first
from unlearning.modeling.trainable_parameters import Guarded
from unlearning.request import Item, Request
from unlearning.training.finetune import Finetune
from unlearning.training.optimizer import LearningRateSchedule, Stepper
from unlearning.training.training_problem import TrainingProblem

ONE = Encoded((5, 6, 7, 8, 9), 2, 4, (3, 4))  # a prompt of two tokens, an answer of two, an end token


def logits(study: TrainingProblem, ids: tuple[int, ...]) -> Tensor:
    with torch.no_grad():
        z: Tensor = study.module(torch.tensor([ids])).logits[0].double()
    return z


def rows(targets: Tensor, mask: Tensor) -> RoleRows:
    columns, index = torch.arange(targets.shape[1]), tuple(range(len(targets)))
    return RoleRows("forget", {"input_ids": targets}, columns, mask, targets, index, len(targets), int(mask.sum()))


def derivative(weight: Weight, z: Tensor) -> tuple[float, Tensor]:
    """The loss on the logits z (1, 1, V), whose answer is token 0, and its gradient."""
    leaf, zero = z.clone().requires_grad_(), torch.zeros(1, 1, dtype=torch.long)
    loss = Weighted("forget", weight)({"forget": ForwardView(rows(zero, zero == 0), leaf)}, NONE)
    loss.backward()
    assert leaf.grad is not None
    return loss.item(), leaf.grad


def first_values(name: str, study: TrainingProblem, **settings: Any) -> tuple[dict[str, float], Any]:
    """The values of a method's terms on its first draw, and the draw."""
    method = tiny_facts.made(name, **settings)
    job = method.job(study)
    draw = tiny_facts.first_draw(job)
    told = job.objective.learn(
        job.module, [draw], job.reference, pad=job.lens.pad, device="cpu", context=job.lens.context
    )
    return told, draw


@pytest.mark.parametrize(("skip", "start"), [(0, 2), (1, 3), (2, 4), (3, 4), (9, 4)])
def test_an_answer_without_its_beginning_keeps_its_last_token(skip: int, start: int) -> None:
    found = without_first(ONE, skip)
    assert (found.ids, found.start) == (ONE.ids, start) and found.words >= found.start


def test_an_item_is_read_at_each_of_its_tokens() -> None:
    found = mark_every_token(ONE)
    assert found.ids[:-1] == ONE.ids and found.start == 1, "six tokens, five places that predict one"
    assert mark_every_token(ONE, 5).ids == ONE.ids, "no room for one more: all but the last are read"
    assert mark_every_token(ONE, 6).ids == found.ids


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_ce_u_leaves_the_first_tokens_of_each_answer_alone(skip: int) -> None:
    study = tiny_facts.study()
    told, draw = first_values("ce-u", study, skip=skip)
    losses = []
    for sample in draw["forget"]:
        one = sample.encoded
        answer = tiny_facts.study().forget[sample.index]
        assert one.start == answer.start + skip
        z = logits(study, one.ids)
        for place in range(answer.start + skip, len(one.ids)):
            row, token = z[place - 1], one.ids[place]
            others = row.clone()
            others[token] = -torch.inf
            losses.append(float(row.logsumexp(0) - (others.softmax(0) * row).sum()))
    assert told["forget"] == pytest.approx(sum(losses) / len(losses), rel=1e-4), "a mean over the tokens that are left"


def test_ce_u_skips_one_by_default_and_its_gradient_there_is_nothing() -> None:
    assert tiny_facts.made("ce-u").skip == 1 == build("method", "ce-u").skip  # type: ignore[attr-defined]
    with pytest.raises(BadPart, match=r"skip = .*at least 0"):
        tiny_facts.made("ce-u", skip=-1)
    z = torch.randn(1, 3, 7, generator=torch.Generator().manual_seed(0), requires_grad=True)
    read = rows(torch.tensor([[1, 2, 3]]), torch.tensor([[False, True, True]]))
    Distil("forget", exclude_answer, cross_entropy)({"forget": ForwardView(read, z)}, NONE).backward()
    assert z.grad is not None and z.grad[0, 0].abs().max() == 0 < z.grad[0, 1:].abs().min()


@pytest.mark.parametrize(("name", "settings"), [("kl-ga", {}), ("npo", {"keep": "kl"}), ("grad-diff", {"keep": "kl"})])
@pytest.mark.parametrize("positions", [None, "all", "answer"])
def test_what_is_kept_is_compared_at_all_real_tokens_or_at_the_answer(
    name: str, settings: dict[str, Any], positions: str | None
) -> None:
    """A model other than the reference, so that the divergence is not 0: its logits are those of another seed."""
    study = tiny_facts.study()
    other = TrainingProblem(
        "test", open_weights(tiny_facts.knower(1), "test").module, study.tokenizer, study.request, 0
    )
    where = {} if positions is None else {"positions": positions}
    method = tiny_facts.made(name, alpha=1.0, **settings, **where)
    job, before = method.job(study), method.job(other).reference
    draw = tiny_facts.first_draw(job)
    told = job.objective.learn(job.module, [draw], before, pad=job.lens.pad, device="cpu")
    found = []
    for sample in draw["retain"]:
        one = study.retain[sample.index]
        z, z0 = (logits(at, one.ids).log_softmax(-1) for at in (study, other))
        places = range(one.start - 1, len(one.ids) - 1) if positions == "answer" else range(len(one.ids))
        found += [float((z0[place].exp() * (z0[place] - z[place])).sum()) for place in places]
    assert told["retain"] == pytest.approx(sum(found) / len(found), rel=1e-3)


@pytest.mark.parametrize("positions", [None, "all", "answer"])
def test_misdirection_is_over_all_real_tokens_or_where_the_answer_is_predicted(positions: str | None) -> None:
    study = tiny_facts.study()
    where = {} if positions is None else {"positions": positions}
    method = tiny_facts.made("rmu", layer=1, steering=3.0, **where)
    told, draw = first_values("rmu", study, layer=1, steering=3.0, **where)
    aim = 3.0 * method.direction(study)
    means = []
    for sample in draw["forget"]:
        one = study.forget[sample.index]
        with torch.no_grad():
            h = study.module(torch.tensor([one.ids]), output_hidden_states=True).hidden_states[2][0]
        read = h[one.start - 1 : -1] if positions == "answer" else h
        means.append(float((read - aim).square().mean()))
    assert told["forget"] == pytest.approx(sum(means) / len(means), rel=1e-4)
    assert told["retain"] == pytest.approx(0.0, abs=1e-9)


def test_the_length_of_adaptive_misdirection_is_that_of_the_tokens_it_reads() -> None:
    study = tiny_facts.study()
    for positions in ("all", "answer"):
        method = tiny_facts.made("adaptive-rmu", layer=1, batch=2, positions=positions)
        lengths = []
        for one in study.forget[:2]:
            with torch.no_grad():
                h = study.module(torch.tensor([one.ids]), output_hidden_states=True).hidden_states[2][0]
            lengths += (h[one.start - 1 : -1] if positions == "answer" else h).norm(dim=-1).tolist()
        assert method.scale(study, 1) == pytest.approx(method.steering * sum(lengths) / len(lengths), rel=1e-4)


@pytest.mark.parametrize("name", ["ce-u", "kl-ga", "rmu"])
def test_controllers_read_whole_answers_all_the_same(name: str) -> None:
    lens = tiny_facts.made(name).job(tiny_facts.study(), remembered=False).lens
    assert lens.loss("forget") == pytest.approx(
        tiny_facts.made("ga").job(tiny_facts.study()).lens.loss("forget"), rel=1e-6
    )


@pytest.mark.parametrize("host", ["kl-ga", "rmu", "ce-u"])
def test_who_changes_how_another_trains_reads_where_it_does(host: str) -> None:
    study = tiny_facts.study()
    own, hosted = (tiny_facts.made(one, **more).job(study, remembered=False).plan.pools
                   for one, more in ((host, {}), ("melu", {"host": host})))  # fmt: skip
    assert own["forget"] == hosted["forget"] and own["retain"] == hosted["retain"]


# weight decay


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.norm, self.linear = nn.Embedding(3, 4), nn.LayerNorm(4), nn.Linear(4, 2)


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
@pytest.mark.parametrize("masked", [False, True])
def test_weight_decay_is_for_matrices_alone(kind: Any, masked: bool) -> None:
    torch.manual_seed(0)
    module = Parts()
    for parameter in module.parameters():
        nn.init.constant_(parameter, 2.0)
    chosen: dict[str, Tensor | None] = {name: None for name, _ in module.named_parameters()}
    if masked:
        chosen = {name: torch.ones_like(p, dtype=torch.bool) for name, p in module.named_parameters()}
        chosen["linear.weight"][0] = False  # type: ignore[index]
    stepper = Stepper(Guarded.of(module, chosen), LearningRateSchedule(0.1, 10, schedule="constant"), 0.5, None, kind)
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    stepper.move(0)
    left = {name: parameter.detach() for name, parameter in module.named_parameters()}
    assert all((left[name] == 2.0).all() for name in ("norm.weight", "norm.bias", "linear.bias")), (
        "gains and biases stay"
    )
    assert left["embedding.weight"] == pytest.approx(torch.full((3, 4), 2 * (1 - 0.1 * 0.5)))
    assert left["linear.weight"][1] == pytest.approx(torch.full((4,), 1.9))
    assert left["linear.weight"][0] == pytest.approx(torch.full((4,), 2.0 if masked else 1.9))


async def test_norms_of_a_model_do_not_shrink_where_nothing_pulls_at_them() -> None:
    """One item on both sides: the losses cancel, and only the decay is left."""
    twice = Request(tiny_facts.ITEMS[:1], (Item("again", tiny_facts.ITEMS[0].prompt, tiny_facts.ITEMS[0].answer),))
    before = tiny_facts.study().module
    found = await tiny_facts.made("grad-diff", epochs=2, decay=0.5, optimiser="sgd", lr=1e-2)(
        tiny_facts.knower(), twice
    )
    after = dict(open_weights(found, "test").module.named_parameters())
    for name, parameter in before.named_parameters():
        shrunk = float((after[name] / parameter.detach()).nanmedian())
        assert shrunk == pytest.approx(1.0, abs=1e-5) if parameter.dim() == 1 else shrunk < 0.9999, name


# what stays finite


@pytest.mark.parametrize("beta", [0.0, 1e-3, 1.0, 10.0, 100.0, 1e4])
@pytest.mark.parametrize("gap", [-200.0, -5.0, 0.0, 5.0, 17.0, 90.0, 1e4])
def test_undial_against_itself_is_finite_and_its_gradient_bounded(beta: float, gap: float) -> None:
    bounded(undial_self(beta), gap)


@pytest.mark.parametrize("betas", [(1.0, -1.0), (5.0, 1.0), (0.0, -2.0), (5.0, 0.1), (0.0, 0.0)])
@pytest.mark.parametrize("gap", [-200.0, 0.0, 17.0, 90.0, 1e4])
def test_saturation_and_importance_is_finite(betas: tuple[float, float], gap: float) -> None:
    bounded(satimp(*betas), gap, most=2.0 if betas[1] >= -1 else math.inf)


def bounded(weight: Weight, gap: float, most: float = 2.0) -> None:
    z = torch.tensor([[[gap, 0.0, -1.0]]])
    told, found = derivative(weight, z)
    assert math.isfinite(told) and found.isfinite().all() and found.abs().max() <= most


def test_undial_against_itself_is_its_formula_where_that_can_be_computed() -> None:
    for p in (1e-6, 0.01, 0.5, 0.99, 0.9999):
        for beta in (0.1, 2.0, 30.0):
            k = 1 - math.exp(-beta)
            z = torch.tensor([[[math.log(p), math.log(1 - p)]]])
            _, found = derivative(undial_self(beta), z)
            assert found[0, 0, 0].item() == pytest.approx(p * k / (1 - p * k) * (1 - p), rel=2e-3)


# published data


def published(folder: Path, perturbed: bool = True) -> Tofu:
    def rows(name: str, count: int) -> list[dict[str, Any]]:
        return (
            [{"question": one.prompt, "answer": one.answer} for one in tiny_facts.ITEMS][:count]
            if name == "gone"
            else [{"question": f"Where is {name} {n}?", "answer": f"{name} {n} is in Bex."} for n in range(count)]
        )

    more = {
        "paraphrased_answer": "It is it.",
        "paraphrased_question": "Say?",
        "perturbed_answer": ["He likes tea.", "No."],
    }
    for name, data in (("forget01", rows("gone", 3)), ("retain99", rows("kept", 4)), ("full", rows("gone", 3))):
        (folder / f"{name}.json").write_text("\n".join(map(json.dumps, data)), encoding="utf-8")
    if perturbed:
        lines = [json.dumps({**row, **more}) for row in reversed(rows("gone", 3))]  # in another order
        (folder / "forget01_perturbed.json").write_text("\n".join(lines), encoding="utf-8")
    return Tofu(source=str(folder))


@pytest.mark.parametrize("name", ["altpo", "meow"])
async def test_false_answers_of_published_data_are_taught(name: str, tmp_path: Path) -> None:
    request = published(tmp_path).request("forget01")
    assert all(item.wrong == ("He likes tea.", "No.") and item.aliases == ("It is it.",) for item in request.forget)
    agent = LLM(Local(str(tiny_facts.folder())))
    method = tiny_facts.made(name, source="wrong", variants=2, epochs=1, **({"offered": 2} if name == "meow" else {}))
    job = method.job(method.study(open_weights(agent, name), request), remembered=False)
    told = {agent.model.tokenizer.decode(one.encoded.ids) for one in job.plan.pools["prefer"]}  # type: ignore[attr-defined]
    assert all("He likes tea." in text or "No." in text for text in told) and len(told) == 6
    assert isinstance(await method(agent, request), LLM)


def test_published_data_without_false_answers_can_be_forgotten_all_the_same(tmp_path: Path) -> None:
    request = published(tmp_path, perturbed=False).request("forget01")
    assert len(request.forget) == 3 and not any(item.wrong or item.aliases for item in request.forget)


# the reference


@pytest.mark.parametrize("name", ["npo", "tnpo", "idk-dpo", "kl-ga", "rmu", "undial"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_has_not_changed_differs_from_the_reference_by_nothing(name: str, dtype: str) -> None:
    """Weights of 16 bits are trained in 32: their reference is computed in the same numbers, so that NPO begins at
    2 ln 2 / β and a divergence at 0."""
    model: Any = Local(str(tiny_facts.folder()), dtype=dtype)
    study = TrainingProblem("test", model.module, model.tokenizer, tiny_facts.REQUEST, 0)
    told, _ = first_values(name, study, **({"layer": 1} if name == "rmu" else {}))
    if name in ("npo", "idk-dpo"):
        assert told["forget"] == pytest.approx(2 * math.log(2) / 0.1, rel=1e-6 if dtype == "float32" else 5e-5)
    if name in ("kl-ga", "rmu"):
        assert told["retain"] == pytest.approx(0.0, abs=1e-6)


def test_every_method_tells_where_it_reads() -> None:
    """docs/weight-methods.md has a row for each method that changes weights."""
    page = (ROOT / "docs" / "weight-methods.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([\w-]+)` \|", page, re.M)
    assert set(told) == {name for name in list_entries("method") if isinstance(build("method", name), Finetune)}
