"""Conversion loop: convert, apply, probe, and convert again with the probes that failed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from agents.memory.subject import Subject
from arena.errors import UsageError
from arena.usage import FREE, Usage
from unlearning.conversion.conversion import (
    SHOWN,
    BadConversion,
    Conversion,
    ConversionInput,
    Converter,
    parse_conversion,
    render_conversion,
)
from unlearning.conversion.edits import Parts, apply_conversion, merge_conversions
from unlearning.conversion.exam import ProbeVerdict, probe_subject
from unlearning.conversion.headers import build_pages, flag_failures
from unlearning.conversion.name_linking import NamedEntities
from unlearning.request import Request

Probe: TypeAlias = Callable[[Subject, Subject, Request], Awaitable[ProbeVerdict]]
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class ConversionAttempt:
    """One conversion: what it said, None where it was no valid JSON, and what the probe found, None before it.

    Steering text that names a target is left out: the prompt would disclose it. `fault` says so, or what
    was not valid.
    """

    made: Conversion | None
    verdict: ProbeVerdict | None = None
    fault: str = ""

    @property
    def passed(self) -> bool:
        return self.verdict is not None and self.verdict.passed


@dataclass(frozen=True, slots=True)
class ConversionTrace:
    """The result of a request: the agent after the last attempt, every attempt, and what all of them cost.

    The agent is that of the last attempt that was valid.
    """

    agent: Subject
    attempts: tuple[ConversionAttempt, ...]
    usage: Usage = FREE

    @property
    def request(self) -> Request:
        """The request as the last valid attempt understood it."""
        return [attempt.made for attempt in self.attempts if attempt.made is not None][-1].request


async def convert_request(
    subject: Subject,
    words: str | Request,
    converter: Converter,
    *,
    attempts: int = ATTEMPTS,
    parts: Parts = "both",
    shown: int = SHOWN,
    probe: Probe = probe_subject,
    names: NamedEntities | None = None,
) -> ConversionTrace:
    """The subject after a request in words, or one that has words: at most `attempts` conversions.

    A request that names its targets is probed for these; words alone for what the converter took them to mean. Raises
    UnclearTarget or UsageError where the words name nothing, everything, several things, or one thing to be forgotten
    and kept; BadConversion where no attempt was valid. Nothing is changed then.
    """
    request = words if isinstance(words, Request) else None
    text = format_request(words)
    pages = build_pages(subject, text, shown=shown, names=names)
    tried: list[ConversionAttempt] = []
    agent, usage = subject, FREE
    for _ in range(attempts):
        attempt, cost = await _attempt(pages, converter)
        usage += cost
        if attempt.made is not None:
            agent = apply_conversion(subject, attempt.made, parts)
            verdict = await probe(subject, agent, request or attempt.made.request)
            attempt = replace(attempt, verdict=verdict)
            pages = tuple(flag_failures(page, verdict.told, verdict.leaking, verdict.lost) for page in pages)
        else:
            pages = tuple(replace(page, failed=f"Failed: {attempt.fault}.") for page in pages)
        tried.append(attempt)
        if attempt.passed:
            break
    if all(attempt.made is None for attempt in tried):
        raise BadConversion(f"{tried[-1].fault}; {len(tried)} attempts, and nothing was changed")
    return ConversionTrace(agent, tuple(tried), usage)


async def _attempt(pages: tuple[ConversionInput, ...], converter: Converter) -> tuple[ConversionAttempt, Usage]:
    """One conversion of all pages, each checked as the JSON that it is rendered to."""
    made: list[Conversion] = []
    usage = FREE
    for page in pages:
        try:
            answer, cost = await converter.convert(page)
            usage += cost
            made.append(parse_conversion(render_conversion(answer), page))
        except BadConversion as error:
            return ConversionAttempt(None, fault=str(error)), usage + error.usage
        if made[0].kind in ("everything", "unknown", "ambiguous"):
            break
    whole = merge_conversions(made)
    if whole.leaks:
        return ConversionAttempt(replace(whole, steering=""), fault="its words to steer by named the target"), usage
    return ConversionAttempt(whole), usage


def format_request(words: str | Request) -> str:
    """The words of a request: its note, or a plain sentence of what it names. Raises UsageError for none at all."""
    if isinstance(words, Request):
        kept = f", but keep {_join_names(words.retain)}" if words.retain else ""
        words = words.note or f"Forget {_join_names(words.forget)}{kept}."
    if not words.strip():
        raise UsageError("request: it has no words; say what to forget, such as “forget the clinic”")
    return words


def _join_names(items: tuple[object, ...]) -> str:
    return ", ".join(str(getattr(item, "name", item)) for item in items)
