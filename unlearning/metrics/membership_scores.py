"""Membership inference scores of a text: the larger, the more likely the model was trained on it."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from agents.inference.end_tokens import choose_pad_token
from arena.agent import Agent
from unlearning.modeling.agent_weights import open_weights
from unlearning.modeling.forward_view import Sample, build_rows, run_forward
from unlearning.modeling.trainable_parameters import mirror
from unlearning.request import Item
from unlearning.scoring.answer_logprobs import Scored, encode_items, score_items
from unlearning.scoring.statistics import Floats

Kind = Literal["loss", "zlib", "zlib-sum", "min-k", "min-k++", "gradnorm", "reference", "recall"]
FLAT = 1e-6  # a standard deviation below which the vocabulary is uniform, and a token carries no information
NARROW = 1e-3  # the least standard deviation to divide by: open-unlearning's floor, 1e-6 of the variance


def average_lowest(values: Floats, k: float) -> float:
    """The mean of the lowest ⌊k · n⌋ values, of one at least; 0 of none."""
    count = max(1, int(k * len(values)))
    return float(np.sort(values)[:count].mean()) if len(values) else 0.0


def standardize_logprobs(one: Scored) -> Floats:
    """z of each token: its log-probability against those of the whole vocabulary there; 0 where all are equal."""
    return np.asarray((one.lp - one.mean) / np.maximum(one.std, NARROW))


def count_compressed_bytes(text: str) -> int:
    """Bytes of a text after zlib."""
    return len(zlib.compress(text.encode()))


def score_membership(
    agent: Agent,
    items: Sequence[Item],
    kind: Kind,
    *,
    k: float = 0.4,
    reference: Agent | None = None,
    prefix: Sequence[Item] = (),
    who: str = "membership",
) -> Floats:
    """The score of each item; larger is more like a member.

    loss: −L, L in nats per token, end token included (Yeom et al. 2018). zlib: −L over the bytes of the compressed
    answer (Carlini et al. 2021, who divide the logarithm of the perplexity, a mean); zlib-sum: −Σ nats over them, so
    that long texts are not favoured. min-k: mean of the lowest share k of the log-probabilities (Shi et al. 2024).
    min-k++: the same of z (Zhang et al. 2025). gradnorm: the negative gradient norm (`gradient_norms`). These three
    leave the last token out, which is the end token where there is one. reference: how much lower L is than the
    `reference`'s. recall: log-likelihood after `prefix`, which are known non-members, over that without (Xie et al.
    2024).
    """
    if kind == "gradnorm":
        return -gradient_norms(agent, items, who)
    scored = score_items(agent, items, who)
    if kind == "reference":
        assert reference is not None
        other = score_items(reference, items, who)
        return np.array([theirs.loss - mine.loss for mine, theirs in zip(scored, other, strict=True)])
    if kind == "recall":
        shown = "\n".join(f"{one.prompt} {one.answer}".strip() for one in prefix)
        behind = score_items(
            agent, [replace(item, prompt=f"{shown}\n{item.prompt}", tags=item.tags) for item in items], who
        )
        return np.array([there.loss / max(mine.loss, FLAT) for mine, there in zip(scored, behind, strict=True)])
    decode = open_weights(agent, who).model.tokenizer.decode
    rules: dict[str, Callable[[Scored], float]] = {
        "loss": lambda one: -one.loss,
        "zlib": lambda one: -one.loss / count_compressed_bytes(decode(one.ids)),
        "zlib-sum": lambda one: float(one.lp.sum()) / count_compressed_bytes(decode(one.ids)),
        "min-k": lambda one: average_lowest(one.inner, k),
        "min-k++": lambda one: average_lowest(standardize_logprobs(one)[:-1], k),
    }
    return np.array([rules[kind](one) for one in scored])


def gradient_norms(agent: Agent, items: Sequence[Item], who: str = "membership", p: float = 2.0) -> Floats:
    """For each item the mean over parameters of the p-norm of the gradient of its loss, the last token left out.

    As open-unlearning has it (its `mia_gradnorm`; Wang et al. 2024, arXiv 2402.17012): a mean of norms, not the norm of
    the whole gradient; 0 where the answer is one token. One forward and one backward an item; the module is untouched.
    """
    found = open_weights(agent, who)
    piece = mirror(found.module).requires_grad_(True).eval()
    parameters = list(piece.parameters())
    norms = []
    for one in encode_items(found, items):
        rows = build_rows("scored", [Sample(one)], choose_pad_token(found.model.tokenizer), found.module.device)
        lp = run_forward(piece, rows).lp[rows.mask][:-1]
        parts = torch.autograd.grad(-lp.mean(), parameters, allow_unused=True) if lp.numel() else ()
        each = [part.float().norm(p) for part in parts if part is not None]
        norms.append(float(torch.stack(each).mean()) if each else 0.0)
    return np.array(norms)
