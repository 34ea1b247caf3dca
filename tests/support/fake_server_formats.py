"""The two formats of the fake server: what it answers, and what it refuses as the real servers do."""

import json
from typing import Any

Table = dict[str, Any]
TAKEN = {  # the parameters of the messages format that the server takes
    *("model", "messages", "max_tokens", "system", "temperature", "top_p", "top_k"),
    *("stop_sequences", "tools", "tool_choice", "stream"),
}


def echo(request: Table) -> Table:
    """The default reply: the last message back, or the first tool with the least arguments where tools are offered."""
    for tool in request.get("tools", ()):
        function = tool.get("function", tool)
        shape = function.get("parameters") or function.get("input_schema") or {}
        return {"tool": function["name"], "args": {name: _least(one) for name, one in shape["properties"].items()}}
    return {"text": _text_of(request["messages"][-1])}


def openai_body(reply: Table, body: Table, fault: str) -> Table:
    """A chat completion."""
    text, calls = reply.get("text", ""), []
    if reply.get("tool"):
        arguments = json.dumps(reply.get("args", {}))
        arguments = arguments[: len(arguments) // 2] if fault == "tool-cut" else arguments
        calls = [{"id": "call_a", "type": "function", "function": {"name": reply["tool"], "arguments": arguments}}]
    stop = {"tool-cut": "length", "length": "length", "filter": "content_filter"}.get(fault, "")
    message: Table = {"role": "assistant", "content": text if "text" in reply else None}
    message |= reply.get("message", {})  # thoughts apart, contents in parts
    if calls:
        message["tool_calls"] = calls
    if fault == "refusal":
        message |= {"content": None, "refusal": "I cannot help with that."}
    finish = stop or reply.get("stop") or ("tool_calls" if calls else "stop")
    used, made = _size(body["messages"]), _size(message)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": reply.get("model", body["model"]),
        "choices": [] if fault == "empty" else [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": used, "completion_tokens": made, "total_tokens": used + made},
    }


def claude_body(reply: Table, body: Table, fault: str) -> Table:
    """A message. "empty" has no content at all; a tool call cannot be cut in this format, it is dropped."""
    reply = {} if fault == "refusal" else reply
    blocks: list[Table] = [{"type": "text", "text": reply["text"]}] if reply.get("text") else []
    blocks = reply.get("blocks", blocks)  # thoughts apart
    if reply.get("tool") and fault != "tool-cut":
        blocks.append({"type": "tool_use", "id": "toolu_a", "name": reply["tool"], "input": reply.get("args", {})})
    stop = {"tool-cut": "max_tokens", "length": "max_tokens", "filter": "refusal", "refusal": "refusal"}.get(fault, "")
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": reply.get("model", body["model"]),
        "content": None if fault == "empty" else blocks,
        "stop_reason": stop or reply.get("stop") or ("tool_use" if reply.get("tool") else "end_turn"),
        "stop_sequence": None,
        "usage": {
            "input_tokens": _size(body["messages"]),
            "output_tokens": _size(blocks),
            "cache_read_input_tokens": reply.get("cache_read", 0),
            "cache_creation_input_tokens": reply.get("cache_write", 0),
        },
    }


def wrong_completion(body: Table, refuses: tuple[str, ...]) -> str:
    """Why the OpenAI format forbids this request, or ""."""
    for name in refuses:
        if name in body:
            return f"Unsupported parameter: '{name}' is not supported with this model."
    if not isinstance(body.get("model"), str) or not body.get("messages"):
        return "model and messages are required"
    open_calls: list[str] = []
    for message in body["messages"]:
        if open_calls and message["role"] != "tool":
            return f"tool_calls {open_calls} are not followed by tool messages"
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                return "a tool message must follow its tool_calls"
            open_calls.remove(message["tool_call_id"])
        elif message.get("content") is None and not message.get("tool_calls"):
            return "content is required"
        for call in message.get("tool_calls", ()):
            json.loads(call["function"]["arguments"])
            open_calls.append(call["id"])
    shapes = [tool["function"]["parameters"] for tool in body.get("tools", ())]
    return "" if all(shape.get("type") == "object" for shape in shapes) else "parameters must be an object"


def wrong_messages(body: Table, refuses: tuple[str, ...]) -> str:
    """Why the messages format forbids this request, or ""."""
    for name in refuses:
        if name in body:
            return f"{name}: Extra inputs are not permitted"
    unknown = body.keys() - TAKEN
    if unknown or not body.get("messages") or not isinstance(body.get("max_tokens"), int):
        return f"{sorted(unknown) or 'messages, max_tokens'}: missing or extra inputs"
    expected, used = "user", set[str]()
    for message in body["messages"]:
        if message["role"] != expected:
            return "roles must alternate and start with user"
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if set(results) != used or any(block["type"] != "tool_result" for block in blocks[: len(results)]):
            return "each tool_use must be answered first thing in the next message"
        if not blocks or any(block["type"] == "text" and not block["text"].strip() for block in blocks):
            return "text content blocks must contain non-whitespace text"
        used = {block["id"] for block in blocks if block["type"] == "tool_use"}
        if used and not body.get("tools"):
            return "tools must be given where tool_use blocks are"
        expected = "assistant" if expected == "user" else "user"
    if any(not stop.strip() for stop in body.get("stop_sequences", ())):
        return "stop_sequences must contain non-whitespace"
    return ""


def _size(value: Any) -> int:
    return len(json.dumps(value)) // 4


def _text_of(message: Table) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(str(block.get("text") or block.get("content") or "") for block in content)


def _least(shape: Table) -> Any:
    if "enum" in shape:
        return shape["enum"][0]
    least = shape.get("minimum", 1)
    return {"number": least, "integer": least, "boolean": True, "array": []}.get(shape.get("type", "string"), "yes")
