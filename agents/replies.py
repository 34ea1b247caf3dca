"""What a model answered, read as a move. No action is ever guessed from prose: that is a moderator's work."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agents.model import Reply, ToolCall
from agents.objects import Garbled, find_objects, scrub, scrub_json
from agents.speakers import own_objects
from agents.tags import find_tags
from arena.caches import memoize
from arena.errors import BadReply
from arena.game import JSON, Move, Tool, View

SAYS = ("say", "text", "message")
NAMES = ("action", "tool", "move")
TABLES = ("args", "arguments", "parameters")
THOUGHTS = ("thought", "thoughts", "thinking", "reasoning")
SILENT = frozenset({"", "none", "null", "say", "speak", "talk", "message", "no_action"})
OTHERS = ("user", "human", "system", "arena")  # labels that are never the seat's own
THINK = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
WRAPPED = re.compile(r"```[a-zA-Z]*+\s*+```|</?tool_call>")
CUT = {"length": "; it was cut off at the token limit: answer shorter", "filter": "; the provider's filter cut it off"}


@dataclass(frozen=True, slots=True)
class Part:
    """What one piece of a reply holds: words (None: it says nothing about words), an action, a thought."""

    say: str | None = None
    tool: str = ""
    args: Mapping[str, JSON] = field(default_factory=dict)
    thought: str = ""

    def __str__(self) -> str:
        return f"{self.tool}({', '.join(f'{name}={value!r:.40}' for name, value in self.args.items())})"


def read(reply: Reply, view: View) -> Move:
    """The move that a reply means: words, at most one action, the thought that came with them.

    An action is a tool call, a JSON object ({"say": …, "action": "offer", "price": 12}) or a tag of a tool's name;
    words are what `say` holds, else what stands around it. The text ends where it begins to speak for another seat.
    Raises BadReply, with what was said and what it cost, for two different actions, for what is broken or cut off,
    and for words that are all another's. Time is linear in the length of the reply.
    """
    said = scrub(reply.text)
    try:
        move = _read(said, reply, view)
    except Garbled as error:
        raise BadReply(f"{error}{CUT.get(reply.stop, '')}", Move(said.strip(), usage=reply.usage)) from None
    return Move(move.say or "", move.tool, move.args, move.thought, reply.usage)


def _read(said: str, reply: Reply, view: View) -> Part:
    thought, words = split_thought(said)
    words, other = own_words(words, view.seat, view.seats)
    words, named = own_objects(words, view)
    other = other or named
    objects, rest = _objects(words, view)
    tagged = find_tags(rest, view.tools)
    held = [
        *(_call_part(call, view.tools) for call in reply.calls),
        *objects,
        *(Part(text) for text in tagged.says),
        *(Part(tool=tool, args=args) for tool, args in tagged.actions),
    ]
    action = _one_action(held)
    says = list(dict.fromkeys(part.say for part in held if part.say is not None))
    text = "\n".join(filter(None, says)) if says else WRAPPED.sub("", tagged.rest) if held else tagged.rest
    text, also_other = own_words(text, view.seat, view.seats)
    text, other = legal_text(text.strip(), view.legal or ()), other or also_other
    if not action.tool and not text and other:
        raise Garbled(f"the reply speaks for {other}; speak for {view.seat} alone")
    if not action.tool and not text and thought and reply.stop == "length":
        raise Garbled("the reply is all thought")
    return Part(text, action.tool, action.args, "\n".join(filter(None, [thought, *(p.thought for p in held)])))


def _objects(words: str, view: View) -> tuple[list[Part], str]:
    """What the JSON objects among the words mean, and the words without those that mean something."""
    found, last = find_objects(words)
    parts = [_object_part(item.value, view) for item in found]
    gaps = [item.before + (item.raw if part is None else "") for item, part in zip(found, parts, strict=True)]
    meant = [part for part in parts if part is not None]
    if found and not meant and view.tools and not WRAPPED.sub("", "".join([*(i.before for i in found), last])).strip():
        raise Garbled('the JSON object has neither "say" nor "action"')
    return meant, "".join([*gaps, last])


def split_thought(text: str) -> tuple[str, str]:
    """The thought and the words of a text: thoughts stand between <think> tags; the first or last may be missing."""
    thoughts: list[str] = []
    words: list[str] = []
    end, thinking = 0, False
    for tag in THINK.finditer(text):
        piece = text[end : tag.start()]
        if tag[1] and not thinking and not thoughts:
            thoughts, words = [*words, piece], []  # the opening tag was part of the prompt
        else:
            (thoughts if thinking else words).append(piece)
        end, thinking = tag.end(), not tag[1]
    (thoughts if thinking else words).append(text[end:])
    return "".join(thoughts).strip(), "".join(words).strip()


def own_words(text: str, seat: str, seats: Iterable[str] = ()) -> tuple[str, str]:
    """The text without the seat's own label, up to the first line that speaks for another; and that other's label."""
    if ":" not in text:
        return text, ""
    own = _label(frozenset({seat, "assistant"} - (set(seats) - {seat})))
    text = own.sub("", text.lstrip(), count=1) if own.match(text.lstrip()) else text
    cut = _label(frozenset({*seats, *OTHERS} - {seat})).search(text)
    return (text[: cut.start()].rstrip(), cut[1]) if cut else (text, "")


def legal_text(text: str, legal: Sequence[str]) -> str:
    """The one legal text that `text` is, but for case, quotes and a full stop; else `text` as it is."""
    if text in legal:
        return text
    bare = text.strip(" \n\t\"'`*.").casefold()
    meant = [move for move in legal if move.casefold() == bare]
    return meant[0] if len(meant) == 1 else text


@memoize("texts", most=1_000)
def _label(names: frozenset[str]) -> re.Pattern[str]:
    """A line's beginning that says who speaks: `Buyer:`, `**Buyer**:`, `[Buyer]:`, `### Buyer:`."""
    ways = "|".join(re.escape(name).replace("_", "[ _-]") for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"^[ \t]*+[*#>\[]*+[ \t]*+({ways})[*\]]*+[ \t]*+:[*]*+[ \t]*+", re.IGNORECASE | re.MULTILINE)


def _one_action(parts: Iterable[Part]) -> Part:
    acts = [part for part in parts if part.tool]
    for act in acts[1:]:
        if (act.tool, act.args) != (acts[0].tool, acts[0].args):
            raise Garbled(f"two actions in one reply, {acts[0]} and {act}; take one")
    return acts[0] if acts else Part()


def _call_part(call: ToolCall, tools: Sequence[Tool]) -> Part:
    name = scrub(call.name)
    if call.broken:
        raise Garbled(f"the arguments of {name} are not a JSON object: {scrub(call.broken)[:80]!r}")
    args = scrub_json(dict(call.args))
    assert isinstance(args, dict)
    return _part(args, name, tools)


def _object_part(item: Mapping[str, JSON], view: View) -> Part | None:
    """What a JSON object means as a move; None where it means none."""
    tools = {tool.name: tool for tool in view.tools}
    if "name" in item and any(isinstance(item.get(table), Mapping) for table in TABLES):
        return _part({**item, "name": None}, str(item["name"]), view.tools)  # how many open models write a tool call
    key = next((key for key in NAMES if key in item), "")
    value = item[key] if key else None
    if isinstance(value, Mapping | list):
        raise Garbled(f'"{key}" holds no name; write the action\'s name there and its arguments beside it')
    name = _tool_name("" if value is None else str(value), tools)
    if name in tools or (key in NAMES[:2] and view.legal is None and name.casefold() not in SILENT):
        return _part({**item, key: None}, name, view.tools)
    if view.legal is not None and name:
        return Part(name, thought=_thought(item))
    if not key and (act := _unnamed(item, view.tools)):
        return act
    stray = [name for tool in view.tools for name in tool.parameters if name not in SAYS and item.get(name) is not None]
    say = name if name and key == "move" else _words(item, SAYS)
    if stray and (key or say is not None):
        raise Garbled(f"the reply gives {stray[0]!r} but names no action; the actions are {', '.join(tools)}")
    return Part(say or "", thought=_thought(item)) if key or say is not None else None


def _unnamed(item: Mapping[str, JSON], tools: Sequence[Tool]) -> Part | None:
    """An action without its key: {"offer": 12}, {"accept": true}, or the arguments alone where there is one tool."""
    acts = []
    for tool in tools:
        value, first = item.get(tool.name), next(iter(tool.parameters), None)
        if value is not None and value is not False:
            inner = value if isinstance(value, Mapping) else {} if first is None else {first: value}
            acts.append(Part(_words(item, SAYS), tool.name, inner, _thought(item)))
    if len(tools) == 1 and not acts:
        needed = set(tools[0].parameters) - set(tools[0].optional)
        if needed and needed <= set(item) <= {*tools[0].parameters, *SAYS, *THOUGHTS}:
            return _part(item, tools[0].name, tools)
    return _one_action(acts) if acts else None


def _part(item: Mapping[str, JSON], name: str, tools: Sequence[Tool]) -> Part:
    """The action `name` with the arguments found in `item`, and the words beside them."""
    known = {tool.name: tool for tool in tools}
    name = _tool_name(name, known)
    own = set(known[name].parameters) if name in known else set()
    says = [key for key in SAYS if key not in own]
    aside = {*says, *THOUGHTS, "name"} - own
    args = {key: value for key, value in item.items() if key not in aside and (value is not None or key in own)}
    for table in TABLES:
        inner = args.get(table)
        if table not in own and isinstance(inner, Mapping):
            del args[table]
            args |= {key: value for key, value in inner.items() if key in own or key not in aside}
            item = {**inner, **item}
    return Part(_words(item, says), name, args, _thought({k: v for k, v in item.items() if k not in own}))


def _tool_name(name: str, tools: Iterable[str]) -> str:
    plain = re.sub(r"[\s_-]+", "_", name.strip()).casefold()
    return next((tool for tool in tools if tool.casefold() == plain), name.strip())


def _words(item: Mapping[str, JSON], keys: Iterable[str]) -> str | None:
    """The words under the first of `keys` that is there; None without one."""
    key = next((key for key in keys if key in item), None)
    return None if key is None else str(item[key] if item[key] is not None else "")


def _thought(item: Mapping[str, JSON]) -> str:
    return _words(item, THOUGHTS) or ""
