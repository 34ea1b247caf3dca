"""A debater that shows its best evidence first, and a judge that adds up the evidence shown."""

from dataclasses import dataclass
from random import Random

from agents.required_fields import knowing
from arena.agent import agent
from arena.game import Move, View

OPENINGS = (
    "Consider this.",
    "The facts are on our side.",
    "Let me show you something.",
    "Words are cheap; here is more.",
)
CLOSINGS = ("We have shown what there is to show.", "I rest our case.", "You have seen our evidence; weigh it.")


@agent
@dataclass(frozen=True, slots=True)
class Advocate:
    """Shows the strongest piece of evidence it has left with each speech; without any it rests its case."""

    async def act(self, view: View) -> Move:
        known, rng = knowing(view, "a side of a debate", "cards", "left"), Random(view.seed)
        if not known["left"]:
            return Move(rng.choice(CLOSINGS))
        strongest = max(known["left"], key=lambda number: known["cards"][number - 1][0])
        return Move(rng.choice(OPENINGS), "show", {"card": strongest})


@agent
@dataclass(frozen=True, slots=True)
class Arbiter:
    """Decides a debate for the side that showed more strength in all; equal strength is a draw. It is deaf to words."""

    async def act(self, view: View) -> Move:
        exhibits = knowing(view, "the judge of a debate", "exhibits")["exhibits"]
        pro, con = (sum(strength for who, strength, _ in exhibits if who == side) for side in ("pro", "con"))
        winner = "draw" if pro == con else "pro" if pro > con else "con"
        reason = f"Pro has shown evidence of strength {pro}, con of {con}."
        return Move(reason, "decide", {"winner": winner, "reason": reason})
