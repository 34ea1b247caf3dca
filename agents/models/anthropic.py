"""Anthropic's models through the official SDK."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from anthropic import APIConnectionError, APIStatusError, APITimeoutError, AsyncAnthropic, DefaultAsyncHttpxClient

from agents.api.finish_reasons import ResponseFields, judge
from agents.api.http_parsing import Failures, HttpResponse, ParsedReply, parse_arguments, parse_count, unwrap_response
from agents.api.loop_resources import get_resource
from agents.api.messages_alternatives import ALTERNATIVES
from agents.api.pricing import Tokens
from agents.api.remote_model import DUMMY, Remote
from agents.api.request_alternatives import Alternative
from agents.api.sdk_client import make_hooks
from agents.chat_model import Line, Sampling, ToolCall, build_schema, join_text_and_calls, model
from agents.llm.message_content import ensure_object, join_thoughts, read_text
from arena.game import Tool
from arena.usage import token_count

HOME = "https://api.anthropic.com"
FAILURES = Failures(APIStatusError, APITimeoutError, APIConnectionError)
BEGIN = "Begin."  # said where a conversation would have to start with the assistant, which the format forbids


@model("anthropic")
@dataclass(frozen=True, slots=True)
class Anthropic(Remote):
    """A model of Anthropic, or with `base_url` of a server that speaks its messages format.

    Needs ANTHROPIC_API_KEY (or what `key_variable` names). The format has no seed: `Sampling.seed` is not sent.
    """

    alternatives: ClassVar[tuple[Alternative, ...]] = ALTERNATIVES
    provider: ClassVar[str] = "anthropic"
    url_variable: ClassVar[str] = "ANTHROPIC_BASE_URL"
    usual_key: ClassVar[str] = "ANTHROPIC_API_KEY"

    def request(self, messages: Sequence[Line], tools: Sequence[Tool], sampling: Sampling) -> dict[str, Any]:
        """The body of the request; where it is Anthropic's own server, asking for one tool call at a time."""
        request = to_request(self.id, messages, tools, sampling)
        one = {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
        return request | one if tools and self.url is None else request

    async def send(self, request: dict[str, Any]) -> HttpResponse:
        """The server's answer, read to its end."""
        key, url = self.key() or DUMMY, self.url or HOME
        client = await get_resource(
            ("anthropic", url, key, self.keeps_own),
            lambda: AsyncAnthropic(
                api_key=key,
                base_url=url,
                max_retries=0,
                http_client=DefaultAsyncHttpxClient(event_hooks=make_hooks(url, key, self.keeps_own)),
            ),
            lambda made: made.close,
        )
        # newer SDKs have no arguments for these two, the servers still take them
        extra = {name: request[name] for name in ("temperature", "top_p") if name in request}
        known = {name: value for name, value in request.items() if name not in extra}
        create = client.messages.with_raw_response.create
        return await unwrap_response(create(**known, extra_body=extra or None, timeout=self.timeout), FAILURES)

    def read(self, body: object) -> ParsedReply:
        """Parse a JSON response."""
        return from_body(body)


def to_request(model: str, lines: Sequence[Line], tools: Sequence[Tool], sampling: Sampling) -> dict[str, Any]:
    """The body of a request in the messages format."""
    first = next((at for at, line in enumerate(lines) if line.role != "system"), len(lines))
    system = "\n\n".join(line.text for line in lines[:first] if line.text)
    drawn = {
        "system": system or None,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stop_sequences": [stop for stop in sampling.stop if stop.strip()] or None,
        "tools": [_tool(tool) for tool in tools] or None,
    }
    given = {key: value for key, value in drawn.items() if value is not None}
    messages = _messages(lines[first:], bool(tools))
    return {"model": model, "max_tokens": sampling.max_tokens, "messages": messages, **given}


def from_body(body: object) -> ParsedReply:
    """Parse a response body; accepts any JSON value."""
    whole = ensure_object(body)
    resolved, tokens = read_text(whole.get("model")), _tokens(ensure_object(whole.get("usage")))
    if not isinstance(whole.get("content"), list):
        return ParsedReply(resolved=resolved, tokens=tokens, wrong="no content")
    blocks = [ensure_object(block) for block in whole["content"]]
    texts = [read_text(block.get("text")) for block in blocks if block.get("type") == "text"]
    reason = "error" if whole.get("error") else read_text(whole.get("stop_reason"))
    given = ResponseFields(
        text="".join(texts) if texts else None,
        calls=tuple(_call(block) for block in blocks if block.get("type") == "tool_use"),
        thought=join_thoughts(blocks),
        reasons=(reason,),
        resolved=resolved,
        tokens=tokens,
        drops=True,
    )
    return judge(given)


def _messages(lines: Sequence[Line], native: bool) -> list[dict[str, Any]]:
    """Lines as turns that alternate and begin with the user: neighbours of one role are merged, later system lines
    are the user's, and the result of a tool comes first in the turn that follows it."""
    turns: list[dict[str, Any]] = []

    def say(role: str, blocks: list[dict[str, Any]]) -> None:
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})

    for at, line in enumerate(lines):
        role = "assistant" if line.role == "assistant" else "user"
        if native and line.call and not line.call.broken:
            name = line.call.id or f"call_{at}"
            used = {"type": "tool_use", "id": name, "name": line.call.name, "input": dict(line.call.args)}
            say(role, [*_texts(line.text), used])
            say("user", [{"type": "tool_result", "tool_use_id": name, "content": "ok"}])
        else:
            say(role, _texts(join_text_and_calls(line.text, (line.call,) if line.call else ())))
    if not turns or turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": [_text(BEGIN)]})
    return turns


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _texts(text: str) -> list[dict[str, Any]]:
    return [_text(text)] if text.strip() else []  # the format takes no block without a visible character


def _tool(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.about, "input_schema": build_schema(tool)}


def _call(block: dict[str, Any]) -> ToolCall:
    args, broken = parse_arguments(block.get("input"))
    return ToolCall(read_text(block.get("name")), args, broken, read_text(block.get("id")))


def _tokens(usage: dict[str, Any]) -> Tokens:
    """The counts; the server's input tokens do not include those of the cache, ours do."""
    plain = parse_count(usage.get("input_tokens"))
    read, write = (
        parse_count(usage.get("cache_read_input_tokens")),
        parse_count(usage.get("cache_creation_input_tokens")),
    )
    read, write = read or 0, write or 0
    whole = token_count(plain + read + write if plain is not None else 0) or None  # no prompt has no tokens
    wrote = parse_count(usage.get("output_tokens"))
    return Tokens(whole, wrote or (None if whole is None else wrote), read, write)
