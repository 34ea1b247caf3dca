"""Render a view as prompt messages, and describe the format in which a move is requested."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agents.chat_model import Line, ToolCall
from agents.llm.action_tags import format_shape, write_tag
from arena.cache_register import memoize
from arena.game import JSON, Message, Tool, View
from arena.identity_cache import by_identity, same_tools
from arena.text.message_escaping import escape_argument, escape_message, indent_text

Form: TypeAlias = Literal["tool", "json", "tag", "text"]
Dollars: TypeAlias = Mapping[str, frozenset[str]]  # by action, its arguments that are amounts of money
TURN = "Your turn."
CALLING = "Write what you say to the others as plain text, and act by calling a tool. Call one at most."
RESERVED = {"say", "action"}  # keys of a JSON answer; an argument of that name goes under "args"


def build_prompt(view: View, form: Form, persona: str = "", memory: Sequence[str] = ()) -> tuple[Line, ...]:
    """The prompt for one answer: a system line, then user and assistant lines in turn, ending with the user's.

    From turn to turn lines are only added, as long as the rules, the tools and the messages are; only the last line
    may differ from what is in its place later, by what follows "Your turn.": legal moves and a complaint.
    """
    dollars = find_money_arguments(same_tools(view.tools))
    past = _build_history(view, form, dollars)
    heard, _ = _render_heard(view.messages[len(past.messages) :], past.round, view.seat, dollars)
    now = [*heard, TURN]
    if view.legal is not None:
        now.append(f"Your moves: {', '.join(view.legal)}")
    if view.complaint:
        now.append(f"Your last answer was refused: {view.complaint.rstrip('. ')}. Answer again.")
    system = _build_system_text(view.rules, persona, tuple(memory), explain_form(view, form))
    return (system, *past.lines, _make_user_line("\n".join(now)))


def explain_form(view: View, form: Form) -> str:
    """Instructions on how to answer; actions are described where tools are not passed natively."""
    alone = f"Speak only for yourself, the {format_seat(view.seat)}; never write what others say."
    if view.legal is not None:
        one = "one of the moves listed with your turn"
        how = f'Answer with JSON and nothing else: {{"move": "…"}}, {one}.' if form == "json" else f"Answer with {one}."
        return how if not view.tools else f"{how} Or take an action. {_explain_actions(view.tools, form)}"
    if not view.tools or form == "text":
        return f"Answer in plain words. {alone}"
    return f"{_explain_actions(view.tools, form)} {alone}"


def render_own_message(message: Message, form: Form, id: str = "") -> Line:
    """A seat's own message and action, as the assistant's line in the requested format."""
    text, tool, args = message.text, message.tool, message.args
    if form == "json":
        return Line("assistant", format_json(text, tool, args))
    if not tool:
        return Line("assistant", text)
    if form == "tool":
        return Line("assistant", text, ToolCall(tool, args, id=id))
    return Line(
        "assistant",
        f"{text}\n{write_tag(tool, args)}" if form == "tag" else f"{text} [{format_action(tool, args)}]".strip(),
    )


def format_json(text: str, tool: str, args: Mapping[str, JSON]) -> str:
    """Words and an action ("": none) as the requested JSON object."""
    inner = {"args": dict(args)} if RESERVED & set(args) else args
    return json.dumps({"say": text} | ({"action": tool, **inner} if tool else {}), ensure_ascii=False)


def render_message(message: Message, tools: Sequence[Tool] = ()) -> str:
    """Another seat's message and action; escaped so that no line can pass for another seat's or the game's
    (`arena.text.message_escaping`)."""
    return _render_message(message, find_money_arguments(same_tools(tools)).get(message.tool, frozenset()))


@by_identity
def _render_message(message: Message, dollars: frozenset[str]) -> str:
    if not message.sender:
        return f"(announcement) {indent_text(message.text)}"
    text = indent_text(escape_message(message.text, message.literal))
    did = f" [{format_action(message.tool, message.args, dollars)}]" if message.tool else ""
    return f"{format_seat(message.sender).capitalize()}: {text}{did}"


@by_identity
def find_money_arguments(tools: tuple[Tool, ...]) -> Dollars:
    """The arguments that are amounts of money, by action."""
    return {
        tool.name: frozenset(name for name, schema in tool.parameters.items() if "dollar" in str(schema))
        for tool in reversed(tools)
    }


def format_action(tool: str, args: Mapping[str, JSON], dollars: frozenset[str] = frozenset()) -> str:
    """An action in words: "offers $14", "walks away", "bids: item lamp, price $3"."""
    head, _, tail = tool.partition("_")
    verb = f"{_third(head)} {tail.replace('_', ' ')}".strip()
    signs = {name: "$" if name == "price" or name in dollars else "" for name in args}
    values = {name: f"{signs[name]}{_format_number(escape_argument(value))}" for name, value in args.items()}
    if len(values) < 2:
        return " ".join([verb, *values.values()])
    return f"{verb}: {', '.join(f'{name} {value}' for name, value in values.items())}"


def format_seat(seat: str) -> str:
    """A seat's name in a sentence."""
    return seat.replace("_", " ")


@memoize("prompts", most=2_000)
def _build_system_text(rules: str, persona: str, memory: tuple[str, ...], how: str) -> Line:
    notes = "\n".join(f"- {indent_text(note)}" for note in memory)
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
        heard, current = _render_heard(messages[len(self.messages) :], self.round, seat, self.dollars)
        asked = _make_user_line("\n".join([*heard, TURN]))
        answer = render_own_message(messages[-1], form, f"call_{len(self.lines) // 2 + 1}")
        return PromptHistory(messages, self.dollars, (*self.lines, asked, answer), current)


@memoize("prompts", most=4_000)
def _make_user_line(text: str) -> Line:
    """The same line for the same text: the last message of a prompt is at the same place in the next prompt."""
    return Line("user", text)


def _build_history(view: View, form: Form, dollars: Dollars) -> PromptHistory:
    """The history, extended from the cached one of the previous turn, if there is one."""
    own = [at for at, message in enumerate(view.messages, 1) if message.sender == view.seat]
    past = PromptHistory((), dollars)
    for end in reversed(own):
        held = _hold_history(view.messages[end - 1], view.seat, form)
        if held and held[0].messages == view.messages[:end] and held[0].dollars == dollars:
            past = held.pop()
            break
    for end in own:
        if end > len(past.messages):
            past = past.until(view.messages[:end], view.seat, form)
    if own:
        _hold_history(view.messages[own[-1] - 1], view.seat, form)[:] = [past]
    return past


@by_identity
def _hold_history(message: Message, seat: str, form: Form) -> list[PromptHistory]:
    """The place where the past up to a message is kept, for the next turn."""
    return []


def _render_heard(messages: Sequence[Message], current: int, seat: str, dollars: Dollars) -> tuple[list[str], int]:
    """Messages of the others, with a heading for each new round; and the last round."""
    heard = []
    for message in messages:
        if message.round != current:
            current = message.round
            heard.append(f"== Round {current} ==")
        if message.sender != seat:
            heard.append(_render_message(message, dollars.get(message.tool, frozenset())))
    return heard, current


def _explain_actions(tools: Sequence[Tool], form: Form) -> str:
    """The actions and how to take one."""
    return CALLING if form == "tool" else _list_actions(same_tools(tools), form)


def describe_tools_in(system: str, tools: Sequence[Tool]) -> str:
    """The system's text for a model that cannot be handed these tools: how to act by a JSON object instead."""
    how = _list_actions(same_tools(tools), "json")
    return system.replace(CALLING, how) if CALLING in system else "\n\n".join(filter(None, [system, how]))


@by_identity
def _list_actions(tools: tuple[Tool, ...], form: Form) -> str:
    if form == "json":
        lines = [f"- {_explain_tool(tool)} {format_template(tool)}" for tool in tools]
        intro = "Answer with one JSON object and nothing else: what you say to the others and what you do."
        only = 'answer {"say": "…"}'
    else:
        lines = [f"- {_explain_tool(tool)} {format_shape(tool)}" for tool in tools]
        intro, only = "Write what you say to the others as plain text, then what you do as a tag.", "leave it out"
    listed = "\n".join(lines)
    return f"{intro} The actions:\n{listed}\nTake one action at most; to only speak, {only}."


def format_template(tool: Tool) -> str:
    """The JSON syntax of a tool."""
    args = "".join(f', "{name}": <{schema.get("type", "string")}>' for name, schema in tool.parameters.items())
    inner = f', "args": {{{args[2:]}}}' if RESERVED & set(tool.parameters) else args
    return f'{{"say": "…", "action": "{tool.name}"{inner}}}'


def _explain_tool(tool: Tool) -> str:
    """One line on a tool: its description, and its arguments with their bounds."""
    told = []
    for name, schema in tool.parameters.items():
        bounds = [
            f"{word} {_format_number(schema[key])}"
            for key, word in (("minimum", "from"), ("maximum", "to"))
            if key in schema
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


def _format_number(value: JSON) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}".removesuffix(".00")
    return str(value) if isinstance(value, int | str) else json.dumps(value, ensure_ascii=False)
