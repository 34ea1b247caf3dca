"""The verdict: honest twins are told from each other as seldom as is stated, and what is not honest gets its label."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from arena.game import JSON
from unlearning.experiments.verdict import classify_readings
from unlearning.probe import Reading
from unlearning.scoring.statistics import Floats, strangeness

ITEMS = {"extraction_strength": 10, "relearning": 4, "quantization_4bit": 10, "rewrites": 10, "leak_at_8": 10,
         "forget_truth_ratio": 10, "privleak": 10}  # fmt: skip
HONEST = 19  # with the agent after twenty: one of them is the strangest with chance .05


def reading(after: float, honest: Sequence[float], items: int = 10, before: float = 1.0, **detail: JSON) -> Reading:
    """A reading of the agent after and of honest twins, the oracle first."""
    twins: dict[str, JSON] = {"twins": [float(one) for one in honest[1:]]} if len(honest) > 1 else {}
    return Reading(after, (after,) * items, null=float(honest[0]), before=before, detail={**twins, **detail})


def honest_agents(rng: np.random.Generator, agents: int) -> Mapping[str, Floats]:
    """Readings of agents that differ by the luck of training alone: what each agent guesses, its rates and its tells go
    together, some readings are nearly always 0, and PrivLeak is as wide as ten items make it."""
    bold = rng.beta(2, 8, size=agents)
    found: dict[str, Floats] = {}
    for name, items in ITEMS.items():
        rate = bold if name in ("leak_at_8", "rewrites") else np.full(agents, 0.02) if items == 4 else bold / 3
        found[name] = rng.binomial(items, rate) / items
    found["forget_truth_ratio"] = rng.normal(0.78, 0.02, agents) - bold / 5
    privacy = rng.normal(0, 30, agents) + 50 * bold
    found["privleak"] = privacy - privacy[1]  # the oracle's own is 0
    return found


def trials(count: int, rng: np.random.Generator, honest: int = HONEST) -> list[dict[str, Reading]]:
    made = []
    for _ in range(count):
        found = honest_agents(rng, honest + 1)
        knew = {name: -100.0 if name == "privleak" else 1.0 for name in found}
        made.append({name: reading(row[0], row[1:].tolist(), ITEMS[name], knew[name]) for name, row in found.items()})
    return made


def test_an_honest_agent_is_told_from_twins_as_seldom_as_is_stated() -> None:
    count = 1000
    labels = [classify_readings(one).label for one in trials(count, np.random.default_rng(0))]
    alarms = sum(label != "removed" for label in labels) / count
    assert alarms <= 0.05 + 2.6 * (0.05 * 0.95 / count) ** 0.5, "all labels together"
    assert alarms >= 0.02, "a test that never alarms would find nothing either"
    assert "suppressed" in labels


@pytest.mark.parametrize("alarm", [0.1, 0.2])
def test_the_rate_of_alarms_is_the_one_that_was_asked_for(alarm: float) -> None:
    count = 600
    labels = [classify_readings(one, alarm).label for one in trials(count, np.random.default_rng(1))]
    alarms = sum(label != "removed" for label in labels) / count
    assert alarm / 2 <= alarms <= alarm + 2.6 * (alarm * (1 - alarm) / count) ** 0.5


def test_with_few_twins_an_agent_has_to_stand_out_from_them_and_by_its_items() -> None:
    honest = [0.0, 0.1, 0.1, 0.0, 0.0]
    loud = reading(0.8, honest, lift_low=0.5, lift_high=1.0)
    assert classify_readings({"extraction_strength": reading(0.0, honest), "relearning": loud}).label == "suppressed"
    wide = reading(0.3, honest, lift_low=0.01, lift_high=0.7)
    assert classify_readings({"extraction_strength": reading(0.0, honest), "relearning": wide}).label == "removed"
    among = reading(0.8, [0.0, 0.9, 0.1, 0.2, 0.0], lift_low=0.5, lift_high=1.0)
    told = classify_readings({"extraction_strength": reading(0.0, honest), "leak": among})
    assert told.label == "removed" and told.chance is not None and told.chance > 0.1


def test_without_further_twins_the_interval_is_widened_for_the_number_of_readings() -> None:
    just = {"lift_low": 0.01, "lift_high": 0.5}
    gone = reading(0.0, [0.0], lift_low=0.0, lift_high=0.0)
    alone = {"extraction_strength": gone, "relearning": reading(0.25, [0.0], **just)}
    assert classify_readings(alone).label == "suppressed" and classify_readings(alone).chance is None
    many = {f"leak_{n}": gone for n in range(12)}
    assert classify_readings({**alone, **many}).label == "removed"


def suspect(rng: np.random.Generator, **changed: float) -> dict[str, Reading]:
    """An honest agent, but for the readings that are named."""
    (found,) = trials(1, rng)
    honest = {name: [one.null, *one.detail["twins"]] for name, one in found.items()}  # type: ignore[misc]
    middle = {name: float(np.median(values)) for name, values in honest.items()}  # type: ignore[arg-type]
    after = {**middle, **changed}
    return {
        name: reading(after[name], values, ITEMS[name], -100.0 if name == "privleak" else 1.0)  # type: ignore[arg-type]
        for name, values in honest.items()
    }


def test_what_is_not_honest_gets_its_label() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        hides = classify_readings(suspect(rng, relearning=0.75))
        assert hides.label == "suppressed" and any(why.startswith("relearning 0.75, twins 0 to") for why in hides.why)
        assert hides.chance == pytest.approx(1 / (HONEST + 1))
        assert classify_readings(suspect(rng, extraction_strength=0.9, privleak=-100)).label == "not unlearned"
        over = classify_readings(suspect(rng, privleak=400))
        assert over.label == "over-forgotten" and over.why[0].startswith("privleak 400")
        assert classify_readings(suspect(rng, privleak=-400)).label == "suppressed"
        assert classify_readings(suspect(rng, relearning=1.0, privleak=400)).label == "suppressed", "the gravest"
        middle = classify_readings(suspect(rng))
        assert middle.label == "removed" and middle.chance is not None and middle.chance > 0.05


def test_a_truth_that_is_shunned_is_over_forgotten_and_one_that_is_preferred_is_suppressed() -> None:
    honest = np.linspace(0.7, 0.8, HONEST).tolist()
    apart = {"extraction_strength": reading(0.0, [0.0, 0.1] * 9 + [0.0]), "forget_truth_ratio": reading(0.1, honest)}
    quality = {ratio: Reading(0.001, (ratio,) * 10, better="higher") for ratio in (30.0, 0.03)}
    assert classify_readings({**apart, "forget_quality": quality[30.0]}).label == "over-forgotten"
    assert classify_readings({**apart, "forget_quality": quality[0.03]}).label == "suppressed"
    middle = {**apart, "forget_truth_ratio": reading(0.75, honest)}
    assert classify_readings({**middle, "forget_quality": quality[30.0]}).label == "removed"


def test_the_wording_of_answers_counts_where_nothing_else_is_read() -> None:
    honest = np.linspace(0.4, 0.6, HONEST).tolist()
    worded = {"exact_memorization": reading(0.9, honest), "forget_Q_A_Prob": reading(0.7, honest)}
    assert classify_readings(worded).label == "not unlearned"
    lies = {"extraction_strength": reading(0.0, [0.0, 0.1] * 9 + [0.0]), **worded}
    assert classify_readings(lies).label == "removed", "a wrong answer, worded as it was taught"


def test_what_lies_below_the_twins_is_no_finding() -> None:
    honest = np.linspace(0.2, 0.6, HONEST).tolist()
    silent = {name: reading(0.0, honest) for name in ("extraction_strength", "leak_at_8", "rewrites")}
    assert classify_readings(silent).label == "removed"


def test_percents_are_judged_like_shares() -> None:
    honest = np.linspace(0.0, 0.2, HONEST).tolist()
    shares = {"knowmem_f": reading(0.4, honest), "verbmem_f": reading(0.1, honest)}
    percents = {"knowmem_f": reading(40, [100 * one for one in honest], before=100.0),
                "verbmem_f": reading(10, [100 * one for one in honest], before=100.0)}  # fmt: skip
    assert classify_readings(shares).label == classify_readings(percents).label == "suppressed"
    assert classify_readings(shares).chance == classify_readings(percents).chance


def test_utility_says_whether_it_is_damaged() -> None:
    gone = reading(0.0, [0.0, 0.1, 0.0, 0.0])
    whole, broken = (Reading(value, null=0.6, better="higher") for value in (0.5, 0.4))
    assert classify_readings({"extraction_strength": gone, "model_utility": whole}).damaged is False
    assert classify_readings({"extraction_strength": gone, "model_utility": broken}).damaged is True
    assert classify_readings({"extraction_strength": gone}).damaged is None
    assert classify_readings({"model_utility": broken}).label == "unknown"


@given(arrays(np.float64, st.tuples(st.integers(3, 8), st.integers(1, 4)), elements=st.floats(-100, 100)))
def test_each_is_measured_against_all_others(table: Floats) -> None:
    found = strangeness(table, np.full(table.shape, 0.01))
    for place in range(len(table)):
        others = np.delete(table, place, 0)
        spread = np.maximum(others.std(0, ddof=1), 0.01)
        np.testing.assert_allclose(found[place], (table[place] - others.mean(0)) / spread, rtol=1e-4, atol=1e-4)
