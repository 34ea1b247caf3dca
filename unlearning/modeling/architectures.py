"""Where layers, attention, MLPs, norms and embeddings are in each architecture: the only such table.

Paths are dotted names within a transformers causal model; within a layer they are relative to it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from agents.inference.forward_step import unwrap_adapter
from arena.errors import UsageError


@dataclass(frozen=True, slots=True)
class ModulePaths:
    """Paths of one architecture. `layers` holds the list of blocks; the others are relative to a block.

    up: the matrices that enter the MLP; down: the matrix that leaves it, whose input are the neurons; query, key,
    value: () where they are one matrix, which is `fused`; out: the matrix that leaves attention; norms: of a block.
    """

    layers: str
    attention: str
    mlp: str
    up: tuple[str, ...]
    down: str
    query: str
    key: str
    value: str
    out: str
    norms: tuple[str, ...]
    final: str
    fused: str = ""


LLAMA = ModulePaths(
    "model.layers", "self_attn", "mlp", ("mlp.gate_proj", "mlp.up_proj"), "mlp.down_proj",
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
    ("input_layernorm", "post_attention_layernorm"), "model.norm",
)  # fmt: skip
GEMMA = ModulePaths(
    LLAMA.layers, LLAMA.attention, LLAMA.mlp, LLAMA.up, LLAMA.down, LLAMA.query, LLAMA.key, LLAMA.value, LLAMA.out,
    ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"),
    LLAMA.final,
)  # fmt: skip
PHI = ModulePaths(
    "model.layers", "self_attn", "mlp", ("mlp.fc1",), "mlp.fc2",
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.dense",
    ("input_layernorm",), "model.final_layernorm",
)  # fmt: skip
PHI3 = ModulePaths(
    "model.layers", "self_attn", "mlp", ("mlp.gate_up_proj",), "mlp.down_proj", "", "", "", "self_attn.o_proj",
    ("input_layernorm", "post_attention_layernorm"), "model.norm", "self_attn.qkv_proj",
)  # fmt: skip
GPT2 = ModulePaths(
    "transformer.h", "attn", "mlp", ("mlp.c_fc",), "mlp.c_proj", "", "", "", "attn.c_proj", ("ln_1", "ln_2"),
    "transformer.ln_f", "attn.c_attn",
)  # fmt: skip
GPT_NEO = ModulePaths(
    "transformer.h", "attn", "mlp", ("mlp.c_fc",), "mlp.c_proj", "attn.attention.q_proj", "attn.attention.k_proj",
    "attn.attention.v_proj", "attn.attention.out_proj", ("ln_1", "ln_2"), "transformer.ln_f",
)  # fmt: skip
GPT_J = ModulePaths(
    "transformer.h", "attn", "mlp", ("mlp.fc_in",), "mlp.fc_out", "attn.q_proj", "attn.k_proj", "attn.v_proj",
    "attn.out_proj", ("ln_1",), "transformer.ln_f",
)  # fmt: skip
NEOX = ModulePaths(
    "gpt_neox.layers", "attention", "mlp", ("mlp.dense_h_to_4h",), "mlp.dense_4h_to_h", "", "", "", "attention.dense",
    ("input_layernorm", "post_attention_layernorm"), "gpt_neox.final_layer_norm", "attention.query_key_value",
)  # fmt: skip
OPT = ModulePaths(
    "model.decoder.layers", "self_attn", "fc2", ("fc1",), "fc2", "self_attn.q_proj", "self_attn.k_proj",
    "self_attn.v_proj", "self_attn.out_proj", ("self_attn_layer_norm", "final_layer_norm"),
    "model.decoder.final_layer_norm",
)  # fmt: skip
OLMO2 = ModulePaths(
    LLAMA.layers, LLAMA.attention, LLAMA.mlp, LLAMA.up, LLAMA.down, LLAMA.query, LLAMA.key, LLAMA.value, LLAMA.out,
    ("post_attention_layernorm", "post_feedforward_layernorm"), LLAMA.final,
)  # fmt: skip
TABLE: dict[str, ModulePaths] = {
    **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3", "gemma", "granite", "smollm3"), LLAMA),
    **dict.fromkeys(("gemma2", "gemma3_text"), GEMMA),
    **dict.fromkeys(("olmo2", "olmo3"), OLMO2),
    "phi": PHI, "phi3": PHI3, "gpt2": GPT2, "gpt_neo": GPT_NEO, "gptj": GPT_J, "gpt_neox": NEOX, "opt": OPT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The parts of one model. Paths are names in the model without any adapter on it."""

    module: Any
    plan: ModulePaths

    @property
    def blocks(self) -> Sequence[Any]:
        """The layers, first to last."""
        return list(self.module.get_submodule(self.plan.layers))

    @property
    def depth(self) -> int:
        return len(self.module.get_submodule(self.plan.layers))

    def path(self, layer: int, part: str) -> str:
        """The name of a part of a block, such as path(5, plan.down): `model.layers.5.mlp.down_proj`."""
        return f"{self.plan.layers}.{self.at(layer)}.{part}"

    def part(self, layer: int, part: str) -> Any:
        """That part as a module."""
        return self.module.get_submodule(self.path(layer, part))

    def at(self, layer: int) -> int:
        """The layer's number; −1 is the last. Raises UsageError where the model has no such layer."""
        if not -self.depth <= layer < self.depth:
            raise UsageError(f"layer {layer}: the model has {self.depth}, numbered 0 to {self.depth - 1}")
        return layer % self.depth

    def layer_of(self, name: str) -> int | None:
        """The layer to which a parameter belongs; None for embeddings, head and final norm."""
        found = re.match(rf"{re.escape(self.plan.layers)}\.(\d+)\.", name)
        return int(found[1]) if found else None

    @property
    def embedding(self) -> str:
        """The name of the token embedding's weight, (V, D)."""
        return self._name(self.module.get_input_embeddings())

    @property
    def head(self) -> str:
        """The name of the weight that scores the vocabulary, (V, D); the embedding's where they are tied."""
        return self._name(self.module.get_output_embeddings())

    @property
    def tied(self) -> bool:
        """Whether embedding and head are one tensor."""
        return self.embedding == self.head

    @property
    def hidden(self) -> int:
        """The width D of what passes between blocks."""
        return int(self.module.get_input_embeddings().weight.shape[1])

    def _name(self, part: nn.Module) -> str:
        weight = part.weight
        return next(str(name) for name, parameter in self.module.named_parameters() if parameter is weight)


def anatomy(module: object) -> Anatomy:
    """The parts of a model, also of one with an adapter on it. Raises UsageError for an unknown architecture."""
    inner = unwrap_adapter(module)
    kind = inner.config.model_type
    if kind not in TABLE:
        raise UsageError(
            f"the layers of a {kind!r} model are not known (known: {', '.join(sorted(TABLE))}); add its paths to "
            "unlearning/modeling/architectures.py, or take a method that works on logits alone, such as npo"
        )
    try:
        inner.get_submodule(TABLE[kind].layers)
    except AttributeError:
        raise UsageError(f"{type(inner).__name__} is made of several models and has no layers of its own") from None
    return Anatomy(inner, TABLE[kind])
