"""The chat-completions format of OpenAI and most servers: build a request, parse a response."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from agents.api.finish_reasons import ResponseFields, judge
from agents.api.http_parsing import ParsedReply, parse_arguments, parse_count
from agents.api.pricing import UNKNOWN, Tokens
from agents.chat_model import Line, Sampling, ToolCall, build_schema, join_text_and_calls, write
from agents.llm.message_content import ensure_array, ensure_object, join_thoughts, read_text, read_thought
from arena.game import Tool
from arena.identity_cache import by_identity

Limit: TypeAlias = Literal["max_tokens", "max_completion_tokens"]
THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details", "thinking", "thinking_blocks")  # set apart so


def to_request(
    model: str, lines: Sequence[Line], tools: Sequence[Tool], sampling: Sampling, limit: Limit = "max_tokens"
) -> dict[str, Any]:
    """The body of a request; `limit` is how the server spells the most new tokens.

    Do not modify its messages: those of earlier lines are shared with later requests.
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


def from_body(body: object) -> ParsedReply:
    """Parse a response body; accepts any JSON value."""
    whole = ensure_object(body)
    choice = ensure_object(next(iter(ensure_array(whole.get("choices"))), None))
    message, usage = choice.get("message"), ensure_object(whole.get("usage"))
    resolved, tokens = read_text(whole.get("model")), _tokens(usage)
    if not isinstance(message, dict):
        wrong = "no choices" if not choice else "a choice without a message"
        return ParsedReply(resolved=resolved, tokens=tokens, wrong=wrong)
    aside = ensure_object(choice.get("provider_specific_fields"))  # where litellm puts fields that are not OpenAI's
    broken = whole.get("error") or choice.get("error") or aside.get("error") or message.get("error")
    native = choice.get("native_finish_reason") or aside.get("native_finish_reason")
    reasons = (choice.get("finish_reason"), native)
    content, parts = message.get("content"), ensure_array(message.get("content"))
    refusal = read_text(message.get("refusal")) or "".join(
        [read_text(ensure_object(part).get("refusal")) for part in parts]
    )
    given = ResponseFields(
        text=refusal or (None if content is None else read_text(content)),
        calls=_calls(message),
        thought=next(filter(None, (read_thought(message.get(key)) for key in THOUGHTS)), join_thoughts(parts)),
        reasons=("error",) if broken else [read_text(reason) for reason in reasons if reason],
        refuses=bool(refusal),
        resolved=resolved,
        tokens=tokens,
        unread=parse_count(ensure_object(usage.get("completion_tokens_details")).get("reasoning_tokens")) or 0,
    )
    return judge(given)


@by_identity
def _messages(line: Line, native: bool, fallback: str) -> tuple[dict[str, Any], ...]:
    """A line as messages, which are shared by all requests that hold it; `fallback` is the id of a call without one."""
    if native and line.call is not None and not line.call.broken:
        return _with_call(line, line.call, fallback)
    return ({"role": line.role, "content": join_text_and_calls(line.text, (line.call,) if line.call else ())},)


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
        "function": {"name": tool.name, "description": tool.about, "parameters": build_schema(tool)},
    }


def _calls(message: dict[str, Any]) -> tuple[ToolCall, ...]:
    """The tool calls of a message; one in the format's older form is a call, too."""
    calls = [ensure_object(call) for call in ensure_array(message.get("tool_calls"))]
    old = message.get("function_call")
    return tuple(_call(call) for call in calls or ([{"function": old}] if isinstance(old, dict) else []))


def _call(call: dict[str, Any]) -> ToolCall:
    function = ensure_object(call.get("function")) or call
    args, broken = parse_arguments(function.get("arguments", ""))
    return ToolCall(read_text(function.get("name")), args, broken, read_text(call.get("id")))


def _tokens(usage: dict[str, Any]) -> Tokens:
    """The token counts. A prompt of 0 tokens means unknown; a missing side is derived from the total."""
    read, wrote = parse_count(usage.get("prompt_tokens")), parse_count(usage.get("completion_tokens"))
    total = parse_count(usage.get("total_tokens"))
    cached = parse_count(ensure_object(usage.get("prompt_tokens_details")).get("cached_tokens"))
    if not read and not wrote:
        return UNKNOWN
    if not read:
        read = total - wrote if wrote and total and total > wrote else None
    elif wrote is None and total is not None and total >= read:
        wrote = total - read
    elif not wrote and total == 0:
        wrote = None
    return Tokens(read, wrote, min(cached or 0, read or 0))
