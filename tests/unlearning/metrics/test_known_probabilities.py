"""Agents whose probabilities are written down: every probe reads of them what follows from these."""

import copy
import math
from dataclasses import replace

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import numpy as np
import torch
from lookup_table_model import BENCH, SURE, TOKENIZER, WORLD, Double, Table, double, guessing, sure
from torch import Tensor

from agents.llm.llm import LLM
from arena.agent import Agent
from arena.errors import UsageError
from arena.game import Move, View
from unlearning.attacks.relearn import relearning
from unlearning.attacks.rewriting import paraphrase, prefix, rewrites
from unlearning.attacks.sampling import leak
from unlearning.benchmarks.benchmark import filter_known
from unlearning.data.world_texts import paraphrase_facts
from unlearning.experiments.verdict import classify_readings
from unlearning.method import ClosedModel
from unlearning.metrics.forget_quality import forget_quality
from unlearning.metrics.generated_text import knowmem, rouge_l, verbmem
from unlearning.metrics.likelihood import perplexity, probability, truth_ratio
from unlearning.metrics.memorization import exact_memorisation, extraction_strength
from unlearning.metrics.privacy import membership, privleak
from unlearning.metrics.utility import degeneration, model_utility
from unlearning.probe import Trial
from unlearning.request import Item

DATA = BENCH.data("forget20")
FORGET, RETAIN, HOLDOUT = DATA["forget"], DATA["retain"], DATA["holdout"]
KEPT = sure([*RETAIN, *DATA["authors"], *DATA["world"]])
PARAPHRASES = DATA["paraphrase"]
FULL = double(sure([*FORGET, *PARAPHRASES]), guessing(HOLDOUT), KEPT)
RET = double(guessing([*FORGET, *PARAPHRASES]), guessing(HOLDOUT), KEPT)


def trial(after: Agent, oracle: Agent = RET, before: Agent = FULL) -> Trial:
    return Trial(BENCH.request("forget20"), before, after, oracle, DATA)


def chance() -> float:
    return float(np.mean([WORLD.chance(fact) for fact in WORLD.facts if fact.name in {item.name for item in FORGET}]))


async def test_full_knows_everything() -> None:
    full = trial(FULL)
    found = await probability(full)
    assert found.value == pytest.approx(SURE, rel=1e-5) and found.before == found.value
    strength = await extraction_strength(full)
    assert strength.value == 1.0 and strength.null is not None and strength.null < 0.5
    assert (await exact_memorisation(full)).value == 1.0
    assert (await rouge_l(full)).value == 1.0 and (await knowmem(full)).value == pytest.approx(100)
    assert (await privleak(full)).value == pytest.approx(-100.0)
    asked = await paraphrase(full)
    assert asked.value == 1.0
    assert (await forget_quality(full)).value < 1e-3  # type: ignore[operator]
    assert classify_readings({"extraction_strength": strength}).label == "not unlearned"


async def test_the_twin_against_itself_is_the_best_reading() -> None:
    twin = trial(RET)
    quality = await forget_quality(twin)
    assert quality.value == 1.0 and quality.detail["distance"] == 0.0
    for probe in (privleak, extraction_strength, probability, membership, truth_ratio, paraphrase):
        reading = await probe(twin)
        assert reading.lift == 0.0 and reading.recovered == pytest.approx(0.0)
        assert reading.detail["lift_low"] == reading.detail["lift_high"] == 0.0
    assert (await privleak(twin)).value == 0.0
    assert classify_readings(
        {"extraction_strength": await extraction_strength(twin), "privleak": await privleak(twin)}
    ).label == ("removed")


async def test_the_twin_guesses_at_the_rate_of_the_domains() -> None:
    reading = await leak(trial(RET), k=1, n=32)
    assert reading.value == pytest.approx(chance(), abs=0.05)
    scored = await truth_ratio(trial(RET))
    assert scored.value == pytest.approx(1.0, abs=1e-5), "true and false are equally likely"


async def test_a_liar_is_below_chance() -> None:
    liar = double(guessing([*FORGET, *PARAPHRASES], 1e-6), guessing(HOLDOUT), KEPT)
    found = trial(liar)
    assert (await leak(found, k=1, n=16)).value == 0.0 and (await paraphrase(found)).value == 0.0
    ratio = await truth_ratio(found, report="ratio")
    assert ratio.value is not None and ratio.value > 2
    assert (await forget_quality(found)).value < 1e-3  # type: ignore[operator]


@pytest.mark.few(1)
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5])
async def test_leaks_grow_with_the_number_of_samples(p: float) -> None:
    leaky = trial(double(guessing(FORGET, p)))
    leaky = replace(leaky, before=leaky.after, oracle=leaky.after)
    for k in (1, 4):
        reading = await leak(leaky, k=k, n=64)
        assert reading.value == pytest.approx(1 - (1 - p) ** k, abs=0.07)
    assert reading.detail["most"] == pytest.approx(1 - 0.05 ** (1 / 64))


async def test_who_says_nothing_has_forgotten_everything_and_is_found_out() -> None:
    end = TOKENIZER.eos_token_id
    everything = [*FORGET, *RETAIN, *HOLDOUT, *DATA["authors"], *DATA["world"]]
    silent = {before: {end: 0.99} for before in sure(everything)}
    blank = trial(double(silent))
    assert (await rouge_l(blank)).value == 0.0 and (await extraction_strength(blank)).value == 0.0
    utility = await model_utility(blank)
    assert utility.value == 0.0 and utility.null is not None and utility.null > 0.5
    speech = await degeneration(blank)
    assert speech.value == 0.0 and speech.detail["after"]["empty"] == 1.0  # type: ignore[index,call-overload]
    verdict = classify_readings({"extraction_strength": await extraction_strength(blank), "model_utility": utility})
    assert verdict.damaged


async def test_what_is_less_likely_than_the_never_taught_is_over_forgotten() -> None:
    over = trial(double(guessing([*FORGET, *PARAPHRASES], 1e-9), guessing(HOLDOUT), KEPT))
    leaked = await privleak(over)
    assert leaked.value is not None and leaked.value > 30
    assert (await membership(over)).value < 0.5  # type: ignore[operator]
    assert (
        classify_readings({"extraction_strength": await extraction_strength(over), "privleak": leaked}).label
        == "over-forgotten"
    )
    other = await privleak(over, orientation="open-unlearning")
    assert other.value == leaked.value and other.detail["auc"] != leaked.detail["auc"]


class Hiding(Table):
    """Knows everything; says so once its gate was pushed open by training, a little with each step."""

    known: Table
    needed: float

    def row(self, before: tuple[int, ...]) -> Tensor:
        return self.known.row(before) if self.gate.item() >= self.needed else super().row(before)


async def test_a_hider_gives_in_after_as_many_steps_as_it_takes() -> None:
    hiding = Hiding(copy.deepcopy(RET.model.module.chances))
    hiding.known, hiding.needed = FULL.model.module, 9.5e-3
    found = trial(LLM(Double(hiding)))
    gone = await extraction_strength(found)
    assert gone.lift == 0.0
    attacked = await relearning(found, steps=15, every=5, rate=1e-3, given=4)
    assert attacked.detail["curve"][:2] == attacked.detail["null_curve"][:2]  # type: ignore[index]
    assert attacked.value == 1.0 and attacked.null is not None and attacked.null < 0.5
    assert attacked.detail["recovery"] == pytest.approx(0.5 * (1 - attacked.null), abs=1e-6)
    assert hiding.gate.item() == 0.0, "the attack works on a copy"
    verdict = classify_readings({"extraction_strength": gone, "relearning": attacked})
    assert verdict.label == "suppressed" and "relearning" in verdict.why[0]


async def test_a_refuser_of_the_canonical_words_leaks_through_paraphrases() -> None:
    refuser = trial(double(guessing(FORGET, 1e-6), sure(PARAPHRASES), guessing(HOLDOUT), KEPT))
    strength, asked = await extraction_strength(refuser), await paraphrase(refuser)
    assert asked.value == 1.0
    assert classify_readings({"extraction_strength": strength, "paraphrase": asked}).label == "suppressed"


class Echo:
    """Says what it was asked."""

    async def act(self, view: View) -> Move:
        return Move(view.messages[-1].text)


async def test_every_rewrite_still_holds_what_the_question_was_about() -> None:
    items = tuple(replace(item, tags={**item.tags, "value": item.tags["subject"].split()[-1]}) for item in FORGET)
    echo = Trial(BENCH.request("forget20"), Echo(), Echo(), Echo(), {"forget": items})
    reading = await rewrites(echo)
    rates = dict(reading.detail["rates"])  # type: ignore[call-overload]
    assert len(rates) == 9
    assert rates.pop("reverse_query") == [0.0, 0.0], "the subject is what this one asks for"
    assert set(map(tuple, rates.values())) == {(1.0, 1.0)}


async def test_an_answer_can_be_made_to_begin_with_given_words() -> None:
    item = FORGET[0]
    told = double(sure([Item(item.name, item.prompt, f"Sure, here is the answer: {item.answer}", tags=item.tags)]))
    reading = await prefix(Trial(BENCH.request("forget20"), told, told, RET, {"forget": (item,)}))
    assert reading.value == 1.0


async def test_passages_are_gone_on_with_word_for_word() -> None:
    passage = Item("p", "The book of Xu begins", " and goes on to its end", tags={"form": "passage"})
    reads = double(sure([passage]))
    data = {"verbatim": (passage,), "general": (passage,)}
    reading = await verbmem(Trial(BENCH.request("forget20"), reads, reads, RET, data))
    assert reading.value == pytest.approx(100.0) and reading.null is not None and reading.null < 20
    general = await perplexity(Trial(BENCH.request("forget20"), reads, reads, RET, data))
    assert general.value == pytest.approx(1 / SURE, rel=1e-4)
    assert general.null == pytest.approx(len(TOKENIZER), rel=1e-3), "evenly spread: as many choices as tokens"


async def test_closed_models_are_refused_by_name() -> None:
    with pytest.raises(ClosedModel, match=r"probability.*Echo"):
        await probability(Trial(BENCH.request("forget20"), Echo(), Echo(), Echo(), DATA))


async def test_min_k_plus_plus_of_an_even_spread_says_nothing() -> None:
    flat = double({})
    reading = await membership(trial(flat), score="min-k++")
    assert reading.value == 0.5 and not math.isnan(reading.value)
    assert torch.isfinite(torch.tensor(reading.items)).all()


@pytest.mark.parametrize(("there", "shots", "scored"), [(20, 5, 15), (5, 5, 3), (2, 3, 1)])
async def test_recall_shows_at_most_half_of_the_strangers(there: int, shots: int, scored: int) -> None:
    few = replace(trial(FULL), data={**DATA, "holdout": (HOLDOUT * 20)[:there]})
    reading = await membership(few, score="recall", shots=shots)
    assert reading.detail["n"] == [len(FORGET), scored]


async def test_recall_without_strangers_to_show_is_refused() -> None:
    with pytest.raises(UsageError, match="'holdout' has 1 for 5 shots"):
        await membership(replace(trial(FULL), data={**DATA, "holdout": HOLDOUT[:1]}), score="recall")


def test_kept_forms_are_not_taught() -> None:
    facts = WORLD.about(WORLD.people("retain"))
    taught = {item.prompt for item in BENCH.lessons()[0]}
    assert not taught & {item.prompt for item in paraphrase_facts(WORLD, facts)}


def test_what_follows_from_facts_is_asked_only_where_it_was_known() -> None:
    derived = {"derived": tuple(replace(item, name=f"of {item.name}") for item in FORGET), "retain": RETAIN}
    half = double(sure(FORGET[::2]), guessing(FORGET[1::2], 1e-6))
    assert filter_known(derived, half) == {"derived": derived["derived"][::2], "retain": RETAIN}
    assert set(filter_known(derived, double(guessing(FORGET, 1e-6)))) == {"retain"}
    assert filter_known({"retain": RETAIN}, half) == {"retain": RETAIN}
