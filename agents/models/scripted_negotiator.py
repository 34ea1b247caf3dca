"""A scripted negotiator that reads its side, its value and the talk from the text of the prompt, nothing else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

from agents.chat_model import Line, Reply
from agents.llm.prompts import Form, render_own_message
from arena.game import JSON, Message, Tool

AMOUNT = re.compile(r"\$\s?(\d+(?:\.\d+)?)")
WORTH = re.compile(r"(?:you paid|is worth|costs? you|your (?:cost|value|limit) is) \$\s?(\d+(?:\.\d+)?)", re.IGNORECASE)
SIDE = re.compile(r"you are the (seller|buyer)\b", re.IGNORECASE)
RANGE = re.compile(r"between \$(\d+(?:\.\d+)?) and \$(\d+(?:\.\d+)?)")
LIMIT = re.compile(r"after (\d+) messages")
ROUND = "== Round "
RIVAL = {"seller": "buyer", "buyer": "seller"}


@dataclass(frozen=True, slots=True)
class Talk:
    """The fields of a prompt: the side, the item's worth to it, the range of prices, the talk of this round."""

    side: str
    worth: float | None
    low: float
    high: float
    steps: int
    spoken: int
    standing: float | None


def haggle(lines: Sequence[Line], tools: Sequence[Tool] = ()) -> Reply:
    """The next thing to say and do, in the form that the prompt asks for."""
    talk = read_talk(lines)
    if talk is None:
        return Reply("I have nothing to say here.")
    price = target(talk)
    if talk.standing is not None and (price <= talk.standing if talk.side == "seller" else price >= talk.standing):
        return _reply(f"Deal, I accept ${_brief(talk.standing)}.", "accept", {}, lines, tools)
    words = "I could let it go for" if talk.side == "seller" else "I could give you"
    return _reply(f"{words} ${_brief(price)}.", "offer", {"price": price}, lines, tools)


def target(talk: Talk) -> float:
    """The price of the next offer: from the far end of the range to the own value in equal steps, in half dollars."""
    start, end = (talk.high, talk.low) if talk.side == "seller" else (talk.low, talk.high)
    end = end if talk.worth is None else talk.worth
    reached = start + (end - start) * min(1.0, talk.spoken / max(1, talk.steps - 2))
    return (ceil(reached * 2) if talk.side == "seller" else floor(reached * 2)) / 2


def read_talk(lines: Sequence[Line]) -> Talk | None:
    """Parse the prompt; None where it does not name the reader as seller or buyer."""
    rules = lines[0].text if lines and lines[0].role == "system" else ""
    side = SIDE.search(rules)
    if side is None:
        return None
    rival = RIVAL[side[1].lower()]
    worth, bounds, limit = WORTH.search(rules), RANGE.search(rules), LIMIT.search(rules)
    value = float(worth[1]) if worth else None
    low, high = (float(bounds[1]), float(bounds[2])) if bounds else (0.0, 2.0 * (value or 10.0))
    spoken, standing = 0, None
    for line in lines[1:]:
        if line.role == "assistant":
            spoken += 1
        for said in line.text.splitlines() if line.role == "user" else ():
            if said.startswith(ROUND):
                spoken, standing = 0, None
            elif said.lower().startswith(f"{rival}:") and (amounts := AMOUNT.findall(said)):
                standing = float(amounts[-1])
    return Talk(side[1].lower(), value, low, high, int(limit[1]) if limit else 8, spoken, standing)


def _reply(words: str, tool: str, args: dict[str, JSON], lines: Sequence[Line], tools: Sequence[Tool]) -> Reply:
    form = _form(lines[0].text, tools)
    line = render_own_message(Message("", words, "" if form == "text" else tool, args), form)
    return Reply(line.text, (line.call,) if line.call else (), "tool" if line.call else "end")


def _brief(price: float) -> str:
    return f"{price:.2f}".removesuffix(".00")


def _form(rules: str, tools: Sequence[Tool]) -> Form:
    if tools:
        return "tool"
    return "json" if '"action": "offer"' in rules else "tag" if "<offer>" in rules else "text"
