"""A game in a file of its own, which tests play, edit and hold against its records."""

import json
from pathlib import Path
from typing import Any

from cli_runner import arena

SOURCE = '''
from dataclasses import dataclass
from arena import Game, IllegalMove, View

@dataclass(frozen=True, slots=True)
class Ladder(Game[tuple]):
    """Two seats call numbers in turn, each higher than the one before."""

    length: int = 6
    rules_version = 1

    @property
    def seats(self): return ("left", "right")

    def start(self, rng): return (rng.randrange(100),)

    def to_act(self, calls): return (self.seats[(len(calls) + 1) % 2],) if len(calls) <= self.length else ()

    def view(self, calls, seat): return View(seat, f"Call higher than {calls[-1]}")

    def apply(self, calls, moves):
        ((seat, move),) = moves.items()
        if not move.text.isdigit() or int(move.text) <= calls[-1]:
            raise IllegalMove(seat, f"call higher than {calls[-1]}")
        return (*calls, int(move.text))

    def scores(self, calls): return {"left": float(calls[-1] - calls[0]), "right": None}

    def facts(self, calls):
        return {"start": calls[0], "calls": [{"step": n, "call": c} for n, c in enumerate(calls[1:])]}

def above(view): return int(view.rules.split()[-1])
def climbs(view): return str(above(view) + 1 + view.seed % 1000)
def steps(view): return str(above(view) + 1)
def slips(view): return str(above(view) + bool(view.complaint))
def falls(view): return "down"
def slow(view):
    import time
    time.sleep(0.25)
    return climbs(view)
'''
PLAY = ("play", "rungs.py:Ladder", "--seat", "left=rungs.py:climbs", "--seat", "right=rungs.py:slips", "-q")


def told(folder: Path, *arguments: str, code: int = 0) -> Any:
    """The JSON document that the command prints."""
    trust = ["--trust"] if arguments[0] in ("verify", "fork", "rescore", "show") else []  # the file may have changed
    text = arena(folder, *arguments, *trust, "--json", code=code)
    return json.JSONDecoder().raw_decode(text)[0]


def ladder(folder: Path) -> Path:
    """The folder, with the game's file in it."""
    (folder / "rungs.py").write_text(SOURCE)
    return folder


def edit(folder: Path, old: str, new: str) -> None:
    """Changes the game's rules."""
    assert SOURCE.count(old) == 1
    (folder / "rungs.py").write_text(SOURCE.replace(old, new))
