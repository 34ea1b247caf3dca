"""Initialise the policy model with previous-token and copying heads, so that it learns to read notes sooner.

A small model needs very many steps before it finds out by itself that it can copy from its context (the induction
heads of Olsson et al. 2022, In-context Learning and Induction Heads). Here the first two layers begin near that
circuit, as Trockman & Kolter 2023 (Mimetic Initialization of Self-Attention) begin near what training finds; all
weights are trained afterwards as any others.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

SHARED = 6.0  # what all tokens share in dimension 0, in deviations of their other numbers
SHARP = 12.0  # attention margin of the matching token over its neighbour, in logits
QUICK, SLOW = 0.05, 0.006  # radians a token: above, a rotation distinguishes neighbours; below, it hardly turns at all


def wire(module: Any, seed: int) -> None:
    """Sets the attention of layers 0 and 1 of a Llama. Head h of layer 0 looks h + 1 tokens back. A head of layer 1
    looks, weakly at first, for a token after one like the current one (every other head: like the previous one, after
    by two), and adds that token to the output logits."""
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        table = module.model.embed_tokens.weight
        table[:, 0] = SHARED * table.std()
        size = float(table.square().mean(1).sqrt().mean())
        codes, marks = _looking_back(module, float(table[0, 0]) / size, size, chance)
        _matching(module, codes, marks, size, chance)


def _looking_back(
    module: Any, one: float, size: float, chance: torch.Generator
) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """By head: how it codes the token it looks at, (head, dimensions - 1), and where it writes that, the other way."""
    attention, speeds = module.model.layers[0].self_attn, _speeds(module)
    head, others = 2 * len(speeds), module.config.hidden_size - 1
    scale = (4 * SHARP) ** 0.5 * head**0.25 / one
    quick = (speeds > QUICK).float()
    codes, marks = [], []
    for number in range(module.config.num_attention_heads):
        own, turn = slice(number * head, (number + 1) * head), speeds * (number + 1)
        codes.append(_orthogonal(head, others, chance))
        marks.append(_orthogonal(others, head, chance))
        for part in (attention.q_proj, attention.k_proj, attention.v_proj):
            part.weight[own] = 0
        attention.q_proj.weight[own, 0] = scale * torch.cat([quick, torch.zeros_like(quick)])
        attention.k_proj.weight[own, 0] = scale * torch.cat([quick * turn.cos(), quick * turn.sin()])
        attention.v_proj.weight[own, 1:] = codes[-1]
        attention.o_proj.weight[0, own] = 0
        attention.o_proj.weight[1:, own] = size * marks[-1]
    return codes, marks


def _matching(
    module: Any, codes: Sequence[Tensor], marks: Sequence[Tensor], size: float, chance: torch.Generator
) -> None:
    attention, speeds = module.model.layers[1].self_attn, _speeds(module)
    head, others = 2 * len(speeds), module.config.hidden_size - 1
    slow = [n for n in range(head) if speeds[n % len(speeds)] < SLOW]
    pairs = (
        (codes[0], marks[0].T),
        (codes[1] @ codes[0].T @ marks[0].T, marks[1].T),
    )  # query, key
    for number in range(module.config.num_attention_heads):
        own = slice(number * head, (number + 1) * head)
        short = _orthogonal(len(slow), head, chance) * 5 * head**0.25 / len(slow) ** 0.5
        for part, code in zip((attention.q_proj, attention.k_proj), pairs[number % 2], strict=True):
            part.weight[own] = 0
            part.weight[[number * head + n for n in slow], 1:] = short @ code
        copied = _orthogonal(head, others, chance)
        attention.v_proj.weight[own, 0] = 0
        attention.v_proj.weight[own, 1:] = copied
        attention.o_proj.weight[0, own] = 0
        attention.o_proj.weight[1:, own] = 2 * size * copied.T


def _speeds(module: Any) -> Tensor:
    """By how much the rotation of each pair of a head's dimensions turns from one token to the next, in radians."""
    config = module.config
    half = config.hidden_size // config.num_attention_heads // 2
    base = torch.tensor(float(config.rope_parameters["rope_theta"]))
    return torch.pow(base, -torch.arange(half) / half)


def _orthogonal(rows: int, columns: int, chance: torch.Generator) -> Tensor:
    """A random matrix whose shorter side is orthonormal."""
    size = max(rows, columns)
    full: Tensor = torch.linalg.qr(torch.randn(size, size, generator=chance))[0]
    return full[:rows, :columns]
