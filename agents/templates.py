"""Lines as the one text a local model reads: by the tokenizer's chat template, or plainly where it has none."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from jinja2.exceptions import TemplateError

from agents.endings import prompt_ends
from agents.model import Line, as_pairs
from arena.errors import UsageError

PLAIN = {"system": "System", "user": "User", "assistant": "Assistant"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt. `special`: the tokenizer adds its own first token; `stop`: texts that end the answer; `end`:
    tokens that do, beside those that the model's settings name.

    `note` says how it was rendered: the hash of the template, and what had to be changed to please it.
    """

    text: str
    special: bool = False
    stop: tuple[str, ...] = ()
    note: str = ""
    end: tuple[int, ...] = ()


def render(tokenizer: Any, lines: Sequence[Line], template: str | None = None) -> Prompt:
    """The prompt that asks for the next assistant line.

    A template that refuses a system line, or two lines of one role in a row, is given them again with the system
    line at the head of the first user line and neighbours of one role joined. Without any template the prompt is
    "System: …\\nUser: …\\nAssistant:", and a new such label ends the answer. Raises UsageError where the template
    refuses both forms.
    """
    pairs = list(as_pairs(lines))
    if template is None and tokenizer.chat_template:
        template = str(tokenizer.get_chat_template())
    if not template:
        text = "".join(f"{PLAIN[role]}: {text}\n" for role, text in pairs) + f"{PLAIN['assistant']}:"
        stop, note = tuple(f"\n{label}:" for label in PLAIN.values()), "template none, plain labels"
        return Prompt(text, True, stop, note, prompt_ends(tokenizer))
    note = f"template {blake2b(template.encode(), digest_size=4).hexdigest()}"
    end = prompt_ends(tokenizer, template)
    try:
        return Prompt(_applied(tokenizer, pairs, template), note=note, end=end)
    except TemplateError as first:
        try:
            return Prompt(_applied(tokenizer, _joined(pairs), template), note=f"{note}, lines joined", end=end)
        except TemplateError as second:
            raise UsageError(
                f"the chat template refuses these lines ({first}), also with neighbours joined ({second}); give "
                "another one: chat_template = a file, or the template's text"
            ) from second


def prompt_tokens(tokenizer: Any, prompt: Prompt) -> tuple[int, ...]:
    """The tokens of a prompt; an end token that the tokenizer would add is left out."""
    ids = tuple(tokenizer(prompt.text, add_special_tokens=prompt.special, verbose=False)["input_ids"])
    return ids[:-1] if prompt.special and ids and ids[-1] == tokenizer.eos_token_id != tokenizer.bos_token_id else ids


def template_text(given: str) -> str:
    """The template that a `chat_template` parameter means: a file's text, or the text itself."""
    if "{" in given:
        return given
    try:
        return Path(given).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"chat_template {given!r} is neither a template (nothing in braces) nor a file that can be read: "
            f"{error.strerror}; give a path or the Jinja text"
        ) from None


def _applied(tokenizer: Any, pairs: Sequence[tuple[str, str]], template: str) -> str:
    messages = [{"role": role, "content": text} for role, text in pairs]
    return str(
        tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=True)
    )


def _joined(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    joined: list[tuple[str, str]] = []
    for given, text in pairs:
        role = "user" if given == "system" else given
        if joined and joined[-1][0] == role:
            joined[-1] = (role, f"{joined[-1][1]}\n\n{text}")
        else:
            joined.append((role, text))
    return joined
