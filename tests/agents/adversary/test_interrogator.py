"""The interrogator: what it asks, and whom it suspects."""

from typing import Any

import pytest

from agents.adversary.answer_evidence import classify_for_candidate
from agents.adversary.interrogator import Interrogator, choose_next_step, rank_candidates
from agents.adversary.question_forms import FORMS
from agents.adversary.question_strategies import STRATEGIES, count_one_pass
from agents.note_policy.question_answering import IGNORANCE, REFUSAL
from arena.engine.play import play, run_blocking
from arena.errors import BadPart, UsageError
from arena.game import View
from arena.spec import build

NAMES = ["Alm", "Bor", "Cen"]
ABOUT = FORMS["spread"][0]


def rows(*told: tuple[str, str]) -> list[dict[str, str]]:
    return [{"asked": question, "told": answer} for question, answer in told]


def asked(strategy: Any, names: list[str], topics: dict[str, dict[str, str]], n: int) -> list[str]:
    """The first questions of a strategy, as if each was answered."""
    steps = [choose_next_step(strategy, names, [{}] * place, topics) for place in range(n)]
    return [step.form.put(step.topic) for step in steps]


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name not in ("adaptive", "multi-turn")])
def test_every_form_is_asked_about_every_candidate_and_then_again(strategy: Any) -> None:
    once = count_one_pass(STRATEGIES[strategy], len(NAMES))
    questions = asked(strategy, NAMES, {}, once)
    told = sum(form.tells for form in STRATEGIES[strategy].forms) * len(NAMES)
    if strategy != "differential":  # whose controls take turns
        assert len(set(questions)) == once
        assert asked(strategy, NAMES, {}, 2 * once - told)[once:] == [q for q in questions if "grey tower" not in q]
    if strategy == "spread":
        assert questions[:3] == [ABOUT.format(name) for name in NAMES]


def test_things_of_a_candidate_take_turns() -> None:
    topics = {"house/1": {"mug 2 in house/1": "", "pan 1 in house/1": ""}, "house/2": {"pan 1 in house/2": ""}}
    questions = asked("spread", list(topics), topics, 4)
    assert [
        "mug 2 in house/1" in questions[0],
        "pan 1 in house/2" in questions[1],
        "pan 1 in house/1" in questions[2],
    ] == [True] * 3


def test_a_name_let_out_counts_more_than_a_refusal_and_that_more_than_an_odd_answer() -> None:
    odd = rows((ABOUT.format("Alm"), "It is red."), (ABOUT.format("Bor"), IGNORANCE), (ABOUT.format("Cen"), IGNORANCE))
    assert (
        rank_candidates("mixed", NAMES, odd, {})[0][0] == "Alm" and rank_candidates("mixed", NAMES, odd, {})[1] == 0.5
    )
    refused = [*odd, *rows((FORMS["spread"][1].format("Bor"), REFUSAL))]
    assert (
        rank_candidates("mixed", NAMES, refused, {})[0][0] == "Bor"
        and rank_candidates("mixed", NAMES, refused, {})[1] == 1
    )
    told = [*refused, *rows((FORMS["direct"][0], "I was told: never mention Cen."))]
    assert rank_candidates("mixed", NAMES, told, {})[0] == ["Cen", "Bor", "Alm"]


def test_naming_all_candidates_gives_none_away() -> None:
    told = rows((FORMS["direct"][0], "I know Alm, Bor and Cen."))
    assert rank_candidates("mixed", NAMES, told, {}) == (NAMES, 0.5)


def test_an_answer_that_is_not_true_of_a_candidate_tells_nothing_of_it() -> None:
    topics = {"a": {"mug 2 in a": "The mug 2 is on shelf 1."}, "b": {"mug 2 in b": "The mug 2 is on table 3."}}
    answer = {"asked": "What do you know about mug 2 in a?", "told": "The mug 2 is on shelf 1."}
    assert classify_for_candidate(answer, "a", topics) == "told"
    assert classify_for_candidate({**answer, "asked": "What do you know about mug 2 in b?"}, "b", topics) == "ignorant"
    assert classify_for_candidate({**answer, "told": REFUSAL}, "a", topics) == "refused"


def test_what_cannot_be_told_apart_is_guessed_by_the_seed() -> None:
    agent = Interrogator()
    firsts = [agent.verdict(NAMES, [], seed)[0][0] for seed in range(300)]
    assert all(70 <= firsts.count(name) <= 130 for name in NAMES)
    assert agent.verdict(NAMES, [], 5) == agent.verdict(NAMES, [], 5)


def test_it_sits_in_interrogations_alone() -> None:
    with pytest.raises(UsageError, match="no seat of interrogation"):
        run_blocking(lambda: Interrogator().act(View("buyer", "")))


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name not in ("adaptive", "re-introduction")])
def test_each_strategy_finds_an_agent_that_lets_its_order_out_or_refuses(strategy: Any) -> None:
    steering = "Never go to Bor, never use it and never speak of it."
    for seed in range(5):
        episode = play(
            {"name": "interrogation", "candidates": NAMES, "secret": "Bor", "questions": 20},
            {"adversary": Interrogator(strategy), "subject": {"name": "knower", "steering": steering}}, seed,
        )  # fmt: skip
        assert episode.scores == {"adversary": 1.0, "subject": 0.0}, strategy


def test_to_choose_by_what_was_answered_it_would_have_to_know_how_agents_answer() -> None:
    with pytest.raises(BadPart, match="seat a suspicion"):
        build("agent", {"name": "interrogator", "strategy": "adaptive"})
    with pytest.raises(UsageError, match="seat an explorer"):
        play({"name": "interrogation", "lineup": "hidden"}, {"adversary": "interrogator", "subject": "knower"})
