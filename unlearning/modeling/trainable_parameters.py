"""Which parameters a method may change; all others stay identical to the bit."""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias

import torch
from annotated_types import Ge, Lt
from torch import Tensor, nn

from agents.inference.lora_adapters import hide_peft_warnings, import_peft
from arena.errors import UsageError
from arena.parameter_ranges import Count, Positive, check_ranges

Dropout: TypeAlias = Annotated[float, Ge(0), Lt(1)]


@dataclass(frozen=True, slots=True)
class Lora:
    """A low-rank adapter (Hu et al. 2022) by PEFT: the base weights are shared with the original and stay unchanged."""

    rank: Count = 8
    """Rank of the adapter's matrices."""
    alpha: Positive = 16.0
    """Scale: the adapter's output is multiplied by alpha / rank."""
    dropout: Dropout = 0.0
    """Probability of dropping an element of the adapter's input."""
    targets: str = "all-linear"
    """Regular expression that must match a module's whole name, or "all-linear"."""
    layers: tuple[int, ...] = ()
    """Numbers of the transformer blocks that get an adapter; empty: all."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, slots=True)
class Scope:
    """Parameters whose name holds a match of the regular expression `names`; of those in `masks` only the entries
    that are True. A mask has the parameter's shape, or one that broadcasts to it: (rows, 1) chooses rows."""

    names: str = ""
    masks: Mapping[str, Tensor] = field(default_factory=dict)

    def chosen(self, module: nn.Module) -> dict[str, Tensor | None]:
        """By name, the mask or None for all of it. Raises UsageError where nothing is chosen."""
        found = {name: self.masks.get(name) for name, _ in module.named_parameters() if re.search(self.names, name)}
        if self.masks:
            found = {name: mask for name, mask in found.items() if mask is not None and bool(mask.any())}
        if not found:
            some = ", ".join(name for name, _ in list(module.named_parameters())[:3])
            raise UsageError(f"no parameter's name matches {self.names!r}; they look like {some}, …")
        return found


def build_row_scope(name: str, ids: Tensor, count: int) -> Scope:
    """These rows of one matrix of `count` rows, such as the embeddings of some tokens."""
    mask = torch.zeros(count, 1, dtype=torch.bool)
    mask[ids] = True
    return Scope(f"^{re.escape(name)}$", {name: mask})


def copy_trainable(module: Any, scope: Scope, dtype: torch.dtype | None = None, device: Any = None) -> Any:
    """A module to train: its own copy of what the scope chooses (in `dtype`), and the very tensors of `module`
    elsewhere."""
    chosen = scope.chosen(module)
    memo: dict[int, Any] = {}
    for name, parameter in module.named_parameters():
        tensor = parameter.detach()
        if name in chosen:
            tensor = tensor.to(device=device, dtype=dtype or tensor.dtype, copy=True)
        memo[id(parameter)] = nn.Parameter(tensor, requires_grad=name in chosen)
    for buffer in module.buffers():
        memo[id(buffer)] = buffer
    return copy.deepcopy(module, memo)


def prepare_in_place(module: Any, scope: Scope, dtype: torch.dtype | None = None) -> Any:
    """The module itself, to be trained in place: what the scope chooses wants a gradient, in `dtype`; the rest none."""
    chosen = scope.chosen(module)
    for name, parameter in module.named_parameters():
        if dtype is not None and name in chosen:
            parameter.data = parameter.data.to(dtype)
        parameter.requires_grad_(name in chosen)
    return module


def mirror(module: Any) -> Any:
    """A module of the same structure on the very tensors of `module`, none of which wants a gradient."""
    memo: dict[int, Any] = {id(one): nn.Parameter(one.detach(), requires_grad=False) for one in module.parameters()}
    return copy.deepcopy(module, memo | {id(one): one for one in module.buffers()})


def add_adapter(module: object, lora: Lora, seed: int) -> Any:
    """The module with a fresh adapter on it, which changes nothing yet; all other tensors are those of `module`."""
    library = import_peft()
    config = library.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets,
        layers_to_transform=list(lora.layers) or None,
        task_type="CAUSAL_LM",
    )
    bare = mirror(module)
    with torch.random.fork_rng(devices=[]):  # PEFT draws its matrices from torch's global generator
        torch.manual_seed(seed)
        try:
            with hide_peft_warnings():
                return library.get_peft_model(bare, config)
        except ValueError as error:
            raise UsageError(f"the adapter fits nowhere: {error}") from error


def merge_adapter(module: Any) -> Any:
    """The model with its adapter added to its weights, which are then its own."""
    if not hasattr(module, "peft_config"):
        return module
    return copy.deepcopy(module).merge_and_unload()


@dataclass(frozen=True, slots=True, eq=False)
class Guarded:
    """The parameters that are trained, with their masks on the right device, and what must not move."""

    trained: dict[str, nn.Parameter]
    masks: dict[str, Tensor]
    before: dict[str, Tensor]  # of masked parameters, the values they had
    versions: dict[str, int]  # of all others, torch's count of writes

    @classmethod
    def of(cls, module: nn.Module, chosen: Mapping[str, Tensor | None]) -> "Guarded":
        """Sets `requires_grad` for what is chosen, and for nothing else."""
        every = dict(module.named_parameters())
        for name, parameter in every.items():
            parameter.requires_grad_(name in chosen)
        masks = {name: mask.to(every[name].device) for name, mask in chosen.items() if mask is not None}
        before = {name: every[name].detach().clone() for name in masks}
        versions = {name: parameter._version for name, parameter in every.items() if name not in chosen}
        return cls({name: every[name] for name in chosen}, masks, before, versions)

    @torch.no_grad()
    def put(self, weights: Mapping[str, Tensor]) -> None:
        """Give the trained parameters these values."""
        for name, parameter in self.trained.items():
            parameter.copy_(weights[name])

    @torch.no_grad()
    def size(self) -> float:
        """The length of all trained values together."""
        lengths = [torch.linalg.vector_norm(one.detach(), dtype=torch.float32) for one in self.trained.values()]
        return float(torch.linalg.vector_norm(torch.stack(lengths))) if lengths else 0.0

    def mask_gradients(self, more: Mapping[str, Tensor]) -> None:
        """Zero the gradients of entries that must stay, by the masks of the training and by more of them."""
        for name, mask in (*self.masks.items(), *more.items()):
            gradient = self.trained[name].grad
            if gradient is not None:
                gradient.mul_(mask)

    def find_moved(self, module: nn.Module) -> list[str]:
        """Names of parameters that were changed outside of the scope: there must be none."""
        every = dict(module.named_parameters())
        wrong = [name for name, version in self.versions.items() if every[name]._version != version]
        for name, mask in self.masks.items():
            changed = every[name].detach() != self.before[name]
            wrong += [name] if bool((changed & ~mask).any()) else []
        return wrong
