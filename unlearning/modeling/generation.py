"""Generate text for methods that need the model's own continuations and answers."""

from collections.abc import Sequence
from typing import Any

import torch

from agents.chat_model import Sampling
from agents.inference.chat_templates import Prompt
from agents.inference.end_tokens import choose_pad_token, find_all_ends
from agents.inference.engine import Engine
from unlearning.modeling.item_tokenization import Encoded

MOST = 64  # rows at once


def generate_texts(
    module: object, tokenizer: object, prompts: Sequence[Prompt], samplings: Sequence[Sampling]
) -> tuple[str, ...]:
    """The continuation of each prompt."""
    engine = Engine(module, tokenizer)
    asked = [engine.submit(prompt, sampling, MOST) for prompt, sampling in zip(prompts, samplings, strict=True)]
    return tuple(future.result().text for future in asked)


def generate_greedy(module: Any, tokenizer: Any, encoded: Sequence[Encoded]) -> tuple[tuple[int, ...], ...]:
    """The greedy continuation of each prompt, as tokens, as long as the answer's words; an end token is left out."""
    found = []
    ends = find_all_ends(module, tokenizer)
    for one in encoded:
        ids = torch.tensor([one.ids[: one.start]], device=module.device)
        new = max(1, one.words - one.start)
        with torch.no_grad():
            made = module.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, num_beams=1, max_new_tokens=new,
                eos_token_id=list(ends) or None, pad_token_id=choose_pad_token(tokenizer, ends),
                **dict.fromkeys(("temperature", "top_p", "top_k", "max_length")),
            )  # fmt: skip
        said = made[0, ids.shape[1] :].tolist()
        found.append(tuple(said[:-1] if said and said[-1] in ends else said))
    return tuple(found)
