"""Small random networks of several families, an engine to run them, and requests that arrive at a chosen step."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from random import Random
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    PretrainedConfig,
    RwkvConfig,
)

from agents.chat_model import Sampling
from agents.inference.chat_templates import Prompt
from agents.inference.engine import Engine, Output
from agents.inference.tiny_llama import make_tokenizer

WINDOW = 8  # tokens that a sliding layer sees
TOKENIZER = make_tokenizer(["a b c"], 300)
SHAPE: dict[str, Any] = {
    "vocab_size": len(TOKENIZER), "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3, "max_position_embeddings": 8192,
    "bos_token_id": None, "eos_token_id": None, "pad_token_id": None, "tie_word_embeddings": False,
}  # fmt: skip
LEARNT = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256, "vocab_size": len(TOKENIZER)}
ENDLESS: dict[str, Any] = {
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
    "tie_word_embeddings": False,
}
FAMILIES: dict[str, PretrainedConfig] = {
    "llama": LlamaConfig(**SHAPE),
    "learnt positions": GPT2Config(**LEARNT, initializer_range=0.3, **ENDLESS),
    "sliding window": MistralConfig(**SHAPE, sliding_window=WINDOW),
    "every other layer slides": Gemma2Config(**SHAPE, sliding_window=WINDOW, head_dim=8),
    "partly rotated": GPTNeoXConfig(**{key: value for key, value in SHAPE.items() if key != "num_key_value_heads"}),
}
RECURRENT: dict[str, PretrainedConfig] = {
    "masks": MambaConfig(
        vocab_size=len(TOKENIZER), hidden_size=32, state_size=8, num_hidden_layers=2, initializer_range=0.3, **ENDLESS
    ),
    "mixes rows": RwkvConfig(
        vocab_size=len(TOKENIZER), hidden_size=32, num_hidden_layers=2, context_length=512, **ENDLESS
    ),
}


def network(config: PretrainedConfig, seed: int = 0) -> Any:
    """A causal model with weights drawn from that seed; it never ends an answer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = AutoModelForCausalLM.from_config(config).eval()
    module.generation_config.eos_token_id = len(TOKENIZER)  # no such token: it is never drawn
    return module


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: a text, how long an answer, and how to draw."""

    text: str
    new: int
    seed: int | None = None
    stop: tuple[str, ...] = ()
    most: int = 64
    hold: int = 0

    def of(self, engine: Engine) -> "Future[Output]":
        sampling = Sampling(0.0 if self.seed is None else 1.0, None, self.new, self.stop, self.seed)
        return engine.submit(Prompt(self.text), sampling, self.most, hold=self.hold)


@dataclass(slots=True)
class Stage:
    """An engine, and what happens while its network takes a given step, counted from 1: requests that arrive, and
    some that are given up. `steps` are the (rows, columns) it read, `seen` the columns it could look at."""

    engine: Engine
    arrivals: Mapping[int, Sequence[Asked]] = field(default_factory=dict)
    leaving: Mapping[int, Asked] = field(default_factory=dict)
    steps: list[tuple[int, int]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    futures: dict[Asked, "Future[Output]"] = field(default_factory=dict)

    def play(self, first: Asked) -> dict[Asked, Output]:
        """The answers to `first` and to all that arrive on the way."""

        def happen(module: Any, given: Any, named: Any) -> None:
            rows, columns = named["input_ids"].shape
            self.steps.append((rows, columns))
            if named.get("attention_mask") is not None:
                self.seen.append(named["attention_mask"].shape[1])
            for asked in self.arrivals.get(len(self.steps), ()):
                self.futures[asked] = asked.of(self.engine)
            if len(self.steps) in self.leaving:
                self.futures[self.leaving[len(self.steps)]].cancel()

        hook = self.engine.module.register_forward_pre_hook(happen, with_kwargs=True)
        try:
            done = {first: first.of(self.engine).result(60)}
            while left := [
                asked for asked in self.futures if asked not in done and not self.futures[asked].cancelled()
            ]:
                done |= {asked: self.futures[asked].result(60) for asked in left}
            return done
        finally:
            hook.remove()


def at_random(seed: int, count: int, steps: int) -> tuple[Asked, dict[int, list[Asked]]]:
    """A first request and others by the step at which they arrive."""
    chance = Random(seed)

    def text() -> str:
        return "".join(chance.choice("abcdefgh ") for _ in range(chance.randint(1, 60)))

    arrivals: dict[int, list[Asked]] = {}
    for _ in range(count):
        arrivals.setdefault(chance.randint(1, steps), []).append(Asked(text(), chance.randint(1, 40)))
    return Asked(text(), steps), arrivals


def reference(module: Any, asked: Asked) -> str:
    """What the library's own loop answers, greedily, to that request alone."""
    ids = torch.tensor([TOKENIZER(asked.text)["input_ids"]])
    made = module.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=asked.new, pad_token_id=0
    )
    return str(TOKENIZER.decode(made[0, ids.shape[1] :], skip_special_tokens=True))
