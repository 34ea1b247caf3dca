"""The adversary that reasons by Bayes, against the formulas written out."""

from math import exp, log

import pytest

from agents.answering import HEARD, IGNORANCE
from agents.suspicion import QUESTIONS, Suspicion, certainty, frequencies, posterior
from arena.spec import build, describe

NAMES = ["Alm", "Bor", "Cen", "Dun"]
FORGOT = {"told": 0.4, "ignorant": 0.3, "refused": 0.2, "order": 0.05, "silent": 0.05}
NEVER = {"told": 0.05, "ignorant": 0.85, "refused": 0.02, "order": 0.03, "silent": 0.05}
AGENT = Suspicion(FORGOT, NEVER)


def about(name: str, told: str, form: int = 0) -> dict[str, str]:
    return {"asked": QUESTIONS[form].format(name), "told": told}


def test_scores_add_up_the_log_ratios_of_the_answers() -> None:
    answers = [about("Alm", IGNORANCE), about("Bor", "At (1, 1)."), about("Bor", "At (1, 1).", 3), about("Zed", "Yes.")]
    scores = AGENT.scores(NAMES, answers)
    assert scores == pytest.approx({"Alm": log(0.3 / 0.85), "Bor": 2 * log(0.4 / 0.05), "Cen": 0.0, "Dun": 0.0})
    assert AGENT.verdict(NAMES, answers, 1)[0][0] == "Bor" and AGENT.verdict(NAMES, answers, 1)[0][-1] == "Alm"


def test_beliefs_add_up_to_one_and_are_in_the_ratio_of_the_likelihoods() -> None:
    belief = posterior({"a": 0.0, "b": log(3), "c": -1000.0})
    assert sum(belief.values()) == pytest.approx(1) and belief["b"] == pytest.approx(3 * belief["a"])
    assert certainty({"a": 0.0, "b": 0.0}) == pytest.approx(0.5)
    assert certainty({"a": log(7), "b": log(1)}) == pytest.approx(0.8)  # the mean ratio, 4, against 1
    assert certainty({"a": -1e4, "b": -1e4}) == 0


def test_the_gain_of_a_question_is_the_mutual_information_of_answer_and_candidate() -> None:
    belief = posterior({"a": 0.3, "b": -1.0, "c": 0.0})
    for name in belief:
        joint = {
            (other, kind): belief[other] * (FORGOT if other == name else NEVER)[kind]
            for other in belief
            for kind in HEARD
        }
        told = {kind: sum(joint[other, kind] for other in belief) for kind in HEARD}
        information = sum(p * log(p / (belief[other] * told[kind])) for (other, kind), p in joint.items())
        assert AGENT.gain(belief[name]) == pytest.approx(information)
    assert AGENT.gain(0.0) == AGENT.gain(1.0) == 0
    assert Suspicion(NEVER, NEVER).gain(0.5) == pytest.approx(0)


def test_spread_asks_about_all_in_turn_and_adaptive_where_it_learns_most() -> None:
    spread, adaptive = AGENT, Suspicion(FORGOT, NEVER, "adaptive")
    answers: list[dict[str, str]] = []
    for n in range(8):
        question = spread._question(NAMES, answers)
        assert question == QUESTIONS[n // 4].format(NAMES[n % 4])
        answers.append({"asked": question, "told": IGNORANCE})
    hit = [about("Cen", "At (1, 1).")]
    belief = posterior(adaptive.scores(NAMES, hit))
    best = max(NAMES, key=lambda name: adaptive.gain(belief[name]))
    assert adaptive._question(NAMES, hit) in [form.format(best) for form in QUESTIONS]


def test_frequencies_are_smoothed_so_that_nothing_is_impossible() -> None:
    found = frequencies(["told"] * 3 + ["ignorant"])
    assert sum(found.values()) == pytest.approx(1) and found["told"] == pytest.approx(3.5 / 6.5)
    assert min(found.values()) == pytest.approx(0.5 / 6.5) and set(found) == set(HEARD)


def test_it_is_built_again_from_its_description() -> None:
    agent = build("agent", {"name": "suspicion", "forgot": FORGOT, "never": NEVER, "strategy": "adaptive"})
    assert build("agent", describe(agent)) == agent
    assert exp(AGENT.scores(NAMES, [about("Alm", IGNORANCE)])["Alm"]) == pytest.approx(0.3 / 0.85)
