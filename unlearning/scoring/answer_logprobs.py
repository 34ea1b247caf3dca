"""Log-probabilities of answers under a model: the single source for all metrics.

Items are read in batches of about the same length; logits become log-probabilities in float32; what was scored once is
kept with the model for as long as its weights stay.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from agents.inference.end_tokens import choose_pad_token
from agents.inference.forward_step import CausalNetwork, use_eval_mode
from arena.agent import Agent
from arena.cache_register import count_stamped, register
from unlearning.modeling.agent_rendering import build_rendering
from unlearning.modeling.agent_weights import Opened, open_weights
from unlearning.modeling.forward_view import Sample, build_rows, run_forward_no_grad
from unlearning.modeling.item_tokenization import Encoded, encode_all
from unlearning.request import Item

LOGGER = logging.getLogger(__name__)

Floats: TypeAlias = NDArray[np.float64]
READ = 8192  # tokens in a batch at most, padding included
SCORED = 2**26  # logits in a batch at most: 256 MiB of float32


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A model's scores of one answer of n tokens, end token included.

    lp: (n,) natural log-probability of each token given all before. hit: (n,) whether it is the argmax. mean, std:
    (n,) of the log-probabilities of the whole vocabulary at that place, under the model itself. words: tokens before
    the end token. value: [start, stop) of the tokens that hold the value. ids: the tokens of the words.
    """

    lp: Floats
    hit: NDArray[np.bool_]
    mean: Floats
    std: Floats
    words: int
    value: tuple[int, int]
    ids: tuple[int, ...] = ()

    @property
    def inner(self) -> Floats:
        """The log-probabilities without the last one, as open-unlearning counts the tokens of an answer in all that it
        reads token by token: without its end token, or without its last word where it has none (a passage)."""
        return self.lp[:-1]

    @property
    def loss(self) -> float:
        """Mean negative log-probability, nats per token, end token included."""
        return -float(self.lp.mean()) if self.lp.size else 0.0

    @property
    def probability(self) -> float:
        """The geometric mean of the token probabilities, 0 to 1."""
        return float(np.exp(-self.loss))


_KEPT: WeakKeyDictionary[Any, tuple[int, dict[Encoded, Scored]]]  # by module and its stamp
_KEPT = register("scores", WeakKeyDictionary(), count_stamped)


def score_items(agent: Agent, items: Sequence[Item], who: str = "metric") -> tuple[Scored, ...]:
    """Each item's answer as the agent's model sees it. Raises ClosedModel, naming `who` asked, without weights.

    The agent's persona and notes precede the question, as when it is asked in words.
    """
    found = open_weights(agent, who)
    module, tokenizer = found.module, found.model.tokenizer
    encoded = encode_items(found, items)
    known = _get_cache(module)
    missing = list(dict.fromkeys(one for one in encoded if one not in known))
    LOGGER.debug("scores of %d answers: %d in the cache, %d computed", len(encoded), len(encoded) - len(missing),
                 len(missing))  # fmt: skip
    for rows in _group_batches(missing, len(tokenizer)):
        known |= zip(rows, _score_batch(module, rows, choose_pad_token(tokenizer)), strict=True)
    return tuple(known[one] for one in encoded)


def encode_items(found: Opened, items: Sequence[Item]) -> tuple[Encoded, ...]:
    """The items as the agent's model reads them, cut to its context."""
    rendering, limit = build_rendering(found.mind), CausalNetwork(found.module).context
    return encode_all(found.model.tokenizer, items, rendering, limit=limit)


def _get_cache(module: object) -> dict[Encoded, Scored]:
    stamp = CausalNetwork(module).stamp
    if module not in _KEPT or _KEPT[module][0] != stamp:
        _KEPT[module] = (stamp, {})
    return _KEPT[module][1]


def _group_batches(encoded: Sequence[Encoded], vocabulary: int) -> list[list[Encoded]]:
    """All of them, sorted by length, in batches that stay within READ tokens and SCORED logits."""
    batches: list[list[Encoded]] = []
    for one in sorted(encoded, key=lambda one: (len(one.ids), one.start)):
        rows = len(batches[-1]) + 1 if batches else 0
        first = min((other.start for other in batches[-1]), default=one.start) if batches else one.start
        columns = len(one.ids) - min(first, one.start)
        if not batches or rows * len(one.ids) > READ or rows * columns * vocabulary > SCORED:
            batches.append([])
        batches[-1].append(one)
    return batches


def _score_batch(module: Any, encoded: Sequence[Encoded], pad: int) -> list[Scored]:
    rows = build_rows("scored", [Sample(one) for one in encoded], pad, module.device)
    with torch.inference_mode(), use_eval_mode(module):
        z = run_forward_no_grad(module, rows).logits[rows.mask]  # (N, V): all answer tokens of the batch
        logs = z.log_softmax(-1)
        lp = logs.gather(1, rows.targets[rows.mask][:, None])[:, 0]
        hit = z.argmax(-1) == rows.targets[rows.mask]
        p = logs.exp()
        # 0 · −inf is replaced by its limit 0, where a token is impossible
        mean = (p * logs).nan_to_num(0.0).sum(-1)
        apart = (logs - mean[:, None]).square()  # a difference of squares would cancel small values
        std = (p * apart).nan_to_num(0.0, posinf=0.0).sum(-1).sqrt()
    counts = rows.mask.sum(1).tolist()
    parts = [tensor.cpu().double().numpy() for tensor in (lp, mean, std)]
    hits = hit.cpu().numpy()
    ends = np.cumsum(counts)
    made = []
    for one, count, end in zip(encoded, counts, ends, strict=True):
        here = slice(end - count, end)
        value = (one.value[0] - one.start, one.value[1] - one.start)
        words = one.ids[one.start : one.words]
        made.append(Scored(parts[0][here], hits[here], parts[1][here], parts[2][here], len(words), value, words))
    return made
