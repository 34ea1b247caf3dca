"""In which company samples are trained, and who steers: as properties and as scripted readings."""

from collections import Counter
from dataclasses import dataclass, replace
from math import exp
from typing import Any

import pytest
import tiny_facts
from hypothesis import given
from hypothesis import strategies as st

from unlearning.methods.weights.meow import memo
from unlearning.methods.weights.selected_data import entity_modules, ranks
from unlearning.modeling.item_tokenization import Encoded
from unlearning.request import Item, Request
from unlearning.scoring.text_overlap import bleu, f1, likeness, nearest, precision
from unlearning.training.alternate_answers import REFUSALS, alternates, differs
from unlearning.training.batch_samplers import Pairs, Partners, build_pool
from unlearning.training.callbacks import Dropping, Dual, Until
from unlearning.training.memorization import accuracy, extraction
from unlearning.training.training_state import Lens, State


def samples(count: int) -> Any:
    return build_pool([Encoded((1, 2, 3), 1, 3, (1, 3))] * count)


@given(st.integers(1, 20), st.integers(1, 30), st.integers(1, 8), st.integers(0, 5))
def test_each_forget_item_comes_once_an_epoch_and_retain_is_gone_through_evenly(
    f: int, r: int, batch: int, seed: int
) -> None:
    plan = Pairs({"forget": samples(f), "retain": samples(r)})
    met: Counter[int | None] = Counter()
    for number in range(4):
        draws = list(plan.epoch(number, batch, seed))
        assert sorted(one.index for draw in draws for one in draw["forget"]) == list(range(f))
        assert all(len(draw["forget"]) == len(draw["retain"]) <= batch for draw in draws)
        met.update(one.index for draw in draws for one in draw["retain"])
        assert [list(draw["forget"]) for draw in draws] == [list(d["forget"]) for d in plan.epoch(number, batch, seed)]
    assert max(met.values()) - min(met.get(place, 0) for place in range(r)) <= 1


def test_dropped_samples_do_not_come() -> None:
    plan = Pairs({"forget": samples(6), "retain": samples(3)})
    draws = plan.epoch(1, 2, 0, frozenset([0, 4]))
    assert sorted(one.index for draw in draws for one in draw["forget"]) == [1, 2, 3, 5]


def test_variants_belong_to_their_item_and_each_has_its_epoch() -> None:
    plan = Pairs({"forget": samples(3), "prefer": samples(12)}, frozenset(["prefer"]))
    met: dict[int, set[int]] = {}
    for number in range(4):
        for draw in plan.epoch(number, 2, 0):
            for one, other in zip(draw["forget"], draw["prefer"], strict=True):
                met.setdefault(one.index, set()).add(other.index)
    assert met == {item: set(range(4 * item, 4 * item + 4)) for item in range(3)}


def test_partners_are_an_items_own() -> None:
    plan = Partners({"forget": samples(3), "retain": samples(6)}, ((0, 1), (2, 3), (5,)))
    for number in range(4):
        for draw in plan.epoch(number, 2, 0):
            for one, other in zip(draw["forget"], draw["retain"], strict=True):
                assert other.index in plan.partners[one.index]


def entities(count: int) -> list[Item]:
    return [
        Item(f"{who} {what}", f"{what} of {who}?", f"the {what} of {who} is {number}", tags={"subject": who})
        for number, (who, what) in enumerate(
            (who, what) for who in tiny_facts.NAMES[:count] for what in ("dog", "car", "job")
        )
    ]


def test_a_module_is_of_its_entity_and_starts_with_its_neighbours() -> None:
    forget, retain = entities(8)[:6], entities(8)[6:]
    modules = entity_modules(forget, retain, "subject", 0, (3, 2, 2))
    assert len(modules) == 6 and all(len(set(one)) == 7 for one in modules)
    assert modules[0] == modules[1] == modules[2] != modules[3]
    direct = {retain[place].name.split()[1] for place in modules[0][:3]}
    assert direct <= {"dog", "car", "job"}


@pytest.mark.parametrize("choose", ["random", "grand", "moderate", "min-k"])
def test_coreset_scores_go_with_their_items(choose: str) -> None:
    at = tiny_facts.study(Request(tiny_facts.ITEMS[:4], tiny_facts.ITEMS[4:]))
    turned = replace(at, request=Request(tuple(reversed(tiny_facts.ITEMS[:4])), tiny_facts.ITEMS[4:]))
    one, other = ranks(at, choose), ranks(turned, choose)
    assert one == pytest.approx(list(reversed(other)), rel=1e-3, abs=1e-5) and len(set(one)) > 1


@pytest.mark.parametrize(
    ("ratio", "batch", "steps"), [(1.0, 1, 8), (0.5, 1, 8), (0.25, 3, 4), (0.75, 1, 8), (0.3, 32, 2)]
)
async def test_a_coreset_takes_as_many_steps_as_the_whole(ratio: float, batch: int, steps: int) -> None:
    request = Request(tiny_facts.ITEMS[:4], tiny_facts.ITEMS[4:])
    ended = (
        await tiny_facts.made("coreset", ratio=ratio, epochs=2, batch=batch).run(tiny_facts.knower(), request)
    ).ended
    assert (ended.steps, ended.epochs) == (steps, 2)


def test_a_coreset_trains_on_the_chosen_items_alone_and_on_each_as_often() -> None:
    at = tiny_facts.study(Request(tiny_facts.ITEMS[:4], tiny_facts.ITEMS[4:]))
    method = tiny_facts.made("coreset", ratio=0.75, batch=1, choose="grand")
    left_out = min(range(4), key=lambda place: ranks(at, "grand")[place])
    wanted = {one.ids for place, one in enumerate(at.forget) if place != left_out}
    plan = method.job(at).plan
    drawn = [draw["forget"][0].encoded.ids for number in range(3) for draw in plan.epoch(number, 1, 0)]
    assert len(drawn) == 12 and {ids: drawn.count(ids) for ids in drawn} == dict.fromkeys(wanted, 4)
    assert not list(plan.epoch(0, 1, 0, frozenset(range(3)))), "where all are dropped, nothing is left to draw"


def test_joined_questions_are_answered_for_the_retain_item_alone() -> None:
    at = tiny_facts.study()
    job = tiny_facts.made("su").job(at)
    draw = tiny_facts.first_draw(job)
    for forget, retain, both in zip(draw["forget"], draw["retain"], draw["joined"], strict=True):
        ids = both.encoded.ids
        assert ids[both.encoded.start :] == retain.encoded.ids[retain.encoded.start :]
        asked = at.tokenizer.decode(ids[: both.encoded.start])
        names = [tiny_facts.ITEMS[:3][forget.index].prompt, tiny_facts.ITEMS[3:][retain.index].prompt]
        assert " ".join(names) in asked


# controllers


@dataclass(frozen=True)
class Script:
    """A lens that reads out what it was told."""

    losses: list[float]
    pools: Any = None

    def loss(self, role: str) -> float:
        return self.losses.pop(0)

    probability = loss


def test_the_multiplier_follows_the_projected_update() -> None:
    state, dual = State(), Dual("retain", first=1.0, rate=0.5, bound=0.4, warmup=1)
    dual.begin(state, Script([]))  # type: ignore[arg-type]
    dual.end_step(state, {"retain": 9.0})
    assert state.scales["retain"] == 1.0, "still warming up"
    state.epoch = 1
    told = []
    for value in (1.0, 0.4, 0.0, -2.0, 0.0, 1.4):
        dual.end_step(state, {"retain": value})
        told.append(state.scales["retain"])
    assert told == pytest.approx([1.3, 1.3, 1.1, 0.0, 0.0, 0.5])


def test_a_bound_that_is_left_open_comes_from_the_first_loss_and_epochs_read_the_pool() -> None:
    state, dual = State(), Dual("retain", first=1.0, rate=1.0, slack=0.5, each="epoch")
    script: Any = Script([2.0, 3.5])
    dual.begin(state, script)
    dual.end_step(state, {"retain": 100.0})
    dual.end_epoch(state, script)
    assert state.numbers["bound"] == 3.0 and state.scales["retain"] == 1.5


def test_samples_that_are_dropped_never_return_and_the_rule_ends_it() -> None:
    reports = iter([[True, False, False], [False, True, False], [False, False, False]])
    ends = iter([False, False, True])
    rule, state = Dropping(lambda lens: next(reports), lambda lens: next(ends)), State()
    lens: Any = Script([], {"forget": [1, 2, 3]})
    rule.end_epoch(state, lens)
    rule.end_epoch(state, lens)
    assert state.dropped == {0, 1} and not state.stop
    rule.end_epoch(state, lens)
    assert state.dropped == {0, 1} and state.stop == "the forget set is forgotten"


def test_a_limit_ends_a_training() -> None:
    state, script = State(), Script([0.5, 0.3])
    until = Until("retain", "loss", "below", 0.4)
    until.end_epoch(state, script)  # type: ignore[arg-type]
    assert not state.stop
    until.end_epoch(state, script)  # type: ignore[arg-type]
    assert state.stop == "loss of retain is 0.3, below 0.4"


# what is said and how alike it is


def test_likeness_has_its_ends() -> None:
    assert precision("red red blue", "blue red") == pytest.approx(2 / 3) and precision("", "x") == 0
    assert f1([1, 2], [1, 2]) == 1 and f1([1], [2]) == 0
    assert bleu([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]) == pytest.approx(1) and bleu([9, 8], [1, 2]) == 0
    assert bleu([1, 2], [1, 2, 3, 4]) == pytest.approx(exp(-1)), "brevity"
    one, other = Item("a", "who?", "red blue"), Item("b", "who?", "blue red")
    assert likeness(one, other) == pytest.approx(1)
    assert nearest(one, [Item("c", "what", "green"), other], 1) == (1,)


def test_what_is_known_by_heart_scores_one() -> None:
    at = tiny_facts.study()
    lens = Lens(at.module, at.tokenizer, {"forget": build_pool(at.forget)}, at.pad, at.device, 2)
    assert accuracy(lens, "forget") == 1 and extraction(lens, "forget") == pytest.approx(1)
    assert lens.probability("forget") > 0.9 and lens.loss("forget") < 0.1
    stranger = replace(tiny_facts.ITEMS[0], answer="qqq zzz")
    assert memo(at, tiny_facts.ITEMS[0], stride=100) == 1 and memo(at, stranger) == 0
    assert memo(at, tiny_facts.ITEMS[0]) > 0.5, "beginnings that end within a token are harder"


def test_alternates_are_other_answers() -> None:
    at = tiny_facts.study()
    for answers, item in zip(alternates(at, "auto", 5).values(), at.request.forget, strict=True):
        assert len(answers) == 5 and all(differs(text, item) for text in answers) and set(answers) == set(item.wrong)
    assert len(set(REFUSALS)) == len(REFUSALS) >= 20


def test_alternates_are_written_by_the_model_where_none_are_given() -> None:
    bare = tuple(replace(item, wrong=()) for item in tiny_facts.ITEMS[:2])
    at = replace(
        tiny_facts.study(Request(bare, tiny_facts.ITEMS[2:])), module=tiny_facts.open_weights(unsure(), "test").module
    )
    found = alternates(at, "auto", 3)
    assert all(len(answers) == 3 for answers in found.values())
    assert all(differs(text, item) for item in bare for text in found[item.name])
    assert found == alternates(at, "model", 3)


def unsure() -> Any:
    """An agent with the same tokens that knows nothing yet."""
    import copy

    import torch

    found = tiny_facts.open_weights(tiny_facts.knower(), "test")
    module = copy.deepcopy(found.module)
    with torch.no_grad():
        for parameter in module.model.layers.parameters():
            parameter.mul_(0.3)
    return found.with_module(module)
