"""What servers of the chat-completions format refuse that others take, in the words in which they do.

The words are those of vLLM, llama.cpp, Ollama, Mistral, Together, Groq, Azure, OpenRouter, LM Studio, SGLang, TGI,
Gemini, DeepSeek, Bedrock and OpenAI itself, or close to them.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

Table = dict[str, Any]
Refusal = tuple[int, Any]  # status and body
Check = Callable[[Table], Refusal | None]


def openai(message: str, status: int = 400, param: str | None = None, code: Any = None) -> Refusal:
    """An error as OpenAI puts it."""
    return status, {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def vllm(message: str, status: int = 400) -> Refusal:
    return status, {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": status}


def pydantic(place: Sequence[str | int], message: str, kind: str = "extra_forbidden") -> Refusal:
    return 422, {"detail": [{"type": kind, "loc": ["body", *place], "msg": message, "input": "…"}]}


def mistral(message: str) -> Refusal:
    return 400, {"object": "error", "message": message, "type": "invalid_request_message_order", "param": None,
                 "code": "3230"}  # fmt: skip


def has(name: str, refusal: Refusal) -> Check:
    return lambda body: refusal if name in body else None


def roles(body: Table) -> list[str]:
    return [message["role"] for message in body["messages"]]


def contents(body: Table) -> list[Any]:
    return [message.get("content") for message in body["messages"]]


def schemas(body: Table) -> list[Table]:
    return [tool["function"]["parameters"] for tool in body.get("tools", ())]


def no_role(role: str, refusal: Refusal) -> Check:
    return lambda body: refusal if role in roles(body) else None


def user_after_tool(refusal: Refusal) -> Check:
    return lambda body: refusal if ("tool", "user") in pairwise(roles(body)) else None


def alternating(refusal: Refusal, system: bool = True) -> Check:
    """User and assistant in turn behind the system's line, the user first and last; tools are not counted."""

    def check(body: Table) -> Refusal | None:
        said = roles(body)[1:] if system and roles(body)[0] == "system" else roles(body)
        pure = [role for role in said if role != "tool"]
        wrong = not pure or pure[0] != "user" or any(one == other for one, other in pairwise(pure))
        return refusal if wrong else None

    return check


def range_of(name: str, wrong: Callable[[Any], bool], refusal: Refusal) -> Check:
    return lambda body: refusal if name in body and wrong(body[name]) else None


def either(*checks: Check) -> Check:
    return lambda body: next((found for check in checks if (found := check(body))), None)


def google(message: str) -> Refusal:
    return 400, [{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}]


def llama_cpp(message: str) -> Refusal:
    return 500, {"error": {"code": 500, "message": message, "type": "server_error"}}


def tgi(message: str) -> Refusal:
    return 422, {"error": f"Input validation error: {message}", "error_type": "validation"}


def studio(message: str, status: int) -> Refusal:
    return status, {"error": f'Error rendering prompt with jinja template: "{message}"'}


def router(message: str, status: int = 400, raw: str = "") -> Refusal:
    more = {"metadata": {"raw": raw, "provider_name": "x"}} if raw else {}
    return status, {"error": {"message": message, "code": status, **more}}


def with_both(body: Table) -> Refusal | None:
    both = {"temperature", "top_p"} <= body.keys()
    message = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    return openai(message) if both else None


def with_open_schema(body: Table) -> Refusal | None:
    where = "'tools[0].function_declarations[0].parameters'"
    message = f'Invalid JSON payload received. Unknown name "additionalProperties" at {where}: Cannot find field.'
    return google(message) if any("additionalProperties" in one for one in schemas(body)) else None


def with_bounds(body: Table) -> Refusal | None:
    bounded = any("minimum" in inner for one in schemas(body) for inner in one["properties"].values())
    message = "Invalid schema for function: 'minimum' is not permitted."
    return (
        openai(message, param="tools[0].function.parameters", code="invalid_function_parameters") if bounded else None
    )


def with_null(body: Table) -> Refusal | None:
    message = "Invalid value for 'content': expected a string, got null."
    return openai(message, param="messages.[2].content") if None in contents(body) else None


def with_blank(body: Table) -> Refusal | None:
    message = "The text field in the ContentBlock object at messages.1.content.0 is blank. Add text to it."
    return openai(message) if any(not str(one or "").strip() for one in contents(body)) else None


TEMPLATE = "Conversation roles must alternate user/assistant/user/assistant/..."
ONLY = "Only user and assistant roles are supported!"
SUCCESSIVE = "deepseek-reasoner does not support successive user or assistant messages in your input"
ENUM = "Input should be 'system', 'user' or 'assistant'; role 'tool' is unknown"
AUTO = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
GEMMA = "registry.ollama.ai/library/gemma:2b does not support tools"
ENDPOINTS = "No endpoints found that support tool use. To learn more, visit: https://openrouter.ai/docs"
O1_ROLE = "Unsupported value: 'messages[0].role' does not support 'system' with this model."
O1_VALUE = "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) is supported."
O1_LIMIT = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
INT32 = "json: cannot unmarshal number into Go struct field ChatRequest.seed of type int32"
DEVELOPER = "Developer instruction is not enabled for models/gemma-3-27b-it"
POSITIVE = "`temperature` must be strictly positive"
SHORT = "Input should be less than or equal to 2147483647"
EXTRA = "Extra inputs are not permitted"
LARGE = 2**31


def is_large(seed: int) -> bool:
    return seed >= LARGE


SERVERS: Mapping[str, Check] = {
    "mistral-order": user_after_tool(mistral("Unexpected role 'user' after role 'tool'")),
    "vllm-order": user_after_tool(vllm("After the tool message a message of role assistant is expected, got user.")),
    "gemma-system": no_role("system", openai("System role not supported", code=400)),
    "gemini-system": either(no_role("system", google(DEVELOPER)), no_role("developer", google(DEVELOPER))),
    "o1-system": no_role("system", openai(O1_ROLE, param="messages[0].role", code="unsupported_value")),
    "developer": no_role("system", openai("Use 'developer' instead of role 'system'.", param="messages.0.role")),
    "llama-roles": either(no_role("system", vllm(ONLY)), no_role("tool", vllm(ONLY))),
    "router-system": no_role("system", router("Provider returned error", raw='{"error":"System role not supported"}')),
    "studio-template": alternating(studio(TEMPLATE, 400)),
    "studio-200": alternating(studio(TEMPLATE, 200)),
    "llama-cpp-template": alternating(llama_cpp(f"{TEMPLATE} at row 1")),
    "gemma-template": either(no_role("system", vllm("System role not supported")), alternating(vllm(TEMPLATE), False)),
    "deepseek": alternating(openai(SUCCESSIVE)),
    "no-tool-role": no_role("tool", pydantic(["messages", 3, "role"], ENUM, "enum")),
    "vllm-tools": has("tools", vllm(AUTO)),
    "ollama-tools": has("tools", (400, {"error": {"message": GEMMA, "type": "api_error", "param": None}})),
    "llama-cpp-tools": has("tools", llama_cpp("tools param requires --jinja flag")),
    "router-tools": has("tools", router(ENDPOINTS, 404)),
    "groq-tools": has("tools", openai("`tool calling` is not supported with this model", param="tools")),
    "azure-tools": has("tools", openai("Unrecognized request argument supplied: tools")),
    "gemini-tools": has("tools", google("Function calling is not enabled for models/gemma-3-1b-it")),
    "mistral-tools": has("tools", mistral("Function calling is not enabled for this model")),
    "o1-temperature": has("temperature", openai(O1_VALUE, param="temperature", code="unsupported_value")),
    "o1-top-p": has("top_p", openai("Unsupported parameter: 'top_p' is not supported.", param="top_p")),
    "claude-both": with_both,
    "tgi-temperature": range_of(
        "temperature", lambda value: value <= 0, tgi("`temperature` must be strictly positive")
    ),
    "tgi-top-p": range_of("top_p", lambda value: value >= 1, tgi("`top_p` must be > 0.0 and < 1.0")),
    "grok-stop": has("stop", openai("Argument not supported on this model: stop")),
    "o3-stop": has("stop", openai("Unsupported parameter: 'stop' is not supported with this model.", param="stop")),
    "no-seed": has("seed", pydantic(["seed"], EXTRA)),
    "short-seed": range_of(
        "seed", is_large, pydantic(["seed"], "Input should be less than or equal to 2147483647", "le")
    ),
    "seed-int32": range_of("seed", is_large, openai(INT32)),
    "gemini-schema": with_open_schema,
    "plain-schema": with_bounds,
    "no-null": with_null,
    "bedrock-blank": with_blank,
    "new-limit": has("max_tokens", openai(O1_LIMIT, param="max_tokens", code="unsupported_parameter")),
    "old-limit": has("max_completion_tokens", pydantic(["max_completion_tokens"], EXTRA)),
    "no-parallel": has("parallel_tool_calls", openai("Unrecognized request argument supplied: parallel_tool_calls")),
}


def refused(body: Table, servers: Sequence[str]) -> Refusal | None:
    """The status and the body with which the first of these servers that objects does so."""
    return next((found for name in servers if (found := SERVERS[name](body))), None)
