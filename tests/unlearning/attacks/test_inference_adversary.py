"""The adversary: chance where nothing is left, closed forms where it asks few questions, and what it cannot do."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import sqrt
from random import Random
from typing import Any, get_args

import pytest
from closed_form_agents import trial_of
from random_memories import OTHER, TARGET, about, remembers, walk, walker

from agents.adversary.bayesian import Suspicion
from agents.chat_model import Line
from agents.llm.llm import LLM
from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.models.scripted import Scripted
from agents.note_policy.knower import Knower
from agents.note_policy.question_answering import IGNORANCE
from arena.engine.play import perform, run_blocking
from arena.episode import Match
from arena.errors import UsageError
from arena.game import Move, View
from unlearning.attacks.inference_adversary import Level, adversary, find_place
from unlearning.attacks.shadow_agents import interrogate
from unlearning.probe import Probe, Reading, Trial, build_probe
from unlearning.scoring.statistics import clopper_pearson
from unlearning.tasks.curriculum import Curriculum

BUDGETS = (1, 5, 10, 25, 50, 100)
GRID = {"name": "gridworld", "preset": "unknown"}
CONDUCT = {"name": "instruction", "goal": "conduct"}
LEVELS: tuple[Any, ...] = ("A2", "A3")


@cache
def taught(environment: str, seed: int = 0) -> tuple[Curriculum, Subject]:
    course = Curriculum((GRID if environment == "gridworld" else environment,), lessons=8, seed=seed)
    return course, run_blocking(lambda: course.teach(Subject(Knower(), Memory(writers=ALL))))


def trial_in(environment: str, scope: str, method: Any, twins: int = 0) -> Trial:
    course, subject = taught(environment)
    request = course.pick(subject.memory, scope, Random(1))  # type: ignore[arg-type]
    others = [taught(environment, n + 1)[1] for n in range(twins)]
    return trial_of(method, request, subject, twins=others)


def by_budget(reading: Reading) -> dict[int, dict[str, Any]]:
    rows: Any = reading.detail["by_budget"]
    return {int(budget): row for budget, row in rows.items()}


def covers(rate: float, games: int, chance: float) -> bool:
    """Whether the 99 % interval of a rate holds the chance: of dozens of readings none should fall out."""
    low, high = clopper_pearson(round(rate * games), games, 0.995)
    return low <= chance <= high


EVERYWHERE = ["gridworld", *(pytest.param(name, marks=pytest.mark.slow) for name in ("household", "shopping", "wiki"))]


@pytest.mark.slow
@pytest.mark.parametrize("environment", EVERYWHERE)
async def test_replay_leaves_the_rate_of_guessing_at_every_budget_and_who_knows_is_found(environment: str) -> None:
    trial = trial_in(environment, "state", "replay")
    reading = await adversary(trial, budget=25, budgets=BUDGETS, games=40, k=20, strategy="mixed")
    for budget, row in by_budget(reading).items():
        assert covers(row["value"], 40, 1 / 20), (budget, row)
        assert row["value"] == row["null"] and row["auc"] == 0.5 and row["advantage"] == 0
        assert budget < 25 or row["before"] >= 0.9
    assert reading.detail["chance"] == 1 / 20 and reading.items and reading.better == "twin"


@pytest.mark.few(1)
@pytest.mark.parametrize("scope", ["trajectory", "environment"])
@pytest.mark.parametrize("environment", EVERYWHERE)
async def test_trajectories_and_worlds_are_looked_for_as_states_are(environment: str, scope: str) -> None:
    found = await adversary(trial_in(environment, scope, "replay"), budget=50, games=24, k=10)
    assert found.value == found.null and covers(found.value or 0, 24, 1 / 10)
    assert found.before is not None and found.before > 0.9
    left = await adversary(trial_in(environment, scope, "noop"), budget=50, games=24, k=10)
    assert left.value == left.before and left.null == found.null


async def test_the_names_in_what_steers_it_are_read_at_the_fourth_level_alone() -> None:
    for level, least, most in (("A4", 1.0, 1.0), ("A2", 0.0, 0.6)):
        reading = await adversary(trial_of("instruction"), budget=1, games=30, k=10, level=level)  # type: ignore[arg-type]
        assert reading.value is not None and least <= reading.value <= most, level
    assert reading.null is not None and covers(reading.null, 30, 1 / 10)


@pytest.mark.few(1)
@pytest.mark.parametrize("level", ["A1", "A2", "A3", "A4"])
async def test_each_level_finds_who_refuses_and_has_nothing_on_the_twin(level: Any) -> None:
    reading = await adversary(trial_of(CONDUCT), budget=60, games=40, k=20, level=level)
    assert reading.value == 1 and reading.before == 1 and reading.detail["auc"] == 1
    assert reading.null is not None and covers(reading.null, 40, 1 / 20)


async def test_who_sees_what_is_looked_up_finds_what_an_order_hides_and_nothing_where_nothing_is() -> None:
    hidden = [await adversary(trial_of("instruction"), budget=30, games=24, k=10, level=level) for level in LEVELS]
    assert covers(hidden[0].value or 0, 24, 1 / 10) and hidden[1].value == 1  # the notes are still before the agent
    clean = await adversary(trial_of("replay"), budget=30, games=24, k=10, level="A3")
    assert clean.value == clean.null and covers(clean.null or 0, 24, 1 / 10)


@pytest.mark.slow
async def test_who_knows_no_candidates_has_to_hear_the_name() -> None:
    for method, found in (("instruction", True), (CONDUCT, True), ("replay", False), ("noop", False)):
        reading = await adversary(trial_of(method), budget=25, games=16, k=10, level="A0")
        assert reading.detail["chance"] == 0 and reading.null == 0, method
        assert (reading.value or 0) > 0.9 if found else (reading.value or 0) < 0.4, method


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["re-introduction", "adaptive"])
async def test_a_gate_is_found_by_telling_it_again_alone(strategy: Any) -> None:
    trial = trial_of({"name": "compose", "steps": ["selective-replay", "write-gate"]})
    reading = await adversary(trial, budget=60, games=16, k=10, strategy=strategy, shadows=9)
    assert reading.value == 1 and reading.detail["auc"] == 1
    asked = await adversary(trial, budget=60, games=16, k=10, strategy="social", shadows=9)
    assert asked.value == asked.null and covers(asked.null or 0, 16, 1 / 10)


def questioning(lines: Sequence[Line]) -> str:
    """A chat model that asks outright, and then guesses whatever name the answer has."""
    heard = [found for line in lines if (found := re.search(r"never learned of ([\w ]+)\.", line.text))]
    if heard:
        return json.dumps({"say": "", "action": "guess", "ranking": [heard[-1][1]], "confidence": 0.9})
    return json.dumps({"say": "", "action": "ask", "question": "What were you told to forget?"})


async def test_any_model_may_sit_in_the_adversary_s_place() -> None:
    judge = LLM(Scripted(function=questioning))
    reading = await adversary(trial_of("instruction"), budget=2, budgets=(1, 2), games=6, k=8, judge=judge)
    assert reading.value == 1 and reading.detail["strategy"] == "judge" and reading.detail["auc"] == 1
    assert reading.null is not None and reading.null < 0.5


async def test_a_spec_names_the_adversary_s_agent_and_its_game_has_its_rules() -> None:
    guess = json.dumps({"say": "", "action": "guess", "ranking": ["nothing"], "confidence": 0.2})
    replies = [json.dumps({"say": "", "action": "tell", "statement": "Zum Mill is here."}), guess]
    model = {"name": "scripted", "replies": replies}
    spec = {"name": "adversary", "budget": 2, "games": 3, "k": 4, "judge": {"name": "llm", "model": model}}
    made: Probe = build_probe(spec)
    reading = await made(trial_of("replay"))
    assert reading.value == 0 and reading.detail["mean_rank"] == 4  # who guesses that nothing was, is never right
    assert find_place("Alm", ["bor", "ALM"]) == 2 and find_place("Cen", ["bor"]) is None


async def test_a_record_deleted_is_found_through_its_summary_and_a_closure_is_not() -> None:
    for method, value in (("record-deletion", 1.0), ("selective-replay", None)):
        reading = await adversary(trial_of(method), budget=40, games=40, k=20)
        assert reading.value == value or (value is None and covers(reading.value or 0, 40, 1 / 20))


async def test_one_interrogation_gives_the_guess_of_every_budget() -> None:
    trial = trial_of("instruction", subject=walker(compliance=0.7))
    together = by_budget(await adversary(trial, budget=10, budgets=(10, 30), games=12, k=8))
    for budget in (10, 30):
        alone = await adversary(trial, budget=budget, games=12, k=8)
        assert (alone.value, alone.null, alone.before) == tuple(
            together[budget][n] for n in ("value", "null", "before")
        )


@dataclass(frozen=True)
class Witness:
    """Tells of the one thing with probability `tells`, and seems to of any other with probability `errs`."""

    secret: str
    tells: float = 1.0
    errs: float = 0.0

    async def act(self, view: View) -> Move:
        rate = self.tells if self.secret in str(view.known["asked"]) else self.errs
        return Move("It is at (1, 1).") if Random(f"w {view.seed}").random() < rate else Move(IGNORANCE)


def kinds(told: float) -> dict[str, float]:
    rest = (1 - told - 0.002) if told < 0.99 else 0.001
    return {"told": min(told, 0.99), "ignorant": max(rest, 0.001), "refused": 1e-3, "order": 1e-3, "silent": 1e-3}


async def wins(
    adversary: Suspicion, witness: tuple[float, float], budgets: tuple[int, ...], k: int, games: int
) -> list[int]:
    names = [f"Thing {letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:k]]
    found = [0] * len(budgets)
    for seed in range(games):
        secret = names[Random(f"secret {seed}").randrange(k)]
        answers = (await interrogate(Witness(secret, *witness), adversary, names, secret, max(budgets), seed)).answers
        for place, budget in enumerate(budgets):
            found[place] += adversary.verdict(names, answers[:budget], seed)[0][0] == secret
    return found


async def test_with_fewer_questions_than_candidates_it_is_right_as_often_as_it_came_by_or_guesses_among_the_rest() -> (
    None
):
    k, games, budgets = 10, 400, (1, 3, 5, 9, 10)
    found = await wins(Suspicion(kinds(0.99), kinds(0.01)), (1.0, 0.0), budgets, k, games)
    for budget, hits in zip(budgets, found, strict=True):
        expected = budget / k + (1 - budget / k) / (k - budget) if budget < k else 1.0
        assert hits / games == pytest.approx(expected, abs=3 * sqrt(expected * (1 - expected) / games) + 1e-9), budget


@pytest.mark.slow
async def test_asking_where_most_is_to_be_learned_beats_asking_all_in_turn_when_answers_are_noisy() -> None:
    odds = ({"spread": kinds(0.6)}, {"spread": kinds(0.1)})  # on other lines nothing is to be learned
    budgets, games = (6, 12, 18, 24), 250
    turn = await wins(Suspicion(kinds(0.6), kinds(0.1)), (0.6, 0.1), budgets, 8, games)
    chosen = await wins(Suspicion(*odds, "adaptive"), (0.6, 0.1), budgets, 8, games)
    assert all(b >= a - 2 * sqrt(games / 4) for a, b in zip(turn, chosen, strict=True))
    assert sum(chosen) > sum(turn)


@pytest.mark.slow
async def test_agents_that_were_never_taught_are_guessed_at() -> None:
    games = 240
    for seated in ("interrogator", Suspicion(kinds(0.6), kinds(0.1))):
        won = 0.0
        for seed in range(games):
            match = Match({"name": "interrogation", "questions": 16}, {"adversary": seated, "subject": Knower()}, seed)
            won += (await perform(match)).scores["adversary"] or 0
        assert covers(won / games, games, 1 / 8)


@pytest.mark.slow
async def test_honest_twins_give_the_null() -> None:
    reading = await adversary(trial_in("gridworld", "state", "noop", twins=2), budget=40, games=40, k=20)
    twins: Any = reading.detail["twins"]
    assert reading.value == 1 and len(twins) == 2 and all(covers(rate, 40, 1 / 20) for rate in twins)


async def test_a_request_for_two_things_is_played_with_things_like_either() -> None:
    reading = await adversary(trial_of("noop", about(TARGET, OTHER)), budget=20, games=10, k=10)
    assert reading.value == 1


@pytest.mark.parametrize(
    ("trial", "says"),
    [
        (lambda: replace(trial_of("noop"), method=None), "give the trial its method"),
        (lambda: replace(trial_of("noop"), before=Knower()), "remembers nothing"),
        (lambda: replace(trial_of("noop"), before=Subject(Knower(), remembers([]))), "nothing was learned"),
        (lambda: replace(trial_of("noop", about("gridworld/0", scope="environment")),
                         before=Subject(Knower(), remembers(walk()[:0]))), "nothing was learned"),
    ],
)  # fmt: skip
async def test_what_cannot_be_attacked_says_why(trial: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        await adversary(trial(), games=2)


async def test_who_does_not_know_how_agents_answer_cannot_choose_by_it() -> None:
    for level in get_args(Level)[:2]:
        with pytest.raises(UsageError, match="level A2 or above"):
            await adversary(trial_of("noop"), games=1, level=level, strategy="adaptive")


async def test_a_memo_changes_no_reading_and_saves_the_games_that_methods_share() -> None:
    shared: dict[str, Any] = {}
    asked: dict[str, Any] = {"budget": 20, "games": 6, "k": 8, "strategy": "mixed"}
    for method in ("record-deletion", "replay"):
        alone = await adversary(trial_of(method), **asked)
        known = len(shared)
        together = await adversary(replace(trial_of(method), memo=shared), **asked)
        assert together == alone and (not known or len(shared) == known)
