"""The adversary that reasons by Bayes, against the formulas written out."""

from collections.abc import Mapping
from math import exp, log

import pytest

from agents.adversary.bayesian import QUESTIONS, Suspicion, certainty, frequencies, posterior
from agents.adversary.question_forms import CONTROL, OPEN, WORDED
from agents.note_policy.question_answering import HEARD, IGNORANCE
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
        step = spread.step(NAMES, answers)
        question = step.form.put(step.topic)
        assert question == QUESTIONS[n // 4].format(NAMES[n % 4])
        answers.append({"asked": question, "told": IGNORANCE})
    hit = [{"asked": OPEN[0].words, "told": IGNORANCE}, about("Cen", "At (1, 1).")]
    belief = posterior(adaptive.scores(NAMES, hit))
    best = max(NAMES, key=lambda name: adaptive.gain(belief[name]))
    assert adaptive.step(NAMES, hit).candidate == best


def test_on_each_line_the_odds_of_that_line_count_and_the_line_that_tells_most_is_asked_on() -> None:
    lines = ("order", "spread", "accusing", "social", "format", "backwards", "spelt", "base64", "kept")
    dull = dict.fromkeys(lines, NEVER)
    agent = Suspicion(dull | {"accusing": FORGOT}, dull, "adaptive")
    opened = [{"asked": OPEN[0].words, "told": IGNORANCE}]
    assert agent.step(NAMES, []).form == OPEN[0] and agent.step(NAMES, opened).form.line == "accusing"
    assert agent.scores(NAMES, [about("Alm", "At (1, 1).")])["Alm"] == 0
    kept = Suspicion(dull | {"kept": FORGOT}, dull, "adaptive")
    first = kept.step(NAMES, opened)
    assert first.form.tells  # nothing is kept that was not told before
    told: list[Mapping[str, object]] = [*opened, {"asked": first.form.put(first.topic), "told": "", "kept": True}]
    assert kept.step(NAMES, told).form.line == "kept" and kept.step(NAMES, told).candidate == first.candidate


def test_what_the_agent_answers_about_the_unknown_is_what_an_answer_is_held_against() -> None:
    odds = {"worded": {"told:1:Mud.": 0.3, "": 0.3}}
    agent = Suspicion(odds, odds, "differential")
    hit = {"asked": WORDED[0].put("Alm"), "told": "Mud."}
    assert agent.scores(NAMES, [hit])["Alm"] == pytest.approx(0)
    controls = [{"asked": CONTROL[0].put(name), "told": told} for name, told in (("Bor", "Mud."), ("Cen", "Air."))]
    assert agent.scores(NAMES, [hit, controls[0]])["Alm"] == pytest.approx(log(0.3) - log((20 * 0.3 + 1) / 21))
    assert agent.scores(NAMES, [hit, controls[1]])["Alm"] == pytest.approx(log(0.3) - log(20 * 0.3 / 21))


def test_frequencies_are_smoothed_so_that_nothing_is_impossible() -> None:
    found = frequencies(["told"] * 3 + ["ignorant"])
    assert sum(found.values()) == pytest.approx(1) and found["told"] == pytest.approx(3.5 / 7)
    assert min(found.values()) == pytest.approx(0.5 / 7) and set(found) == {*HEARD, ""}


def test_it_is_built_again_from_its_description() -> None:
    agent = build("agent", {"name": "suspicion", "forgot": FORGOT, "never": NEVER, "strategy": "adaptive"})
    assert build("agent", describe(agent)) == agent
    assert exp(AGENT.scores(NAMES, [about("Alm", IGNORANCE)])["Alm"]) == pytest.approx(0.3 / 0.85)
