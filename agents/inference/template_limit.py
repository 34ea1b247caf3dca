"""Apply chat templates, which are untrusted programs, with a time limit."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from agents.inference.deadline import Late, within
from arena.errors import UsageError

PATIENCE = 10.0  # seconds for one prompt; a template that is written well takes milliseconds


def apply_template(tokenizer: Any, messages: Sequence[dict[str, str]], template: str | None, **more: Any) -> str:
    """The text that a template makes of messages (of `role` and `content`); None: the tokenizer's own template.

    `more` goes to the tokenizer's `apply_chat_template`. Raises UsageError where the template does not end, and what
    the template raises.
    """
    apply = partial(tokenizer.apply_chat_template, list(messages), chat_template=template, tokenize=False, **more)
    try:
        return str(within(PATIENCE, apply))
    except Late:
        raise UsageError(
            f"the chat template did not end within {PATIENCE:g} s and was stopped; give another one: chat_template = a "
            "file, or the template's text"
        ) from None
