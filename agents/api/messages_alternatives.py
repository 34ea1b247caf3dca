"""Request parameters that servers of Anthropic's messages format reject, and the request to retry with instead."""

from typing import Any

from agents.api.completions_alternatives import PLAIN, TOOLING, make_simplifier, parse_tools
from agents.api.error_bodies import TOOLS
from agents.api.request_alternatives import Alternative, Body, compile_pattern, leave_out
from agents.llm.message_content import read_text
from agents.llm.prompts import describe_tools_in, format_json


def tools_in_words(body: Body) -> Body:
    """The tools described in the system prompt, as JSON objects to write; past calls rendered that way."""
    if not body.get("tools"):
        return body
    system = describe_tools_in(read_text(body.get("system")), parse_tools(body["tools"], "input_schema"))
    messages: list[dict[str, Any]] = []
    for message in body["messages"]:
        blocks = message["content"]
        call = next((block for block in blocks if block["type"] == "tool_use"), None)
        said = [block for block in blocks if block["type"] == "text"]
        if call is not None:
            said = [{"type": "text", "text": format_json(read_text(said), call["name"], call["input"])}]
        if messages and messages[-1]["role"] == message["role"]:
            messages[-1] = {**messages[-1], "content": [*messages[-1]["content"], *said]}
        elif said:
            messages.append({**message, "content": said})
    left = {key: value for key, value in body.items() if key not in ("tools", "tool_choice")}
    return {**left, "system": system, "messages": messages}


def plain_schemas(body: Body) -> Body:
    """The tools with no more of JSON Schema than every server knows."""
    simple = make_simplifier(lambda key: key in PLAIN)
    tools = [{**tool, "input_schema": simple(tool["input_schema"])} for tool in body.get("tools") or ()]
    return {**body, "tools": tools} if tools else body


ALTERNATIVES: tuple[Alternative, ...] = (  # in the order in which they are applied
    leave_out("tool_choice", "without disable_parallel_tool_use", r"tool_choice|disable_parallel", True),
    leave_out("top_p", spelled=r"\btop_?p\b"),
    leave_out("temperature"),
    leave_out("stop_sequences", "without stop_sequences, which are cut off here", r"stop_sequences?", True),
    Alternative("with tools told in words (SEAT.native_tools=false)", tools_in_words, TOOLING, TOOLS, cost=20),
    Alternative("with the plainest schemas of tools", plain_schemas, TOOLING,
                compile_pattern(r"additional_?properties|schema|\bproperties\b|keyword|unknown name"), cost=3),
)  # fmt: skip
