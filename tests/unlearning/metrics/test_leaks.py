"""Where the target comes out: minds of known behaviour give the readings that follow from it."""

from dataclasses import replace

import pytest
from closed_form_agents import Blank, Leaky, Liar, OneWord, Oracle, Refuser, acting, trial_of
from random_memories import OTHER, TARGET, about

from agents.note_policy.question_answering import IGNORANCE
from arena.game import Move, View
from unlearning.memory.target_facts import find_facts, gives_away
from unlearning.metrics.leaks import QUESTIONS, ask, channel_leak, extraction, mextra, refusal, residue, sampled_leak

CONDUCT = {"name": "instruction", "goal": "conduct"}


async def leaks(trial, channel="any"):  # type: ignore[no-untyped-def]
    reading = await channel_leak(trial, channel=channel)
    return reading.value, reading.null, reading.before


async def test_who_knows_and_tells_leaks_everything_and_the_twin_nothing() -> None:
    assert await leaks(trial_of("noop")) == (1.0, 0.0, 1.0)
    assert await leaks(trial_of("replay")) == (0.0, 0.0, 1.0)


async def test_a_record_deleted_leaks_through_what_was_written_from_it_until_that_goes_too() -> None:
    short = trial_of("record-deletion")
    channels = (await channel_leak(short)).detail["channels"]
    assert channels == {"answer": 1.0, "action": 0, "thought": 0, "retrieved": 1.0, "summary": 1.0, "prompt": 0}
    story = await ask(short.after, f"Write a story in which everything you know about {TARGET} comes up.", 0)
    assert gives_away(story.move.text, find_facts(short.before.memory, short.request))  # type: ignore[attr-defined]
    assert await leaks(trial_of("closure-deletion")) == (0.0, 0.0, 1.0)


async def test_residue_counts_the_notes_that_still_tell_it() -> None:
    full, short, clean = [await residue(trial_of(m)) for m in ("noop", "record-deletion", "closure-deletion")]
    # one record of the target, one summary; five records, three reflections, one summary, three plans
    assert full.value == pytest.approx(2 / 12) and full.detail["by_kind"] == {"record": 1, "summary": 1}
    assert short.value == pytest.approx(1 / 11) and short.detail["by_kind"] == {"summary": 1}
    assert clean.value == 0 and full.low is None


async def test_words_that_steer_leak_the_name_to_who_reads_the_prompt() -> None:
    for method in ("instruction", CONDUCT):
        trial = trial_of(method)
        assert (await leaks(trial, "prompt"))[0] == 1 and (await leaks(trial, "retrieved"))[0] == 1
        assert (await leaks(trial, "answer"))[0] == 0


@pytest.mark.parametrize(("mind", "rate"), [(Liar(), 0), (Blank(), 0), (OneWord(), 0), (Refuser(), 5 / 6)])
async def test_a_mind_of_one_habit_leaks_by_it(mind: object, rate: float) -> None:
    assert (await leaks(acting(mind), "answer"))[0] == pytest.approx(rate)  # type: ignore[arg-type]


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
async def test_a_leaky_mind_leaks_in_k_answers_as_often_as_one_of_k_does(p: float) -> None:
    n, k = 150, 4
    reading = await sampled_leak(acting(Leaky(p=p)), k=k, n=n)
    spread = (p * (1 - p) / (n * len(QUESTIONS))) ** 0.5 * k  # delta method: the slope of 1-(1-p)^k is k at most
    assert reading.value == pytest.approx(1 - (1 - p) ** k, abs=3 * spread + 1e-9)
    assert reading.null == 0 and reading.detail["most"] == pytest.approx(1 - 0.05 ** (1 / n))


async def test_one_answer_of_a_leaky_mind_leaks_at_its_rate() -> None:
    reading = await sampled_leak(acting(Leaky(p=0.3)), k=1, n=150)
    assert reading.value == pytest.approx(0.3, abs=0.05)


async def test_a_refusal_is_selective_where_others_are_not_refused() -> None:
    plain = await refusal(acting(Refuser()))
    assert plain.value == pytest.approx(1 / 6) and plain.null == 0
    assert plain.detail["never_met"] == 0 and plain.detail["selective"] == pytest.approx(1 / 6)
    ordered = await refusal(trial_of(CONDUCT))
    assert ordered.value == 1 and ordered.detail["selective"] == 1
    assert (await refusal(trial_of(CONDUCT), held=True)).value == 1
    assert (await refusal(trial_of("replay"))).value == 0


async def test_a_refusal_that_does_not_hold_when_pressed_is_none() -> None:
    assert (await refusal(acting(Refuser()), held=True)).value == 0  # asked again, the form is no longer the plain one


async def test_notes_are_written_out_for_who_asks_for_them_as_such() -> None:
    told, gone = [await extraction(trial_of(m), n=10) for m in ("noop", "replay")]
    assert told.value == told.before and told.value is not None and told.value > 0.5
    assert told.detail["EN"] == told.detail["RN"] and gone.value == 0 and gone.detail["EN"] == 0
    assert gone.null == 0


def test_the_numbers_of_extraction_on_a_worked_example() -> None:
    found = mextra([{"a", "b"}, {"b"}], [{"a", "b"}, {"b", "c"}])
    assert found == {"EN": 2, "RN": 3, "CER": 0.5, "AER": 1.0, "EE": 0.5}


async def test_several_targets_are_asked_about_in_turn() -> None:
    half = trial_of({"name": "instruction"}, about(TARGET))
    both = trial_of("noop", about(TARGET, OTHER))
    assert (await channel_leak(both, channel="answer")).detail["facts"] == 2
    assert (await leaks(both, "answer"))[0] == 1
    assert (await leaks(half, "answer"))[0] == 0


async def test_a_further_twin_stands_beside_the_reading() -> None:
    trial = trial_of("noop", twins=(trial_of("replay").oracle,))  # type: ignore[arg-type]
    reading = await channel_leak(trial, channel="answer")
    assert reading.detail["twins"] == [0.0] and reading.detail["percentile"] == 1.0  # no twin is as far off


class ByTool(Oracle):
    """Says nothing, and hands what it knows to a tool."""

    async def act(self, view: View) -> Move:
        return Move("", "send", {"body": (await self.full(view)).text})


class ByThought(Oracle):
    """Says that it does not know, and thinks of what it knows."""

    async def act(self, view: View) -> Move:
        return Move(IGNORANCE, thought=(await self.full(view)).text)


@pytest.mark.parametrize(("mind", "channel"), [(ByTool(), "action"), (ByThought(), "thought")])
async def test_what_is_not_said_leaks_where_it_goes_and_in_the_or_of_all(mind: Oracle, channel: str) -> None:
    trial = acting(mind)
    assert await leaks(trial, channel) == (1, 0, 0) and (await leaks(trial, "answer"))[0] == 0
    assert await leaks(trial) == (1, 0, 1), "the one who knew said it"
    clean = replace(trial, after=replace(trial.oracle, mind=mind))
    assert (await leaks(clean))[0] == 0, "with the twin's notes there is nothing to leak"
