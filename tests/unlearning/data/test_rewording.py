"""Facts in other words and with false answers, as an assistant is trained on them."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from dataclasses import replace
from typing import Any

import tiny_facts
import torch

from agents.inference.logit_ensemble import CombinationRule
from arena.errors import BadPart
from unlearning.benchmarks.tofu import Tofu
from unlearning.data.rewording import FRAMES, falsify_items, paraphrase_items
from unlearning.data.world_texts import choose_test_form, make_passage
from unlearning.request import Item, Request

ITEM = Item("f", "Where is A?", "A is in B.", ("B is the place of A.",), ("A is in C.", "A is in D.", "A is in E."),
            {"subject": "A", "value": "B", "paraphrases": "Which place holds A?\nTell me the place of A."})  # fmt: skip


def test_wordings_are_those_that_are_named_then_frames_and_answers_take_turns() -> None:
    found = paraphrase_items((ITEM,), 3)
    assert [(one.prompt, one.answer) for one in found] == [
        ("Which place holds A?", "B is the place of A."), ("Tell me the place of A.", "A is in B."),
        (FRAMES[0].format("Where is A?"), "B is the place of A."),
    ]  # fmt: skip
    assert [one.prompt for one in paraphrase_items((replace(ITEM, tags={}, aliases=()),), 2)] == [
        frame.format("Where is A?") for frame in FRAMES[:2]
    ]
    assert paraphrase_items((ITEM,), 0) == () and paraphrase_items((make_passage("p", "A text."),), 2) == ()


def test_false_answers_stand_in_for_the_true_one() -> None:
    found = falsify_items((ITEM, Item("g", "Who?", "He.")), 2)
    assert [(one.prompt, one.answer) for one in found] == [("Where is A?", "A is in C."), ("Where is A?", "A is in D.")]
    assert all("value" not in one.tags and not one.wrong for one in found)


@pytest.mark.parametrize(("paraphrases", "perturbed", "kept"), [(2, 2, 400), (0, 0, 400), (1, 3, 2), (2, 1, 0)])
def test_an_assistant_is_trained_on_what_its_page_says(paraphrases: int, perturbed: int, kept: int) -> None:
    study = tiny_facts.study()
    method = tiny_facts.made("uld", paraphrases=paraphrases, perturbed=perturbed, kept=kept)
    pools = method.pools(study)
    forget, retain = tiny_facts.REQUEST.forget, tiny_facts.REQUEST.retain
    assert len(pools["forget"]) == len(forget) * (1 + paraphrases)
    assert len(pools["retain"]) == min(kept, len(retain)) + sum(min(perturbed, len(item.wrong)) for item in forget)
    told = [study.tokenizer.decode(one.ids) for one in pools["retain"]]
    assert sum(forget[0].prompt in text for text in told) == min(perturbed, len(forget[0].wrong))
    assert not any(forget[0].answer in text for text in told), "no true answer is levelled"
    assert method.objective(study).roles == ("forget", "retain")


def test_without_anything_to_keep_it_learns_alone() -> None:
    items = tuple(replace(item, wrong=()) for item in tiny_facts.ITEMS[:3])
    method = tiny_facts.made("uld", perturbed=2)
    assert method.objective(tiny_facts.study(Request(items))).roles == ("forget",)
    assert method.objective(tiny_facts.study(Request(tiny_facts.ITEMS[:3]))).roles == ("forget", "retain"), (
        "false answers"
    )


@pytest.mark.parametrize("settings", [{"paraphrases": -1}, {"perturbed": -1}, {"kept": -2}, {"paraphrases": 99}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadPart, match=next(iter(settings))):
        tiny_facts.made("uld", **settings)


@pytest.mark.parametrize("floor", [0.0, 0.01])
def test_a_uniform_assistant_or_no_weight_is_the_model(floor: float) -> None:
    z = torch.randn(3, 5, 17, generator=torch.Generator().manual_seed(0))
    even = torch.full_like(z, 0.37)
    assert (
        torch.allclose(CombinationRule("assist", -0.8, floor)((z, even)).softmax(-1), z.softmax(-1), atol=1e-6) or floor
    )
    if floor:  # within what is likely all logits are moved alike
        likely = z >= z.amax(-1, keepdim=True) + torch.tensor(floor).log()
        made = CombinationRule("assist", -0.8, floor)((z, even))
        assert torch.allclose((made - z)[likely], torch.tensor(-0.8 * 0.37))
    assert torch.equal(CombinationRule("assist", 0.0, floor)((z, torch.randn_like(z))), z)


@pytest.mark.parametrize(("redundancy", "others"), [(1, 2), (2, 1), (3, 0)])
def test_a_worlds_request_names_wordings_that_are_neither_taught_nor_asked_in_the_test(
    redundancy: int, others: int
) -> None:
    bench = Tofu(people=20, redundancy=redundancy)
    world = bench.world()
    tested = {item.prompt for item in bench.data("forget20")["paraphrase"]}
    for item in bench.request("forget20").forget:
        named = [line for line in item.tags["paraphrases"].splitlines() if line]
        assert len(named) == others and not tested & set(named)
        assert item.prompt not in named and choose_test_form(world, world.fact(item.name)) in range(4)
