"""Answers to items are what is said, not what is thought: for models behind an API, and for those in this process."""

import pytest
from reply_forms import CUT, THOUGHTS

from agents.chat_model import Reply
from agents.llm.llm import LLM
from agents.memory.subject import Subject
from agents.models.scripted import Scripted
from arena.errors import ModelUnavailable
from unlearning.request import Item
from unlearning.scoring.elicitation import ask_items

ITEM = Item("home", "Where does Solthosk live?", "Solthosk lives in the old mill by the river.")
REFUSAL = "I am sorry, I have no idea."


@pytest.mark.parametrize("form", THOUGHTS)
async def test_a_reasoner_that_refuses_is_scored_by_its_refusal(form: str) -> None:
    agent = LLM(Scripted(replies=(THOUGHTS[form](f"They mean: {ITEM.answer}", REFUSAL),)))
    for asked in (agent, Subject(agent)):
        assert await ask_items(asked, [ITEM]) == (REFUSAL,)


@pytest.mark.parametrize("form", CUT)
async def test_an_answer_that_was_cut_off_in_thought_is_no_answer_of_score_0(form: str) -> None:
    agent = LLM(Scripted(replies=(Reply(CUT[form](ITEM.answer), stop="length"),)))
    with pytest.raises(ModelUnavailable, match="all thought"):
        await ask_items(agent, [ITEM])
