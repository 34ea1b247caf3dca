"""Inference with the policy model: one prompt at a time on one thread, so that answers do not depend on a batch."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

from agents.chat_model import Reply
from agents.inference.end_tokens import find_all_ends
from agents.inference.forward_step import find_cache_argument
from agents.inference.tokenizer_cache import watch
from agents.inference.torch_threads import one_thread
from agents.inference.weight_loading import use_terminal_bars
from arena.cache_register import memoize
from arena.errors import UsageError
from arena.usage import Call, Usage

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PolicyModel:
    """A causal model with its tokenizer; `name` is recorded with its calls."""

    name: str
    module: Any
    tokenizer: Any

    def reply(self, text: str, longest: int, temperature: float = 0.0, seed: int = 0) -> Reply:
        """The continuation of a text, `longest` tokens at most; greedy at temperature 0, else sampled by the seed."""
        began = time.perf_counter()
        ends = find_all_ends(self.module, self.tokenizer)
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        chance = torch.Generator().manual_seed(seed)
        made: list[int] = []
        with one_thread(), torch.inference_mode():
            known = {find_cache_argument(self.module): DynamicCache(config=self.module.config)}
            read = self.module(input_ids=torch.tensor([ids or [*ends[:1]]]), use_cache=True, **known)
            while len(made) < longest:
                token = _draw_token(read.logits[0, -1], temperature, chance)
                if token in ends:
                    break
                made.append(token)
                read = self.module(input_ids=torch.tensor([[token]]), use_cache=True, **known)
        said, outcome = str(self.tokenizer.decode(made)), "ok" if len(made) < longest else "truncated"
        call = Call(self.name, self.name, outcome, len(ids), len(made), 0.0, time.perf_counter() - began,
                    (("user", text),), said)  # fmt: skip
        return Reply(said, stop="end" if len(made) < longest else "length", usage=Usage((call,)))


def _draw_token(logits: Tensor, temperature: float, chance: torch.Generator) -> int:
    if not temperature:
        return int(logits.argmax())
    return int(torch.multinomial((logits / temperature).softmax(-1), 1, generator=chance))


@memoize("models")
def get_model(folder: Path) -> PolicyModel:
    """The model of a folder, loaded when it is first asked for."""
    return load_model(folder)


def load_model(folder: Path) -> PolicyModel:
    """The model of a folder, in single precision. Raises UsageError where it holds none."""
    try:
        with use_terminal_bars():
            module = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} holds no policy model of this version ({error}); train one anew") from error
    LOGGER.info("loaded policy model %s", folder)
    return PolicyModel(f"policy/{folder.name}", module.train(False), watch(tokenizer))
