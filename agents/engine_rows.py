"""The rows of one batch: each request draws its next token, and ends, by its own settings.

Generation runs greedily over scores that already hold each row's chance: argmax(log p + g) with g from a Gumbel
distribution is a draw from p (Gumbel 1954; Maddison et al. 2014). The noise comes from the row's own generator, so
what a row draws does not depend on who else is in the batch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor

TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, slots=True)
class Row:
    """One request, ready to be generated: prompt tokens, how to draw, when to end.

    `temperature` 0 is greedy; `top_k` 0 and `top_p` 1 keep every token; `new` is the most tokens to generate;
    `gone` says whether nobody waits for the answer any more.
    """

    ids: tuple[int, ...]
    temperature: float
    top_p: float
    top_k: int
    seed: int
    new: int
    stop: tuple[str, ...]
    gone: Callable[[], bool]


def drawn_like(settings: Mapping[str, Any], temperature: float | None, top_p: float | None) -> tuple[float, float, int]:
    """Temperature, top-p and top-k of a request; what it leaves open is read from the model's generation settings.

    A model that says nothing samples at temperature 1, as hosted models do; one that says `do_sample: false` is
    greedy; its `top_k` holds for every request that samples.
    """
    if temperature is None:
        temperature = 0.0 if settings.get("do_sample") is False else settings.get("temperature", 1.0)
    nucleus = settings.get("top_p", 1.0) if top_p is None else top_p
    return float(temperature), float(nucleus), int(settings.get("top_k") or 0)


class Draw:
    """A logits processor: (rows, vocabulary) scores in, scores out whose argmax is each row's draw."""

    def __init__(self, rows: Sequence[Row], device: torch.device) -> None:
        def column(values: list[float]) -> Tensor:
            return torch.tensor(values, dtype=torch.float32, device=device)[:, None]

        self.temperature = column([row.temperature or 1.0 for row in rows])
        # 1 must keep every token, also where rounding carries the running sum past 1
        self.top_p = column([row.top_p if row.top_p < 1 and row.temperature else inf for row in rows])
        self.top_k = column([row.top_k if row.top_k and row.temperature else inf for row in rows])
        self.trims = bool((self.top_p < inf).any() or (self.top_k < inf).any())
        self.chance = [torch.Generator(device).manual_seed(row.seed) if row.temperature else None for row in rows]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        scores = scores.float() / self.temperature
        if self.trims:
            scores = self._trimmed(scores)
        for row, generator in enumerate(self.chance):
            if generator is not None:
                noise = torch.empty_like(scores[row]).exponential_(generator=generator).clamp_min_(TINY)
                scores[row] -= noise.log_()  # -log of an exponential variable is a Gumbel variable
        return scores

    def _trimmed(self, scores: Tensor) -> Tensor:
        """Scores with everything outside the top k and the nucleus at -inf; the likeliest token always stays."""
        ordered, order = scores.sort(dim=-1, descending=True, stable=True)
        rank = torch.arange(scores.shape[-1], device=scores.device)  # (vocabulary,)
        ordered = ordered.masked_fill(rank >= self.top_k, -inf)
        p = ordered.softmax(-1)
        before = p.cumsum(-1) - p  # the mass of all likelier tokens
        ordered = ordered.masked_fill((before >= self.top_p) & (rank > 0), -inf)
        return torch.empty_like(scores).scatter_(-1, order, ordered)


class Ends:
    """A stopping criterion for each row apart; `lengths` are the new tokens of each row, its end token included."""

    def __init__(self, rows: Sequence[Row], width: int, end: frozenset[int], decode: Callable[[Any], str]) -> None:
        self.rows, self.width, self.end, self.decode = rows, width, end, decode
        self.lengths = [0] * len(rows)  # 0 while the row goes on

    def __call__(self, input_ids: Tensor, scores: object) -> Tensor:
        made = input_ids.shape[1] - self.width
        last = input_ids[:, -1].tolist()
        for number, row in enumerate(self.rows):
            if not self.lengths[number] and (
                last[number] in self.end or made >= row.new or row.gone() or self._stopped(row, input_ids[number])
            ):
                self.lengths[number] = made
        return torch.tensor([length > 0 for length in self.lengths], device=input_ids.device)

    def _stopped(self, row: Row, ids: Tensor) -> bool:
        if not row.stop:
            return False
        tail = max(len(stop.encode()) for stop in row.stop) + 4  # a token holds at least one byte
        text = self.decode(ids[max(self.width, len(ids) - tail) :])
        return any(stop in text for stop in row.stop)
