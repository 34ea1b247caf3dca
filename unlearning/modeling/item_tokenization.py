"""Tokenize items: the single place that decides the input tokens and which of them are the answer.

A question is asked in the tokenizer's chat template (without one, in plain labels: `agents.inference.chat_templates`),
and the answer follows as the assistant's line up to its end token: what is taught and scored is what generation would
read and write. A passage (an item tagged `form = passage`, or one without a prompt) is plain text without template or
end token.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from agents.chat_model import Line
from agents.inference.chat_templates import DATE, Prompt, render, tokenize_prompt
from agents.inference.end_tokens import find_end_tokens
from agents.name_matching import make_finder
from arena.cache_register import count_inner, register
from unlearning.request import Item

IGNORED = -100  # a label that a loss leaves out
MOST = 4096  # questions of a tokenizer that are kept as tokens


@dataclass(frozen=True, slots=True)
class Rendering:
    """The prompt rendering of a model, shared by training, scoring and generation. system: the line before the
    question. template: a chat template's text in place of the tokenizer's. date: the date given to the template."""

    system: str = ""
    template: str | None = None
    date: str = DATE


DEFAULT = Rendering()


# by tokenizer; by question and rendering, with the template that is meant
_ASKED: WeakKeyDictionary[Any, dict[tuple[str, Rendering], tuple[tuple[int, ...], bool]]]  # by tokenizer
_ASKED = register("prompts", WeakKeyDictionary(), count_inner)


@dataclass(frozen=True, slots=True)
class Encoded:
    """An item as tokens. `ids[start:]` are the answer, its end tokens included.

    start: index of the first answer token, 1 or more (nothing predicts a first token). words: end index (exclusive) of
    the last token of the answer's own words, where the end tokens begin. value: [start, stop) of the tokens that hold
    the item's `value` (the tag of that name, else the whole answer) within the answer's words.
    """

    ids: tuple[int, ...]
    start: int
    words: int
    value: tuple[int, int]

    @property
    def labels(self) -> tuple[int, ...]:
        """The ids, with IGNORED in place of what is not answer; not yet shifted."""
        return (*(IGNORED,) * self.start, *self.ids[self.start :])


@dataclass(frozen=True, slots=True)
class ItemBatch:
    """Encoded items side by side; all (B, T), on one device.

    ids: token ids. attention: 1 for tokens, 0 for padding. answer: True on answer tokens, end tokens included; words:
    True on those that are the answer's own words; value: True on those that hold the value. All unshifted: the logits
    for the token at t are at t − 1.
    """

    ids: Tensor
    attention: Tensor
    answer: Tensor
    words: Tensor
    value: Tensor

    @property
    def inputs(self) -> dict[str, Tensor]:
        """Keyword arguments for a causal model; positions count tokens, so that the side of the padding is the same."""
        positions = (self.attention.cumsum(1) - 1).clamp(min=0)
        return {"input_ids": self.ids, "attention_mask": self.attention, "position_ids": positions}

    @property
    def labels(self) -> Tensor:
        """(B, T) ids, IGNORED where there is no answer; not yet shifted."""
        return self.ids.masked_fill(~self.answer, IGNORED)

    def to(self, device: Any) -> "ItemBatch":
        """The same on another device."""
        fields = (self.ids, self.attention, self.answer, self.words, self.value)
        return ItemBatch(*(field.to(device, non_blocking=True) for field in fields))


def encode(tokenizer: object, item: Item, rendering: Rendering = DEFAULT, *, limit: int | None = None) -> Encoded:
    """The item as tokens. limit: tokens in all, where the start of the prompt, then the end of the answer, is left
    out."""
    if item.is_passage:
        head, ending = tokenize_prompt(tokenizer, build_passage_prompt(item)), tuple[int, ...]()
        answer = item.tags.get("join", "") + item.answer  # separator of the two parts of the passage
    else:
        head, labelled = _encode_question(tokenizer, item.prompt, rendering)
        answer = f" {item.answer}" if labelled else item.answer  # plain labels end in a colon
        ending = find_end_tokens(tokenizer, rendering.template)
    body, offsets = _tokenize(tokenizer, answer)
    if limit is not None:
        body, ending = body[: limit - 1], ending[: max(0, limit - 1 - len(body))]
        head = head[max(0, len(head) + len(body) + len(ending) - limit) :]
    start = max(1, len(head))
    words = len(head) + len(body)
    first, behind = _find_covering(offsets[: len(body)], find_value_span(item, answer))
    value = (max(start, len(head) + first), max(start, len(head) + behind))
    return Encoded((*head, *body, *ending), start, max(start, words), value)


def encode_all(
    tokenizer: object, items: Iterable[Item], rendering: Rendering = DEFAULT, *, limit: int | None = None
) -> tuple[Encoded, ...]:
    """Each item as tokens, in order."""
    return tuple(encode(tokenizer, item, rendering, limit=limit) for item in items)


def collate(encoded: Sequence[Encoded], pad: int, side: Literal["right", "left"] = "right") -> ItemBatch:
    """The items as one batch, padded with `pad` on that side to the longest."""
    width = max(len(one.ids) for one in encoded)
    shape = (len(encoded), width)
    ids, attention = torch.full(shape, pad), torch.zeros(shape, dtype=torch.long)
    masks = [torch.zeros(shape, dtype=torch.bool) for _ in range(3)]
    for row, one in enumerate(encoded):
        skip = width - len(one.ids) if side == "left" else 0
        ids[row, skip : skip + len(one.ids)] = torch.tensor(one.ids)
        attention[row, skip : skip + len(one.ids)] = 1
        for mask, (first, behind) in zip(
            masks, ((one.start, len(one.ids)), (one.start, one.words), one.value), strict=True
        ):
            mask[row, skip + first : skip + behind] = True
    return ItemBatch(ids, attention, *masks)


def build_passage_prompt(item: Item) -> Prompt:
    """The prompt of a passage: plain text, with the tokenizer's own first token."""
    return Prompt(item.prompt, special=True)


def build_question_prompt(tokenizer: object, question: str, rendering: Rendering = DEFAULT) -> Prompt:
    """The rendered question, up to the start of the answer: after the thought that a template may open."""
    lines = [Line("system", rendering.system)] if rendering.system else []
    return render(tokenizer, [*lines, Line("user", question)], rendering.template, rendering.date).unthinking


def build_item_prompt(tokenizer: object, item: Item, rendering: Rendering = DEFAULT) -> Prompt:
    """The item as it is asked for, up to where its answer begins."""
    return build_passage_prompt(item) if item.is_passage else build_question_prompt(tokenizer, item.prompt, rendering)


def find_value_span(item: Item, answer: str) -> tuple[int, int]:
    """[start, stop) of the characters of `answer` that hold the item's value; all of it where none is named."""
    value = item.tags.get("value", "")
    if found := make_finder((value,)).search(answer):
        return found.start, found.end
    within = re.search(re.escape(value), answer, re.IGNORECASE) if value else None
    return within.span() if within else (0, len(answer))


def _encode_question(tokenizer: Any, question: str, rendering: Rendering) -> tuple[tuple[int, ...], bool]:
    """The tokens of a question, and whether it ends in a plain label; the last ones are kept, as a question comes with
    several answers."""
    known = _ASKED.setdefault(tokenizer, {})
    key = (question, replace(rendering, template=rendering.template or tokenizer.chat_template))
    if key not in known:
        if len(known) >= MOST:
            known.clear()
        prompt = build_question_prompt(tokenizer, question, rendering)
        known[key] = (tokenize_prompt(tokenizer, prompt), prompt.special)
    return known[key]


def _tokenize(tokenizer: Any, text: str) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """The tokens of a text without any special one, and the characters [start, stop) of each."""
    if tokenizer.is_fast:
        made = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return tuple(made["input_ids"]), tuple(map(tuple, made["offset_mapping"]))
    ids = tuple(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
    ends = [len(tokenizer.decode(ids[: n + 1])) for n in range(len(ids))]
    return ids, tuple(zip([0, *ends], ends, strict=False))


def _find_covering(offsets: Sequence[tuple[int, int]], span: tuple[int, int]) -> tuple[int, int]:
    """[start, stop) of the tokens that share a character with the span; empty where none does."""
    inside = [n for n, (first, behind) in enumerate(offsets) if first < span[1] and behind > span[0]]
    return (inside[0], inside[-1] + 1) if inside else (len(offsets), len(offsets))
