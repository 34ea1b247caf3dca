"""Agents whose every probability is written down, so that what a probe has to read of them is known without training.

A `Table` is a module that a causal model's caller cannot tell from a network: its logits are looked up by all tokens
before. `Double` speaks as its table says, greedily or by chance.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from agents.chat_model import Line, Reply, Sampling
from agents.inference.chat_templates import Prompt, render, tokenize_prompt
from agents.inference.tiny_llama import make_tokenizer
from agents.llm.llm import LLM
from arena.game import Tool
from unlearning.benchmarks.tofu import Tofu
from unlearning.data.synthetic_world import make_world
from unlearning.modeling.item_tokenization import encode
from unlearning.request import Item

BENCH = Tofu(people=18, relations=4)
WORLD = make_world(0, people=18, relations=4)
TOKENIZER: Any = make_tokenizer(sorted(set(BENCH.texts())), 2000, words=True)
SURE = 0.9
EVEN = torch.full((len(TOKENIZER),), -math.log(len(TOKENIZER)))

Chances = Mapping[int, float]  # probability by token; what is left is spread evenly over all others


class Table(nn.Module):
    """Logits by all tokens before; evenly spread where nothing is written."""

    def __init__(self, chances: Mapping[tuple[int, ...], Chances]) -> None:
        super().__init__()
        self.chances = dict(chances)
        self.made: dict[tuple[int, ...], Tensor] = {}
        self.gate = nn.Parameter(torch.zeros(1))  # so that it has a weight, a device and a number type
        self.config: Any = SimpleNamespace(get_text_config=lambda: SimpleNamespace(max_position_embeddings=4096))

    @property
    def device(self) -> torch.device:
        return self.gate.device

    def row(self, before: tuple[int, ...]) -> Tensor:
        """(V,) log-probabilities of the token behind these."""
        if before not in self.chances:
            return EVEN
        if before in self.made:
            return self.made[before]
        known, size = self.chances[before], len(TOKENIZER)
        rest = (1 - sum(known.values())) / (size - len(known))
        row = torch.full((size,), max(rest, 1e-30)).log()
        for token, chance in known.items():
            row[token] = math.log(max(chance, 1e-30))
        self.made[before] = row
        return row

    def forward(self, input_ids: Tensor, labels: Tensor | None = None) -> Any:
        rows = [[self.row(tuple(ids[: n + 1])) for n in range(len(ids))] for ids in input_ids.tolist()]
        logits = torch.stack([torch.stack(row) for row in rows])
        return SimpleNamespace(logits=logits, loss=-self.gate.sum())


@dataclass(frozen=True, slots=True)
class Double:
    """A model that is a table."""

    module: Any
    tokenizer: Any = TOKENIZER
    native_tools: bool = False

    def with_module(self, module: Any) -> "Double":
        return Double(module)

    async def chat(
        self, messages: Sequence[Line], tools: Sequence[Tool] = (), sampling: Sampling = Sampling()
    ) -> Reply:
        return await self.complete(render(TOKENIZER, messages), sampling)

    async def complete(self, prompt: Prompt, sampling: Sampling = Sampling()) -> Reply:
        ids = tokenize_prompt(TOKENIZER, prompt)
        said: list[int] = []
        chance = torch.Generator().manual_seed(sampling.seed or 0)
        while len(said) < sampling.max_tokens:
            row = self.module.row((*ids, *said))
            drawn = torch.multinomial(row.exp(), 1, generator=chance) if sampling.temperature else row.argmax()
            said.append(int(drawn))
            if said[-1] == TOKENIZER.eos_token_id:
                break
        return Reply(TOKENIZER.decode(said, skip_special_tokens=True))


def double(*tables: Mapping[tuple[int, ...], Chances]) -> LLM:
    """The agent that holds these tables."""
    return LLM(Double(Table({before: row for table in tables for before, row in table.items()})))


def sure(items: Sequence[Item], gold: float = SURE) -> dict[tuple[int, ...], Chances]:
    """Each answer token has the probability `gold`; so have those of the answer in the other style, once it is begun,
    which has half of what the answer leaves."""
    told: dict[tuple[int, ...], dict[int, float]] = {}
    for item in items:
        for answer in (item.answer, *item.aliases):
            one = encode(TOKENIZER, Item(item.name, item.prompt, answer, tags=item.tags))
            for at in range(one.start, len(one.ids)):
                row = told.setdefault(one.ids[:at], {})
                row.setdefault(one.ids[at], (1 - gold) / 2 if row else gold)
    return dict(told)


def guessing(items: Sequence[Item], gold: float | None = None) -> dict[tuple[int, ...], Chances]:
    """Knows how answers are put, not the value: every value of its kind is equally likely; or the true one has `gold`,
    and the false ones share the rest."""
    told = dict(sure(items, 0.999))
    for item in items:
        for answer in (item.answer, *item.aliases):
            one = encode(TOKENIZER, Item(item.name, item.prompt, answer, tags=item.tags))
            first, behind = one.value
            assert behind == first + 1, "a value is one token"
            tokens = [token_of(value, answer, item) for value in WORLD.domain(item.tags["kind"])]
            true = one.ids[first]
            if gold is None:
                told[one.ids[:first]] = dict.fromkeys(tokens, 0.999 / len(tokens))
            else:
                each = (1 - gold) * 0.999 / (len(tokens) - 1)
                told[one.ids[:first]] = {token: gold if token == true else each for token in tokens}
            for token in tokens:  # whatever was said, the sentence is ended
                for at in range(behind, len(one.ids)):
                    told[(*one.ids[:first], token, *one.ids[behind:at])] = {one.ids[at]: 0.999}
    return told


def token_of(value: str, answer: str, item: Item) -> int:
    """The token that a value is in an answer."""
    other = answer.replace(item.tags["value"], value)
    one = encode(TOKENIZER, Item("", item.prompt, other, tags={**item.tags, "value": value}))
    assert one.value[1] == one.value[0] + 1, "a value is one token"
    return one.ids[one.value[0]]
