"""A twenty-line haggle for the tests: alternating offers, the seller first, views fed by hand."""

from dataclasses import dataclass, field
from typing import Any

from arena.agent import Agent
from arena.engine.play import run_blocking
from arena.game import JSON, Message, Move, Tool, View
from arena.spec import build

OFFER = Tool("offer", "Offer a price.", {"price": {"type": "number"}})
TOOLS = (OFFER, Tool("accept", "Accept."), Tool("walk_away", "Leave."))


@dataclass
class Haggle:
    """One round; `step` counts message pairs from 1."""

    price: float | None = None
    step: int = 0
    ended: str = "turns"
    offers: list[tuple[str, float]] = field(default_factory=list)
    talk: list[Message] = field(default_factory=list)
    moves: list[tuple[str, Move]] = field(default_factory=list)


def look(
    role: str, step: int = 0, steps: int = 10, offers: Any = (), low: float = 0, high: float = 100, tick: float = 1,
    reservation: float | None = None, messages: tuple[Message, ...] = (), seed: int = 0,
    tools: tuple[Tool, ...] = TOOLS,
) -> View:  # fmt: skip
    """A player's view of the bargaining game."""
    offered: list[JSON] = [[seat, price] for seat, price in offers]
    bound = low if role == "seller" else high
    known: dict[str, JSON] = {
        "role": role, "reservation": bound if reservation is None else reservation, "low": low, "high": high,
        "tick": tick, "step": step, "steps": steps, "round": 1, "rounds": 1, "item": "balloon", "offers": offered,
    }  # fmt: skip
    return View(role, "", messages, tools, known=known, seed=seed)


def haggle(
    seller: Any, buyer: Any, steps: int = 10, low: float = 0, high: float = 100, tick: float = 1, seed: int = 0,
    cost: float | None = None, value: float | None = None, heard: dict[str, tuple[Message, ...]] | None = None,
) -> Haggle:  # fmt: skip
    """Play one round between two agents, given as specs or parts, that take actions."""
    agents: dict[str, Agent] = {"seller": build("agent", seller), "buyer": build("agent", buyer)}
    worth, result = {"seller": cost, "buyer": value}, Haggle()
    for result.step in range(1, steps + 1):
        for role, agent in agents.items():
            messages = ((heard or {}).get(role, ())) + tuple(result.talk)
            view = look(role, result.step - 1, steps, result.offers, low, high, tick, worth[role], messages,
                        seed * 1000 + len(result.moves))  # fmt: skip
            move = run_blocking(lambda agent=agent, view=view: agent.act(view))  # type: ignore[misc]
            result.moves.append((role, move))
            result.talk.append(Message(role, move.text, move.tool, move.args, round=1))
            if move.tool == "offer":
                result.offers.append((role, float(move.args["price"])))  # type: ignore[arg-type]
            else:
                result.ended = move.tool
                result.price = (
                    next(p for r, p in reversed(result.offers) if r != role) if move.tool == "accept" else None
                )
                return result
    return result


def chain(
    seller: Any, buyer: Any, coached: str, rounds: int = 10, critic: Any = "critic", seed: int = 0, **settings: Any
) -> tuple[list[float | None], list[list[str]]]:
    """Prices of rounds with a critic between them, cost 8, value 20, prices 0 to 30; and what it suggested."""
    coach, results, advice = build("agent", critic), list[JSON](), list[Message]()
    for number in range(1, rounds + 1):
        played = haggle(seller, buyer, low=0, high=30, tick=0.5, cost=8, value=20, heard={coached: tuple(advice)},
                        seed=seed + number, **settings)  # fmt: skip
        gain = 0.0 if played.price is None else played.price - 8 if coached == "seller" else 20 - played.price
        results.append({"round": number, "deal": played.price is not None, "price": played.price, "surplus": gain,
                        "ended": played.ended})  # fmt: skip
        known: dict[str, JSON] = {"coached": coached, "round": number, "rounds": rounds, "results": tuple(results)}
        view = View("critic", "", (*advice, *played.talk), known=known, seed=seed + number)
        move = run_blocking(lambda view=view: coach.act(view))  # type: ignore[misc]
        advice.append(Message("critic", move.text, move.tool, move.args, (coached,), number))
    prices = [row["price"] for row in results]  # type: ignore[index, call-overload]
    return prices, [list(message.args["suggestions"]) for message in advice]  # type: ignore[arg-type]
