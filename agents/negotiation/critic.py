"""The scripted critic: gives three pieces of advice based on the results so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from agents.negotiation.advice import NONE, Advice, compose_advice
from agents.negotiation.advice_lexicon import PLAIN_LINES, STEADY_LINES, Trait
from arena.agent import agent
from arena.errors import UsageError
from arena.game import Move, View

PUSHES = (1.0, 0.5, 0.5, 0.25, 0.25)  # firmness asked for after the first, second … deal
TRAITS: tuple[Trait, ...] = ("firmness", "ambition", "patience")


@agent
@dataclass(frozen=True, slots=True)
class Critic:
    """Advises the coached player by its results: firmer after a deal, softer after none, in three sentences.

    After each deal it asks for more firmness, each time for less more, and for more ambition too when the last push
    gained nothing. A lost round takes the last push back and ends the pushing; a further one asks for larger steps and
    an earlier compromise. So prices rise, flatten and stay. The sentences name no price; `agents.negotiation.advice`
    reads them.
    """

    async def act(self, view: View) -> Move:
        results = view.known.get("results")
        if not isinstance(results, Sequence) or isinstance(results, str) or not results:
            raise UsageError(
                f"the critic needs results of rounds, and the seat {view.seat!r} shows none; seat another agent"
            )
        rows: list[Mapping[str, Any]] = [dict(row) for row in results if isinstance(row, Mapping)]
        lines = _sentences(advise(rows), Random(view.seed))
        return Move(tool="suggest", args={"suggestions": lines})


def advise(results: Sequence[Mapping[str, Any]]) -> Advice:
    """The shifts to ask for after these rounds; what it asked for before follows from them too."""
    asked, pushes, failed = NONE, 0, False
    for before, result in zip((None, *results), results, strict=False):
        if not result["deal"]:
            asked = asked.with_weight(-1.0) if asked.firmness > 0 else Advice(firmness=-1.0, patience=-1.0)
            failed = True
        elif failed or pushes == len(PUSHES):
            asked = NONE
        else:
            gained = before is None or float(result["surplus"]) > float(before["surplus"])
            asked = Advice(PUSHES[pushes], 0.0 if gained else PUSHES[pushes] / 2)
            pushes += 1
    return asked


def _sentences(advice: Advice, rng: Random) -> list[str]:
    """Three sentences that ask for these shifts; those about no shift at all fill up."""
    lines = [compose_advice(trait, shift, rng.randrange(6)) for trait in TRAITS if (shift := getattr(advice, trait))]
    if not lines:
        lines = [rng.choice(STEADY_LINES)]
    return lines + rng.sample(PLAIN_LINES, 3 - len(lines))
