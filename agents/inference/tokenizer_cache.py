"""Clear the word caches of tokenizers: the library caches the tokens of up to 10,000 words for each tokenizer."""

from typing import Any
from weakref import WeakSet

from arena.cache_register import on_clear

_ALL: WeakSet[Any] = WeakSet()


def watch(tokenizer: object) -> Any:
    """The tokenizer itself; the words that it remembers are dropped with the caches of texts."""
    _ALL.add(tokenizer)
    return tokenizer


def _clear() -> int:
    """Drops the words of all tokenizers that are watched. The library does not say how many those were: 0."""
    for tokenizer in tuple(_ALL):
        model: Any = getattr(getattr(tokenizer, "backend_tokenizer", None), "model", None)
        if hasattr(model, "_clear_cache"):
            model._clear_cache()
    return 0


on_clear("texts", _clear, _ALL)
