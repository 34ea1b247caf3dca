"""Parse tool calls that a model wrote into its text in its native format and the server did not parse.

Read are the formats of Hermes and Qwen (`<tool_call>{…}</tool_call>`), Qwen-Coder (`<function=f><parameter=x>…`), Llama
(`<|python_tag|>{…}`, `<function=f>{…}</function>`), Mistral (`[TOOL_CALLS]f{…}`, `[TOOL_CALLS][{…}]`), DeepSeek
(`<｜tool▁calls▁begin｜>…`), Kimi, GLM (`<tool_call>f <arg_key>…`), Granite, Claude (`<invoke name="f">…`) and Python
(`[f(x=1)]`). They differ in their marks alone; each mark becomes one sign, and the signs are read by one grammar.
What is marked as a call and cannot be read raises Garbled.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from agents.chat_model import ToolCall
from agents.llm.action_tags import convert_to_type
from agents.llm.json_objects import Garbled, decode
from agents.llm.python_call_arguments import call_end, read_call
from arena.cache_register import memoize
from arena.game import JSON, Tool

# one sign for each kind of mark; a scrubbed text has none of them
BEGIN, END, NAME, PARAMETER, VALUE, STOP, APART = "\x01", "\x02", "\x03", "\x04", "\x05", "\x06", "\x07"
SPACE = r"(?:[\w.-]{1,24}[:_]|[|｜]{1,2}DSML[|｜]{1,2})?"  # of names: <minimax:tool_call>, <｜DSML｜invoke>
IS, REST = r"(?:\s{0,3}=\s{0,3}|\s{1,3}name\s{0,3}=\s{0,3})[\"']?", r"[\"']?[^<>\n]{0,200}>"
WORD = r"[\w.:-]{1,80}"
MARKS = re.compile(
    rf"(?P<apart><[|｜](?:tool[_▁]sep|tool[_▁]call[_▁]argument[_▁]begin)[|｜]>|\[ARGS\]|\[CALL_ID\]\w{{0,64}}|<\|plugin\|>)"
    rf"|(?P<end></{SPACE}(?:tools?|functions?)(?:[_ -]?(?:calls?|uses?|requests?|code))?>|</{SPACE}invoke>"
    r"|<[|｜](?:/(?:tool|function)[_▁]calls?|(?:tool|function)[_▁]calls?(?:[_▁]section)?[_▁]end|python[_▁]end"
    r"|end[_▁]action|action[_▁]end)[|｜]>|<tool_call\|>|<end_function_call>|<\|tools_suffix\|>|\[/TOOL_CALLS?\]|\[END_TOOL_REQUEST\])"
    rf"|(?P<begin><{SPACE}(?:tool|function)[_ -]?(?:calls?|uses?|requests?|code)>|<[|｜](?:tool|function)[_▁]calls?"
    r"(?:[_▁]section)?(?:[_▁](?:begin|start))?[|｜]?>|<\|python_(?:tag|start)\|>|<\|start_action\|>|<\|action_start\|>"
    r"|<start_function_call>|<\|tools_prefix\|>|\bfunctools(?=\s?\[)|\[TOOL_CALLS?\]|\[TOOL_REQUEST\])"
    rf"|(?P<older><function=(?P<olden>{WORD})(?=[({{]))"
    rf"|(?P<named><{SPACE}(?:function|invoke|tool|(?:tool|function)_(?:call|use)){IS}(?P<called>{WORD}){REST})"
    rf"|(?P<routed>(?:\bcommentary\s{{1,3}})?\bto=functions\.(?P<route>{WORD})\s{{0,3}}(?:json|code)?(?=\s{{0,3}}\{{))"
    rf"|(?P<parameter><{SPACE}parameter{IS}(?P<given>{WORD}){REST})"
    rf"|(?P<stop></{SPACE}parameter>|</{SPACE}arg_value>)"
    rf"|(?P<key><{SPACE}arg_key>\s{{0,3}}(?P<keyed>{WORD})\s{{0,3}}</{SPACE}arg_key>\s{{0,3}}<{SPACE}arg_value>)",
    re.IGNORECASE,
)
ANY = f"{BEGIN}-{APART}"
SIGNS = re.compile(f"[{ANY}]")
BETWEEN = re.compile(rf"(?:[\s,;{APART}]|```\w{{0,12}}|function{APART})*+")
BARE = re.compile(r"(?:call:)?(?:(?:functions?|tools?|default_api)[.:])?([A-Za-z_][\w-]{0,79})(?:\.call)?(?::\d{1,6})?")
GIVEN = re.compile(rf"{PARAMETER}([^{VALUE}]*+){VALUE}([^{ANY}]*+)(?:{STOP}|(?=[{ANY}])|\Z)")
LIST, NEXT = re.compile(r"\[\s*+([A-Za-z_][\w.]{0,79})\("), re.compile(r"\s*+,\s*+([A-Za-z_][\w.]{0,79})\(")
LEAD = (  # what may precede a call on its own line
    r"[ \t]*+(?:[`*_>#@/→$-]{1,3}[ \t]*+)?"
    r"(?:(?:call|calling|tool|function|action)[ ]?:[ ]?|[A-Za-z_]\w{0,40}[ ]?=[ ]?)?"
    r"(?:(?:await|return)[ ])?(?:functions\.|default_api\.|tools\.)?"
)
LINE, CLOSE = re.compile(rf"{LEAD}([A-Za-z_]\w{{0,79}})\("), re.compile(r"\s*+\]")
NEWLINE = re.compile(r"[ \t]*+[;`*_.]{0,3}[ \t]*+(?:<\w{1,20}>)?[ \t]*+(?:\n|\Z)")
ACTION = re.compile(r"<action>\s{0,9}([^<>]{1,2000}?)\s{0,9}</action>", re.IGNORECASE)
CLOSED = re.compile(r"(?:\s*+\))?(?:\s*+```)?")  # after a call in a fence
LEFT = re.compile(  # marks of calls in formats that are not read
    rf"</?{SPACE}(?:function|invoke|parameters?|arguments|arg_(?:key|value)|tool_(?:name|input)|tool_use)\b[^<>]{{0,99}}>"
    r"|<action\s[^<>]{0,99}>|\[ARGS\]|<\|(?:recipient|content|plugin|python_tag)\|>",
    re.IGNORECASE,
)
SPOKEN = ("say", "text", "message")
MOST = 1_000  # places in a text where a call may begin
UNREAD = "a tool call in the text cannot be read"


@dataclass(frozen=True, slots=True)
class Called:
    """The calls of a text in order, the JSON objects found at markers of calls, and the text without both."""

    calls: tuple[ToolCall, ...] = ()
    objects: tuple[Mapping[str, JSON], ...] = ()
    rest: str = ""


@dataclass(slots=True)
class CallCollector:
    """Parser state: the calls collected so far."""

    calls: list[ToolCall] = field(default_factory=list)
    objects: list[Mapping[str, JSON]] = field(default_factory=list)


def find_calls(text: str, tools: Sequence[Tool]) -> Called:
    """The calls of a text, in linear time. Raises Garbled for what is marked as one and cannot be read."""
    known = {tool.name: tool for tool in tools}
    starts, line = _compile_starts(tuple(known))
    if not any(sign in text for sign in ("<", "[", "```", "to=functions.")) and not line.search(text):
        return Called(rest=text)
    text = MARKS.sub(_sign, _unwrap_actions(text, known))
    found, kept, end = CallCollector(), [], 0
    for tries in count():
        start = starts.search(text, end)
        if start is None:
            break
        if tries == MOST:
            raise Garbled(UNREAD)
        kind, at = start.lastgroup, start.start()
        kept.append(text[end:at])
        if kind == "stray":
            end = start.end()
        elif kind in ("sign", "fence"):
            end = _take_region(text, start.end() if kind == "fence" else at, known, found)
            end = CLOSED.match(text, end).end() if kind == "fence" else end  # type: ignore[union-attr]
        else:
            end = (_take_glued_call if kind == "glued" else _take_python_calls)(text, at, known, found)
            if end == at:  # it only looks like a call
                end = start.end()
                kept.append(text[at:end])
    rest = "".join([*kept, text[end:]])
    if SIGNS.search(rest) or LEFT.search(rest) or _compile_stray_calls(known).search(rest):
        raise Garbled(UNREAD)
    return Called(tuple(found.calls), tuple(found.objects), rest)


def _unwrap_actions(text: str, known: Mapping[str, Tool]) -> str:
    """The text with the content of action tags on their own lines, an action's name alone as a call."""
    if "action>" not in text.lower() or any("action" in (tool.name, *tool.parameters) for tool in known.values()):
        return text
    names = {name.casefold() for name in known}
    return ACTION.sub(
        lambda found: f"\n{BEGIN}{found[1]}{END}\n" if found[1].casefold() in names else f"\n{found[1]}\n", text
    )


def is_call_mark(token: str) -> bool:
    """Whether a token alone is a mark of a call."""
    return MARKS.fullmatch(token) is not None


def _sign(mark: re.Match[str]) -> str:
    if mark["named"] or mark["routed"] or mark["older"]:
        return f"{NAME}{mark['called'] or mark['route'] or mark['olden']}{VALUE}"
    if mark["parameter"] or mark["key"]:
        return f"{PARAMETER}{mark['given'] or mark['keyed']}{VALUE}"
    return {"apart": APART, "end": END, "begin": BEGIN, "stop": STOP}[mark.lastgroup or ""]


@memoize("texts", most=1_000)
def _compile_starts(names: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Positions where a call may begin: at a sign, in a fence of code, in brackets, as a line of its own; and the last
    alone."""
    ways = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)"
    whole = re.compile(
        rf"(?P<sign>[{BEGIN}{NAME}])|(?P<stray>{END})"
        rf"|(?P<fence>```(?:tool_code|tool_call|tool|python|py)?[ \t]*+\n\s*+(?:print\()?(?=(?:\w+\.)?(?:{ways})\())"
        rf"|(?P<list>\[\s*+(?:(?:{ways})\(|[A-Za-z_]\w{{0,79}}\((?=\)\s*+[\],]|\s*+[A-Za-z_]\w{{0,79}}\s*+=)))"
        rf"|(?P<line>^{LEAD}(?:{ways})\((?=\s*+(?:\w{{1,80}}\s*+=|\{{\s*+[\"}}]|\))))"
        rf"|(?P<glued>^[ \t>@#/→*`-]*+(?:{ways})(?=\s*+\{{\s*+[\"}}]))",
        re.MULTILINE,
    )
    return whole, re.compile(rf"(?<![\w.])(?:{ways})[(\s{{]")


def _compile_stray_calls(known: Mapping[str, Tool]) -> re.Pattern[str]:
    """Calls by name in the midst of other words, which are neither read nor spoken."""
    return _compile_named_calls(tuple((tool.name, tuple(tool.parameters)) for tool in known.values()))


@memoize("texts", most=1_000)
def _compile_named_calls(tools: tuple[tuple[str, tuple[str, ...]], ...]) -> re.Pattern[str]:
    ways = [rf"{re.escape(name)}\(\s*+(?:{'|'.join(map(re.escape, own))})\s*+=[^=]" for name, own in tools if own]
    return re.compile(rf"(?<![\w.])(?:{'|'.join(ways)})" if ways else r"(?!)")


def _take_region(text: str, at: int, known: Mapping[str, Tool], found: CallCollector) -> int:
    """Take the calls that begin at `at`; the position after them. Raises Garbled where there is none."""
    first = True
    while True:
        at = _skip(text, at)
        sign = text[at : at + 1]
        if sign == BEGIN:
            at, first = at + 1, True
        elif sign == END:
            return at + 1
        else:
            stop = _take_item(text, at, known, found, first)
            if stop is None and first and sign:
                raise Garbled(UNREAD)
            if stop is None:
                return at
            at, first = stop, False


def _take_item(text: str, at: int, known: Mapping[str, Tool], found: CallCollector, first: bool) -> int | None:
    """Take one call, or a list of some; the position after, None where there is none. After a first one, a word
    alone is no further one."""
    sign = text[at : at + 1]
    if sign == NAME:
        stop = text.index(VALUE, at)
        name = BARE.fullmatch(text, at + 1, stop)
        return _take_named_call(text, stop + 1, name[1] if name else text[at + 1 : stop], known, found)
    if sign == "[" and LIST.match(text, at):
        stop = _take_python_calls(text, at, known, found)
        return stop if stop > at else None
    if sign in ("{", "["):
        value, stop = decode(text, at)
        items = value if isinstance(value, list) else [value]
        objects = [item for item in items if isinstance(item, dict)]
        if len(objects) < len(items):
            return None
        found.objects += objects
        return stop
    name = BARE.match(text, at)
    if name is None:
        return None
    behind = _skip(text, name.end())
    if text[behind : behind + 1] not in (("", "{", "(", PARAMETER, BEGIN, END) if first else ("{", PARAMETER)):
        return None
    return _take_named_call(text, behind, name[1], known, found)


def _take_named_call(text: str, at: int, name: str, known: Mapping[str, Tool], found: CallCollector) -> int:
    """Take the call of `name`, whose arguments begin at `at`; the position after them."""
    at = _skip(text, at)
    tool = next((tool for tool in known.values() if tool.name.casefold() == name.casefold()), None)
    args: dict[str, JSON] = {}
    sign = text[at : at + 1]
    if sign == "{":
        value, at = decode(text, at)
        args = value if isinstance(value, dict) else {}
        at += text[at : at + 1] == ">"  # <function=f{…}></function>
    elif sign == "(":
        stop = call_end(text, at)
        if stop == at:
            raise Garbled(f"the call of {name} does not end")
        args, at = _place_arguments(text[at:stop], tool, name), stop
    elif sign == PARAMETER:
        while given := GIVEN.match(text, at):
            schema = tool.parameters.get(given[1], {}) if tool else {}
            args[given[1]] = convert_to_type(given[2].strip(), schema)
            at = _skip(text, given.end())
    elif sign not in ("", BEGIN, END, NAME):
        raise Garbled(f"the arguments of {name} are neither JSON nor parameters")
    found.calls.append(ToolCall(tool.name if tool else name, args))
    return at + 1 if text[at : at + 1] == END and sign == PARAMETER else at


def _take_python_calls(text: str, at: int, known: Mapping[str, Tool], found: CallCollector) -> int:
    """Take the call of a line, or those of a list in brackets; the position after, `at` where they are none."""
    taken: list[ToolCall] = []
    end, listed = at, text[at] == "["
    while name := (NEXT if taken else LIST if listed else LINE).match(text, end):
        stop = call_end(text, name.end() - 1)
        tool = known.get(name[1].removesuffix(".call").rpartition(".")[2])
        if stop == name.end() - 1:
            raise Garbled(f"the call of {name[1]} does not end")
        try:
            taken.append(
                ToolCall(tool.name if tool else name[1], _place_arguments(text[name.end() - 1 : stop], tool, name[1]))
            )
        except Garbled:
            if listed and tool:
                raise
            return at
        end = stop
        if not listed:
            break
    behind = (CLOSE if listed else NEWLINE).match(text, end)
    if behind is None or not taken:
        return at
    found.calls += taken
    return behind.end()


def _take_glued_call(text: str, at: int, known: Mapping[str, Tool], found: CallCollector) -> int:
    """Take a tool's name followed by its arguments as JSON; `at` where the object means something else."""
    name = BARE.search(text, at)
    tool = known.get(name[1]) if name else None
    if name is None or tool is None:
        return at
    args, stop = decode(text, _skip(text, name.end()))
    if not isinstance(args, dict) or not set(args) <= {*tool.parameters, *SPOKEN} or (not args and tool.parameters):
        return at
    found.calls.append(ToolCall(tool.name, args))
    return stop


def _skip(text: str, at: int) -> int:
    """The position after separators."""
    found = BETWEEN.match(text, at)
    return found.end() if found else at


def _place_arguments(arguments: str, tool: Tool | None, name: str) -> dict[str, JSON]:
    """The arguments of a call in Python by name; those without one follow the order of the tool's parameters."""
    given = read_call(arguments)
    if len(given.placed) == 1 and isinstance(given.placed[0], dict) and not given.named:
        return dict(given.placed[0])
    names = [parameter for parameter in (tool.parameters if tool else {}) if parameter not in given.named]
    if len(given.placed) > len(names):
        raise Garbled(f"{name} is given more arguments than it takes")
    return {**dict(zip(names, given.placed, strict=False)), **given.named}
