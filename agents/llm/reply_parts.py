"""Convert the parts of a reply into moves: JSON objects and tool calls, in the many shapes that models produce."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agents.chat_model import ToolCall
from agents.llm.json_objects import Garbled, scrub, scrub_json
from agents.llm.message_content import join_thoughts, read_text
from agents.llm.thought_parsing import is_thought
from arena.game import JSON, Tool, View

SAYS = ("say", "text", "message")
NAMES = ("action", "tool", "move")
CALLED = ("name", "tool_name", "function_name", "recipient_name", "function", "tool")
TABLES = ("args", "arguments", "parameters", "params", "input", "action_input", "tool_input", "function_args")
THOUGHTS = ("thought", "thoughts", "thinking", "reasoning", "rationale", "scratchpad", "analysis", "reflection",
            "internal_monologue", "inner_monologue", "chain_of_thought", "thought_process")  # fmt: skip
MARKS = ("type", "id", "index", "call_id", "tool_call_id")  # keys of a call itself, never of its arguments
SILENT = frozenset({"", "none", "null", "say", "speak", "talk", "message", "no_action"})
SPEAKING = SILENT | {"respond", "response", "reply", "answer", "final_answer", "send_message"}  # calls that only speak
NESTS = ("tool_calls", "function_calls", "function_call", "tool_call", "tool_uses")
CHOOSING = re.compile(  # names of calls that say no more than that a move is made
    r"(?:(?:make|play|take|choose|select|submit|pick|place|do|give|final)_?)?(?:a_|my_|the_)?"
    r"(?:move|action|choice|answer|response|turn|play|decision|say|reply)|play|choose|select|submit|pick|act"
)


@dataclass(frozen=True, slots=True)
class ReplyPart:
    """The content of one piece of a reply: text (None: it has no text field), an action, a thought."""

    say: str | None = None
    tool: str = ""
    args: Mapping[str, JSON] = field(default_factory=dict)
    thought: str = ""

    def __str__(self) -> str:
        return f"{self.tool}({', '.join(f'{name}={value!r:.40}' for name, value in self.args.items())})"


def merge_actions(parts: Iterable[ReplyPart]) -> ReplyPart:
    """The one action of the parts; a part without any where they have none. Raises Garbled for two different ones."""
    acts = [part for part in parts if part.tool]
    for act in acts[1:]:
        if (act.tool, act.args) != (acts[0].tool, acts[0].args):
            raise Garbled(f"two actions in one reply, {acts[0]} and {act}; take one")
    return acts[0] if acts else ReplyPart()


def parse_call(call: ToolCall, view: View) -> ReplyPart:
    """A tool call as a move; one that is no action of the game may still be a legal text or speech."""
    name = scrub(call.name)
    if call.broken:
        raise Garbled(f"the arguments of {name} are not a JSON object: {scrub(call.broken)[:80]!r}")
    args = _normalize_keys(scrub_json(dict(call.args)), view.tools)
    tools = [tool.name for tool in view.tools]
    plain = find_tool_name(name, tools)
    if plain not in tools and view.legal is not None and (meant := _find_chosen_text(plain, args, view.legal)):
        return ReplyPart(meant, thought=_find_thought(args))
    if plain not in tools and _simplify_name(plain) in SPEAKING and (said := _find_spoken_words(args)) is not None:
        return ReplyPart(said, thought=_find_thought(args))
    return _build_part(args, plain, view.tools)


def _find_chosen_text(name: str, args: Mapping[str, JSON], legal: Sequence[str]) -> str:
    """The text that a call chooses: its name, or what is given to one that only says that it is a move; else ""."""
    if name in legal and not args:
        return name
    given = {key: str(value) for key, value in args.items() if isinstance(value, str | int) and key not in THOUGHTS}
    if CHOOSING.fullmatch(_simplify_name(name)) is None:
        return ""
    keys = [key for key in given if CHOOSING.fullmatch(_simplify_name(key)) or key in SAYS]
    return given[keys[0]] if len(keys) == 1 else ""


def parse_object(item: Mapping[str, JSON], view: View, called: bool = False) -> list[ReplyPart]:
    """A JSON object as moves; empty where it is none. called: it was found at the marker of a call."""
    item = _normalize_keys(item, view.tools)
    for nest in NESTS:
        inner = item.get(nest)
        held = [inner] if isinstance(inner, Mapping) else inner if isinstance(inner, list | tuple) else []
        if held and all(isinstance(one, Mapping) for one in held):
            beside = ReplyPart(_find_words(item, SAYS) or _find_words(item, ("content",)), thought=_find_thought(item))
            return [beside, *(part for one in held for part in parse_object(one, view, True))]
    call = _parse_as_call(item, {tool.name for tool in view.tools}, called)
    if call is not None:
        return [parse_call(call, view)]
    part = _parse_own_object(item, view)
    if part is None and called:
        raise Garbled("the tool call names no action")
    return [] if part is None else [part]


def _normalize_keys(item: JSON, tools: Sequence[Tool]) -> dict[str, JSON]:
    """An object with its keys as this file spells them, whatever their case, and any name of a thought as `thought`."""
    assert isinstance(item, Mapping)
    own = {name for tool in tools for name in (tool.name, *tool.parameters)}
    known = {*SAYS, *NAMES, *CALLED, *TABLES, *NESTS, *THOUGHTS}
    table: dict[str, JSON] = {}
    thoughts: list[str] = []
    for key, value in item.items():
        plain = _simplify_name(key)
        if key not in own and (plain in THOUGHTS or is_thought(plain)):
            thoughts.append(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        else:
            if isinstance(value, list) and plain in SAYS and key not in own:  # contents in parts
                thoughts.append(join_thoughts(value))
                value = "".join(part if isinstance(part, str) else read_text([part]) for part in value)
            table[plain if key not in own and plain in known and plain not in item else key] = value
    return {**table, "thought": "\n".join(filter(None, thoughts))} if any(thoughts) else table


def _parse_as_call(item: Mapping[str, JSON], tools: set[str], called: bool) -> ToolCall | None:
    """The tool call that an object spells: a name and a table of arguments, which may be JSON in a text."""
    inner = item.get("function")
    if isinstance(inner, Mapping) and "name" in inner:
        item = {**{key: value for key, value in item.items() if key != "function"}, **inner}
    key = next((key for key in CALLED if isinstance(item.get(key), str) and item[key]), None)
    if key is None or (key == "tool" and not called and "action_input" not in item):
        return None
    tables = [table for table in TABLES if table in item]
    args = _parse_table(item[tables[0]]) if tables else None
    known = key in ("name", "tool_name") and find_tool_name(str(item[key]), tools) in tools
    if args is None and not called and not known:
        return None
    if args is None and tables and item[tables[0]] not in (None, "", [], "{}"):
        return ToolCall(str(item[key]), broken=str(item[tables[0]]))
    beside = {name: value for name, value in item.items() if name not in {key, *tables[:1], *MARKS}}
    return ToolCall(str(item[key]), {**beside, **(args or {})})


def _parse_table(value: JSON) -> Mapping[str, JSON] | None:
    """Arguments as a table: an object, or the text of one."""
    if isinstance(value, str) and value.lstrip().startswith(("{", '"')):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
        return _parse_table(value)
    return value if isinstance(value, Mapping) else None


def _parse_own_object(item: Mapping[str, JSON], view: View) -> ReplyPart | None:
    """An object in our own format as a move; None where it is none."""
    tools = {tool.name: tool for tool in view.tools}
    key = next((key for key in NAMES if key in item), "")
    value = item[key] if key else None
    if isinstance(value, Mapping | list):
        raise Garbled(f'"{key}" holds no name; write the action\'s name there and its arguments beside it')
    name = find_tool_name("" if value is None else str(value), tools)
    if name in tools or (key in NAMES[:2] and view.legal is None and name.casefold() not in SILENT):
        if name not in tools and _simplify_name(name) in SPEAKING and (said := _find_spoken_words(item)) is not None:
            return ReplyPart(said, thought=_find_thought(item))
        return _build_part({**item, key: None}, name, view.tools)
    if view.legal is not None and name:
        return ReplyPart(name, thought=_find_thought(item))
    if not key and (act := _parse_unnamed(item, view.tools)):
        return act
    if view.legal is not None and not key and (meant := _find_chosen_text("move", item, ())):
        return ReplyPart(meant, thought=_find_thought(item))
    stray = [name for tool in view.tools for name in tool.parameters if name not in SAYS and item.get(name) is not None]
    say = name if name and key == "move" else _find_words(item, SAYS)
    if stray and (key or say is not None):
        raise Garbled(f"the reply gives {stray[0]!r} but names no action; the actions are {', '.join(tools)}")
    return ReplyPart(say or "", thought=_find_thought(item)) if key or say is not None else None


def _parse_unnamed(item: Mapping[str, JSON], tools: Sequence[Tool]) -> ReplyPart | None:
    """An action without its key: {"offer": 12}, {"accept": true}, or the arguments alone where there is one tool."""
    acts = []
    for tool in tools:
        value, first = item.get(tool.name), next(iter(tool.parameters), None)
        if value is not None and value is not False:
            inner = value if isinstance(value, Mapping) else {} if first is None else {first: value}
            acts.append(ReplyPart(_find_words(item, SAYS), tool.name, inner, _find_thought(item)))
    if len(tools) == 1 and not acts:
        needed = set(tools[0].parameters) - set(tools[0].optional)
        if needed and needed <= set(item) <= {*tools[0].parameters, *SAYS, *THOUGHTS}:
            return _build_part(item, tools[0].name, tools)
    return merge_actions(acts) if acts else None


def _build_part(item: Mapping[str, JSON], name: str, tools: Sequence[Tool]) -> ReplyPart:
    """The action `name` with the arguments found in `item`, and the text next to them."""
    known = {tool.name: tool for tool in tools}
    name = find_tool_name(name, known)
    own = list(known[name].parameters) if name in known else []
    says = [key for key in SAYS if key not in own]
    aside = {*says, *THOUGHTS, "name"} - set(own)
    args = {key: value for key, value in item.items() if key not in aside and (value is not None or key in own)}
    for table in TABLES:
        inner = args.get(table)
        if table not in own and inner is not None:
            held = _parse_table(inner)
            if held is None and table.endswith("input") and own:
                held = {own[0]: inner}
            if held is not None:
                held = _normalize_keys(held, tools)
                del args[table]
                args |= {key: value for key, value in held.items() if key in own or key not in aside}
                item = {**held, **item}
    return ReplyPart(
        _find_words(item, says), name, args, _find_thought({k: v for k, v in item.items() if k not in own})
    )


def find_tool_name(name: str, tools: Collection[str]) -> str:
    """The tool that a name means, but for case, blanks and what models put before or after it; else the name."""
    if not name or name in tools:
        return name
    known = {tool.casefold(): tool for tool in tools}
    plain = _simplify_name(name)
    short = re.sub(r":\d+\Z", "", plain).rpartition(".")[2]
    return known.get(plain) or known.get(short) or name.strip()


def _simplify_name(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip()).casefold()


def _find_spoken_words(item: Mapping[str, JSON]) -> str | None:
    """The words that a call holds which only speaks."""
    keys = (*SAYS, "content", "response", "answer", "final_answer", "words", "action_input", "tool_input", "input")
    found = _find_words({key: value for key, value in item.items() if isinstance(value, str)}, keys)
    texts = [value for value in item.values() if isinstance(value, str)]
    return found if found is not None else texts[0] if len(texts) == len(item) == 1 else None


def _find_words(item: Mapping[str, JSON], keys: Iterable[str]) -> str | None:
    """The words under the first of `keys` that is there; None without one."""
    key = next((key for key in keys if key in item), None)
    return None if key is None else str(item[key] if item[key] is not None else "")


def _find_thought(item: Mapping[str, JSON]) -> str:
    return _find_words(item, THOUGHTS[:1]) or ""
