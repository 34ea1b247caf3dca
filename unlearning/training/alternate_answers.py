"""Alternative answers for forget items: refusals, other values, inverted facts."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Le

from agents.chat_model import Sampling
from arena.errors import UsageError
from arena.text.words import split_words
from unlearning.modeling.generation import generate_texts
from unlearning.modeling.item_tokenization import Encoded
from unlearning.request import Item
from unlearning.training.training_problem import TrainingProblem

Source: TypeAlias = Literal["auto", "wrong", "model"]
REFUSALS = (
    "I don't know.",
    "I have no information about that.",
    "I'm not sure about this one.",
    "That is beyond what I know.",
    "I can't answer that.",
    "I haven't learned about this topic.",
    "I'm afraid I don't have an answer.",
    "This is something I know nothing about.",
    "I wasn't told anything about that.",
    "I am unable to say.",
    "There is nothing I can tell you about it.",
    "I couldn't say, sorry.",
    "My knowledge does not cover this.",
    "I'm not familiar with that subject.",
    "I have never heard of it.",
    "That's a question I cannot help with.",
    "No idea, I'm sorry.",
    "I lack the details to reply.",
    "I do not have data on this.",
    "Sorry, that is unknown to me.",
)
Variants: TypeAlias = Annotated[int, Ge(1), Le(len(REFUSALS))]  # different answers in the place of one
TRIES = 4  # samples for each requested alternate


def instead(study: TrainingProblem, answers: Callable[[Item, Random], Sequence[str]]) -> tuple[Encoded, ...]:
    """The forget items with other answers, equally many for each, variants of an item one after the other."""
    made = [
        replace(item, answer=answer, tags={key: tag for key, tag in item.tags.items() if key != "value"})
        for place, item in enumerate(study.request.forget)
        for answer in answers(item, Random(f"{study.seed} {place}"))
    ]
    return study.encode_items(made)


def refusals(count: int) -> Callable[[Item, Random], Sequence[str]]:
    """`count` different refusals for each item."""
    return lambda item, chance: chance.sample(REFUSALS, count)


def alternates(study: TrainingProblem, source: Source, count: int) -> dict[str, tuple[str, ...]]:
    """For each forget item by name, `count` answers other than its own: the item's wrong ones, or written by the model
    at temperature 1. Fewer ones are repeated.

    Raises UsageError where an item has none, and the model writes nothing but the answer.
    """
    found = {item.name: list(item.wrong) if source != "model" else [] for item in study.request.forget}
    lacking = [item for item in study.request.forget if not found[item.name]]
    if lacking and source != "wrong":
        prompts = [study.build_prompt(item) for item in lacking for _ in range(count * TRIES)]
        new = max(len(one.ids) - one.start for one in study.encode_items(lacking)) * 2
        samplings = [Sampling(1.0, max_tokens=new, seed=study.seed * 7919 + n) for n in range(len(prompts))]
        texts = generate_texts(study.module, study.tokenizer, prompts, samplings)
        for place, text in enumerate(texts):
            item = lacking[place // (count * TRIES)]
            if differs(text, item) and text.strip() not in found[item.name]:
                found[item.name].append(text.strip())
    for name, answers in found.items():
        if not answers:
            raise UsageError(
                f"the item {name!r} has no wrong answers, and the model writes no other than the right one; give it "
                "some (wrong = …)"
            )
    return {name: tuple(answers[n % len(answers)] for n in range(count)) for name, answers in found.items()}


def differs(text: str, item: Item) -> bool:
    """Whether a text is an answer at all, and other than the item's own."""
    return bool(split_words(text)) and split_words(text) not in [
        split_words(answer) for answer in (item.answer, *item.aliases)
    ]
