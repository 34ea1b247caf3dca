"""Build a tiny Llama and its tokenizer in a folder, for tests and for trying things out.

`make_tiny("tiny", conversations=[[Line("user", "ping"), Line("assistant", "pong")]])`, then `local/tiny`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import torch
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from agents.chat_model import Line, join_text_and_calls
from agents.inference.end_tokens import make_stop_settings
from agents.inference.model_files import set_usual_modes
from agents.inference.torch_threads import one_thread
from agents.inference.weight_loading import use_terminal_bars

PAD, END, ROLES = "<|pad|>", "<|end|>", ("<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
IGNORED = -100  # a label that the loss leaves out
Conversation: TypeAlias = Sequence[Line]  # the assistant's lines are what the model is taught to say


def make_tiny(
    folder: str | Path,
    *,
    seed: int = 0,
    texts: Sequence[str] = (),
    conversations: Sequence[Conversation] = (),
    vocab: int = 1024,
    hidden: int = 64,
    layers: int = 2,
    heads: int = 4,
    context: int = 4096,
    spread: float = 0.08,
    steps: int = 300,
    batch: int = 32,
    rate: float = 4e-3,
) -> Path:
    """The folder in which a tiny chat model was saved; the same arguments give the same weights.

    The tokenizer is learnt from `texts` and the conversations; any text can be written with it. Without
    conversations the weights are random (normal, standard deviation `spread`: 0.06 to 0.10 makes answers vary); with
    them the model is trained to say the assistant's lines, for `steps` batches at most (see `train`).
    """
    tokenizer = make_tokenizer([*texts, *(render_line(line) for lines in conversations for line in lines)], vocab)
    module = make_network(tokenizer, seed, hidden=hidden, layers=layers, heads=heads, context=context, spread=spread)
    if conversations:
        train(module, tokenizer, conversations, seed=seed, steps=steps, batch=batch, rate=rate)
    return save(folder, module, tokenizer)


def make_network(
    tokenizer: Any,
    seed: int = 0,
    *,
    hidden: int = 64,
    layers: int = 2,
    heads: int = 4,
    context: int = 4096,
    spread: float = 0.08,
    theta: float = 10_000.0,
) -> Any:
    """A Llama with random weights for that tokenizer; input and output embeddings are one tensor. theta: the base of
    its rotary positions."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=context,
        initializer_range=spread,
        rope_parameters={"rope_type": "default", "rope_theta": theta},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):  # initialisation draws from torch's global generator
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def save(folder: str | Path, module: Any, tokenizer: Any) -> Path:
    """The folder, with model and tokenizer in it: `local/FOLDER`. The generation settings stop where answers end."""
    with use_terminal_bars():
        module.save_pretrained(folder)
        make_stop_settings(module, tokenizer).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        set_usual_modes(Path(folder))
    return Path(folder)


def make_tokenizer(
    texts: Iterable[str],
    vocab: int,
    words: bool = False,
    split: str = r"\n+",
    special: Sequence[str] = ROLES,
    template: str | None = TEMPLATE,
) -> Any:
    """Byte-level BPE. Merges run across words but never into digits or over line ends: a sentence that is often said
    is a few tokens, a number is its digits. With `words` no token spans two words, and a word that occurs in the
    texts is one token where `vocab` allows.

    split: a regular expression; what it matches is apart from the text around it. special: tokens besides those of
    padding and end. template: the chat template, if there is one.
    """
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), "isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=words),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(
        vocab_size=max(vocab, len(alphabet) + len(special) + 2),
        special_tokens=[PAD, END, *special],
        initial_alphabet=alphabet,
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call,unused-ignore]
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=list(special),
        chat_template=template,
        clean_up_tokenization_spaces=False,
    )


def train(
    module: Any,
    tokenizer: Any,
    conversations: Sequence[Conversation],
    *,
    seed: int = 0,
    steps: int = 300,
    batch: int = 32,
    rate: float = 4e-3,
    enough: float = 0.01,
) -> float:
    """The last loss (nats per taught token) after teaching the assistant's lines; stops early below `enough`.

    AdamW with a short warm-up and a linear decay, float32, on one thread, so that a seed means the same everywhere.
    """
    # sorted by length, so that a batch of neighbours is hardly padded
    examples = sorted(
        (encode_conversation(tokenizer, lines) for lines in conversations), key=lambda example: len(example[0])
    )
    chance = torch.Generator().manual_seed(seed)

    def batches() -> Iterator[dict[str, Tensor]]:
        for _ in range(steps):
            first = int(torch.randint(max(1, len(examples) - batch + 1), (), generator=chance))
            yield pad_examples(examples[first : first + batch], tokenizer.pad_token_id)

    return fit(
        module,
        batches(),
        rate=lambda step: rate * min((step + 1) / 20, 1.05 - step / steps),
        enough=lambda _, loss: loss < enough,
    )


def fit(
    module: Any,
    batches: Iterable[dict[str, Tensor]],
    *,
    rate: Callable[[int], float],
    enough: Callable[[int, float], bool] = lambda step, loss: False,
) -> float:
    """The last loss after one step of AdamW on each batch; ends where `enough(step, loss)`, steps counted from 0.

    A batch is what the module is called with, labels included; `rate(step)` is the learning rate. Gradients are cut
    to norm 1; no weight decay; one thread.
    """
    optimiser = torch.optim.AdamW(module.parameters(), lr=rate(0), weight_decay=0.0)
    value = 0.0
    with one_thread():
        for step, inputs in enumerate(batches):
            module.train()
            optimiser.param_groups[0]["lr"] = rate(step)
            loss = module(**inputs).loss
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimiser.step()
            value = loss.item()
            if enough(step, value):
                break
    module.eval()
    return value


def encode_conversation(tokenizer: Any, lines: Conversation) -> tuple[list[int], list[int]]:
    """The tokens of a conversation, and its labels: the assistant's words and end tokens, the rest left out."""
    ids: list[int] = []
    labels: list[int] = []
    for line in lines:
        words = tokenizer(render_line(line), add_special_tokens=False)["input_ids"]
        tokens = [tokenizer.convert_tokens_to_ids(f"<|{line.role}|>"), *words, tokenizer.eos_token_id]
        ids += tokens
        labels += [IGNORED, *tokens[1:]] if line.role == "assistant" else [IGNORED] * len(tokens)
    return ids, labels


def pad_examples(examples: Sequence[tuple[list[int], list[int]]], pad: int) -> dict[str, Tensor]:
    """Model inputs, each (rows, longest), padded on the right, where no token of a causal model looks."""
    width = max(len(ids) for ids, _ in examples)

    def table(rows: Sequence[Sequence[int]], fill: int) -> Tensor:
        return torch.tensor([[*row, *[fill] * (width - len(row))] for row in rows])

    return {
        "input_ids": table([ids for ids, _ in examples], pad),
        "labels": table([labels for _, labels in examples], IGNORED),
    }


def render_line(line: Line) -> str:
    """A line as the model reads it, its action included."""
    return join_text_and_calls(line.text, (line.call,) if line.call else ())
