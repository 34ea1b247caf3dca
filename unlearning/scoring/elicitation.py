"""Elicit items from an agent: a question as a chat, a passage as a text to continue."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeGuard, runtime_checkable
from weakref import WeakKeyDictionary

from agents.chat_model import Line, OpenWeights, Reply, Sampling
from agents.inference.chat_templates import Prompt
from agents.inference.forward_step import CausalNetwork
from agents.llm.chat_call import ask_words, with_words
from agents.llm.llm import LLM
from arena.agent import Agent
from arena.cache_register import count_stamped, register
from arena.game import Message, View
from unlearning.modeling.agent_rendering import build_rendering, build_system_line
from unlearning.modeling.item_tokenization import Rendering, build_question_prompt
from unlearning.request import Item

Key = tuple[Rendering, str, str, str, Sampling]
_SAID: WeakKeyDictionary[Any, tuple[int, dict[Key, str]]]  # greedy answers by module and stamp
_SAID = register("answers", WeakKeyDictionary(), count_stamped)


@runtime_checkable
class Completes(Protocol):
    """A model that can continue a raw text."""

    async def complete(self, prompt: Prompt, sampling: Sampling = Sampling()) -> Reply: ...


class Open(Completes, OpenWeights, Protocol):
    """Both."""


_KINDS: dict[type, bool] = register("code", {})


async def ask_items(
    agent: Agent,
    items: Sequence[Item],
    *,
    new: int = 128,
    temperature: float = 0.0,
    seed: int = 0,
    prefix: str = "",
) -> tuple[str, ...]:
    """The agent's answer to each item, in order; all are asked concurrently.

    new: tokens of an answer at most. seed: item n is sampled with seed + n. prefix: prefill of the answer, which is
    made to begin; they are left out of what is returned. A model that cannot continue a text is instructed to begin so.
    """
    asked = Sampling(temperature, max_tokens=new)
    mind = get_mind(agent)
    # weights do not change while all are asked, and looking whether they did takes as long as a short answer
    known = _get_cache(mind) if isinstance(mind, LLM) and mind is agent and not temperature else None
    talks = (
        ask_item(agent, item, replace(asked, seed=seed + n if temperature else 0), prefix, known)
        for n, item in enumerate(items)
    )
    return tuple(await asyncio.gather(*talks))


async def ask_item(
    agent: Agent, item: Item, sampling: Sampling, prefix: str = "", known: dict[Key, str] | None = None
) -> str:
    """The agent's answer to one item, without its thoughts. Greedy answers of models with open weights are kept
    while these stay. Models with open weights are asked as they are taught: a thought that their chat template begins
    is ended at once. Raises ModelUnavailable where an answer is cut off before it says anything.

    known: answers that the caller already has.
    """
    mind = get_mind(agent)
    if not isinstance(mind, LLM) or mind is not agent:  # a memory, guards and the like answer for themselves
        return await _ask_agent(agent, item, sampling, prefix)
    known = _get_cache(mind) if known is None and not sampling.temperature else known
    key = (build_rendering(mind), item.prompt, item.tags.get("form", ""), prefix, sampling)
    if known is None or key not in known:
        said = await _ask_model(mind, item, sampling, prefix)
        if known is None:
            return said
        known[key] = said
    return known[key]


def get_mind(agent: Agent) -> Agent:
    """The base agent: the agent itself, or the one inside an agent with memory."""
    inner: Agent = getattr(agent, "mind", agent)
    return inner


async def _ask_model(mind: LLM, item: Item, sampling: Sampling, prefix: str) -> str:
    model, system = mind.model, build_system_line(mind)
    if _can_complete(model):
        if item.is_passage:
            return (await model.complete(Prompt(item.prompt + prefix, special=True), sampling)).text
        prompt = build_question_prompt(model.tokenizer, item.prompt, build_rendering(mind))
        begun = replace(prompt, text=prompt.text + prefix)
        return (await with_words(lambda drawn: model.complete(begun, drawn), sampling)).text
    lines = [Line("system", system)] if system else []
    reply = await ask_words(model, [*lines, Line("user", _build_question(item, prefix))], sampling)
    return reply.text.removeprefix(prefix)


async def _ask_agent(agent: Agent, item: Item, sampling: Sampling, prefix: str) -> str:
    view = View(
        "agent", "", (Message("user", _build_question(item, prefix)),), seed=sampling.seed or 0, seats=("agent",)
    )
    return (await agent.act(view)).text.removeprefix(prefix)


def _build_question(item: Item, prefix: str) -> str:
    return f"{item.prompt}\nBegin your answer with: {prefix}" if prefix else item.prompt


def _can_complete(model: object) -> TypeGuard[Open]:
    """Whether a model completes texts and shows its weights; asked once of each class, since protocols are slow."""
    kind = type(model)
    if kind not in _KINDS:
        _KINDS[kind] = isinstance(model, Completes) and isinstance(model, OpenWeights)
    return _KINDS[kind]


def _get_cache(mind: LLM) -> dict[Key, str] | None:
    """Answers that are kept for these weights; None where the weights cannot be identified."""
    if not isinstance(mind.model, OpenWeights):
        return None
    module = mind.model.module
    stamp = CausalNetwork(module).stamp
    if module not in _SAID or _SAID[module][0] != stamp:
        _SAID[module] = (stamp, {})
    return _SAID[module][1]
