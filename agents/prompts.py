"""A view as the lines of a prompt, and a move in the form in which it is asked for."""

import json
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Literal, TypeAlias

from agents.model import Line, ToolCall
from agents.tags import shape, write_tag
from arena.game import JSON, Message, Tool, View

Form: TypeAlias = Literal["tool", "json", "tag", "text"]
TURN = "Your turn."
RESERVED = {"say", "action"}  # keys of a JSON answer; an argument of that name goes under "args"


def prompt(view: View, form: Form, persona: str = "", memory: Sequence[str] = ()) -> tuple[Line, ...]:
    """The prompt for one answer: a system line, then user and assistant lines in turn, ending with the user's.

    From turn to turn lines are only added, as long as the rules, the tools and the messages are; only the last line
    may differ from what stands in its place later, by what follows "Your turn.": legal moves and a complaint.
    """
    notes = "\n".join(f"- {note}" for note in memory)
    parts = [view.rules, persona, f"What you remember:\n{notes}" if notes else "", answering(view, form)]
    lines = [Line("system", "\n\n".join(part.strip() for part in parts if part.strip()))]
    heard: list[str] = []
    number, current = count(1), 0
    for message in view.messages:
        if message.round != current:
            current = message.round
            heard.append(f"== Round {current} ==")
        if message.sender == view.seat:
            lines += [Line("user", "\n".join([*heard, TURN])), written(message, form, f"call_{next(number)}")]
            heard = []
        else:
            heard.append(shown(message, view.tools))
    now = [TURN]
    if view.legal is not None:
        now.append(f"Your moves: {', '.join(view.legal)}")
    if view.complaint:
        now.append(f"Your last answer was refused: {view.complaint.rstrip('. ')}. Answer again.")
    return (*lines, Line("user", "\n".join([*heard, *now])))


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
        inner = {"args": dict(args)} if RESERVED & set(args) else args
        return Line(
            "assistant", json.dumps({"say": text} | ({"action": tool, **inner} if tool else {}), ensure_ascii=False)
        )
    if not tool:
        return Line("assistant", text)
    if form == "tool":
        return Line("assistant", text, ToolCall(tool, args, id=id))
    return Line(
        "assistant", f"{text}\n{write_tag(tool, args)}" if form == "tag" else f"{text} [{deed(tool, args)}]".strip()
    )


def shown(message: Message, tools: Sequence[Tool] = ()) -> str:
    """What another said and did. Further lines are indented, so that no seat can pass off a line as another's."""
    text = message.text.replace("\n", "\n  ")
    if not message.sender:
        return f"(announcement) {text}"
    schemas = next((tool.parameters for tool in tools if tool.name == message.tool), {})
    did = f" [{deed(message.tool, message.args, schemas)}]" if message.tool else ""
    return f"{named(message.sender).capitalize()}: {text}{did}"


def deed(tool: str, args: Mapping[str, JSON], schemas: Mapping[str, Mapping[str, JSON]] | None = None) -> str:
    """An action in words: "offers $14", "walks away", "bids: item lamp, price $3"."""
    head, _, tail = tool.partition("_")
    verb = f"{_third(head)} {tail.replace('_', ' ')}".strip()
    dollars = {name for name in args if name == "price" or "dollar" in str((schemas or {}).get(name, {}))}
    values = {name: f"${_brief(value)}" if name in dollars else _brief(value) for name, value in args.items()}
    if len(values) < 2:
        return " ".join([verb, *values.values()])
    return f"{verb}: {', '.join(f'{name} {value}' for name, value in values.items())}"


def named(seat: str) -> str:
    """A seat's name in a sentence."""
    return seat.replace("_", " ")


def _actions(tools: Sequence[Tool], form: Form) -> str:
    """The actions and how to take one."""
    if form == "tool":
        return "Write what you say to the others as plain text, and act by calling a tool. Call one at most."
    if form == "json":
        lines = [f"- {_explained(tool)} {_template(tool)}" for tool in tools]
        intro = "Answer with one JSON object and nothing else: what you say to the others and what you do."
        only = 'answer {"say": "…"}'
    else:
        lines = [f"- {_explained(tool)} {shape(tool)}" for tool in tools]
        intro, only = "Write what you say to the others as plain text, then what you do as a tag.", "leave it out"
    listed = "\n".join(lines)
    return f"{intro} The actions:\n{listed}\nTake one action at most; to only speak, {only}."


def _template(tool: Tool) -> str:
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
