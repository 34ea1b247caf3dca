"""Parse a model's reply as a move. No action is inferred from prose: that is the moderator's work."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from agents.chat_model import Reply
from agents.llm.action_tags import find_tags
from agents.llm.addressed_objects import cut_own_objects
from agents.llm.chat_call import separate
from agents.llm.json_objects import Garbled, find_objects, is_object, scrub
from agents.llm.legal_text_matching import match_legal_text
from agents.llm.prompts import format_template
from agents.llm.react_format import find_step
from agents.llm.reply_parts import ReplyPart, merge_actions, parse_call, parse_object
from agents.llm.text_tool_calls import find_calls
from agents.llm.thought_parsing import split_thought
from arena.cache_register import memoize
from arena.errors import BadReply
from arena.game import JSON, Move, View

OTHERS = ("user", "human", "system", "arena")  # labels that are never the seat's own
HERE = "\x00"  # marks the place of an object; a scrubbed text has no such character
WRAPPED = re.compile(rf"```\w*+\s*+(?:json)?\s*+(?:{HERE}\s*+)*+```|\[\s*+{HERE}(?:\s*+,?\s*+{HERE})*+\s*+\]|{HERE}")
EMPTY = re.compile(r"```[a-zA-Z]*+\s*+```")
DANGLING = re.compile(  # what surrounded an action that was removed
    rf"{EMPTY.pattern}|^[ \t]*+[*_#]{{0,4}}(?:Action(?:[ _]Input)?|(?:Tool|Function)(?:[ _]call)?|JSON)"
    r"[*_]{0,2}:[*_]{0,2}[ \t]*+$|```(?:python|py|tool_code|tool_call)\n[^`]{0,2000}```"
    r"|^[ \t]*+[;,`*_\[\](){}<>|\"']{1,9}[ \t]*+$",
    re.IGNORECASE | re.MULTILINE,
)
CUT = {"length": "; it was cut off at the token limit: answer shorter", "filter": "; the provider's filter cut it off"}


def parse_reply(reply: Reply, view: View) -> Move:
    """The move that a reply means: words, at most one action, the thought that came with them.

    An action is a tool call, also one that is written into the text as models do (`agents/llm/text_tool_calls.py`), a
    JSON object ({"say": …, "action": "offer", "price": 12}) or a tag of a tool's name; words are what `say` holds, else
    the text around it. The text ends where it begins to speak for another seat; thoughts are none of it.
    Raises BadReply, with what was said and what it cost, for two different actions, for what is broken or cut off,
    and for words that are all another's. Time is linear in the length of the reply.
    """
    apart = separate(replace(reply, text=scrub(reply.text)), list_own_tags(view), (view.seat,))
    try:
        move = _parse_reply(apart, view)
    except Garbled as error:
        said = Move(apart.text, thought=apart.thought, usage=reply.usage)
        raise BadReply(f"{error}{CUT.get(reply.stop, '')}", said) from None
    return Move(move.say or "", move.tool, move.args, move.thought, reply.usage)


def list_own_tags(view: View) -> frozenset[str]:
    """The names of tags that are the game's own: its actions and their arguments."""
    return frozenset(name for tool in view.tools for name in (tool.name, *tool.parameters))


def _parse_reply(reply: Reply, view: View) -> ReplyPart:
    words, other = cut_own_words(reply.text, view.seat, view.seats)
    held, rest, named = _parse_written(words, view)
    other = other or named
    tagged = find_tags(rest, view.tools)
    held = [
        *(parse_call(call, view) for call in reply.calls),
        *held,
        *(ReplyPart(text) for text in tagged.says),
        *(ReplyPart(tool=tool, args=args) for tool, args in tagged.actions),
    ]
    action = merge_actions(held)
    says = list(dict.fromkeys(part.say for part in held if part.say is not None))
    text = "\n".join(filter(None, says)) if says else DANGLING.sub("", tagged.rest) if held else tagged.rest
    inner, text = split_thought(text, cut=reply.stop == "length", own=list_own_tags(view), seats=(view.seat,))
    if says and not action.tool:
        action, text = _find_inner_action(text, view)
    text, also_other = cut_own_words(text, view.seat, view.seats)
    text, other = match_legal_text(text.strip(), view.legal or ()), other or also_other
    thoughts = [reply.thought, *(part.thought for part in held), inner]
    args = _without_thoughts(action, thoughts, view)
    if not action.tool and not text and other:
        raise Garbled(f"the reply speaks for {other}; speak for {view.seat} alone")
    if not action.tool and not text and any(thoughts) and reply.stop == "length":
        raise Garbled("the reply is all thought")
    return ReplyPart(text, action.tool, args, "\n".join(filter(None, thoughts)))


def _parse_written(words: str, view: View) -> tuple[list[ReplyPart], str, str]:
    """Calls and objects within the text as moves, the text without them, and the other seat as whose
    move one of them is written, with all text after it left out."""
    try:
        words, other = cut_own_objects(words, view)
        if is_object(words):  # markers of calls within its texts are escaped
            return *_parse_objects(words, view), other
        step = find_step(words, view.tools)
        called = find_calls(step.rest, view.tools)
        calls = [*called.calls, *([step.call] if step.call else [])]
        parts = [parse_call(call, view) for call in calls]
        parts += [part for item in called.objects for part in parse_object(item, view, True)]
    except Garbled as error:
        raise Garbled(f"{error}; {explain_how(view)}" if "two actions" not in str(error) else str(error)) from None
    objects, rest = _parse_objects(called.rest, view)
    return [*parts, *objects], rest, other


def _find_inner_action(text: str, view: View) -> tuple[ReplyPart, str]:
    """The action that is written within what an object says, and the words without it."""
    inside, rest, _ = _parse_written(text, view)
    tagged = find_tags(rest, view.tools)
    action, rest = (
        merge_actions([*inside, *(ReplyPart(tool=tool, args=args) for tool, args in tagged.actions)]),
        tagged.rest,
    )
    return (action, DANGLING.sub("", rest).strip()) if action.tool else (action, text)


def explain_how(view: View) -> str:
    """An example of an action in the format that is always parsed."""
    if view.legal is not None:
        return f"answer with one of: {', '.join(view.legal)}"
    return (
        f"write {format_template(view.tools[0])}" if view.tools else "there are no actions here: answer in plain words"
    )


def _parse_objects(words: str, view: View) -> tuple[list[ReplyPart], str]:
    """The JSON objects within the text as moves, and the text without those."""
    found, last = find_objects(words)
    parts = [parse_object(item.value, view) for item in found]
    gaps = [item.before + (HERE if meant else item.raw) for item, meant in zip(found, parts, strict=True)]
    around = EMPTY.sub("", "".join([*(item.before for item in found), last])).strip()
    names = {tool.name.casefold() for tool in view.tools}
    if any(not meant and _names_one(item.value, names) for item, meant in zip(found, parts, strict=True)) or (
        found and not any(parts) and view.tools and not around
    ):
        raise Garbled('the JSON object has neither "say" nor "action"')
    rest = "".join([*gaps, last])
    return [part for meant in parts for part in meant], WRAPPED.sub("", rest) if any(parts) else rest


def _names_one(value: JSON, names: Collection[str]) -> bool:
    """Whether one of the texts in a JSON value is one of the names."""
    if isinstance(value, Mapping):
        return any(_names_one(item, names) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_names_one(item, names) for item in value)
    return isinstance(value, str) and value.casefold().removeprefix("functions.") in names


def _without_thoughts(action: ReplyPart, thoughts: list[str], view: View) -> dict[str, JSON]:
    """The arguments of an action, texts among them without thoughts, which are added to `thoughts`."""
    args = dict(action.args)
    for name, value in args.items():
        if isinstance(value, str):
            thought, words = split_thought(value, own=list_own_tags(view))
            if thought:
                args[name] = words
                thoughts.append(thought)
    return args


def cut_own_words(text: str, seat: str, seats: Iterable[str] = ()) -> tuple[str, str]:
    """The text without the seat's own label, up to the first line that speaks for another; and that other's label."""
    if ":" not in text:
        return text, ""
    own = _compile_label(frozenset({seat, "assistant"} - (set(seats) - {seat})))
    text = own.sub("", text.lstrip(), count=1) if own.match(text.lstrip()) else text
    cut = _compile_label(frozenset({*seats, *OTHERS} - {seat})).search(text)
    return (text[: cut.start()].rstrip(), cut[1]) if cut else (text, "")


@memoize("texts", most=1_000)
def _compile_label(names: frozenset[str]) -> re.Pattern[str]:
    """The prefix of a line that names the speaker: `Buyer:`, `**Buyer**:`, `[Buyer]:`, `### Buyer:`."""
    ways = "|".join(re.escape(name).replace("_", "[ _-]") for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"^[ \t]*+[*#>\[]*+[ \t]*+({ways})[*\]]*+[ \t]*+:[*]*+[ \t]*+", re.IGNORECASE | re.MULTILINE)
