"""Conversion by a local language model with a LoRA adapter: reads the input as text, may only choose.

The answer is a list of slots, each with a fixed beginning and a few letters to choose from; a letter that is not
allowed there has no probability, so the answer is always valid. The loss is taken on the chosen letters alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from agents.inference.forward_step import find_cache_argument, unwrap_adapter
from agents.inference.model_files import set_usual_modes
from agents.inference.template_limit import apply_template
from agents.inference.tiny_llama import IGNORED, fit, pad_examples
from agents.models.local import Local
from arena.cache_register import memoize
from arena.errors import UsageError
from arena.usage import Call, Usage
from unlearning.conversion.chat import format_input
from unlearning.conversion.conversion import KINDS, Conversion, ConversionInput
from unlearning.conversion.data import Pair
from unlearning.conversion.model import (
    Choices,
    decode_classes,
    encode_answer,
    mask_edits,
    mask_kinds,
    mask_roles,
    mask_steering,
    select_forgotten,
)
from unlearning.modeling.trainable_parameters import Lora, add_adapter

LETTERS = {"kind": "steaum", "roles": "nfrb", "edits": "kdr", "steering": "01234"}  # one for each class, in order
BASE = "base.txt"  # next to the adapter: the path of its base


@dataclass(frozen=True, slots=True)
class Slot:
    """A field to fill in: the text before it, and which field it is."""

    before: str
    field: str


def list_slots(asked: ConversionInput) -> list[Slot]:
    """The fields of an answer in order: kind, each name, each header, steering."""
    names = [Slot(f"\nname {n + 1}: ", "roles") for n in range(len(asked.entities))]
    headers = [Slot(f"\nnote {n + 1}: ", "edits") for n in range(len(asked.headers))]
    return [Slot("kind: ", "kind"), *names, *headers, Slot("\nsteering: ", "steering")]


@dataclass(frozen=True, slots=True)
class Tuned:
    """A converter that is a language model, with or without an adapter."""

    module: Any
    tokenizer: Any

    async def convert(self, asked: ConversionInput) -> tuple[Conversion, Usage]:
        """Greedy decoding: the most likely letter of one field after the other, and the cost."""
        ids = torch.tensor([build_prompt(self.tokenizer, asked)], device=self.module.device)
        picked: dict[str, list[int]] = {field: [] for field in LETTERS}
        inner, out = unwrap_adapter(self.module), 0
        known = {find_cache_argument(inner): DynamicCache(config=inner.config)}
        with torch.no_grad():
            for slot in list_slots(asked):
                ahead = _encode_text(self.tokenizer, slot.before)
                ids = torch.cat([ids, torch.tensor([ahead], device=ids.device)], 1)
                seen = self.module(input_ids=ids, use_cache=True, **known)
                letters = find_letter_ids(self.tokenizer, slot.field)
                scores = seen.logits[0, -1, letters].float().cpu() + _mask_letters(asked, slot.field, picked)
                choice = int(scores.argmax())
                picked[slot.field].append(choice)
                ids = torch.tensor([[letters[choice]]], device=ids.device)
                out += 1
        call = Call("conversion", input_tokens=len(build_prompt(self.tokenizer, asked)), output_tokens=out, usd=0.0)
        return decode_classes(asked, _make_choices(picked)), Usage((call,))


def _mask_letters(asked: ConversionInput, field: str, picked: dict[str, list[int]]) -> Tensor:
    """The mask added to the logits of a field's letters, given what was chosen before it."""
    if field == "kind":
        return mask_kinds(asked)
    if field == "steering":
        return mask_steering(select_forgotten(asked, picked["roles"]))
    kind, place = KINDS[picked["kind"][0]], len(picked[field])
    if field == "edits":
        return mask_edits(asked, kind)[place]
    bars = mask_roles(asked, kind)
    left = [n for n, entity in enumerate(asked.entities) if entity.scope == kind]
    if left and place == left[-1] and not any(role in (1, 3) for role in picked["roles"]):
        return bars[place] + torch.tensor([-1e9, 0.0, -1e9, 0.0])  # the last that could be forgotten, and none was
    return bars[place]


def _make_choices(picked: dict[str, list[int]]) -> Choices:
    return Choices(
        torch.tensor(picked["kind"][0]), torch.tensor(picked["steering"][0]), torch.tensor(picked["roles"]),
        torch.tensor(picked["edits"]),
    )  # fmt: skip


def build_prompt(tokenizer: Any, asked: ConversionInput) -> list[int]:
    """The input in words, as the model's own chat template has it."""
    names = "\n".join(f"name {n + 1} is {entity.name}" for n, entity in enumerate(asked.entities))
    notes = "\n".join(f"note {n + 1} is {header.id}" for n, header in enumerate(asked.headers))
    words = f"{format_input(asked)}\n{names}\n{notes}"
    if tokenizer.chat_template is None:
        return _encode_text(tokenizer, f"{words}\n")
    lines = [{"role": "user", "content": words}]
    text = apply_template(tokenizer, lines, None, add_generation_prompt=True)
    return _encode_text(tokenizer, text)


def _encode_text(tokenizer: Any, text: str) -> list[int]:
    found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


def find_letter_ids(tokenizer: object, field: str) -> list[int]:
    """The last token of each letter of a field. Raises UsageError where two of them are one token."""
    found = [_encode_text(tokenizer, letter)[-1] for letter in LETTERS[field]]
    if len(set(found)) < len(found):
        raise UsageError(f"this model's tokenizer does not tell {', '.join(LETTERS[field])} apart; take another base")
    return found


def build_example(tokenizer: object, asked: ConversionInput, answer: Conversion) -> tuple[list[int], list[int]]:
    """Tokens and labels of a pair; only the letters have a label."""
    right = encode_answer(asked, answer)
    wanted = {"kind": iter([int(right.kind)]), "steering": iter([int(right.steering)]),
              "roles": iter(right.roles.tolist()), "edits": iter(right.edits.tolist())}  # fmt: skip
    ids = build_prompt(tokenizer, asked)
    labels = [IGNORED] * len(ids)
    for slot in list_slots(asked):
        ahead = _encode_text(tokenizer, slot.before)
        letter = find_letter_ids(tokenizer, slot.field)[next(wanted[slot.field])]
        ids, labels = [*ids, *ahead, letter], [*labels, *[IGNORED] * len(ahead), letter]
    return ids, labels


def teach(
    base: Path, pairs: Sequence[Pair], out: Path, *, steps: int = 300, batch: int = 8, rate: float = 2e-4, seed: int = 0
) -> Tuned:
    """The base with an adapter of rank 16 that was taught the pairs, saved in `out` with the path of its base."""
    local = Local(str(base))
    tokenizer = local.tokenizer
    module = add_adapter(local.module, Lora(rank=16, alpha=32.0), seed)
    examples = sorted(
        (build_example(tokenizer, pair.asked, pair.answer) for pair in pairs), key=lambda row: len(row[0])
    )
    longest = getattr(module.config, "max_position_embeddings", None)
    examples = [row for row in examples if longest is None or len(row[0]) <= longest]
    if not examples:
        raise UsageError(f"{base}: no pair fits into its context of {longest} tokens; show fewer headers")
    chance = Random(seed)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id

    def batches() -> Iterator[dict[str, Tensor]]:
        for _ in range(steps):
            first = chance.randrange(max(1, len(examples) - batch + 1))
            yield {
                key: value.to(module.device)
                for key, value in pad_examples(examples[first : first + batch], pad).items()
            }

    fit(module, batches(), rate=lambda step: rate * min((step + 1) / 20, 1.05 - step / steps))
    module.save_pretrained(out)
    set_usual_modes(out)
    (out / BASE).write_text(str(base.resolve()), encoding="utf-8")
    return Tuned(module, tokenizer)


@memoize("models")
def load_tuned(folder: Path) -> Tuned:
    """The converter in a folder: an adapter made by `teach`, or a whole model. Raises UsageError for neither."""
    if not folder.is_dir():
        raise UsageError(f"no folder {folder}; type: python -m unlearning.conversion.train --base BASE --out {folder}")
    note = folder / BASE
    local = (
        Local(note.read_text(encoding="utf-8").strip(), adapter=str(folder)) if note.is_file() else Local(str(folder))
    )
    return Tuned(local.module, local.tokenizer)
