"""A view as the lines of a prompt, and a move in the form in which it is asked for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agents.chat_model import Line, ToolCall
from agents.llm.action_tags import shape, write_tag
from arena.cache_register import memoize
from arena.game import JSON, Message, Tool, View
from arena.identity_cache import by_identity, same_tools
from arena.text.message_escaping import argument, indented, spoken

Form: TypeAlias = Literal["tool", "json", "tag", "text"]
Dollars: TypeAlias = Mapping[str, frozenset[str]]  # by action, its arguments that are amounts of money
TURN = "Your turn."
CALLING = "Write what you say to the others as plain text, and act by calling a tool. Call one at most."
RESERVED = {"say", "action"}  # keys of a JSON answer; an argument of that name goes under "args"


def prompt(view: View, form: Form, persona: str = "", memory: Sequence[str] = ()) -> tuple[Line, ...]:
    """The prompt for one answer: a system line, then user and assistant lines in turn, ending with the user's.

    From turn to turn lines are only added, as long as the rules, the tools and the messages are; only the last line
    may differ from what stands in its place later, by what follows "Your turn.": legal moves and a complaint.
    """
    dollars = in_dollars(same_tools(view.tools))
    past = _past(view, form, dollars)
    heard, _ = _heard(view.messages[len(past.messages) :], past.round, view.seat, dollars)
    now = [*heard, TURN]
    if view.legal is not None:
        now.append(f"Your moves: {', '.join(view.legal)}")
    if view.complaint:
        now.append(f"Your last answer was refused: {view.complaint.rstrip('. ')}. Answer again.")
    system = _system(view.rules, persona, tuple(memory), answering(view, form))
    return (system, *past.lines, _asked("\n".join(now)))


def answering(view: View, form: Form) -> str:
    """How to answer, told to the model; actions are described where its tools are not handed over as such."""
    alone = f"Speak only for yourself, the {named(view.seat)}; never write what others say."
    if view.legal is not None:
        one = "one of the moves listed with your turn"
        how = f'Answer with JSON and nothing else: {{"move": "…"}}, {one}.' if form == "json" else f"Answer with {one}."
        return how if not view.tools else f"{how} Or take an action. {_actions(view.tools, form)}"
    if not view.tools or form == "text":
        return f"Answer in plain words. {alone}"
    return f"{_actions(view.tools, form)} {alone}"


def written(message: Message, form: Form, id: str = "") -> Line:
    """What a seat said and did, as the assistant's line in the form that was asked for."""
    text, tool, args = message.text, message.tool, message.args
    if form == "json":
        return Line("assistant", as_json(text, tool, args))
    if not tool:
        return Line("assistant", text)
    if form == "tool":
        return Line("assistant", text, ToolCall(tool, args, id=id))
    return Line(
        "assistant", f"{text}\n{write_tag(tool, args)}" if form == "tag" else f"{text} [{deed(tool, args)}]".strip()
    )


def as_json(text: str, tool: str, args: Mapping[str, JSON]) -> str:
    """Words and an action ("": none) as the JSON object that is asked for."""
    inner = {"args": dict(args)} if RESERVED & set(args) else args
    return json.dumps({"say": text} | ({"action": tool, **inner} if tool else {}), ensure_ascii=False)


def shown(message: Message, tools: Sequence[Tool] = ()) -> str:
    """What another said and did; no line of it can pass for another's or the game's (`arena.text.message_escaping`)."""
    return _shown(message, in_dollars(same_tools(tools)).get(message.tool, frozenset()))


@by_identity
def _shown(message: Message, dollars: frozenset[str]) -> str:
    if not message.sender:
        return f"(announcement) {indented(message.text)}"
    text = indented(spoken(message.text, message.literal))
    did = f" [{deed(message.tool, message.args, dollars)}]" if message.tool else ""
    return f"{named(message.sender).capitalize()}: {text}{did}"


@by_identity
def in_dollars(tools: tuple[Tool, ...]) -> Dollars:
    """The arguments that are amounts of money, by action."""
    return {
        tool.name: frozenset(name for name, schema in tool.parameters.items() if "dollar" in str(schema))
        for tool in reversed(tools)
    }


def deed(tool: str, args: Mapping[str, JSON], dollars: frozenset[str] = frozenset()) -> str:
    """An action in words: "offers $14", "walks away", "bids: item lamp, price $3"."""
    head, _, tail = tool.partition("_")
    verb = f"{_third(head)} {tail.replace('_', ' ')}".strip()
    signs = {name: "$" if name == "price" or name in dollars else "" for name in args}
    values = {name: f"{signs[name]}{_brief(argument(value))}" for name, value in args.items()}
    if len(values) < 2:
        return " ".join([verb, *values.values()])
    return f"{verb}: {', '.join(f'{name} {value}' for name, value in values.items())}"


def named(seat: str) -> str:
    """A seat's name in a sentence."""
    return seat.replace("_", " ")


@memoize("prompts", most=2_000)
def _system(rules: str, persona: str, memory: tuple[str, ...], how: str) -> Line:
    notes = "\n".join(f"- {indented(note)}" for note in memory)
    parts = [rules, persona, f"What you remember:\n{notes}" if notes else "", how]
    return Line("system", "\n\n".join(part.strip() for part in parts if part.strip()))


@dataclass(frozen=True, slots=True)
class PromptHistory:
    """The lines of a talk up to a seat's last message, two for each of its messages, and the round of that one."""

    messages: tuple[Message, ...]
    dollars: Dollars
    lines: tuple[Line, ...] = ()
    round: int = 0

    def until(self, messages: tuple[Message, ...], seat: str, form: Form) -> "PromptHistory":
        """The same after some more messages, of which only the last is the seat's own."""
        heard, current = _heard(messages[len(self.messages) :], self.round, seat, self.dollars)
        asked = _asked("\n".join([*heard, TURN]))
        answer = written(messages[-1], form, f"call_{len(self.lines) // 2 + 1}")
        return PromptHistory(messages, self.dollars, (*self.lines, asked, answer), current)


@memoize("prompts", most=4_000)
def _asked(text: str) -> Line:
    """The same line for the same text: what a model is told last stands at its place in the next prompt, too."""
    return Line("user", text)


def _past(view: View, form: Form, dollars: Dollars) -> PromptHistory:
    """What came before, built upon what was built for the turn before, if that is still there."""
    own = [at for at, message in enumerate(view.messages, 1) if message.sender == view.seat]
    past = PromptHistory((), dollars)
    for end in reversed(own):
        held = _held(view.messages[end - 1], view.seat, form)
        if held and held[0].messages == view.messages[:end] and held[0].dollars == dollars:
            past = held.pop()
            break
    for end in own:
        if end > len(past.messages):
            past = past.until(view.messages[:end], view.seat, form)
    if own:
        _held(view.messages[own[-1] - 1], view.seat, form)[:] = [past]
    return past


@by_identity
def _held(message: Message, seat: str, form: Form) -> list[PromptHistory]:
    """The place where the past up to a message is kept, for the next turn."""
    return []


def _heard(messages: Sequence[Message], current: int, seat: str, dollars: Dollars) -> tuple[list[str], int]:
    """What others said, with a heading for each new round; and the last round."""
    heard = []
    for message in messages:
        if message.round != current:
            current = message.round
            heard.append(f"== Round {current} ==")
        if message.sender != seat:
            heard.append(_shown(message, dollars.get(message.tool, frozenset())))
    return heard, current


def _actions(tools: Sequence[Tool], form: Form) -> str:
    """The actions and how to take one."""
    return CALLING if form == "tool" else _listed(same_tools(tools), form)


def in_words(system: str, tools: Sequence[Tool]) -> str:
    """The system's text for a model that cannot be handed these tools: how to act by a JSON object instead."""
    how = _listed(same_tools(tools), "json")
    return system.replace(CALLING, how) if CALLING in system else "\n\n".join(filter(None, [system, how]))


@by_identity
def _listed(tools: tuple[Tool, ...], form: Form) -> str:
    if form == "json":
        lines = [f"- {_explained(tool)} {template(tool)}" for tool in tools]
        intro = "Answer with one JSON object and nothing else: what you say to the others and what you do."
        only = 'answer {"say": "…"}'
    else:
        lines = [f"- {_explained(tool)} {shape(tool)}" for tool in tools]
        intro, only = "Write what you say to the others as plain text, then what you do as a tag.", "leave it out"
    listed = "\n".join(lines)
    return f"{intro} The actions:\n{listed}\nTake one action at most; to only speak, {only}."


def template(tool: Tool) -> str:
    """How a tool is written as JSON."""
    args = "".join(f', "{name}": <{schema.get("type", "string")}>' for name, schema in tool.parameters.items())
    inner = f', "args": {{{args[2:]}}}' if RESERVED & set(tool.parameters) else args
    return f'{{"say": "…", "action": "{tool.name}"{inner}}}'


def _explained(tool: Tool) -> str:
    """A tool in a line: what it does, and its arguments with their bounds."""
    told = []
    for name, schema in tool.parameters.items():
        bounds = [
            f"{word} {_brief(schema[key])}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema
        ]
        choices = schema.get("enum")
        one_of = f"one of {', '.join(map(str, choices))}" if isinstance(choices, list | tuple) else ""
        facts = [
            str(schema.get("description", "")),
            one_of,
            " ".join(bounds),
            "optional" if name in tool.optional else "",
        ]
        told.append(f"{name} ({', '.join(filter(None, facts)) or schema.get('type', 'string')})")
    return f"{tool.name}: {tool.about}" + (f" Arguments: {'; '.join(told)}." if told else "")


def _third(verb: str) -> str:
    if verb.endswith(("s", "x", "ch", "sh", "o")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if verb.endswith("y") and verb[-2:-1] not in "aeiou" else f"{verb}s"


def _brief(value: JSON) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}".removesuffix(".00")
    return str(value) if isinstance(value, int | str) else json.dumps(value, ensure_ascii=False)
