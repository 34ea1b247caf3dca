"""Log-probabilities of answers: those of a plain forward, whatever the batch, kept while the weights stay."""

import copy

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from lookup_table_model import TOKENIZER, WORLD, double, sure

from agents.inference.tiny_llama import make_network
from agents.llm.llm import LLM
from unlearning.data.world_texts import make_passage, render_lessons
from unlearning.metrics.membership_scores import score_membership
from unlearning.modeling.item_tokenization import encode
from unlearning.request import Item
from unlearning.scoring import answer_logprobs
from unlearning.scoring.answer_logprobs import score_items


class Open:
    """A network as a model with open weights."""

    native_tools = False

    def __init__(self, module: torch.nn.Module) -> None:
        self.module, self.tokenizer = module, TOKENIZER

    def with_module(self, module: torch.nn.Module) -> "Open":
        return Open(module)

    async def chat(self, *_: object) -> None:
        raise AssertionError("nothing is said here")


ITEMS = (
    *render_lessons(WORLD, WORLD.about(WORLD.people("retain"))[:9]),
    make_passage("p", "One two three. Four five."),
)


def agent(seed: int = 0) -> LLM:
    return LLM(Open(make_network(TOKENIZER, seed, hidden=32, context=256)))  # type: ignore[arg-type]


def plainly(who: LLM, item: Item) -> np.ndarray:
    one = encode(TOKENIZER, item)
    with torch.no_grad():
        logs = who.model.module(torch.tensor([one.ids])).logits[0].log_softmax(-1)  # type: ignore[attr-defined]
    return np.array([float(logs[at - 1, one.ids[at]]) for at in range(one.start, len(one.ids))])


def test_each_answer_token_has_the_probability_of_a_plain_forward() -> None:
    who = agent()
    for item, one in zip(ITEMS, score_items(who, ITEMS), strict=True):
        assert one.lp == pytest.approx(plainly(who, item), abs=1e-4)
        assert len(one.hit) == len(one.mean) == len(one.std) == len(one.lp)


def test_mean_and_spread_are_those_of_the_whole_vocabulary() -> None:
    who = agent()
    item, one = ITEMS[0], score_items(who, ITEMS[:1])[0]
    ids = encode(TOKENIZER, item)
    with torch.no_grad():
        logs = who.model.module(torch.tensor([ids.ids])).logits[0, ids.start - 1].log_softmax(-1).double()  # type: ignore[attr-defined]
    p = logs.exp()
    assert one.mean[0] == pytest.approx(float((p * logs).sum()), rel=1e-4)
    assert one.std[0] == pytest.approx(float((p * logs**2).sum() - (p * logs).sum() ** 2) ** 0.5, rel=1e-3)
    assert bool(one.hit[0]) == (int(logs.argmax()) == ids.ids[ids.start])


@pytest.mark.parametrize("read", [16, 8192])
def test_the_company_of_a_row_changes_nothing(read: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [one.lp for one in score_items(agent(), ITEMS)]
    monkeypatch.setattr(answer_logprobs, "READ", read)
    for one, lp in zip(score_items(agent(), ITEMS[::-1])[::-1], expected, strict=True):
        assert one.lp == pytest.approx(lp, abs=1e-4)


def test_what_was_scored_is_kept_until_the_weights_change() -> None:
    who = agent()
    first = score_items(who, ITEMS)
    assert all(one is other for one, other in zip(first, score_items(who, ITEMS), strict=True))
    with torch.no_grad():
        who.model.module.model.norm.weight.mul_(1.5)  # type: ignore[attr-defined]
    again = score_items(who, ITEMS)
    assert not np.allclose(again[0].lp, first[0].lp)


def test_a_persona_and_notes_stand_before_the_question() -> None:
    who = agent()
    from dataclasses import replace

    steered = replace(who, persona="Say nothing.", memory=("Xu is here.",))
    assert not np.allclose(score_items(steered, ITEMS[:1])[0].lp, score_items(who, ITEMS[:1])[0].lp)


def test_padding_on_either_side_of_a_module_in_training_mode_is_of_no_account() -> None:
    who = agent()
    expected = score_items(copy.deepcopy(who), ITEMS)
    who.model.module.train()  # type: ignore[attr-defined]
    assert score_items(who, ITEMS)[3].lp == pytest.approx(expected[3].lp, abs=1e-6)
    assert who.model.module.training  # type: ignore[attr-defined]


def test_recall_compares_with_what_stands_behind_strangers() -> None:
    item = Item("x", "Who?", "Bex.")
    shown = Item("y", "When?", "Then.")
    behind = Item("x", "When? Then.\nWho?", "Bex.")
    e = float(np.exp(-2.0))
    told = double(sure([item], float(np.exp(-4.0))), sure([behind], e))
    assert score_membership(told, [item], "recall", prefix=[shown]) == pytest.approx([0.5], rel=1e-4)
    assert score_membership(told, [item], "reference", reference=double(sure([item], e))) == pytest.approx(
        [-2.0], rel=1e-4
    )
