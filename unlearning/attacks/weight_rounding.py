"""Round-to-nearest quantization: each row of a matrix has its own integer grid."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

EXACT = ("cpu", "cuda")  # devices whose division and product are those of IEEE 754


def compute_step(weight: Tensor, bits: int) -> Tensor:
    """(rows, 1) the distance of two grid points, max|w| / (2^(bits−1) − 1) by row; 1 where that is 0.

    Divided in the computer's memory: by a number, a GPU multiplies with its rounded reciprocal, which is up to one unit
    in the last place away from the quotient, and every point of the grid with it.
    """
    largest = weight.abs().amax(1, keepdim=True).cpu()  # no rounding in it, so the same on every device
    step = largest / torch.full_like(largest, 2 ** (bits - 1) - 1)
    return torch.where(step > 0, step, torch.ones_like(step)).to(weight.device)


def compute_codes(weight: Tensor, bits: int) -> Tensor:
    """(rows, columns) the grid points, whole numbers, nearest to the weights; halves go to the even one."""
    return (weight / compute_step(weight, bits)).round()


def round_weights(weight: Tensor, bits: int) -> Tensor:
    """The weights on their grid, in their own number type: the same bits on a CPU and on CUDA.

    Each operation on the way is rounded exactly by IEEE 754 on both (a tensor over a tensor, whole numbers, a product
    that is stored before anything is added), and none is a sum, whose order could differ. Other devices do not promise
    that, so their weights are rounded in the computer's memory.
    """
    exact = weight.float() if weight.device.type in EXACT else weight.cpu().float()
    return (compute_codes(exact, bits) * compute_step(exact, bits)).to(weight)


def find_matrices(module: Any, embeddings: bool = False) -> Iterator[tuple[str, Tensor]]:
    """The matrices that are quantized, by name: those of the layers, and the embeddings where asked."""
    each = getattr(module, "each", [module])  # the models of a composed one
    found = [table for one in each for table in (one.get_input_embeddings(), one.get_output_embeddings())]
    tables = {id(table.weight) for table in found if table}
    for name, weight in module.named_parameters():
        if weight.dim() == 2 and (embeddings or id(weight) not in tables):
            yield name, weight


@torch.no_grad()
def quantize_module(module: Any, bits: int, embeddings: bool = False) -> Any:
    """A copy of the module with its matrices rounded; the module itself stays as it is."""
    made = deepcopy(module)
    if hasattr(made, "peft_config"):
        made = made.merge_and_unload()
    for _, weight in find_matrices(made, embeddings):
        weight.copy_(round_weights(weight, bits))
    return made


@torch.no_grad()
def measure_same_codes(first: object, second: object, bits: int, embeddings: bool = False) -> float:
    """The share of quantized weights that have the same grid point in both modules."""
    same = total = 0
    others = dict(find_matrices(second, embeddings))
    for name, weight in find_matrices(first, embeddings):
        same += int((compute_codes(weight.float(), bits) == compute_codes(others[name].float(), bits)).sum())
        total += weight.numel()
    return same / max(1, total)
