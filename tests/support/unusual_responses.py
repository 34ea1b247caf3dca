"""Odd forms in which servers answer with status 200 (and some others): outages, filters, limits, usage, tool calls.

Each form changes a usual body. Those of `OUTAGES` hold no answer, whatever they look like; where they have words, these
hold `LOST`, which therefore nobody may ever read as a move. What is thought holds `SECRET`, which no rival may read.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

Table = dict[str, Any]
LOST = "LOST-IN-AN-OUTAGE"
SECRET = "SECRET-LIMIT-17"
NONE_USED = {"completion_tokens": 0}
FLAGGED = {"code": 403, "message": "Your input was flagged", "metadata": {"reasons": ["x"]}}
ASIDE = {"type": "reasoning", "text": SECRET}


@dataclass(frozen=True)
class Odd:
    """What is sent: a text as it stands, or a JSON value; and with which status."""

    body: Any
    status: int = 200
    raw: bool = False

    @property
    def text(self) -> str:
        return self.body if self.raw else json.dumps(self.body)


Form = Callable[[Table, Random], Odd]


def ended(reason: Any, text: Any = None, **choice: Any) -> Form:
    """A completion that ended for that reason, with that content and no call."""

    def make(usual: Table, _: Random) -> Odd:
        message = {"role": "assistant", "content": text}
        return Odd({**usual, "choices": [{"index": 0, "message": message, "finish_reason": reason, **choice}]})

    return make


def thought(reason: str, content: Any = None, **message: Any) -> Form:
    """A completion of which there is nothing but what was thought."""

    def make(usual: Table, _: Random) -> Odd:
        said = {"role": "assistant", "content": content, **message}
        return Odd({**usual, "choices": [{"index": 0, "message": said, "finish_reason": reason}]})

    return make


def whole(value: Any, status: int = 200) -> Form:
    """That value, whatever was asked."""
    return lambda usual, rng: Odd(value, status)


def text(body: str, status: int = 200) -> Form:
    """That text, whatever was asked."""
    return lambda usual, rng: Odd(body, status, raw=True)


def beside(**more: Any) -> Form:
    """The usual body with more keys."""
    return lambda usual, rng: Odd({**usual, **more})


def cut(usual: Table, rng: Random) -> Odd:
    body = json.dumps(usual)
    return Odd(body[: rng.randrange(1, len(body) - 1)], raw=True)


def streamed(usual: Table, _: Random) -> Odd:
    delta = {"choices": [{"index": 0, "delta": {"content": LOST}, "finish_reason": None}]}
    return Odd(f"data: {json.dumps(delta)}\n\ndata: [DONE]\n\n", raw=True)


def used(usage: Any) -> Form:
    """The usual answer with that usage, None for none at all."""

    def make(usual: Table, _: Random) -> Odd:
        return Odd({**{k: v for k, v in usual.items() if k != "usage"}, **({} if usage is None else {"usage": usage})})

    return make


def calling(change: Callable[[Table], Table]) -> Form:
    """The usual answer with its tool calls in another form."""

    def make(usual: Table, _: Random) -> Odd:
        choice = usual["choices"][0]
        calls = [change(call) for call in choice["message"].get("tool_calls", ())]
        message = {**choice["message"], **({"tool_calls": calls} if calls else {})}
        return Odd({**usual, "choices": [{**choice, "message": message}]})

    return make


def saying(change: Callable[[str], Any], **message: Any) -> Form:
    """The usual answer with its words in another form, beside more keys."""

    def make(usual: Table, _: Random) -> Odd:
        choice = usual["choices"][0]
        said = {**choice["message"], **message}
        if isinstance(said.get("content"), str) and said["content"]:
            said["content"] = change(said["content"])
        return Odd({**usual, "choices": [{**choice, "message": said}]})

    return make


def arguments(change: Callable[[str], Any]) -> Callable[[Table], Table]:
    return lambda call: {**call, "function": {**call["function"], "arguments": change(call["function"]["arguments"])}}


def in_the_older_form(usual: Table, _: Random) -> Odd:
    choice = usual["choices"][0]
    message = dict(choice["message"])
    for call in message.pop("tool_calls", ()):
        message["function_call"] = call["function"]
    return Odd({**usual, "choices": [{**choice, "message": message}]})


FAULTS: Mapping[str, Form] = {  # the provider's: asked again, and no score where it lasts
    "error": ended("error", ""),
    "error-partly": ended("error", f"I would {LOST}"),
    "network-error": ended("network_error", LOST),
    "abort": ended("abort", ""),
    "no-resources": ended("insufficient_system_resource", LOST),
    "cancelled": ended("cancelled", LOST),
    "upstream-timeout": ended("upstream_timeout", None),
    "malformed-call": ended("function_call_filter: MALFORMED_FUNCTION_CALL", ""),
    "native-error": ended("stop", LOST, native_finish_reason="error"),
    "error-in-choice": ended("stop", "", error={"code": 502, "message": "Upstream error"}),
    "error-in-choice-partly": ended("error", LOST, error={"message": "Network connection lost."}),
    "error-in-message": thought("stop", LOST, error={"code": "server_error", "message": "lost"}),
    "error-beside": beside(error={"message": "Provider returned error", "code": 502}),
    "error-alone": whole({"error": {"message": "Internal Server Error", "code": 500}}),
    "error-as-text": whole({"error": "The engine is not ready"}),
    "error-in-list": whole([{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}]),
    "error-object": whole({"object": "error", "message": "engine died", "type": "InternalServerError", "code": 500}),
    "overloaded": whole({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    "too-fast": whole({"error": {"message": "slow down", "type": "rate_limit_error"}}),
    "detail": whole({"detail": "Service temporarily down"}),
    "no-choices": beside(choices=[]),
    "null-choices": beside(choices=None),
    "null-choice": beside(choices=[None]),
    "no-message": beside(choices=[{"index": 0, "finish_reason": "stop"}]),
    "null": whole(None),
    "number": whole(42),
    "ok": whole("ok"),
    "nothing": text(""),
    "blank": text("\n\n  "),
    "page": text("<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"),
    "gateway": text("<html>504 Gateway Time-out</html>", 504),
    "not-ready": text("model is loading", 503),
    "too-early": text("", 425),
    "words": text("upstream connect error or disconnect/reset before headers"),
    "cut-json": cut,
    "streamed": streamed,
    "null-content": ended("stop", None),
    "empty-uncounted": lambda usual, rng: Odd(
        {**ended("stop", "")(usual, rng).body, "usage": {"completion_tokens": 0}}
    ),
    "empty-null-reason": lambda usual, rng: Odd({**ended(None, "")(usual, rng).body, "usage": None}),
    "calls-that-are-none": thought("tool_calls", None, tool_calls=[]),
    "only-thought": thought("stop", None, reasoning_content=f"{SECRET} {LOST}"),
    "only-thought-blank": thought("stop", "\n\n", reasoning=f"{SECRET} {LOST}"),
}
FILTERS: Mapping[str, Form] = {  # a failed call with a reason of its own
    "filter": ended("content_filter", None),
    "filter-empty": ended("content_filter", ""),
    "safety": ended("SAFETY", ""),
    "recitation": ended("RECITATION", None),
    "gemini-filter": ended("content_filter: PROHIBITED_CONTENT", ""),
    "sensitive": ended("sensitive", ""),
    "guardrail": ended("guardrail_intervened", None),
    "native-safety": ended("stop", "", native_finish_reason="SAFETY"),
    "azure-prompt": whole({"error": {"message": "The response was filtered due to the prompt triggering Azure OpenAI's "
                                     "content management policy.", "code": "content_filter", "param": "prompt",
                                     "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, 400),
    "flagged": whole({"error": FLAGGED}, 403),
    "inspection": whole({"error": {"code": "data_inspection_failed", "message": "Input data may contain inappropriate "
                                   "content."}}, 400),
    "filter-cut-json": ended("content_filter", f'{{"say": "{LOST}", "acti'),
}  # fmt: skip
LIMITS: Mapping[str, Form] = {  # the token limit was used up before a word: asked again with more, then a failed call
    "limit-thought": thought("length", None, reasoning_content=SECRET),
    "limit-reasoning": thought("length", "", reasoning=SECRET),
    "limit-inline": thought("length", f"<think>I reckon {SECRET} and"),
    "limit-nothing": ended("length", None),
    "limit-max": ended("MAX_TOKENS", ""),
}


def sent_back(usual: Table, _: Random) -> Odd:
    """The usual answer, written as text, in an error that says that it is no tool call."""
    message = usual["choices"][0]["message"]
    said = {"say": message.get("content") or ""}
    for call in message.get("tool_calls", ()):
        said |= {"action": call["function"]["name"], **json.loads(call["function"]["arguments"])}
    error = {"message": "Failed to call a function. See 'failed_generation' for more.", "code": "tool_use_failed",
             "type": "invalid_request_error", "failed_generation": json.dumps(said)}  # fmt: skip
    return Odd({"error": error}, 400)


FINE: Mapping[str, Form] = {  # answers like any other, oddly put
    "no-usage": used(None),
    "null-usage": used({"prompt_tokens": None, "completion_tokens": None}),
    "zero-usage": used({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
    "half-usage": used({"completion_tokens": 7}),
    "text-usage": used({"prompt_tokens": "many", "completion_tokens": "7"}),
    "negative-usage": used({"prompt_tokens": -1, "completion_tokens": 7.5}),
    "huge-usage": used({"prompt_tokens": 10**30, "completion_tokens": 10**12}),
    "list-usage": used([1, 2]),
    "arguments-object": calling(arguments(json.loads)),
    "arguments-twice": calling(arguments(json.dumps)),
    "arguments-thrice": calling(arguments(lambda given: json.dumps(json.dumps(given)))),
    "arguments-spaced": calling(arguments(lambda given: f"\n {given}\n")),
    "call-without-id": calling(lambda call: {"function": call["function"]}),
    "call-bare": calling(lambda call: {"id": None, **call["function"]}),
    "older-call": in_the_older_form,
    "parts": saying(lambda said: [{"type": "text", "text": said}]),
    "parts-with-thought": saying(lambda said: [{"type": "thinking", "thinking": [{"type": "text", "text": SECRET}]},
                                               {"type": "text", "text": said}]),
    "parts-with-reasoning": saying(lambda said: [ASIDE, {"type": "text", "text": said}]),
    "reasoning-content": saying(str, reasoning_content=SECRET),
    "reasoning-details": saying(str, reasoning_details=[{"type": "reasoning.text", "text": SECRET}]),
    "think": saying(lambda said: f"<think>{SECRET}</think>\n{said}"),
    "think-unopened": saying(lambda said: f"{SECRET}</think>{said}"),
    "null-reason": lambda usual, rng: Odd({**usual, "choices": [{**usual["choices"][0], "finish_reason": None}]}),
    "unknown-reason": lambda usual, rng: Odd({**usual, "choices": [{**usual["choices"][0], "finish_reason": "<eos>"}]}),
    "marked": lambda usual, rng: Odd(f"\ufeff  {json.dumps(usual)}\n", raw=True),
    "more-choices": lambda usual, rng: Odd({**usual, "choices": [usual["choices"][0], None, {"index": 2}]}),
    "null-error": beside(error=None, warnings=[]),
}  # fmt: skip
SENT_BACK: Mapping[str, Form] = {"sent-back": sent_back}  # the model's own words, which its provider did not take
OUTAGES: Mapping[str, Form] = {**FAULTS, **FILTERS, **LIMITS}
ALL: Mapping[str, Form] = {**OUTAGES, **FINE, **SENT_BACK}


def claude(stop: Any, *blocks: Table, **more: Any) -> Form:
    """A message with those blocks that ended so."""
    return lambda usual, rng: Odd({**usual, "content": list(blocks), "stop_reason": stop, **more})


def words(said: str) -> Table:
    return {"type": "text", "text": said}


CLAUDE_FAULTS: Mapping[str, Form] = {
    "overloaded": whole({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    "api-error": whole({"type": "error", "error": {"type": "api_error", "message": "Internal server error"}}),
    "too-fast": whole({"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}),
    "late-overload": whole({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, 529),
    "error-beside": lambda usual, rng: Odd({**usual, "content": [words(LOST)], "error": {"message": "lost"}}),
    "empty": claude("end_turn"),
    "null-content": lambda usual, rng: Odd({**usual, "content": None}),
    "only-thought": claude("end_turn", {"type": "thinking", "thinking": SECRET, "signature": "x"}),
    "error-reason": claude("error", words(LOST)),
    "page": text("<html>bad gateway</html>"),
    "cut-json": cut,
    "completion": whole({"choices": [{"message": {"content": LOST}, "finish_reason": "stop"}]}),
}
CLAUDE_FILTERS: Mapping[str, Form] = {
    "refusal": claude("refusal"),
    "filtered": claude("content_filtered"),
    "policy": whole({"type": "error", "error": {"type": "invalid_request_error", "message": "Output blocked by content "
                                                "filtering policy"}}, 400),
}  # fmt: skip
CLAUDE_LIMITS: Mapping[str, Form] = {
    "limit-thought": claude("max_tokens", {"type": "thinking", "thinking": SECRET, "signature": "x"}),
    "limit-redacted": claude("max_tokens", {"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": ""}),
}
CLAUDE_FINE: Mapping[str, Form] = {
    "no-usage": used(None),
    "half-usage": used({"output_tokens": 7}),
    "zero-usage": used({"input_tokens": 0, "output_tokens": 0}),
    "thought-first": lambda usual, rng: Odd({**usual, "content": [{"type": "thinking", "thinking": SECRET},
                                                                  *usual["content"]]}),
    "null-reason": lambda usual, rng: Odd({**usual, "stop_reason": None}),
}  # fmt: skip
CLAUDE_OUTAGES: Mapping[str, Form] = {**CLAUDE_FAULTS, **CLAUDE_FILTERS, **CLAUDE_LIMITS}
CLAUDE_ALL: Mapping[str, Form] = {**CLAUDE_OUTAGES, **CLAUDE_FINE}
