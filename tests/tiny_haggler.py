"""A tiny model taught to haggle: it learns from matches of the scripted negotiator, as its own agent would see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.llm import LLM
from agents.model import Line, Reply, Sampling
from agents.models.scripted import Negotiator
from agents.models.tiny import make_tiny
from arena.game import JSON, Move, Tool, View
from arena.play import play

CHAIN: dict[str, JSON] = {"name": "bargaining", "rounds": 5, "turns": 5}


@dataclass(frozen=True, slots=True)
class Overheard:
    """The scripted negotiator; every prompt with its answer is added to `heard`."""

    heard: list[list[Line]]
    native_tools: bool = False

    async def chat(
        self, messages: Sequence[Line], tools: Sequence[Tool] = (), sampling: Sampling = Sampling()
    ) -> Reply:
        reply = await Negotiator().chat(messages, tools, sampling)
        self.heard.append([*messages, Line("assistant", reply.text)])
        return reply


def critic(view: View) -> Move:
    """A critic that always says the same."""
    advice = ["Hold firm a little longer.", "Start from a more ambitious price.", "Give a reason with each price."]
    return Move("\n".join(advice), "suggest", {"suggestions": advice})


def moderator(view: View) -> str:
    """A moderator that hears neither offer nor agreement."""
    return "talk"


def matches(count: int) -> list[list[Line]]:
    """The longest prompts of `count` matches with their answers: all turns of a seat that remembers, or of a round."""
    taught: list[list[Line]] = []
    for seed in range(count):
        heard: list[list[Line]] = []
        game = {**CHAIN, "spread": 6.0, "rounds": 5 if seed % 4 == 0 else 1, "turns": 4 + seed % 3}
        seats = {"buyer": LLM(Overheard(heard)), "seller": LLM(Overheard(heard)), "moderator": moderator}
        play(game, seats | ({"critic": critic} if game["rounds"] == 5 else {}), seed)
        starts = [lines for lines in heard if not any(longer[: len(lines)] == lines for longer in heard if longer is not lines)]
        taught += starts
    return taught


def make_haggler(folder: Path) -> Path:
    """The folder of the taught model; takes about ten seconds on one core."""
    return make_tiny(folder, conversations=matches(80), steps=150)
