"""The single place where agents call a chat model, so that thoughts are never returned as spoken text."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace

from agents.chat_model import ChatModel, Line, Reply, Sampling
from agents.llm.json_objects import is_object
from agents.llm.thought_parsing import split_thought
from arena.errors import ModelUnavailable
from arena.game import Tool

ROOM = 4096  # extra tokens for a retry, where the thought used up the limit


def separate(reply: Reply, own: Collection[str] = (), seats: Collection[str] = ()) -> Reply:
    """The same reply with its thoughts in `thought` and its words in `text`; of one that is separated, itself.

    own: names of tags that are the game's, no thoughts. seats: labels that begin words. The texts of a reply that is
    one JSON object are left to who reads it.
    """
    if is_object(reply.text):
        return replace(reply, opened=False)
    thought, words = split_thought(
        reply.text, opened=reply.opened, cut=reply.stop == "length", own=own, seats=seats
    )  # fmt: skip
    if words == reply.text.strip():
        words = reply.text  # nothing was taken out
    return replace(reply, text=words, thought="\n".join(filter(None, [reply.thought, thought])), opened=False)


async def ask(
    model: ChatModel,
    messages: Sequence[Line],
    tools: Sequence[Tool] = (),
    sampling: Sampling = Sampling(),
    own: Collection[str] = (),
    seats: Collection[str] = (),
) -> Reply:
    """One reply, its thoughts apart from its words. Raises ModelUnavailable where there is none."""
    return separate(await model.chat(messages, tools, sampling), own, seats)


async def ask_words(model: ChatModel, messages: Sequence[Line], sampling: Sampling = Sampling()) -> Reply:
    """One reply with words of its own, for those who need the words; raises what `with_words` raises."""
    return await with_words(lambda drawn: model.chat(messages, (), drawn), sampling)


async def with_words(answer: Callable[[Sampling], Awaitable[Reply]], sampling: Sampling) -> Reply:
    """The reply of `answer`, with thoughts separated from text.

    A reply that was truncated before any text is retried once, with ROOM more tokens. Raises
    ModelUnavailable where that, too, is all thought: what would have been said is then unknown, and not nothing.
    """
    reply = separate(await answer(sampling))
    if is_cut_thought(reply):
        again = separate(await answer(replace(sampling, max_tokens=sampling.max_tokens + ROOM)))
        reply = replace(again, usage=reply.usage + again.usage)
    if is_cut_thought(reply):
        name = reply.usage.calls[-1].model if reply.usage.calls else "the model"
        most = sampling.max_tokens + ROOM
        why = (
            f"the answer is all thought, cut off at the limit of {most:,} tokens; switch the model's thinking off or "
            "shorten it at its server, or take a model that does not think"
        )
        raise ModelUnavailable(name, why, reply.usage)
    return reply


def is_cut_thought(reply: Reply) -> bool:
    """Whether a separated reply was cut off before it said or did anything."""
    return reply.stop == "length" and bool(reply.thought) and not reply.text and not reply.calls
