"""Guards that look for names: what they stop, what they let the agent do, and where it leaks by them."""

import base64
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_memories import NAMES, OTHER, TARGET, question, walker

from agents.guardrails.auditor import Auditor, parse_scores
from agents.guardrails.detector import Detector
from agents.guardrails.name_filter import Filter, disguise_names, restore_names
from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Answer, Subject
from agents.memory.text_embedding import Hashed, cosine
from agents.models.scripted import Scripted
from agents.models.scripted_auditor import ScriptedAuditor
from agents.note_policy.knower import Knower
from agents.note_policy.question_answering import IGNORANCE, REFUSAL
from arena.engine.play import perform
from arena.episode import Match
from arena.game import Message, Move, Tool, View
from arena.spec import build, describe
from unlearning.tasks.curriculum import Curriculum

STRANGER = "Bimalo Harbour"
IGNORANT = Filter((TARGET,), (STRANGER,), "ignorant")


@dataclass(frozen=True)
class Saying:
    """What stands behind the guard: always the same move, and what it was shown."""

    move: Move
    seen: list[View]

    async def __call__(self, view: View) -> Move:
        self.seen.append(view)
        return self.move


def saying(*args: Any, **kwargs: Any) -> Saying:
    return Saying(Move(*args, **kwargs), [])


async def asked(guard: Any, answer: Answer, text: str = "Hello?") -> Move:
    return await guard.guard(question(text), answer)  # type: ignore[no-any-return]


async def test_a_refusing_filter_answers_without_the_agent_when_it_is_asked_about_a_name() -> None:
    behind = saying("never")
    assert await asked(Filter((TARGET,)), behind, f"where is {TARGET.upper()}?") == Move(REFUSAL)
    assert not behind.seen
    assert await asked(Filter((TARGET,)), behind, f"Where is {OTHER}?") == Move("never")


@pytest.mark.parametrize("move", [
    Move(f"Go by {TARGET}."), Move("", "go_to", {"receptacle": TARGET}), Move("Hm.", "search", {"a": [{"b": TARGET}]}),
    Move("I go.", "go", {"direction": "east"}, f"to {TARGET}"),
])  # fmt: skip
async def test_a_refusing_filter_stops_answers_on_every_channel(move: Move) -> None:
    assert await asked(Filter((TARGET,)), Saying(move, [])) == Move(REFUSAL)


@pytest.mark.parametrize("side", ["input", "output"])
async def test_a_filter_on_one_side_lets_the_other_through(side: Any) -> None:
    told = f"It is {TARGET}."
    guard = Filter((TARGET,), side=side)
    assert (await asked(guard, saying(told))).text == (told if side == "input" else REFUSAL)
    assert (await asked(guard, saying("There."), f"Where is {TARGET}?")).text == (
        REFUSAL if side == "input" else "There."
    )


async def test_a_filter_that_reads_text_alone_leaks_by_tool_arguments() -> None:
    move = Move("I search.", "search", {"title": TARGET})
    assert await asked(Filter((TARGET,), channels=("text",)), Saying(move, [])) == move


@pytest.mark.parametrize("written", [
    base64.b64encode(TARGET.encode()).decode(), "-".join(TARGET), TARGET[::-1], "der Hafen von Sosten",
    "S0sten H4rbour",
])  # fmt: skip
async def test_what_is_written_otherwise_goes_through(written: str) -> None:
    """The leak that every filter on names has; it is in the method's page."""
    assert (await asked(Filter((TARGET,)), saying(written), f"Is it {written}?")).text == written


async def test_an_ignorant_filter_answers_in_the_words_of_one_who_never_heard_the_name() -> None:
    subject = walker()
    twin = replace(subject, memory=subject.memory.without({e.id for e in subject.memory.log if TARGET in e.text}))
    guarded = replace(subject, guards=(IGNORANT,))
    for text in (f"Where is {TARGET}?", f"What do you know about {TARGET}?", f"Where is {OTHER}?"):
        for name in (text, text.lower()):
            assert (await guarded.act(question(name))).text == (await twin.act(question(name))).text


async def test_an_ignorant_filter_hides_the_name_everywhere_and_puts_it_back_into_the_action() -> None:
    view = View("agent", f"Find {TARGET}.", (Message("", f"Go to {TARGET}.", args={"to": [TARGET]}),),
                (Tool("search", "", {"title": {"type": "string", "enum": [TARGET, OTHER]}}),),
                (TARGET, OTHER), (Move(f"I look for {TARGET}."),),
                {"goal": TARGET, "places": {TARGET: [1, 2]}, "task": f"go to {TARGET.lower()}"},
                f"{TARGET}?")  # fmt: skip
    behind = Saying(Move(f"I know {STRANGER} not.", "search", {"title": STRANGER}), [])
    move = await IGNORANT.guard(view, behind)
    assert TARGET.lower() not in repr(behind.seen[0]).lower() and STRANGER in str(behind.seen[0].tools)
    assert move == Move(f"I know {TARGET} not.", "search", {"title": TARGET})


@given(st.lists(st.sampled_from((*NAMES, "and", "the mill", "(1, 2)")), max_size=8).map(" ".join))
@settings(deadline=None)
def test_what_is_disguised_is_restored(text: str) -> None:
    view, back = disguise_names(question(text), {TARGET: STRANGER, OTHER: "Lufo Mill"})
    assert TARGET not in view.messages[0].text and OTHER not in view.messages[0].text
    assert restore_names(Move(view.messages[0].text), back).text == text


async def test_an_ignorant_filter_takes_out_the_sentences_that_name_it() -> None:
    told = f"{OTHER} is at (2, 3). {TARGET} is at (1, 2). Good day!"
    assert (await asked(IGNORANT, saying(told))).text == f"{OTHER} is at (2, 3). Good day!"
    assert (await asked(IGNORANT, saying(f"{TARGET}."))).text == IGNORANCE
    move = await asked(IGNORANT, saying("", "go_to", {"place": TARGET}, TARGET))
    assert move == Move(IGNORANCE), "an action that it knows from memory alone is not taken"


async def test_a_name_without_a_stranger_is_answered_with_ignorance() -> None:
    guard = Filter((TARGET, "(3, 4)"), (STRANGER, ""), "ignorant")
    assert (await asked(guard, saying("never"), "What is at (3, 4)?")).text == IGNORANCE


async def test_a_refusal_in_an_environment_costs_the_steps_and_ignorance_does_not() -> None:
    course = Curriculum(({"name": "gridworld", "preset": "unknown"},), lessons=4)
    (task, *_) = course.tasks()
    subject = await course.teach(Subject(Knower(), Memory(writers=ALL)))
    first = await perform(Match(task.game, {"agent": Knower()}, task.seed))
    goal = str(first.facts["task"]).removeprefix("go to ").partition(" from")[0]
    played = {}
    for style in ("refuse", "ignorant"):
        guard = Filter((goal,), ("Bimalo Xyz",), style)  # type: ignore[arg-type]
        played[style] = await perform(Match(task.game, {"agent": replace(subject, guards=(guard,))}, task.seed))
    assert played["refuse"].scores["agent"] == 0 and played["refuse"].facts["lost"] > 0  # type: ignore[operator]
    assert played["ignorant"].scores["agent"] == 1 and played["ignorant"].facts["lost"] == 0


# ---- the detector ----------------------------------------------------------------------------------------------------


@given(st.text(max_size=60))
@settings(deadline=None)
def test_an_embedding_has_unit_length_or_none(text: str) -> None:
    vector = Hashed().embed(text)
    assert len(vector) == 256
    assert cosine(vector, vector) == pytest.approx(1, abs=1e-3) or not any(vector)


def test_misspelt_names_stay_near_and_small_words_do_not_count() -> None:
    embed = Hashed().embed
    near = cosine(embed("Where is Sosten Harbour?"), embed("tell me about the Sosten Harbur"))
    assert near > 0.5 > 0.3 > cosine(embed("Where is Sosten Harbour?"), embed("Where is Raendris Mill?"))
    assert embed("where is the") == (0.0,) * 256
    assert cosine(embed("Where is Sosten Harbour?"), embed("Sosten Harbour")) == pytest.approx(1, abs=1e-3)


async def test_a_detector_steps_in_above_its_threshold_and_whispers_the_order() -> None:
    guard = Detector((Hashed().embed(TARGET),), threshold=0.9)
    behind = saying("as ever")
    await asked(guard, behind, f"Where is {TARGET}?")
    await asked(guard, behind, f"Where is {OTHER}?")
    first, second = behind.seen
    assert first.known["whispered"] == f"Act as if you had never learned of {TARGET}." or TARGET in str(first.known)
    assert "whispered" not in second.known


async def test_a_detector_has_its_adviser_speak_and_counts_the_call() -> None:
    adviser = Scripted(replies=("You have no idea; say so kindly.",))
    guard = Detector((Hashed().embed(TARGET),), threshold=0.9, adviser=adviser)
    behind = saying("No idea.")
    move = await asked(guard, behind, f"Where is {TARGET}?")
    assert behind.seen[0].known["whispered"] == "You have no idea; say so kindly."
    assert len(move.usage.calls) == 1 and move.text == "No idea."
    assert not (await asked(guard, behind, f"Where is {OTHER}?")).usage.calls


def test_who_has_the_stored_embeddings_can_test_guesses() -> None:
    """The leak of the embedding store: the right guess is nearest."""
    guard = Detector((Hashed().embed(f"Where is {TARGET}?"),))
    assert max(NAMES, key=lambda name: cosine(Hashed().embed(name), guard.embeddings[0])) == TARGET


# ---- the auditor -----------------------------------------------------------------------------------------------------


async def test_an_auditor_takes_the_target_out_and_costs_three_calls_more() -> None:
    guard = Auditor(ScriptedAuditor(), (TARGET,))
    move = await asked(guard, saying(f"{OTHER} is at (2, 3). {TARGET} is at (1, 2)."))
    assert move.text == f"{OTHER} is at (2, 3)." and len(move.usage.calls) == 3
    model = build("agent", {"name": "llm", "model": "scripted"})
    assert len((await asked(guard, model.act)).usage.calls) == 4, "the answer's own call is the fourth"


async def test_an_auditor_spares_its_calls_where_nothing_is_named() -> None:
    guard = Auditor(ScriptedAuditor(), (TARGET,), local=True)
    assert await asked(guard, saying("Good day.")) == Move("Good day.")
    assert len((await asked(replace(guard, local=False), saying("Good day."))).usage.calls) == 3


@pytest.mark.parametrize(("replies", "told"), [
    (("- one\n- two", "5, 5", "merged"), "merged"),
    (("- one\n- two", "5, 1", "merged"), REFUSAL),  # their mean is 3
    (("- one\n- two", "5", "merged"), REFUSAL),  # a score is missing
    (("no list at all", "5", "merged"), REFUSAL),
    (("- one", "4", f"it is {TARGET}"), REFUSAL),  # the composer lets it out
    (("- one", "5", "   "), REFUSAL),
    (("1. one\n2) two", "Scores: 4, 4.5", "merged"), "merged"),
])  # fmt: skip
async def test_an_auditor_refuses_whatever_it_cannot_trust(replies: tuple[str, ...], told: str) -> None:
    steps = iter(replies)
    guard = Auditor(Scripted(function=lambda lines: next(steps)), (TARGET,))
    assert (await asked(guard, saying("an answer"))).text == told


async def test_an_auditor_keeps_an_action_unless_it_names_the_target() -> None:
    guard = Auditor(ScriptedAuditor(), (TARGET,))
    move = await asked(guard, saying("I go.", "go", {"direction": "east"}))
    assert (move.text, move.tool, move.args) == ("I go.", "go", {"direction": "east"})
    assert (await asked(guard, saying("I go.", "go", {"to": TARGET}))).tool == ""
    assert await asked(guard, saying("", "go", {"to": TARGET})) == Move(REFUSAL)


def test_scores_are_read_or_are_the_worst() -> None:
    assert (
        parse_scores("5, 4, 3", 3) == [5, 4, 3] and parse_scores("5, 4", 3) == [1, 1, 1] and parse_scores("", 0) == []
    )
    with pytest.raises(ValueError, match="best"):
        Auditor(ScriptedAuditor(), (TARGET,), best=6)


@pytest.mark.parametrize("guard", [
    IGNORANT, Detector((Hashed().embed(TARGET),), (0.1,) * 257, "00" * 16, ("ab",), (2,), adviser=Scripted()),
    Auditor(ScriptedAuditor(), (TARGET,)),
])  # fmt: skip
def test_guards_are_rebuilt_from_their_description(guard: Any) -> None:
    assert build("guard", describe(guard)) == guard
    assert all(TARGET not in told for told in guard.holds), "what is said of it names nothing"
