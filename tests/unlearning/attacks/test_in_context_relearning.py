"""Telling it again: what was left shows as learning faster than the twin, a gate as not learning at all."""

from dataclasses import replace
from typing import Any

import pytest
from closed_form_agents import Leaky, trial_of
from random_memories import NAMES, OTHER, TARGET, about, walker

from agents.memory.memory import Event
from arena.errors import UsageError
from unlearning.attacks.in_context_relearning import (
    Hinted,
    draw_hints,
    find_k50,
    relearning_advantage,
    social_relearning,
)
from unlearning.metrics.leaks import ask
from unlearning.metrics.quiz import build_points, score_presence, score_recall
from unlearning.probe import Trial

GATED = {"name": "compose", "steps": ["selective-replay", "write-gate"]}
N = 4  # facts of the target


def knowing() -> Any:
    """A subject that was told three more things of the target."""
    more = ("The keeper of Sosten Harbour is Ann Brom.", "Sosten Harbour was built in 1873.",
            "The bell of Sosten Harbour is called Old Vellor.")  # fmt: skip
    subject = walker()
    told = [Event(f"more:{n}", text, "place", TARGET, "more", n, "gridworld", "0") for n, text in enumerate(more)]
    return replace(subject, memory=subject.memory.with_events(told))


def trial(method: Any = "noop", *names: str) -> Trial:
    return trial_of(method, about(*(names or (TARGET,))), knowing())


@pytest.mark.parametrize(
    ("curve", "hints"),
    [
        ((1.0, 1.0), 0.0),
        ((0.5, 1), 0.0),
        ((0.0, 1.0), 0.5),
        ((0, 0.5, 1), 1.0),
        ((0, 0.25, 0.75), 1.5),
        ((0, 0, 0.4), 3.0),
    ],
)
def test_half_is_reached_on_a_straight_line_or_never(curve: tuple[float, ...], hints: float) -> None:
    assert find_k50(curve) == pytest.approx(hints)


@pytest.mark.parametrize("route", ["user", "tool", "memory"])
@pytest.mark.parametrize("when", ["same", "next"])
async def test_who_knows_needs_no_hint_and_the_twin_half_of_them(route: Any, when: Any) -> None:
    known = await relearning_advantage(trial("noop"), route=route, when=when)
    assert known.value == known.before == N / 2 and known.low == known.high == N / 2
    assert known.detail["curves"]["oracle"] == pytest.approx([k / N for k in range(N + 1)])  # type: ignore[index]
    assert known.detail["curves"]["after"] == [1.0] * (N + 1)  # type: ignore[index]
    clean = await relearning_advantage(trial("replay"), route=route, when=when)
    assert clean.value == 0 and clean.null == 0 and clean.before == N / 2


async def test_half_of_it_left_makes_the_advantage_half_as_large() -> None:
    partly = trial("noop")
    leaky = replace(partly, after=replace(knowing(), mind=Leaky(p=1.0), memory=partly.oracle.memory.with_events(  # type: ignore[attr-defined]
        [e for e in partly.before.memory.log if e.id == "more:0"])))  # type: ignore[attr-defined]  # fmt: skip
    reading = await relearning_advantage(leaky, route="memory")
    assert reading.detail["curves"]["after"][0] == 1 / N  # type: ignore[index]
    assert 0 < reading.value < N / 2  # type: ignore[operator]


async def test_a_gate_keeps_what_is_told_again_out_of_memory_but_not_out_of_a_conversation() -> None:
    talk = await relearning_advantage(trial(GATED), route="user", when="same")
    assert talk.value == 0
    for route, when in (("user", "next"), ("tool", "next"), ("memory", "same")):
        blocked = await relearning_advantage(trial(GATED), route=route, when=when)  # type: ignore[arg-type]
        assert blocked.value == N / 2 - (N + 1) < 0, (route, when)


async def test_another_name_comes_through_the_gate_and_outlasts_a_second_request() -> None:
    for when in ("next", "again"):
        reading = await relearning_advantage(trial(GATED), route="alias", when=when)  # type: ignore[arg-type]
        assert reading.value == 0 and reading.detail["curves"]["after"][-1] == 1  # type: ignore[index]


async def test_a_second_request_takes_away_what_was_told_under_its_name() -> None:
    again = await relearning_advantage(trial("selective-replay"), when="again")
    assert again.value == 0 and again.detail["curves"]["after"] == [0.0] * (N + 1)  # type: ignore[index]
    left = await relearning_advantage(trial("instruction"), route="memory", when="same")
    assert left.value == N / 2 - (N + 1)  # an order to ignore it ignores what is told anew, too


async def test_axioms_alone_tell_nothing_to_a_mind_that_does_not_reason() -> None:
    reading = await relearning_advantage(trial("replay"), route="axioms")
    assert reading.value == 0 and reading.detail["curves"]["oracle"] == [0.0] * (N + 1)  # type: ignore[index]
    told = draw_hints(trial("replay"), "axioms", 8)
    assert all(hint.text.startswith(("What I mean", "The")) and TARGET in hint.text for hint in told)


async def test_what_another_user_notes_for_himself_is_not_learned() -> None:
    alone = await relearning_advantage(trial("replay"), route="memory", user="ann")
    assert alone.detail["curves"]["oracle"] == [0.0] * (N + 1)  # type: ignore[index]


async def test_hints_stand_in_the_conversation_and_nowhere_else() -> None:
    blank = trial("replay").after
    told = build_points(knowing().memory, about(TARGET))
    assert len(told) == N and await score_recall(blank, told) == 0
    assert await score_recall(Hinted(blank, tuple(point.text for point in told)), told) == 1
    assert await score_recall(blank, told) == 0 and await score_presence(knowing(), told) == 1
    assert (
        "Old Vellor" in (await ask(Hinted(blank, (told[-1].text,)), f"What do you know about {TARGET}?", 0)).move.text
    )


async def test_several_targets_are_told_again_together() -> None:
    reading = await relearning_advantage(trial("noop", TARGET, OTHER), most=20)
    assert reading.detail["hints"] == N + 1 and reading.value == pytest.approx((N + 1) / 2)


async def test_a_talk_with_one_who_knows_teaches_the_twin_and_the_agent_alike_but_for_a_gate() -> None:
    turns = 3 * len(NAMES)  # every question there is
    for method, value, null in (("replay", 1.0, 1.0), ("noop", 1.0, 1.0), (GATED, 0.0, 1.0)):
        reading = await social_relearning(trial_of(method), turns=turns, draws=3)
        assert (reading.value, reading.null) == (value, null), method
        rows: Any = reading.detail["by_turns"]
        assert rows["0"]["oracle"] == 0 and rows["0"]["before"] == 1 and reading.detail["asked"] == 1
        assert rows["0"]["after"] == (method == "noop")
        shares = [row["oracle"] for row in rows.values()]
        assert shares == sorted(shares)


@pytest.mark.parametrize("probe", [relearning_advantage, social_relearning])
async def test_there_must_be_something_to_tell_again(probe: Any) -> None:
    with pytest.raises(UsageError, match="nothing was told of the moon"):
        await probe(trial_of("noop", about("the moon")))
