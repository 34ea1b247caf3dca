"""Classify a reply that came with status 200: an answer, or none and why; shared by all formats."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agents.api.http_parsing import MOST_NAME, ParsedReply
from agents.api.pricing import UNKNOWN, Tokens
from agents.chat_model import Stop, ToolCall
from agents.llm.thought_parsing import split_thought
from arena.cache_register import memoize

Meaning: TypeAlias = Literal["filter", "fault", "length", "end"]
MEANINGS: tuple[tuple[Meaning, re.Pattern[str]], ...] = (  # in this order: `ERROR_TOXIC` is a filter's word
    ("fault", re.compile(r"malformed|unexpected_tool", re.I)),  # also as `function_call_filter: MALFORMED_…`
    (
        "filter",
        re.compile(
            r"filter|safety|recitation|moderat|sensitive|prohibit|blocked|block_?list|block_?reason|guardrail|toxic|"
            r"polic(y|ies)|copyright|spii|flagged|refusal|escalation|\blanguage\b",
            re.I,
        ),
    ),
    (
        "fault",
        re.compile(
            r"error|abort|fail|cancel|time_?d?_?out|interrupt|unavailable|overload|insufficient|resource|disconnect|"
            r"network|lost|crash|kill|evict|preempt|shutdown|invalid|exception|unspecified|rate_limit|quota|"
            r"reject|^other$|^unknown$",
            re.I,
        ),
    ),
    ("length", re.compile(r"length|max|limit|window|incomplete|truncat|budget|continuation", re.I)),
)


@dataclass(frozen=True, slots=True)
class ResponseFields:
    """The fields of a response body, independent of its format.

    text: None where the body has none, which is not an empty one. thought: what the server set apart as thought.
    reasons: its words for why the reply ended; with a router, also those of the upstream server. refuses: the text is
    the model's own refusal. unread: tokens written that are thought, not words. drops: whether the format leaves out a
    tool call that was cut off, so that nothing need not have been thought.
    """

    text: str | None
    calls: tuple[ToolCall, ...] = ()
    thought: str = ""
    reasons: Sequence[str] = ()
    refuses: bool = False
    resolved: str = ""
    tokens: Tokens = UNKNOWN
    unread: int = 0
    drops: bool = False


@memoize("texts", most=1_000)
def meaning(reason: str) -> Meaning:
    """The meaning of a server's finish reason; an unknown reason counts as a normal end."""
    spaced = re.sub(r"[_\-\s]+", "_", reason.strip())
    return next((meant for meant, pattern in MEANINGS if pattern.search(spaced)), "end")


def judge(given: ResponseFields) -> ParsedReply:
    """The reading of a reply; where it is `wrong`, there is no answer and its outcome says whose fault that is.

    A provider error is no answer, whatever came before it. Nor is an empty reply: a model that
    chose to say nothing is recognised by its output tokens. A truncated reply counts if it has text.
    """
    meant = {meaning(reason[:MOST_NAME]): reason for reason in reversed(given.reasons)}
    text, calls = given.text or "", given.calls
    if given.refuses:
        return _read(given, "refusal")
    if "fault" in meant:
        return _wrong(given, "server", f"the provider broke the reply off ({meant['fault']!r})")
    empty = not calls and not text.strip()
    if "filter" in meant:
        why = f"the provider's content filter let no answer through ({meant['filter']!r})"
        stop: Stop = "refusal" if meant["filter"] == "refusal" else "filter"
        return _wrong(given, "filtered", why) if empty else _read(given, stop)
    if "length" in meant:
        thought = bool(given.thought or text.strip() or given.unread)
        worded = split_thought(text, cut=True)[1] and not 0 < (given.tokens.output or 0) <= given.unread
        if not calls and not worded and (thought or not given.drops):
            spent = "all of it was thought" if thought else "before the first word"
            return _wrong(given, "truncated", f"the reply was cut off at the token limit, {spent}")
        return _read(given, "length")
    counted = given.text is not None and (given.tokens.output or 0) > given.unread
    if empty and (given.thought or not (text or counted)):
        only = ", only thought" if given.thought or given.unread else ""
        ended = f" ({meant['end']!r})" if "end" in meant else ""
        return _wrong(given, "malformed", f"the reply holds neither words nor a tool call{only}{ended}")
    return _read(given, "tool" if calls else "end")


def _read(given: ResponseFields, stop: Stop) -> ParsedReply:
    return ParsedReply(given.text or "", given.calls, stop, given.resolved, given.tokens, given.thought)


def _wrong(given: ResponseFields, outcome: str, why: str) -> ParsedReply:
    return ParsedReply(resolved=given.resolved, tokens=given.tokens, wrong=why, outcome=outcome)
