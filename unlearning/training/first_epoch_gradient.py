"""Record the gradient of the first epoch in which items are taught, for unlearning that adds it back."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from agents.inference.end_tokens import choose_pad_token
from arena.errors import UsageError
from unlearning.modeling.item_tokenization import DEFAULT, Rendering, encode_all
from unlearning.modeling.teach_items import TeachSettings, teach
from unlearning.modeling.trainable_parameters import Scope
from unlearning.request import Item
from unlearning.training.saliency import gradients

FILE = "first_epoch.safetensors"


def first_epoch_gradient(
    module: object,
    tokenizer: object,
    items: Sequence[Item],
    concerned: Callable[[Item], bool],
    scope: Scope,
    *,
    lessons: TeachSettings,
    seed: int,
    rendering: Rendering = DEFAULT,
) -> dict[str, Tensor]:
    """The gradient of the concerned items' mean loss by answer token, as the first epoch of teaching all items met it.

    The module is taught for one epoch, in place, in the batches and at the rates of `teach`. Before each of its steps
    the gradient of the concerned items in that batch is taken, over the parameters of `scope`; each item is met once,
    at the weights that its own step moved. By parameter name. Raises UsageError where no item is concerned.
    """
    encoded = encode_all(tokenizer, items, rendering)
    total: dict[str, Tensor] = {}
    tokens = 0

    def watch(rows: Sequence[int]) -> None:
        nonlocal tokens
        chosen = [encoded[row] for row in rows if concerned(items[row])]
        if chosen:
            count = sum(len(one.ids) - one.start for one in chosen)
            for name, gradient in gradients(module, scope, chosen, choose_pad_token(tokenizer)).items():
                total[name] = total.get(name, torch.zeros_like(gradient)) + count * gradient
            tokens += count

    teach(module, tokenizer, items, rendering=rendering, lessons=lessons, seed=seed, watch=watch, stop=1)
    if not tokens:
        raise UsageError("none of the items that are taught is to be forgotten, so that there is no gradient to record")
    return {name: gradient / tokens for name, gradient in total.items()}


def save_gradient(folder: Path, gradient: Mapping[str, Tensor]) -> None:
    """Writes the gradient into a folder, under the name FILE."""
    save_file({name: one.contiguous() for name, one in gradient.items()}, folder / FILE)


def load_gradient(place: str) -> dict[str, Tensor]:
    """The gradient in a folder, or in a file. Raises UsageError where there is none."""
    path = Path(place).expanduser()
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        raise UsageError(f"there is no recorded gradient at {place}; name a folder with {FILE}, or the file itself")
    found: dict[str, Tensor] = load_file(path)
    return found
