"""A tiny model taught to haggle: it learns from matches of the scripted negotiator, as its own agent would see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.chat_model import Line, Reply, Sampling
from agents.inference.tiny_llama import make_tiny
from agents.llm.llm import LLM
from agents.models.scripted import Negotiator
from arena.engine.play import play
from arena.game import JSON, Tool

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


def matches(count: int) -> list[list[Line]]:
    """Whole talks of `count` matches: five rounds for a seat that remembers them, else one."""
    talks: list[list[Line]] = []
    for seed in range(count):
        heard: list[list[Line]] = []
        game = CHAIN | {"spread": 6.0, "rounds": 5 if seed % 2 == 0 else 1, "turns": 4 + seed % 3}
        play(game, {seat: LLM(Overheard(heard)) for seat in ("buyer", "seller")}, seed)
        talks += [talk for talk in heard if not any(other[: len(talk)] == talk for other in heard if other is not talk)]
    return talks


def make_haggler(folder: Path) -> Path:
    """The folder of the taught model; takes about ten seconds on one core."""
    return make_tiny(folder, conversations=matches(80), vocab=2048, hidden=48, steps=300, batch=8, rate=8e-3)
