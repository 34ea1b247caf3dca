"""Advice as shifts of a bargainer's parameters, parsed from English sentences and rendered as such."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agents.negotiation.advice_lexicon import CLAUSE, LEXICON, LINES, OPENING, SIDE_CLAUSE, SIZE, SIZES, TURN, Trait
from arena.cache_register import memoize
from arena.game import Message

MOST = 4.0  # the largest sum of advice that is still heeded, per trait


@dataclass(frozen=True, slots=True)
class Advice:
    """How much firmer, more ambitious and more patient to be; negative is softer, 0 is no advice.

    One unit of firmness doubles the exponent of a concession curve; one of ambition keeps a tenth of the range; one of
    patience lets a tenth of the time pass before the first concession.
    """

    firmness: float = 0.0
    ambition: float = 0.0
    patience: float = 0.0

    def __add__(self, other: "Advice") -> "Advice":
        return Advice(self.firmness + other.firmness, self.ambition + other.ambition, self.patience + other.patience)

    def with_weight(self, weight: float) -> "Advice":
        """The advice with a weight, each trait kept within what is heeded at most."""
        values = (self.firmness, self.ambition, self.patience)
        return Advice(*(min(max(weight * value, -MOST), MOST) for value in values))

    @property
    def multiplier(self) -> float:
        """The factor of firmness f on an exponent: 2^f."""
        return float(2.0**self.firmness)

    def floor(self, configured: float) -> float:
        """The least utility to keep, 0 to 0.9, from the configured one; exactly that without advice."""
        return configured if self.ambition == 0 else min(max(configured + 0.1 * self.ambition, 0.0), 0.9)

    def clock(self, time: float) -> float:
        """The time by which a patient bargainer goes, from 0 to 1; exactly `time` without advice."""
        late = min(max(0.1 * self.patience, -0.5), 0.5)
        return time if late == 0 else min(max((time - late) / (1 - late), 0.0), 1.0)


NONE = Advice()
LONGEST = 20_000  # characters of one piece of advice that are read


def collect_advice(messages: Iterable[Message], role: str) -> Advice:
    """The sum of all advice among `messages`: suggestions by the coach, in words that the lexicon knows."""
    total = NONE
    for message in messages:
        if message.tool != "suggest":
            continue
        args: Mapping[str, Any] = message.args
        lines = args.get("suggestions")
        text = "\n".join(map(str, lines)) if isinstance(lines, list | tuple) and lines else message.text
        total += parse_advice(text, role)
    return total


@memoize("texts", most=4096)  # the advice of past rounds is read again at every turn
def parse_advice(text: str, role: str) -> Advice:
    """The shifts that an English text asks of a seller or buyer, each between -1.5 and 1.5.

    What the lexicon does not know is no advice, nor what follows "before", "when" and the like; "don't", "avoid"
    and the like turn a phrase round.
    """
    sums: dict[str, float] = {"firmness": 0.0, "ambition": 0.0, "patience": 0.0}
    for clause in CLAUSE.split(text[:LONGEST].lower().replace("’", "'")):
        if SIDE_CLAUSE.match(clause):
            continue
        for trait, shift in _parse_clause(clause, role).items():
            sums[trait] += shift
    most = SIZES["much"]
    return Advice(**{trait: min(max(value, -most), most) for trait, value in sums.items()})


def compose_advice(trait: Trait, shift: float, choice: int = 0) -> str:
    """A sentence that asks for a shift, rounded to a size there is a word for; `parse_advice` reads it back."""
    word = min(SIZES, key=lambda size: abs(SIZES[size] - abs(shift)))
    lines = LINES[trait, 1 if shift > 0 else -1]
    return " ".join(lines[choice % len(lines)].format(size=word).split())


def _parse_clause(clause: str, role: str) -> dict[str, float]:
    """The shifts of one clause: per trait the first phrase found, times its size word."""
    found: dict[str, float] = {}
    size = SIZE.search(clause)
    weight = SIZES[(size.lastgroup or "").replace("_", " ")] if size else 1.0
    for trait, sign, pattern in LEXICON:
        match = pattern.search(clause)
        if match and trait not in found:
            found[trait] = weight * sign * _find_sign(clause, match)
    match = OPENING.search(clause)
    if match and "ambition" not in found:
        higher = (match["a"] or match["b"] or match["c"]).startswith(("high", "rais", "increas"))
        found["ambition"] = weight * (1 if higher == (role == "seller") else -1) * _find_sign(clause, match)
    return found


def _find_sign(clause: str, match: re.Match[str]) -> int:
    """-1 where the clause warns of the phrase: "don't concede faster", "you conceded too early"; else 1."""
    if re.search(r"\btoo\b", clause[max(0, match.start() - 4) : match.end()]):
        return -1
    return -1 if TURN.search(clause[: match.start()]) else 1
