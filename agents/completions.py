"""The chat-completions format, which OpenAI and most servers speak: lines to a request, a body to a reading."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from agents.model import Line, Sampling, Stop, ToolCall, schema, spoken, write
from agents.prices import Tokens
from agents.wire import Reading, arguments, count, rows, table, words
from arena.game import Tool
from arena.memo import by_identity

Limit: TypeAlias = Literal["max_tokens", "max_completion_tokens"]
STOPS: dict[str, Stop] = {"length": "length", "content_filter": "filter"}


def to_request(
    model: str, lines: Sequence[Line], tools: Sequence[Tool], sampling: Sampling, limit: Limit = "max_tokens"
) -> dict[str, Any]:
    """The body of a request; `limit` is how the server spells the most new tokens.

    Its messages are not to be changed: those of earlier lines stand in later requests, too.
    """
    messages: list[dict[str, Any]] = []
    for at, line in enumerate(lines):
        fallback = f"call_{at}" if tools and line.call is not None and not line.call.id else ""
        messages += _messages(line, bool(tools), fallback)
    drawn = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stop": list(sampling.stop) or None,
        "seed": sampling.seed,
        "tools": [_tool(tool) for tool in tools] or None,
    }
    given = {key: value for key, value in drawn.items() if value is not None}
    return {"model": model, "messages": messages, limit: sampling.max_tokens, **given}


def from_body(body: Any) -> Reading:
    """What a response body says; takes any JSON value."""
    whole = table(body)
    choice = table(next(iter(rows(whole.get("choices"))), None))
    message, finish = choice.get("message"), choice.get("finish_reason")
    resolved, tokens = words(whole.get("model")), _tokens(table(whole.get("usage")))
    if not isinstance(message, dict):
        wrong = "no choices" if not choice else "a choice without a message"
        return Reading(resolved=resolved, tokens=tokens, wrong=wrong)
    calls = tuple(_call(table(call)) for call in rows(message.get("tool_calls")))
    text, refusal = words(message.get("content")), words(message.get("refusal"))
    if refusal:
        return Reading(refusal, calls, "refusal", resolved, tokens)
    stop = STOPS.get(words(finish), "tool" if calls else "end")
    return Reading(text, calls, stop, resolved, tokens)


@by_identity
def _messages(line: Line, native: bool, fallback: str) -> tuple[dict[str, Any], ...]:
    """A line as messages, which are shared by all requests that hold it; `fallback` is the id of a call without one."""
    if native and line.call is not None and not line.call.broken:
        return _with_call(line, line.call, fallback)
    return ({"role": line.role, "content": spoken(line.text, (line.call,) if line.call else ())},)


def _with_call(line: Line, call: ToolCall, fallback: str) -> tuple[dict[str, Any], ...]:
    name = call.id or fallback
    function = {"name": call.name, "arguments": write(dict(call.args))}
    asked = {"id": name, "type": "function", "function": function}
    return (
        {"role": line.role, "content": line.text or None, "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": name, "content": "ok"},
    )


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.about, "parameters": schema(tool)},
    }


def _call(call: dict[str, Any]) -> ToolCall:
    function = table(call.get("function"))
    args, broken = arguments(function.get("arguments", ""))
    return ToolCall(words(function.get("name")), args, broken, words(call.get("id")))


def _tokens(usage: dict[str, Any]) -> Tokens:
    cached = count(table(usage.get("prompt_tokens_details")).get("cached_tokens"))
    return Tokens(count(usage.get("prompt_tokens")), count(usage.get("completion_tokens")), cached or 0)
