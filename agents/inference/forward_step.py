"""One forward pass for rows that share a network, each with its own adapter; which networks support it."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

from agents.inference.kv_cache import Columns
from arena.cache_register import register

PLAIN = {"full_attention", "sliding_attention"}
# generation settings that change scores in ways that only the library's own loop carries out
ODD_SETTINGS = {
    "bad_words_ids", "begin_suppress_tokens", "exponential_decay_length_penalty", "forced_bos_token_id",
    "forced_eos_token_id", "guidance_scale", "min_length", "min_new_tokens", "no_repeat_ngram_size",
    "remove_invalid_values", "sequence_bias", "suppress_tokens", "watermarking_config",
}  # fmt: skip


class CausalNetwork:
    """A causal model, and the same with adapters on it, where there are any: both hold the same base weights."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.adapted: Any = None  # replaced as a whole when an adapter is added, so a step sees one or the other
        self.pattern: Any = None  # what `adapted` is copied from
        self.views: dict[str, Any] = {}  # by adapter, the module as its owner sees it
        self.batches: bool | None = None  # whether the library's loop keeps its rows apart, once that was tried
        self._narrow = "logits_to_keep" in list_forward_arguments(
            type(unwrap_adapter(module))
        )  # scores of the last column alone
        self._active: tuple[Any, str] = (None, "")

    @property
    def device(self) -> torch.device:
        device: torch.device = self.module.device
        return device

    @property
    def context(self) -> int | None:
        """The most tokens of prompt and answer together; None where the model sets no limit."""
        limit = getattr(self.module.config.get_text_config(), "max_position_embeddings", None)
        return limit if isinstance(limit, int) and limit > 0 else None

    @property
    def stamp(self) -> int:
        """A number that changes with the weights, as far as torch notices: not when `.data` is written to."""
        known = [(id(one), one.data_ptr(), one._version) for one in self.module.parameters()]
        if self.adapted is not None:
            known += [(id(one), one.data_ptr(), one._version) for one in self.adapted.parameters()]
        hooks = [(id(one), len(one._forward_hooks), len(one._forward_pre_hooks)) for one in self.module.modules()]
        return hash((*known, *hooks))

    @torch.no_grad()
    def step(self, ids: Tensor, mask: Tensor, last: Tensor, cache: Columns, adapters: Sequence[str]) -> Tensor:
        """The scores (rows, vocabulary) after the last column of `ids` (rows, columns), which join the cache.

        `mask` (rows, columns read) covers the cache and these columns; `last` is the position of the last column.
        """
        columns = torch.arange(1 - ids.shape[1], 1, device=ids.device)  # (columns,)
        positions = (last[:, None] + columns).clamp_min(0)  # (rows, columns), 0 for padding, which is masked
        module, named = self.chosen(adapters)
        if self._narrow:
            named["logits_to_keep"] = 1
        with use_eval_mode(module):
            out = module(
                input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True, return_dict=True,
                **{find_cache_argument(unwrap_adapter(module)): cache}, **named,
            )  # fmt: skip
        scores: Tensor = out.logits[:, -1]  # (rows, vocabulary)
        return scores

    def chosen(self, adapters: Sequence[str]) -> tuple[Any, dict[str, Any]]:
        """The module for these rows, and its extra keyword arguments."""
        different = set(adapters)
        if different == {""}:
            return self.module, {}
        if len(different) > 1:
            return self.adapted, {"adapter_names": [name or "__base__" for name in adapters]}
        adapted, name = self.adapted, adapters[0]
        if self._active[0] is not adapted or self._active[1] != name:
            adapted.set_adapter(name)
            self._active = (adapted, name)
        return adapted, {}


def is_joinable(module: Any) -> bool:
    """Whether rows can join and leave a batch of that model at any token.

    That requires a cache of keys and values by column, positions that can be passed in, attention to all columns or to
    a sliding window of them, and plain generation settings. Recurrent and hybrid models, chunked attention and
    prompt-learning adapters are outside; they are generated in batches that start and end together.
    """
    if any(config.is_prompt_learning for config in getattr(module, "peft_config", {}).values()):
        return False
    inner = unwrap_adapter(module)
    config = inner.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ())
    layers = DynamicCache(config=config).layers
    return (
        {find_cache_argument(inner), "attention_mask", "position_ids"} <= list_forward_arguments(type(inner))
        and not getattr(inner, "_is_stateful", False)
        and not getattr(inner.config, "is_encoder_decoder", False)
        and not getattr(config, "attention_chunk_size", None)
        and kinds <= PLAIN
        and all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers)
        and ODD_SETTINGS.isdisjoint(module.generation_config.to_diff_dict())
    )


def find_cache_argument(module: Any) -> str:
    """The keyword under which the `forward` of a transformers model takes keys and values.

    transformers 5.24 calls it `cache`; before, and in models that bring their own code, it is `past_key_values`.
    """
    return "cache" if "cache" in list_forward_arguments(type(module)) else "past_key_values"


def unwrap_adapter(module: Any) -> Any:
    """The transformers model under an adapter, or the module itself."""
    return module.get_base_model() if hasattr(module, "peft_config") else module


_ACCEPTED: dict[type, frozenset[str]] = register("code", {})  # reading signatures takes as long as a tiny step


def list_forward_arguments(kind: type) -> frozenset[str]:
    """The names that `forward` takes, in the class or in those it extends."""
    if kind not in _ACCEPTED:
        forwards = [vars(one)["forward"] for one in kind.__mro__ if "forward" in vars(one)]
        _ACCEPTED[kind] = frozenset(name for forward in forwards for name in inspect.signature(forward).parameters)
    return _ACCEPTED[kind]


@contextmanager
def use_eval_mode(module: Any) -> Iterator[None]:
    """Evaluation mode inside, the owner's mode outside."""
    training = module.training
    if training:
        module.eval()
    try:
        yield
    finally:
        if training:
            module.train()
