"""Bargaining under names: a buyer that gives its name, and a seller that remembers each buyer's limit."""

import re
from dataclasses import dataclass, replace
from random import Random

from agents.negotiation import utterances
from agents.negotiation.position import Position
from agents.negotiation.time_dependent import Linear
from agents.required_fields import knowing
from arena.agent import agent
from arena.game import Message, Move, View
from arena.text.lesson_sentences import read_limit

CALLED = re.compile(r"\bThis is ([^.]+)\.")
INSISTED = 0.9  # the share of a known limit that a seller insists on: some gain has to be left for a deal


@agent
@dataclass(frozen=True, slots=True)
class Caller:
    """A buyer that gives its name in its first message and concedes evenly."""

    who: str = "Nobody"
    """Name that the buyer gives."""
    tells: bool = False
    """Whether it also says how much it can pay."""

    async def act(self, view: View) -> Move:
        move = await Linear().act(view)
        if view.own:
            return move
        limit = Position.of(view).worst
        told = f" I cannot pay more than ${limit:g}." if self.tells else ""
        return replace(move, text=f"This is {self.who}.{told} {move.text}")


@agent
@dataclass(frozen=True, slots=True)
class Dealer:
    """A seller that insists on nine tenths of what it knows a buyer can pay; with unknown buyers it concedes evenly."""

    notes: tuple[str, ...] = ()
    """Sentences kept from earlier bargains, such as "Ann Brom cannot pay more than $17"."""

    async def act(self, view: View) -> Move:
        knowing(view, "bargaining", "role", "reservation", "offers")
        side, limit = Position.of(view), self.limit(caller(view.messages))
        if side.role != "seller" or limit is None or INSISTED * limit <= side.worst:
            return await Linear().act(view)
        wanted, standing = INSISTED * limit, side.standing
        if standing is not None and standing >= wanted:
            return Move(utterances.accepting(standing, Random(view.seed)), "accept")
        own = side.own[-1] if side.own else None
        words = utterances.offering(side.role, side.item, wanted, Random(view.seed), own, standing, side.last)
        return Move(words, "offer", {"price": round(wanted, 2)})

    def limit(self, who: str) -> float | None:
        """The most that someone can pay, as far as the notes say so."""
        noted = [told.limit for note in self.notes if (told := read_limit(note)) and told.buyer == who]
        return noted[-1] if noted else None


def caller(messages: tuple[Message, ...]) -> str:
    """The name that the buyer gives; "" without one."""
    said = (CALLED.search(message.text) for message in messages if message.sender == "buyer")
    return next((match[1] for match in said if match), "")
