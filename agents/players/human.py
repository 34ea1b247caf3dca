"""A person at the terminal."""

import asyncio
import os
import re
import shlex
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TypeAlias

from agents.chat_model import Reply
from agents.llm.json_objects import scrub
from agents.llm.legal_text_matching import match_legal_text
from agents.llm.prompts import render_message
from agents.llm.reply_parser import parse_reply
from arena.agent import agent
from arena.console.sanitize import printable
from arena.console.stdio import say
from arena.engine.move_validation import well_formed
from arena.errors import BadReply, IllegalMove, UsageError, unknown
from arena.game import JSON, Move, Tool, View
from arena.usage import Call, Usage

Ask: TypeAlias = Callable[[str], str]  # shows a prompt, returns the line with its newline; "" when the input ended
Tell: TypeAlias = Callable[[str], None]

HELP = ("help", "h")
TERMINAL = threading.Lock()  # one person, one keyboard: seats and matches that ask at the same time take turns


class Misread(ValueError):
    """A typed line that is no command; says what to type."""


@agent
@dataclass(frozen=True, slots=True)
class Human:
    """A person at the terminal: words, or a command for each action; think time is recorded, and free."""

    async def act(self, view: View) -> Move:
        """The typed move. Raises UsageError when the input ends."""
        return await run_in_thread(lambda: converse(view, _ask, _tell))


def converse(view: View, ask: Ask, tell: Tell) -> Move:
    """Show what is new, then ask until a line is a move; what is wrong with a line is said at once."""
    with TERMINAL:
        news = render_news(view)
        tell(news)
        start = perf_counter()
        while True:
            line = ask(f"{printable(view.seat)}> ")
            if not line:
                raise UsageError(
                    f"nobody sits at {view.seat!r} any more: the input ended; keep it open, or seat another agent"
                )
            if asks_for_help(line, view):
                tell(explain_ways(view))
                continue
            try:
                move = well_formed(view, parse_line(line, view))
            except IllegalMove as error:
                tell(printable(f"{error.why}. Try again, or type /help."))
                continue
            except (Misread, BadReply) as error:
                tell(printable(f"{error}. Try again, or type /help."))
                continue
            if move.tool and not line.lstrip().startswith("{") and f"/{move.tool}" not in line:
                tell(printable(f"Taken as /{move.tool}."))
            seconds = perf_counter() - start
            call = Call("human", seconds=seconds, usd=0.0, prompt=(("user", news),), reply=line.rstrip("\n"))
            return replace(move, usage=Usage((call,)))


def render_news(view: View) -> str:
    """Text to show: the rules at first, then the messages since the last own one."""
    if view.complaint:
        return printable(f"That was refused: {view.complaint}")
    last = max((n for n, message in enumerate(view.messages) if message.sender == view.seat), default=-1)
    news = [render_message(message, view.tools) for message in view.messages[last + 1 :]]
    first = [] if view.own or last >= 0 else [view.rules, explain_ways(view)]
    return printable("\n".join(["", *first, *news]))


def explain_ways(view: View) -> str:
    """Input help: the possible moves or commands."""
    lines = [] if view.legal is None else [f"Type one of: {', '.join(view.legal)}"]
    lines += ["Type what you say."] if view.legal is None else []
    for tool in view.tools:
        lines.append(f"  {_format_usage(tool)}  {tool.about}")
    if view.tools:
        lines.append("Words may stand before a command; JSON is read, too. Help: ?")
    return printable("\n".join(lines))


def asks_for_help(line: str, view: View) -> bool:
    """Whether a line asks how to answer, and is no move."""
    word = line.strip(" \n\t.!?/").casefold()
    return word not in [text.casefold() for text in view.legal or ()] and (word in HELP or line.strip() in ("?", "/?"))


def parse_line(line: str, view: View) -> Move:
    """A typed line as a move: words, words with a command at the end (`Last offer. /offer 12`), or a JSON object.

    The name of an action alone, with the numbers that it takes, is the action: `accept`, `walk away`, `offer 12`.
    """
    text = scrub(line).strip()
    if text.startswith("{"):
        return parse_reply(Reply(text), view)
    for tool in view.tools:
        head, slash, rest = text.rpartition(f"/{tool.name}")
        if slash and (not head or head[-1].isspace()) and (not rest or rest[0].isspace()):
            return Move(head.strip(), tool.name, _parse_arguments(tool, rest.strip()))
    if text.startswith("/"):
        raise Misread(unknown("command", text.split()[0], ["/help", *(f"/{tool.name}" for tool in view.tools)]))
    return _parse_bare_action(text, view) or Move(match_legal_text(text, view.legal or ()))


def _parse_bare_action(text: str, view: View) -> Move | None:
    """The action that a line without a slash is the name of; None where it may be meant as words."""
    said = text.rstrip(" .!")
    for tool in view.tools if view.legal is None else ():
        name = re.match(rf"{re.escape(tool.name).replace('_', '[ _-]')}(?![^\W_])", said, re.IGNORECASE)
        rest = said[name.end() :].strip() if name else ""
        needed = [schema for key, schema in tool.parameters.items() if key not in tool.optional]
        plain = all("enum" in schema or schema.get("type") in ("number", "integer", "boolean") for schema in needed)
        if name is not None and needed and not rest:
            raise Misread(f"{tool.name} needs more: type {_format_usage(tool)}")
        if name is None or not (needed and plain if rest else not needed):
            continue
        try:
            return well_formed(view, Move("", tool.name, _parse_arguments(tool, rest)))
        except (Misread, IllegalMove):
            continue
    return None


def _parse_arguments(tool: Tool, text: str) -> dict[str, JSON]:
    """`12`, `price=12`, or several of them; one argument alone takes the whole rest of the line."""
    names = list(tool.parameters)
    if len(names) == 1 and text and not text.startswith(f"{names[0]}="):
        return {names[0]: _convert_to_type(text, tool, names[0])}
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Misread(f"{_format_usage(tool)}: {error}") from None
    args: dict[str, JSON] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in names:
            name, value = next((name for name in names if name not in args), ""), word
        if not name or name in args:
            raise Misread(f"too much after /{tool.name}: {word!r}; type {_format_usage(tool)}")
        args[name] = _convert_to_type(value, tool, name)
    return args


def _convert_to_type(text: str, tool: Tool, name: str) -> JSON:
    kind = tool.parameters[name].get("type")
    if kind == "boolean" and text.lower() in ("yes", "true", "no", "false"):
        return text.lower() in ("yes", "true")
    return [item.strip() for item in text.split(";") if item.strip()] if kind == "array" else text


def _format_usage(tool: Tool) -> str:
    return " ".join(
        [f"/{tool.name}", *(f"[{n.upper()}]" if n in tool.optional else n.upper() for n in tool.parameters)]
    )


async def run_in_thread(work: Callable[[], Move]) -> Move:
    """The result of `work` from a thread that does not keep the program from ending, as the default ones would."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Move] = loop.create_future()

    def finish(result: Move | BaseException) -> None:
        if done.cancelled():
            return
        if isinstance(result, BaseException):
            done.set_exception(result)
        else:
            done.set_result(result)

    def target() -> None:
        result: Move | BaseException
        try:
            result = work()
        except BaseException as error:  # handed to the waiting loop
            result = error
        try:
            loop.call_soon_threadsafe(finish, result)
        except RuntimeError:
            pass  # the loop was closed while the person was thinking

    threading.Thread(target=target, name="arena-human", daemon=True).start()
    return await done


def _tell(text: str) -> None:
    say(text, stderr=True)


def _ask(prompt: str) -> str:
    say(prompt, stderr=True, end="")
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):  # no stdin, or one that is no file
        return sys.stdin.readline() if sys.stdin is not None else ""
    # byte by byte and past sys.stdin's buffer: a thread that waits in there would make the interpreter crash at exit
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            break
        line += byte
    return _decode_line(bytes(line))


def _decode_line(line: bytes) -> str:
    """A typed line: UTF-8, with or without a byte order mark, else as the input says it is encoded."""
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return line.decode(sys.stdin.encoding or "utf-8", "replace")
