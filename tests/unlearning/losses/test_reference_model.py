"""What is kept of the original, how far a run goes, and what that costs: against the model itself."""

from collections.abc import Mapping
from typing import Any

import pytest
import tiny_facts
import torch
from tiny_networks import FAMILIES, LEARNT, RECURRENT, SHAPE, network
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    Gemma3TextConfig,
    GPTJConfig,
    GPTNeoConfig,
    LlamaConfig,
    Olmo2Config,
    OPTConfig,
    Phi3Config,
    PhiConfig,
    PretrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

from arena.errors import UsageError
from unlearning.losses.loss_terms import Activation, Weighted, aim_at, match_reference
from unlearning.losses.objective import Objective
from unlearning.losses.reference_model import NONE, Need, Reference, cache_needs, coarsen_logits
from unlearning.losses.token_weights import ascent, learning
from unlearning.modeling.architectures import anatomy
from unlearning.modeling.forward_view import ForwardView, RoleRows, build_rows, run_forward, run_forward_no_grad
from unlearning.modeling.item_tokenization import Encoded
from unlearning.modeling.trainable_parameters import Scope, copy_trainable
from unlearning.modeling.training_cost import frame_of
from unlearning.training.batch_samplers import build_pool

NEEDS = (Need("retain", "logp"), Need("retain", "logits"), Need("retain", "logits", top=5), Need("retain", "hidden", 1))


def test_kept_numbers_are_those_of_the_model_in_any_order_and_company() -> None:
    at = tiny_facts.study()
    samples = build_pool(at.retain)

    def frozen(rows: RoleRows, layers: tuple[int, ...], scores: bool) -> ForwardView:
        return run_forward_no_grad(at.module, rows, layers, scores)

    kept, read = cache_needs(NEEDS, {"retain": samples}, frozen, pad=at.pad, device="cpu", batch=2, most=10**9)
    assert read >= sum(len(one.encoded.ids) for one in samples)
    known, live = Reference(kept), Reference({}, frozen)
    for chosen in ([samples[3], samples[0], samples[4]], [samples[1]]):
        rows = build_rows("retain", chosen, at.pad, "cpu")
        close = {"rtol": 1e-4, "atol": 1e-4}
        torch.testing.assert_close(known.logp(rows), live.logp(rows), **close)
        hidden = known.hidden(rows, 1)[rows.mask], live.hidden(rows, 1)[rows.mask]
        torch.testing.assert_close(*hidden, **close)
        for top in (None, 5):
            (z, ids), (z0, ids0) = known.logits(rows, top), live.logits(rows, top)
            torch.testing.assert_close(z[rows.mask], z0[rows.mask], **close)
            assert ids is None or ids0 is None or torch.equal(ids[rows.mask], ids0[rows.mask])


def test_buckets_hold_all_the_probability() -> None:
    z = torch.randn(2, 3, 20, generator=torch.Generator().manual_seed(1))
    buckets, ids = coarsen_logits(z, 4)
    assert ids is not None and buckets.shape == (2, 3, 5)
    torch.testing.assert_close(buckets.logsumexp(-1), z.logsumexp(-1))
    assert coarsen_logits(z, 20) == (z, None)


@pytest.mark.parametrize("name", ["kl-ga", "undial", "icu"])
def test_the_greatest_logits_give_nearly_the_gradient_of_all(name: str) -> None:
    whole, part = tiny_facts.gradient(tiny_facts.made(name)), tiny_facts.gradient(tiny_facts.made(name, top=50))
    assert tiny_facts.gap(part, whole) < 0.05


def test_live_and_kept_references_train_alike() -> None:
    for name in ("npo", "tnpo", "kl-ga", "idk-dpo", "rmu"):
        kept, live = (
            tiny_facts.gradient(tiny_facts.made(name)),
            tiny_facts.gradient(tiny_facts.made(name, reference="live")),
        )
        assert tiny_facts.gap(kept, live) < 1e-3, name


EVERY: Mapping[str, PretrainedConfig] = {
    **FAMILIES,
    "qwen2": Qwen2Config(**SHAPE),
    "qwen3": Qwen3Config(**SHAPE, head_dim=8),
    "gemma3": Gemma3TextConfig(**SHAPE, head_dim=8),
    "olmo2": Olmo2Config(**SHAPE),
    "phi": PhiConfig(**SHAPE),
    "phi3": Phi3Config(**SHAPE),
    "opt": OPTConfig(vocab_size=300, hidden_size=32, ffn_dim=48, num_hidden_layers=3, num_attention_heads=4,
                     word_embed_proj_dim=32, bos_token_id=None, eos_token_id=None, pad_token_id=None),
    "gpt-j": GPTJConfig(**{**LEARNT, "rotary_dim": 4}),
    "gpt-neo": GPTNeoConfig(vocab_size=300, hidden_size=32, num_layers=2, num_heads=4, window_size=8,
                            attention_types=[[["global", "local"], 1]], max_position_embeddings=256),
}  # fmt: skip


@pytest.mark.parametrize("family", EVERY)
def test_the_parts_of_every_architecture_are_where_the_table_says(family: str) -> None:
    """A run that ends behind a block has the hidden state that the library tells of it; each named part exists."""
    module = network(EVERY[family])
    parts = anatomy(module)
    samples = build_pool([Encoded((5, 6, 7, 8, 9), 2, 5, (2, 5)), Encoded((5, 9, 8), 1, 3, (1, 3))])
    rows = build_rows("forget", samples, 0, "cpu")
    view = run_forward_no_grad(module, rows, (0,), scores=False)
    assert view.z is None
    told = module(input_ids=rows.inputs["input_ids"], output_hidden_states=True).hidden_states[1]
    torch.testing.assert_close(view.hidden[0][rows.mask], told[:, rows.columns][rows.mask])
    plan = parts.plan
    projections = filter(None, (plan.query, plan.key, plan.value, plan.fused))
    for part in (*plan.up, plan.down, plan.out, plan.attention, plan.mlp, *plan.norms, *projections):
        assert parts.part(1, part) is not None
    assert module.get_submodule(plan.final) is not None
    assert bool(plan.fused) != bool(plan.query) and parts.depth == len(parts.blocks)
    assert dict(module.named_parameters())[parts.embedding].shape[1] == parts.hidden
    assert parts.layer_of(parts.path(1, plan.down) + ".weight") == 1 and parts.layer_of(parts.embedding) is None


def test_an_architecture_that_is_not_in_the_table_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="layers of a 'mamba' model are not known"):
        anatomy(network(RECURRENT["masks"]))


@pytest.mark.parametrize("family", FAMILIES)
def test_log_probabilities_are_those_of_the_library(family: str) -> None:
    module = network(FAMILIES[family])
    samples = build_pool([Encoded((5, 6, 7, 8, 9), 2, 5, (2, 5)), Encoded((5, 9, 8), 1, 3, (1, 3))])
    for side in ("right", "left"):
        view = run_forward(module, build_rows("forget", samples, 0, "cpu", side=side))
        for row, sample in enumerate(samples):
            ids = torch.tensor([sample.encoded.ids])
            labels = torch.tensor([[-100] * sample.encoded.start + list(sample.encoded.ids[sample.encoded.start :])])
            loss = module(input_ids=ids, labels=labels).loss
            assert (-view.s[row] / view.n[row]).item() == pytest.approx(loss.item(), rel=1e-4), side


# the proportions of an 8B Llama: thirty-two layers, an MLP of three and a half widths, 5 % of the weights in the head
DEEP = LlamaConfig(**{**SHAPE, "num_hidden_layers": 32, "intermediate_size": 112, "vocab_size": 700})


def flops(work: Any) -> float:
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def test_misdirection_ends_early_and_costs_what_it_says() -> None:
    module = network(DEEP)
    scope = Scope(r"layers\.(5|6|7)\.mlp\.down_proj")
    piece = copy_trainable(module, scope)
    samples = build_pool([Encoded(tuple(range(1, 33)), 1, 32, (1, 32))] * 4)
    aim = aim_at(torch.ones(32))
    objective = Objective(Activation("forget", 7, aim), match_reference("retain", 7))

    def frozen(rows: RoleRows, layers: tuple[int, ...], scores: bool) -> ForwardView:
        return run_forward_no_grad(module, rows, layers, scores)

    draw = {"forget": samples, "retain": samples}
    kept, _ = cache_needs(objective.needs, draw, frozen, pad=0, device="cpu", batch=4, most=10**9)
    unit = flops(lambda: run_forward_no_grad(module, build_rows("forget", samples, 0, "cpu")))
    measured = {
        live: flops(lambda given=given: objective.learn(piece, [draw], given, pad=0, device="cpu")) / unit  # type: ignore[misc]
        for live, given in ((False, Reference(kept)), (True, Reference({}, frozen)))
    }
    frame = frame_of(piece)
    for live, cost in measured.items():
        assert objective.estimate_cost(frame, live=live).total == pytest.approx(cost, rel=0.08)
    assert measured[False] < 0.7 < measured[True] < 0.9, "0.65 and 0.89 in the literature"
    assert all(p.grad is None for name, p in piece.named_parameters() if not p.requires_grad)
    assert all(p.grad is not None for p in piece.parameters() if p.requires_grad)


@pytest.mark.parametrize(("roles", "cost"), [(1, 3.0), (2, 6.0)])
def test_plain_terms_cost_three_forwards_each(roles: int, cost: float) -> None:
    module = network(FAMILIES["llama"])
    piece = copy_trainable(module, Scope())
    samples = build_pool([Encoded(tuple(range(1, 33)), 1, 32, (1, 32))] * 4)
    objective = Objective(Weighted("forget", ascent()), Weighted("retain", learning(), float(roles > 1)))
    draw = {"forget": samples, "retain": samples}
    unit = flops(lambda: run_forward_no_grad(module, build_rows("forget", samples, 0, "cpu")))
    spent = flops(lambda: objective.learn(piece, [draw], NONE, pad=0, device="cpu")) / unit
    assert spent == pytest.approx(cost, rel=0.03) and objective.estimate_cost(frame_of(piece)).total == cost
