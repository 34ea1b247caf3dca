"""A causal model whose logits combine those of several models at each step; it generates like any other.

The parts read the same tokens and keep their keys and values in one cache, layer after layer, so that rows join and
leave a running batch as they do with one model.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM
from transformers.cache_utils import Cache, DynamicCache
from transformers.modeling_outputs import CausalLMOutputWithPast

from agents.inference.forward_step import find_cache_argument, is_joinable, list_forward_arguments, unwrap_adapter
from agents.inference.weight_safety import check_weights
from arena.errors import UsageError

FILE = "composed.json"


@dataclass(frozen=True, slots=True)
class CombinationRule:
    """A rule to combine logits; b is the first part's, the others follow in order.

    assist: b + weight·a, a taken as 0 where the base's probability is below `floor` times its greatest (ULD, Ji et
    al. 2024). offset: b + weight·(a − a0) (δ-unlearning, Huang et al. 2025). generic: b − weight·relu(a − b), a being
    reinforced on what is to be forgotten (Eldan & Russinovich 2023). mean: the logarithm of the mean probability.
    """

    kind: Literal["assist", "offset", "generic", "mean"]
    weight: float = 1.0
    floor: float = 0.0

    def __call__(self, logits: tuple[Tensor, ...]) -> Tensor:
        """(…, V) of (…, V) each."""
        if self.kind == "mean":
            return torch.stack([z.log_softmax(-1) for z in logits]).logsumexp(0)
        base, other, *rest = logits
        if self.kind == "offset":
            return base + self.weight * (other - rest[0])
        if self.kind == "generic":
            return base - self.weight * (other - base).relu()
        if not self.floor:
            return base + self.weight * other
        likely = base >= base.amax(-1, keepdim=True) + torch.tensor(self.floor).log()  # p ≥ floor · max p
        return base + self.weight * torch.where(likely, other, 0.0)


class Composed(nn.Module):
    """The parts as one model: `base` first, by name. Configuration and generation settings are the base's.

    Raises UsageError where the parts do not score the same vocabulary, or one keeps a state that cannot be joined.
    """

    def __init__(self, parts: Mapping[str, Any], rule: CombinationRule) -> None:
        super().__init__()
        self.parts, self.rule = nn.ModuleDict(parts), rule
        sizes = {name: part.get_output_embeddings().weight.shape[0] for name, part in parts.items()}
        if len(set(sizes.values())) > 1:
            told = ", ".join(f"{name} {size}" for name, size in sizes.items())
            raise UsageError(
                f"these models have different vocabularies ({told} tokens) and their logits cannot be combined; take "
                "an assistant of the same family"
            )
        for name, part in parts.items():
            if not is_joinable(part):
                raise UsageError(
                    f"the part {name!r} ({type(unwrap_adapter(part)).__name__}) has a state that cannot be shared"
                )
        first = next(iter(parts.values()))
        self.config, self.generation_config = first.config, first.generation_config

    @property
    def each(self) -> list[Any]:
        """The parts, the base first."""
        return list(self.parts.values())

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype

    def get_output_embeddings(self) -> Any:
        return self.each[0].get_output_embeddings()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: object = None,
        use_cache: bool = False,
        return_dict: bool = True,
        logits_to_keep: int | Tensor = 0,
        labels: Tensor | None = None,
    ) -> CausalLMOutputWithPast:
        """logits: (B, kept columns, V) of the rule. loss: the mean over `labels` (B, T), −100 left out, where given."""
        given = {"attention_mask": attention_mask, "position_ids": position_ids}
        caches = self._caches(cache)
        found = []
        for part, own in zip(self.each, caches, strict=True):
            known = list_forward_arguments(type(unwrap_adapter(part)))
            named: dict[str, Any] = {key: value for key, value in given.items() if value is not None and key in known}
            narrow = {"logits_to_keep": logits_to_keep} if "logits_to_keep" in known else {}
            named[find_cache_argument(unwrap_adapter(part))] = own
            z = part(input_ids=input_ids, use_cache=use_cache, **named, **narrow).logits
            found.append(z if narrow else _keep_columns(z, logits_to_keep))  # (B, kept columns, V)
        logits = self.rule(tuple(found))
        loss = None
        if labels is not None:
            loss = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten())
        return CausalLMOutputWithPast(loss=loss, logits=logits)

    def _caches(self, cache: Any) -> list[Any]:
        """For each part a view of its own layers of the cache."""
        if cache is None:
            return [None] * len(self.parts)
        views, first = [], 0
        for part in self.each:
            own = DynamicCache(config=part.config.get_text_config()).layers
            missing = own[max(0, len(cache.layers) - first) :]
            made = cache.layer_class_to_replicate
            cache.layers.extend([made() for _ in missing] if made is not None else missing)
            views.append(Cache(layers=cache.layers[first : first + len(own)]))
            first += len(own)
        return views

    def save_pretrained(self, folder: str | Path) -> None:
        """Save each part in its own folder, next to them the rule and the base's configuration."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        for name, part in zip(self.parts, self.each, strict=True):
            part.save_pretrained(place / name)
        self.config.save_pretrained(place)
        self.generation_config.save_pretrained(place)
        (place / FILE).write_text(json.dumps({"parts": list(self.parts), "rule": asdict(self.rule)}), encoding="utf-8")


def is_composed(where: str) -> bool:
    """Whether that is a folder of a composed model."""
    return (Path(where) / FILE).is_file()


def load_composed(where: str, **options: object) -> Composed:
    """The model that `save_pretrained` wrote there."""
    told = json.loads((Path(where) / FILE).read_text(encoding="utf-8"))
    for name in told["parts"]:
        check_weights(Path(where) / name)
    parts = {name: AutoModelForCausalLM.from_pretrained(str(Path(where) / name), **options) for name in told["parts"]}
    return Composed(parts, CombinationRule(**told["rule"]))


def _keep_columns(z: Tensor, keep: int | Tensor) -> Tensor:
    return z[:, keep] if isinstance(keep, Tensor) else z[:, -keep:] if keep else z
