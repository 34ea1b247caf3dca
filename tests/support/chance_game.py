"""A game of chance in a file of its own, for tests of what is computed from records: all its numbers are known."""

from pathlib import Path

SOURCE = '''
import asyncio
from dataclasses import dataclass
from arena import Game, Move, View

@dataclass(frozen=True, slots=True)
class Lottery(Game[tuple]):
    """Each of two seats names its chance in percent; one draw, from 0 to 99, decides for both."""

    prize: int = 1
    declared: bool = True

    @property
    def seats(self): return ("left", "right")

    def bounds(self): return (0.0, float(self.prize)) if self.declared else None

    def start(self, rng): return (rng.randrange(100),)

    def to_act(self, state): return self.seats if len(state) == 1 else ()

    def view(self, state, seat): return View(seat, "Name your chance.", legal=tuple(map(str, range(101))))

    def apply(self, state, moves): return (*state, int(moves["left"].text), int(moves["right"].text))

    def scores(self, state):
        if len(state) == 1:
            return dict.fromkeys(self.seats)
        return {seat: float(self.prize * (state[0] < chance)) for seat, chance in zip(self.seats, state[1:])}

    def facts(self, state):
        if len(state) == 1:
            return {}
        won = state[0] < state[1]
        return {"won": won, "drawn": state[0], "paid": self.prize if won else None, "rows": [{"half": state[0] / 2}]}

def half(view): return "50"
def dead(view): raise ConnectionError("there is no line")
def frail(view):
    if view.seed % 4 == 0:
        raise ConnectionError("the line is dead")
    return "50"
async def dallies(view):
    await asyncio.sleep(0.001 * (view.seed % 7))
    return "50"
'''


def lottery(folder: Path) -> Path:
    """The folder, with the game's file in it."""
    (folder / "draws.py").write_text(SOURCE)
    return folder
