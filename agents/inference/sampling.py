"""Rows of a batch: each request samples its next token, and stops, by its own settings.

Generation runs greedily over scores that already include each row's random noise: argmax(log p + g) with g from a
Gumbel distribution is a draw from p (Gumbel 1954; Maddison et al. 2014). The noise comes from the row's own generator,
so what a row draws does not depend on who else is in the batch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

import torch
from torch import Tensor

TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, slots=True)
class GenerationRow:
    """One request, ready to be generated: prompt tokens, how to draw, when to end.

    `temperature` 0 is greedy; `top_k` 0 and `top_p` 1 keep every token; `new` is the most tokens to generate;
    `penalty` above 1 makes tokens of the prompt and the answer less likely (Keskar et al. 2019); `gone` returns whether
    no one waits for the answer any more. `most` is the largest batch it may be in, `adapter` the name of the adapter on
    the weights, `hold` the bytes that beginnings read before may take up, 0 to use none.
    """

    ids: tuple[int, ...]
    temperature: float
    top_p: float
    top_k: int
    seed: int
    new: int
    penalty: float = 1.0
    stop: tuple[str, ...] = ()
    gone: Callable[[], bool] = bool
    most: int = 1
    adapter: str = ""
    hold: int = 0


@dataclass(frozen=True, slots=True)
class Words:
    """Detokenizer of a model, and the tokens that end an answer."""

    decode: Callable[[Sequence[int]], str]
    end: frozenset[int]


@dataclass(slots=True, eq=False)
class ActiveRow:
    """A row in the batch. `made` are its new tokens, the end token included; `done` once there will be no more.

    `company` is the largest batch it was in; `reused` the prompt tokens taken from the prefix cache; `stamp`
    says which weights read it.
    """

    row: GenerationRow
    words: Words
    chance: torch.Generator | None
    made: list[int] = field(default_factory=list)
    done: bool = False
    company: int = 0
    reused: int = 0
    stamp: object = None

    @property
    def ids(self) -> tuple[int, ...]:
        """All its tokens so far."""
        return (*self.row.ids, *self.made)

    @property
    def ended(self) -> bool:
        return bool(self.made) and self.made[-1] in self.words.end

    def add(self, token: int, company: int) -> None:
        """Append the next token, sampled in a batch of `company` rows."""
        self.made.append(token)
        self.company = max(self.company, company)
        self.done = self.ended or len(self.made) >= self.row.new or self.row.gone() or self._has_stop_text()

    def text(self) -> tuple[str, bool]:
        """The answer, and whether it ended by itself: by the end token or before a stop text."""
        text = self.words.decode(self.made[:-1] if self.ended else self.made)
        found = [at for stop in self.row.stop if (at := text.find(stop)) >= 0]
        return (text[: min(found)] if found else text), self.ended or bool(found)

    def _has_stop_text(self) -> bool:
        if not self.row.stop:
            return False
        tail = max(len(stop.encode()) for stop in self.row.stop) + 4  # a token holds at least one byte
        text = self.words.decode(self.made[-tail:])
        return any(stop in text for stop in self.row.stop)


def make_generator(row: GenerationRow, device: torch.device) -> torch.Generator | None:
    """The row's own random generator; None where it is greedy."""
    return torch.Generator(device).manual_seed(row.seed) if row.temperature else None


def resolve_sampling(
    settings: Mapping[str, Any], temperature: float | None, top_p: float | None
) -> tuple[float, float, int]:
    """Temperature, top-p and top-k of a request; what it leaves open is read from the model's generation settings.

    A model that says nothing samples at temperature 1, as hosted models do; one that says `do_sample: false` is
    greedy; its `top_k` holds for every request that samples.
    """
    if temperature is None:
        temperature = 0.0 if settings.get("do_sample") is False else settings.get("temperature", 1.0)
    nucleus = settings.get("top_p", 1.0) if top_p is None else top_p
    return float(temperature), float(nucleus), int(settings.get("top_k") or 0)


class Draw:
    """Scores (rows, vocabulary) in, scores out whose argmax is each row's draw."""

    def __init__(self, lives: Sequence[ActiveRow], device: torch.device) -> None:
        self.lives, rows = lives, [live.row for live in lives]

        def column(values: list[float]) -> Tensor:
            return torch.tensor(values, dtype=torch.float32, device=device)[:, None]  # (rows, 1)

        self.temperature = column([row.temperature or 1.0 for row in rows])
        # 1 must keep every token, also where rounding carries the running sum past 1
        self.top_p = column([row.top_p if row.top_p < 1 and row.temperature else inf for row in rows])
        self.top_k = column([row.top_k if row.top_k and row.temperature else inf for row in rows])
        self.trims = bool((self.top_p < inf).any() or (self.top_k < inf).any())
        self.penalty = column([row.penalty for row in rows])
        self.penalises = any(row.penalty != 1 for row in rows)
        self.seen: Tensor | None = None  # (rows, vocabulary), whether a row has that token

    def __call__(self, scores: Tensor) -> Tensor:
        scores = scores.float()
        if self.penalises:
            scores = self._penalise_repeats(scores)
        scores = scores / self.temperature
        if self.trims:
            scores = self._trim_scores(scores)
        for row, live in enumerate(self.lives):
            if live.chance is not None:
                # noise: (vocabulary,)
                noise = torch.empty_like(scores[row]).exponential_(generator=live.chance).clamp_min_(TINY)
                scores[row] -= noise.log_()  # -log of an exponential variable is a Gumbel variable
        return scores

    def _penalise_repeats(self, scores: Tensor) -> Tensor:
        """Scores with the repetition penalty; `seen` gets the token sampled last."""
        first = self.seen is None
        if self.seen is None:
            self.seen = torch.zeros_like(scores, dtype=torch.bool)
        for row, live in enumerate(self.lives):
            self.seen[row, list(live.ids if first else live.made[-1:])] = True
        smaller = torch.where(scores < 0, scores * self.penalty, scores / self.penalty)
        return torch.where(self.seen, smaller, scores)

    def _trim_scores(self, scores: Tensor) -> Tensor:
        """Scores (rows, V) with everything outside the top k and the nucleus at -inf; the argmax always stays."""
        ordered, order = scores.sort(dim=-1, descending=True, stable=True)  # (rows, vocabulary) each
        rank = torch.arange(scores.shape[-1], device=scores.device)  # (vocabulary,)
        ordered = ordered.masked_fill(rank >= self.top_k, -inf)
        p = ordered.softmax(-1)  # (rows, vocabulary)
        before = p.cumsum(-1) - p  # the probability mass of all more likely tokens
        ordered = ordered.masked_fill((before >= self.top_p) & (rank > 0), -inf)
        return torch.empty_like(scores).scatter_(-1, order, ordered)
