"""Rounding to a grid is the same on every device: rehearsed on a CPU with a GPU's arithmetic."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from unlearning.attacks.weight_rounding import compute_codes, compute_step, quantize_module, round_weights

BITS = (2, 3, 4, 8)


class Reciprocals(TorchDispatchMode):
    """The rule of torch's CUDA kernels: what is divided by a number is multiplied with its rounded reciprocal."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.aten.div.Tensor and not (isinstance(args[1], Tensor) and args[1].dim()):
            number = torch.as_tensor(float(args[1]), dtype=args[0].dtype)
            return args[0] * (torch.ones_like(number) / number)
        return func(*args, **(kwargs or {}))


def weights(seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    chance = torch.Generator().manual_seed(seed)
    return (torch.randn(64, 33, generator=chance) * torch.rand(64, 1, generator=chance)).to(dtype)


def divided(weight: Tensor, bits: int) -> Tensor:
    """The step by plain division of a tensor by a number."""
    return weight.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)


def under(compute: Callable[..., Tensor], *given: Any) -> Tensor:
    with Reciprocals():
        return compute(*given)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_grid_is_the_same_by_a_gpus_rule_of_division(bits: int, dtype: torch.dtype) -> None:
    for seed in range(20):
        weight = weights(seed, dtype)
        assert torch.equal(under(round_weights, weight, bits), round_weights(weight, bits))
        assert torch.equal(under(compute_step, weight.float(), bits), compute_step(weight.float(), bits))
        assert torch.equal(under(compute_codes, weight.float(), bits), compute_codes(weight.float(), bits))


def test_that_rule_is_what_parted_them() -> None:
    """By 7 (4 bits) it moves one step in a few by a unit in the last place, and never by more."""
    apart = [(under(divided, weights(seed), 4), divided(weights(seed), 4)) for seed in range(20)]
    assert any(not torch.equal(*pair) for pair in apart)
    assert all((pair[0] / pair[1] - 1).abs().max() < 2**-22 for pair in apart)
    assert all(torch.equal(under(divided, weights(seed), 2), divided(weights(seed), 2)) for seed in range(20)), "by 1"


@pytest.mark.parametrize("bits", BITS)
def test_each_step_is_the_nearest_number_to_the_quotient(bits: int) -> None:
    weight = weights(5)
    for largest, step in zip(weight.abs().amax(1).tolist(), compute_step(weight, bits)[:, 0], strict=True):
        exact = Fraction(largest) / (2 ** (bits - 1) - 1)
        around = [step, torch.nextafter(step, torch.tensor(0.0)), torch.nextafter(step, torch.tensor(9.0))]
        assert min(around, key=lambda one: abs(Fraction(one.item()) - exact)) is step


def test_halves_go_to_the_even_point_and_small_rows_stay_finite() -> None:
    assert compute_codes(torch.tensor([[7.0, 0.5, 1.5, 2.5, -0.5, -1.5]]), 4).tolist() == [[7, 0, 2, 2, 0, -2]]
    least = torch.tensor([[1e-45, 0.0], [0.0, 0.0], [3e-42, 1e-42]])
    assert round_weights(least, 4).isfinite().all() and round_weights(least, 4)[1].tolist() == [0.0, 0.0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("bits", BITS)
def test_the_grid_is_the_same_on_a_gpu(bits: int) -> None:
    for dtype in (torch.float32, torch.bfloat16):
        weight = weights(1, dtype)
        assert torch.equal(round_weights(weight.cuda(), bits).cpu(), round_weights(weight, bits))


def test_a_quantized_module_is_the_same_by_that_rule() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(33, 64), torch.nn.Linear(64, 5))
    module.get_input_embeddings = module.get_output_embeddings = lambda: None  # type: ignore[assignment]
    here = quantize_module(module, 4).state_dict()
    with Reciprocals():
        there = quantize_module(module, 4).state_dict()
    assert all(torch.equal(tensor, here[name]) for name, tensor in there.items())
