"""End-of-answer tokens of a model: the single source for training, scoring, generation and saving.

Training, scoring, generation and saving all use it, so that a model stops at the token with which it was taught to
close an answer. A model can name its end in four places, which need not agree: the chat template, the tokenizer, the
generation settings, and tokens in the vocabulary that end a turn in families of chat models.
"""

import copy
import logging
import re
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from jinja2.exceptions import TemplateError

from agents.inference.template_limit import apply_template
from arena.cache_register import count_inner, register

LOGGER = logging.getLogger(__name__)

# tokens that end a turn, or a text, and nothing else, in the vocabularies of Llama 3, ChatML, Gemma, OpenChat, Cohere,
# Llama 4 and Gemma 4; <|end|> is not among them, since in harmony it ends a thought and not the turn
TURN_ENDS = (
    "<|eot_id|>", "<|im_end|>", "<end_of_turn>", "<|end_of_turn|>", "<|END_OF_TURN_TOKEN|>", "<|eot|>", "<turn|>",
)  # fmt: skip
MARK = re.compile(r"[<\[].+[>\]]")  # how tokens look that were added to a vocabulary as marks, not as words
PROBE = "answer0"  # an assistant's line whose rendering shows what the template writes after it
# by tokenizer; by template and end token: what closes an answer, and where answers end
_KNOWN: WeakKeyDictionary[Any, dict[tuple[str, int | None], tuple[tuple[int, ...], tuple[int, ...]]]]
_KNOWN = register("code", WeakKeyDictionary(), count_inner)


def find_end_tokens(tokenizer: object, template: str | None = None) -> tuple[int, ...]:
    """The tokens that follow an answer in training; the last of them ends it. () where the tokenizer has no end token.

    What the chat template (`template`, else the tokenizer's own) writes after an assistant's line, up to and with its
    first special or added token. A template that writes none, and text without any template, ends with the
    tokenizer's end token.
    """
    return _ends(tokenizer, template)[0]


def find_prompt_ends(tokenizer: object, template: str | None = None) -> tuple[int, ...]:
    """The tokens at which an answer to a rendered prompt ends, besides those in the model's settings: the one
    with which it is taught first."""
    return _ends(tokenizer, template)[1]


def find_model_ends(module: Any, tokenizer: Any) -> tuple[int, ...]:
    """The tokens at which any text of the model ends: those of its generation settings, else the tokenizer's."""
    end = module.generation_config.eos_token_id
    if end is None:
        end = tokenizer.eos_token_id
    return _list_unique(end) if isinstance(end, list | tuple) else () if end is None else (int(end),)


def find_all_ends(module: object, tokenizer: object, template: str | None = None) -> tuple[int, ...]:
    """Every token at which an answer of the model ends, the one it is taught with first."""
    return _list_unique([*find_prompt_ends(tokenizer, template), *find_model_ends(module, tokenizer)])


def make_stop_settings(module: Any, tokenizer: Any, template: str | None = None) -> Any:
    """The model's generation settings, with every token at which its answers end: saved next to weights,
    so that other programs stop there as well."""
    settings = copy.deepcopy(module.generation_config)
    ends = find_all_ends(module, tokenizer, template)
    settings.eos_token_id = list(ends) if len(ends) > 1 else ends[0] if ends else None
    if settings.pad_token_id is None and ends:
        settings.pad_token_id = choose_pad_token(tokenizer, ends)
    return settings


def choose_pad_token(tokenizer: Any, ends: Iterable[int] = ()) -> int:
    """The padding token of a batch; without one an end token, else 0."""
    known = (tokenizer.pad_token_id, *ends, tokenizer.eos_token_id)
    return int(next((token for token in known if token is not None), 0))


def _ends(tokenizer: Any, template: str | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    text = template or (str(tokenizer.get_chat_template()) if tokenizer.chat_template else "")
    known = _KNOWN.setdefault(tokenizer, {})
    key = (text, tokenizer.eos_token_id)
    if key not in known:
        end = () if tokenizer.eos_token_id is None else (int(tokenizer.eos_token_id),)
        vocabulary = tokenizer.get_added_vocab()
        named = [vocabulary[name] for name in TURN_ENDS if name in vocabulary]
        closes = (_find_written_end(tokenizer, text) or end) if text else end
        known[key] = (closes, _list_unique([*closes[-1:], *end, *named]))
    return known[key]


def _find_written_end(tokenizer: Any, template: str) -> tuple[int, ...]:
    messages = [{"role": "user", "content": "question0"}, {"role": "assistant", "content": PROBE}]
    try:
        whole = apply_template(tokenizer, messages, template)
    except TemplateError as error:
        LOGGER.debug("the chat template takes no answer of the assistant: %s", error)
        return ()
    _, found, tail = whole.rpartition(PROBE)
    if not found or not tail:
        return ()
    added = {token for name, token in tokenizer.get_added_vocab().items() if MARK.fullmatch(name)}
    special = {*tokenizer.all_special_ids, *added}
    ids = _tokenize_behind(tokenizer, tail)
    first = next((place for place, token in enumerate(ids) if token in special), None)
    return () if first is None else tuple(ids[: first + 1])


def _tokenize_behind(tokenizer: Any, tail: str) -> list[int]:
    """The tokens of a text that follows an answer: some tokenizers treat the start of a text differently."""

    def ids(text: str) -> list[int]:
        found: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return list(found)

    alone, whole = ids(PROBE), ids(PROBE + tail)
    return whole[len(alone) :] if whole[: len(alone)] == alone else ids(tail)


def _list_unique(tokens: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(int(token) for token in tokens))
