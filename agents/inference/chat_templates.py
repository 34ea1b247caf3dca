"""Render messages as the prompt of a local model: with the tokenizer's chat template, or as plain labelled text."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from jinja2.exceptions import TemplateError

from agents.chat_model import Line, build_pairs
from agents.inference.end_tokens import find_prompt_ends
from agents.inference.template_limit import apply_template
from agents.llm.thought_parsing import find_closing_mark
from arena.errors import UsageError
from arena.text_files import read_text

# the date given to templates that write today's date: fixed, so that equal seeds give equal prompts on any day; it
# is the one that Llama 3's own template falls back to
DATE = "2024-07-26"
CODES = [f"%{code}" for code in ("-d", "-m", *"aAbBcdDeFGhHIjmMpSuUVwWxXyYZ")]  # what strftime writes of a day
DATED = ("strftime_now", "date_string")  # how templates ask for the day
PLAIN = {"system": "System", "user": "User", "assistant": "Assistant"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt. `special`: the tokenizer adds its own first token; `stop`: texts that end the answer; `end`:
    tokens that do, besides those in the model's settings.

    `note` says how it was rendered: the hash of the template, and what had to be changed to please it. `closing` ends
    the thought that the template began for the model; "" where it began none.
    """

    text: str
    special: bool = False
    stop: tuple[str, ...] = ()
    note: str = ""
    end: tuple[int, ...] = ()
    closing: str = ""

    @property
    def unthinking(self) -> "Prompt":
        """The prompt with an opened thought closed and empty, so that the answer's text follows at once."""
        if not self.closing:
            return self
        gap = "" if self.closing.startswith("<|") else "\n\n"  # special tokens directly after each other
        return replace(self, text=f"{self.text.rstrip()}{gap}{self.closing}{gap}", closing="")


def render(tokenizer: Any, lines: Sequence[Line], template: str | None = None, date: str = DATE) -> Prompt:
    """The prompt that asks for the next assistant line. date: the day, as 2024-07-26, that is given to a template.

    A template that refuses a system line, or two lines of one role in a row, is given them again with the system
    line at the head of the first user line and neighbours of one role joined. Without any template the prompt is
    "System: …\\nUser: …\\nAssistant:", and a new such label ends the answer. Raises UsageError where the template
    refuses both forms.
    """
    pairs = list(build_pairs(lines))
    if template is None and tokenizer.chat_template:
        template = str(tokenizer.get_chat_template())
    if not template:
        text = "".join(f"{PLAIN[role]}: {text}\n" for role, text in pairs) + f"{PLAIN['assistant']}:"
        stop, note = tuple(f"\n{label}:" for label in PLAIN.values()), "template none, plain labels"
        return Prompt(text, True, stop, note, find_prompt_ends(tokenizer))
    note, end = describe_template(template, date), find_prompt_ends(tokenizer, template)
    said = pairs[-1][1] if pairs else ""
    try:
        text = _render_template(tokenizer, pairs, template, date)
        return Prompt(text, note=note, end=end, closing=find_closing_mark(text, said))
    except TemplateError as first:
        try:
            text = _render_template(tokenizer, _join_turns(pairs), template, date)
            return Prompt(text, note=f"{note}, lines joined", end=end, closing=find_closing_mark(text, said))
        except TemplateError as second:
            raise UsageError(
                f"the chat template refuses these lines ({first}), also with neighbours joined ({second}); give "
                "another one: chat_template = a file, or the template's text"
            ) from second


def tokenize_prompt(tokenizer: Any, prompt: Prompt) -> tuple[int, ...]:
    """The tokens of a prompt; an end token that the tokenizer would add is left out."""
    ids = tuple(tokenizer(prompt.text, add_special_tokens=prompt.special, verbose=False)["input_ids"])
    return ids[:-1] if prompt.special and ids and ids[-1] == tokenizer.eos_token_id != tokenizer.bos_token_id else ids


def describe_template(template: str, date: str) -> str:
    """The hash of a template, and the date it is given, if it asks for one."""
    day = f", date {date}" if any(name in template for name in DATED) else ""
    return f"template {blake2b(template.encode(), digest_size=4).hexdigest()}{day}"


def check_date(date: str) -> None:
    """Raises ValueError for a day that is not written as 2024-07-26."""
    try:
        datetime.date.fromisoformat(date)
    except ValueError:
        raise ValueError(f"date is a day written as {DATE}, which chat templates are told; got {date!r}") from None


def load_template(given: str) -> str:
    """The template that a `chat_template` parameter means: a file's text, or the text itself."""
    if "{" in given:
        return given
    try:
        return read_text(Path(given).expanduser())
    except OSError as error:
        raise UsageError(
            f"chat_template {given!r} is neither a template (nothing in braces) nor a file that can be read: "
            f"{error.strerror}; give a path or the Jinja text"
        ) from None


def _render_template(tokenizer: object, pairs: Sequence[tuple[str, str]], template: str, date: str) -> str:
    messages, day = [{"role": role, "content": text} for role, text in pairs], datetime.date.fromisoformat(date)
    told = day.strftime("%d %b %Y")
    return apply_template(tokenizer, messages, _pin_date(template, day), add_generation_prompt=True, date_string=told)


def _pin_date(template: str, day: datetime.date) -> str:
    """The template with `strftime_now` fixed to that day: a macro of that name, as functions cannot be passed in."""
    if "strftime_now" not in template:
        return template
    said = "".join(f"|replace({code!r}, {day.strftime(code)!r})" for code in CODES)
    return f"{{% macro strftime_now(format) %}}{{{{ format{said} }}}}{{% endmacro %}}\n{template}"


def _join_turns(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    joined: list[tuple[str, str]] = []
    for given, text in pairs:
        role = "user" if given == "system" else given
        if joined and joined[-1][0] == role:
            joined[-1] = (role, f"{joined[-1][1]}\n\n{text}")
        else:
            joined.append((role, text))
    return joined
