"""Arithmetic on weights: pure functions on state dicts, which may be partial."""

from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from arena.errors import UsageError

Weights: TypeAlias = Mapping[str, Tensor]


def subtract_weights(after: Weights, before: Weights) -> dict[str, Tensor]:
    """after − before: the task vector of what was learnt between them (Ilharco et al. 2023)."""
    check_same_shapes(after, before)
    return {name: tensor - before[name] for name, tensor in after.items()}


def add_vector(weights: Weights, vector: Weights, scale: float = 1.0) -> dict[str, Tensor]:
    """weights + scale · vector; parameters not in the vector stay, as the same tensors."""
    check_same_shapes(vector, {name: weights[name] for name in vector if name in weights})
    return {name: tensor + scale * vector[name] if name in vector else tensor for name, tensor in weights.items()}


def negate_vector(weights: Weights, tuned: Weights, scale: float) -> dict[str, Tensor]:
    """weights − scale · (tuned − weights): away from what was learnt."""
    return add_vector(weights, subtract_weights(tuned, {name: weights[name] for name in tuned}), -scale)


def measure_distance(one: Weights, other: Weights) -> float:
    """The Euclidean length of the difference over all tensors."""
    check_same_shapes(one, other)
    parts = [(tensor - other[name]).double().square().sum() for name, tensor in one.items()]
    return float(torch.stack(parts).sum().sqrt())


def check_same_shapes(one: Weights, other: Weights) -> None:
    """Raise UsageError where the two do not hold the same tensors in the same shapes."""
    if one.keys() != other.keys():
        odd = sorted(one.keys() ^ other.keys())[:3]
        raise UsageError(f"these weights are of different models: {', '.join(odd)} … stands in one of them only")
    for name, tensor in one.items():
        if tensor.shape != other[name].shape:
            raise UsageError(
                f"{name} is {tuple(tensor.shape)} in one model and {tuple(other[name].shape)} in the other"
            )
