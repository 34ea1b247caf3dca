"""Request parameters that chat-completions servers reject, and the request to retry with instead."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from agents.api.error_bodies import TOOLS
from agents.api.http_parsing import parse_arguments
from agents.api.request_alternatives import OUT_OF_RANGE, Alternative, Body, compile_pattern, leave_out
from agents.llm.message_content import ensure_object, read_text
from agents.llm.prompts import describe_tools_in, format_json
from arena.game import Tool

Message: TypeAlias = dict[str, Any]
LARGEST_SEED = 2**31  # seeds below it are taken by every server that takes any
SMALL = 0.01  # a temperature for servers that take none of 0
DONE = "ok"  # the result of every tool call
BEGIN, GO_ON, SILENT = "Begin.", "Go on.", "…"  # said where the format wants words and there are none
PLAIN = ("type", "description", "properties", "required", "items", "enum")  # of JSON Schema, taken everywhere
ABOUT_MESSAGES = compile_pattern(r"\broles?\b|alternat|template|jinja|conversation|\bmessages?\b|order")
MESSAGES, TOOLING = frozenset({"messages", "message"}), frozenset({"tools", "tool_choice", "functions", "tool"})


def swap_limit_name(body: Body) -> Body:
    """The most new tokens, by the other of the two names in use."""
    for name, other in (("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")):
        if name in body:
            return {other if key == name else key: value for key, value in body.items()}
    return body


def shorten_seed(body: Body) -> Body:
    """A seed of 31 bits, made of the longer one."""
    seed = body.get("seed")
    return {**body, "seed": seed % LARGEST_SEED} if isinstance(seed, int) and not 0 <= seed < LARGEST_SEED else body


def raise_temperature(body: Body) -> Body:
    """A small positive temperature in place of 0, for servers that reject 0."""
    return {**body, "temperature": SMALL} if body.get("temperature") == 0 else body


def without_top_p_of_one(body: Body) -> Body:
    """Without a `top_p` that keeps everything."""
    return {key: value for key, value in body.items() if key != "top_p" or value != 1}


def describe_tools(body: Body) -> Body:
    """The tools described in the system prompt, as JSON objects to write; past calls rendered that way."""
    if not body.get("tools"):
        return body
    tools = parse_tools([ensure_object(tool.get("function")) for tool in body["tools"]], "parameters")
    messages = _write_calls_as_text(body["messages"])
    at = next((at for at, message in enumerate(messages) if message["role"] in ("system", "developer")), None)
    if at is None:
        messages = [{"role": "system", "content": describe_tools_in("", tools)}, *messages]
    else:
        told = {**messages[at], "content": describe_tools_in(read_text(messages[at]["content"]), tools)}
        messages = [*messages[:at], told, *messages[at + 1 :]]
    left = {key: value for key, value in body.items() if key not in ("tools", "tool_choice", "parallel_tool_calls")}
    return {**left, "messages": messages}


def parse_tools(described: Sequence[Mapping[str, Any]], schema: str) -> tuple[Tool, ...]:
    """The tools of a request's descriptions, with the arguments' schema under `schema`."""
    return tuple(
        Tool(
            one["name"],
            one["description"],
            one[schema]["properties"],
            tuple(name for name in one[schema]["properties"] if name not in one[schema]["required"]),
        )
        for one in described
    )


def _write_calls_as_text(messages: Sequence[Message]) -> list[Message]:
    """The messages without tool calls and results: what was called is written as a JSON object."""
    written: list[Message] = []
    for message in messages:
        if message["role"] == "tool":
            continue
        if calls := message.get("tool_calls"):
            function = calls[0]["function"]
            text = format_json(
                read_text(message["content"]), function["name"], parse_arguments(function["arguments"])[0]
            )
            message = {"role": message["role"], "content": text}
        written.append(message)
    return written


def _join_system_first(messages: Sequence[Message]) -> list[Message]:
    """One system message, the first; what the system says later on is the user's."""
    first = next((at for at, message in enumerate(messages) if message["role"] != "system"), len(messages))
    head = "\n\n".join(read_text(message["content"]) for message in messages[:first])
    later = [{**message, "role": "user"} if message["role"] == "system" else message for message in messages[first:]]
    return [*([{"role": "system", "content": head}] if first else []), *later]


def _use_developer_role(messages: Sequence[Message]) -> list[Message]:
    return [{**message, "role": "developer"} if message["role"] == "system" else message for message in messages]


def _fold_system(messages: Sequence[Message]) -> list[Message]:
    """No system message: its text is prepended to the user's."""
    system = ("system", "developer")
    head = "\n\n".join(read_text(message["content"]) for message in messages if message["role"] in system)
    rest = [message for message in messages if message["role"] not in system]
    if not head:
        return list(messages)
    if rest and rest[0]["role"] == "user":
        return [{**rest[0], "content": f"{head}\n\n{read_text(rest[0]['content'])}"}, *rest[1:]]
    return [{"role": "user", "content": head}, *rest]


def _join_user_to_result(messages: Sequence[Message]) -> list[Message]:
    """The user's text after a tool call is appended to the tool result."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1]["role"] == "tool" and message["role"] == "user":
            joined[-1] = {**joined[-1], "content": f"{joined[-1]['content']}\n\n{read_text(message['content'])}"}
        else:
            joined.append(message)
    return joined


def _answer_tool_results(messages: Sequence[Message]) -> list[Message]:
    """A word of the assistant's between the result of a tool and what the user says."""
    put: list[Message] = []
    for message in messages:
        if put and put[-1]["role"] == "tool" and message["role"] == "user":
            put.append({"role": "assistant", "content": DONE})
        put.append(message)
    return put


def _alternate_roles(messages: Sequence[Message]) -> list[Message]:
    """User and assistant in turn, the user first and last; neighbours of one role are joined."""
    head = [message for message in messages[:1] if message["role"] in ("system", "developer")]
    turns: list[Message] = []
    for message in messages[len(head) :]:
        before = turns[-1] if turns else {}
        same = before.get("role") == message["role"] in ("user", "assistant")
        if same and not before.get("tool_calls") and not message.get("tool_calls"):
            texts = (read_text(before["content"]), read_text(message["content"]))
            turns[-1] = {**before, "content": "\n\n".join(filter(None, texts))}
        else:
            turns.append(message)
    if not turns or turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": BEGIN})
    if turns[-1]["role"] == "assistant":
        turns.append({"role": "user", "content": GO_ON})
    return [*head, *turns]


def _replace_null_content(messages: Sequence[Message]) -> list[Message]:
    return [{**message, "content": ""} if message.get("content") is None else message for message in messages]


def _fill_empty_content(messages: Sequence[Message]) -> list[Message]:
    blank = [not read_text(message.get("content")).strip() for message in messages]
    return [{**one, "content": SILENT} if empty else one for one, empty in zip(messages, blank, strict=True)]


def make_simplifier(keep: Callable[[str], bool]) -> Callable[[Any], Any]:
    """A change of a JSON Schema, all the way down, that keeps only some of its keywords."""

    def simple(schema: object) -> Any:
        if not isinstance(schema, Mapping):
            return schema
        kept = {key: simple(value) if key == "items" else value for key, value in schema.items() if keep(key)}
        if isinstance(properties := kept.get("properties"), Mapping):
            kept["properties"] = {name: simple(one) for name, one in properties.items()}
        return kept

    return simple


def _make_schema_change(keep: Callable[[str], bool]) -> Callable[[Body], Body]:
    simple = make_simplifier(keep)

    def change(body: Body) -> Body:
        tools = body.get("tools") or ()
        made = [
            {**tool, "function": {key: value if key != "parameters" else simple(value)
                                  for key, value in tool["function"].items() if key != "strict"}}
            for tool in tools
        ]  # fmt: skip
        return {**body, "tools": made} if made else body

    return change


def _apply_to_messages(change: Callable[[Sequence[Message]], list[Message]]) -> Callable[[Body], Body]:
    return lambda body: {**body, "messages": change(body["messages"])}


def _make_alternative(
    says: str, change: Callable[[Sequence[Message]], list[Message]], worded: str, cost: int
) -> Alternative:
    return Alternative(says, _apply_to_messages(change), MESSAGES, compile_pattern(worded), ABOUT_MESSAGES, cost=cost)


WORDS = Alternative(
    "with tools told in words (SEAT.native_tools=false)", describe_tools, TOOLING, TOOLS, cost=20,
    unless=compile_pattern(r"\broles?\b.{0,30}\btool\b|after (role |a )?.?tool"),
)  # fmt: skip
NO_TOOL_ROLE = r"\broles?\b.{0,80}\btool|\btool\b.{0,20}\brole|tool_call_id|tool (message|result|response)|tool_calls"
AFTER_TOOL = r"after.{0,20}\btool|\btool\b.{0,40}followed|tool (message|result)s?.{0,60}(user|assistant)"
ALTERNATIVES: tuple[Alternative, ...] = (  # in the order in which they are applied
    Alternative(
        "with the token limit by its other name", swap_limit_name, frozenset({"max_tokens", "max_completion_tokens"}),
        compile_pattern(r"(?=.*\bmax_(completion_)?tokens\b)(?=.*(un(supported|recogni|known|expected)|instead|"
                r"not (supported|permitted|allowed)|extra (inputs|fields)))"),
        unless=compile_pattern(r"too (large|big|high)|at most|less than|exceed"),
    ),
    Alternative("with seeds of 31 bits", shorten_seed, frozenset({"seed"}), compile_pattern(r"\bseed\b"),
                unless=compile_pattern(
                    r"un(supported|recogni|known|expected)|not (supported|permitted|allowed)|extra inputs")),
    leave_out("seed", range_too=True),
    leave_out("parallel_tool_calls", spelled=r"parallel_?tool_?calls", range_too=True),
    Alternative("without a top_p of 1", without_top_p_of_one, frozenset({"top_p"}), compile_pattern(r"\btop_?p\b")),
    leave_out("top_p", spelled=r"\btop_?p\b"),
    Alternative(f"with a temperature of {SMALL} for 0", raise_temperature, frozenset(), compile_pattern(
        rf"(?=.*temperature)(?=.*({OUT_OF_RANGE.pattern}|positive|zero))")),
    leave_out("temperature"),
    leave_out("stop", "without stop, which is cut off here", r"\bstop\b|stop[ _]?(sequences?|words?|strings?)", True),
    WORDS,
    Alternative("with tools whose schemas leave additionalProperties open", _make_schema_change(lambda key: key !=
                "additionalProperties"), TOOLING, compile_pattern(r"additional_?properties|\bstrict\b"), cost=2),
    Alternative("with the plainest schemas of tools", _make_schema_change(lambda key: key in PLAIN), TOOLING,
                compile_pattern(
                    r"schema|parameters|\bproperties\b|keyword|minimum|maximum|\benum\b|unknown name"), cost=3),
    _make_alternative("with past tool calls told in words", _write_calls_as_text, NO_TOOL_ROLE, 8),
    _make_alternative("with an empty content for none", _replace_null_content,
           r"content.{0,80}(null|none|string|required|missing)|(null|none|string).{0,40}content", 2),
    _make_alternative("with one system message, the first", _join_system_first,
           r"system.{0,60}(begin|first|start|multiple|order)|(begin|first|start).{0,40}system|system.{0,10}after", 3),
    _make_alternative("with the role developer for system", _use_developer_role,
           r"[\"'`]developer[\"'`]|developer (role|message)|role developer", 4),
    _make_alternative("with the system's words in the user's first message", _fold_system,
           r"\bsystem\b|developer|only user and assistant", 5),
    _make_alternative("with what the user says after a tool call in its result", _join_user_to_result,
           AFTER_TOOL, 2),
    _make_alternative("with a word of the assistant's after each tool call", _answer_tool_results,
           AFTER_TOOL, 6),
    _make_alternative("with user and assistant in turn", _alternate_roles,
           r"alternat|consecutive|successive|same role|in a row|(first|last) (message|role)|expected last|start with|"
           r"end with|prefill|must be from|(must|should) be .?(user|assistant)|no user", 2),
    _make_alternative("without empty messages", _fill_empty_content,
           r"empty|blank|non-?(empty|whitespace)|at least (1|one) (char|item)|too short|no content|"
           r"content.{0,40}length", 3),
)  # fmt: skip
