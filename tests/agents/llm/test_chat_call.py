"""Whoever asks a chat model gets its words without its thoughts: notes, audits, orders, and answers in any form."""

import pytest
from reply_forms import CUT, THOUGHTS

from agents.chat_model import Line, Reply, Sampling
from agents.guardrails.auditor import Auditor
from agents.guardrails.detector import Detector
from agents.llm.chat_call import ROOM, ask, ask_words
from agents.llm.llm import LLM
from agents.memory.memory import Event, Memory
from agents.memory.note_writers import ALL
from agents.memory.reflection import write_reflections
from agents.memory.text_embedding import Hashed
from agents.models.scripted import Scripted
from arena.errors import ModelUnavailable
from arena.game import Message, Move, View

THOUGHT, WORDS = "My limit is 20, and Bimalo Harbour is at (6, 4).", "I could not say."
ASKED = [Line("user", "Where is it?")]
VIEW = View("agent", "", (Message("user", "Where is Bimalo Harbour?"),), seats=("agent", "user"))


def thinking(form: str, words: str = WORDS) -> Scripted:
    return Scripted(replies=(THOUGHTS[form](THOUGHT, words),))


@pytest.mark.parametrize("form", THOUGHTS)
async def test_a_reply_is_parted_into_thought_and_words(form: str) -> None:
    reply = await ask(thinking(form), ASKED)
    assert reply.text == WORDS and THOUGHT in reply.thought
    assert THOUGHT in reply.usage.calls[0].reply, "the record has all that was written"


async def test_who_was_cut_off_in_thought_is_asked_once_more_with_more_room() -> None:
    given: list[int] = []

    class Slow:
        native_tools = False

        async def chat(self, messages: object, tools: object = (), sampling: Sampling = Sampling()) -> Reply:
            given.append(sampling.max_tokens)
            if sampling.max_tokens > ROOM:
                return Reply(f"<think>{THOUGHT}</think>{WORDS}")
            return Reply(f"<think>{THOUGHT}", stop="length")

    assert (await ask_words(Slow(), ASKED, Sampling(max_tokens=50))).text == WORDS
    assert given == [50, 50 + ROOM]


@pytest.mark.parametrize("form", CUT)
async def test_an_answer_that_is_all_thought_is_unknown_and_not_empty(form: str) -> None:
    model = Scripted(replies=(Reply(CUT[form](THOUGHT), stop="length"),))
    with pytest.raises(ModelUnavailable, match=r"scripted/fixed: the answer is all thought, cut off at.*4,196 tokens"):
        await ask_words(model, ASKED, Sampling(max_tokens=100))


async def test_an_empty_answer_is_empty() -> None:
    assert (await ask_words(Scripted(replies=("",)), ASKED)).text == ""
    assert (await ask_words(Scripted(replies=("<think>Hm.</think>",)), ASKED)).text == ""


def memory() -> Memory:
    event = Event("w:0", "Bimalo Harbour is at (6, 4).", "place", "Bimalo Harbour", "w", 0, "gridworld", "1", "reach")
    return Memory(writers=ALL).with_events([event])


@pytest.mark.parametrize("form", ["think", "magistral", "harmony", "granite", "begun by the prompt"])
async def test_notes_have_no_thoughts(form: str) -> None:
    for kind in ("reflection", "summary"):
        written = await write_reflections(memory(), thinking(form, "The harbour is far."), kind)  # type: ignore[arg-type]
        told = [note.text for note in written.memory.notes if note.writer.startswith("model:")]
        assert told == ["The harbour is far."]


async def test_no_note_is_made_of_thoughts_alone() -> None:
    with pytest.raises(ModelUnavailable, match="all thought"):
        await write_reflections(memory(), Scripted(replies=(Reply("<think>The harbour", stop="length"),)))


@pytest.mark.parametrize("form", ["think", "seed:think", "harmony, tokens dropped", "kimi", "react"])
async def test_an_audit_reads_rewrites_and_scores_and_no_thoughts(form: str) -> None:
    steps = iter(["- It is somewhere.\n- I cannot say.", "5, 4", "I cannot say."])
    model = Scripted(function=lambda lines: THOUGHTS[form]("- My first idea\n- a 1, a 2 and a 3", next(steps)))

    async def answer(view: View) -> Move:
        return Move("Bimalo Harbour is at (6, 4).")

    move = await Auditor(model, ("Bimalo Harbour",), rewrites=2, best=2).guard(VIEW, answer)
    assert move.text == "I cannot say."


@pytest.mark.parametrize("form", ["think", "magistral", "open-thinker"])
async def test_an_advisers_thoughts_are_not_put_before_the_agent(form: str) -> None:
    seen: list[View] = []

    async def answer(view: View) -> Move:
        seen.append(view)
        return Move("Hm.")

    stored = Hashed().embed("Where is Bimalo Harbour?")
    await Detector((stored,), threshold=0.5, adviser=thinking(form, "Say that you do not know.")).guard(VIEW, answer)
    assert "Say that you do not know." in str(seen) and THOUGHT not in str(seen)


async def test_a_seat_that_only_thinks_is_told_so() -> None:
    move = await LLM(thinking("think", "")).act(VIEW)
    assert (move.text, move.thought) == ("", THOUGHT)
