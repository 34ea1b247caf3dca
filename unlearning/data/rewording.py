"""Data augmentation: paraphrases of a fact, and false answers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from unlearning.request import Item

FRAMES = ("Could you tell me: {}", "I have a question. {}", "{} Please answer.", "Somebody asked: {}", "Let me ask: {}")


def paraphrase_items(items: Sequence[Item], count: int) -> tuple[Item, ...]:
    """For each question `count` questions in other words, answered in each form of its answer in turn.

    The questions are those of the item's tag `paraphrases`, one a line; then the question itself in a plain frame,
    which is less of a paraphrase: only the text around it differs. The answers are the item's aliases, then its
    own. Passages have none. At most as many as there are frames and lines.
    """
    return tuple(other for item in items if not item.is_passage for other in _reword_item(item, count))


def falsify_items(items: Sequence[Item], count: int) -> tuple[Item, ...]:
    """Each question with `count` of its false answers; with fewer, or none, where it has no more."""
    return tuple(
        replace(item, answer=wrong, aliases=(), wrong=(), tags=_drop_tag(item, "value"))
        for item in items
        for wrong in item.wrong[:count]
    )


def _reword_item(item: Item, count: int) -> Iterator[Item]:
    questions = [line for line in item.tags.get("paraphrases", "").splitlines() if line.strip()]
    questions += [frame.format(item.prompt) for frame in FRAMES]
    answers = (*item.aliases, item.answer)
    for number, question in enumerate(questions[:count]):
        yield replace(item, prompt=question, answer=answers[number % len(answers)])


def _drop_tag(item: Item, tag: str) -> dict[str, str]:
    return {name: value for name, value in item.tags.items() if name != tag}
