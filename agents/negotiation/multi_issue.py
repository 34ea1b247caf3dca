"""Multi-issue negotiator: concedes with time, and on issues that cost it little and seem to help the other side."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from agents.required_fields import knowing
from arena.agent import agent
from arena.game import JSON, Move, View

EXACT = 1e-9  # utilities this close are equal
Choice: TypeAlias = tuple[int, ...]  # the index of the option taken, by issue


@dataclass(frozen=True, slots=True)
class Package:
    """A seat's state of a negotiation over several issues. `offers` are by the rival (True) or itself, in order."""

    names: Sequence[str]
    options: Sequence[Sequence[JSON]]
    utilities: Sequence[Sequence[float]]
    reserve: float
    step: int
    steps: int
    offers: tuple[tuple[bool, Choice], ...]
    agreed: Choice | None
    phase: str

    @classmethod
    def of(cls, view: View) -> "Package":
        names = ("issues", "options", "utilities", "reserve", "step", "steps", "offers", "agreed", "phase")
        known = knowing(view, "a negotiation over several issues", *names)
        offers = tuple((who != view.seat, tuple(choice)) for who, choice in known["offers"])
        agreed = None if known["agreed"] is None else tuple(known["agreed"])
        numbers = known["reserve"], known["step"], known["steps"]
        return cls(known["issues"], known["options"], known["utilities"], *numbers, offers, agreed, known["phase"])

    def worth(self, choice: Choice) -> float:
        return sum(values[k] for values, k in zip(self.utilities, choice, strict=True))

    @property
    def best(self) -> float:
        return sum(max(values) for values in self.utilities)

    @property
    def theirs(self) -> list[Choice]:
        """The rival's offers."""
        return [choice for rival, choice in self.offers if rival]

    def liking(self) -> list[list[float]]:
        """Estimated value of each option to the rival: its frequency in the rival's offers, by issue.

        An issue on which it always asks for the same weighs more: the frequency model of opponents (van Krimpen et al.
        2013, HardHeaded; Tunalı, Aydoğan & Sanchez-Anguix 2017).
        """
        counts = [
            [sum(offer[i] == k for offer in self.theirs) for k in range(len(v))] for i, v in enumerate(self.utilities)
        ]
        return [[count * max(line) for count in line] for line in counts]

    def args(self, choice: Choice) -> dict[str, JSON]:
        return {n: options[k] for n, options, k in zip(self.names, self.options, choice, strict=True)}


@agent
@dataclass(frozen=True, slots=True)
class Logroller:
    """Concedes evenly over several issues, giving the rival what it seems to want among equally good offers.

    It aspires to r + (best - r)(1 - t^exponent) at relative time t = (step + 1) / (steps + 1), accepts what reaches
    that, and offers, among the outcomes that do with at most `band` (best - r) to spare, the one whose options were
    most frequent in the rival's offers. In its last message it accepts anything better than no agreement. Where both
    say at the end what they take, it takes what was agreed on, or the last offer.
    """

    exponent: float = 1.0
    """Exponent of the aspiration curve over relative time: above 1 it concedes late, below 1 early."""
    band: float = 0.1
    """Outcomes count as equally good when they exceed the aspiration by at most this part of its range, 0 to 1."""

    def __post_init__(self) -> None:
        if not 0 <= self.band <= 1:
            raise ValueError(f"band is a part of the range of utilities, 0 to 1, got {self.band}")
        if self.exponent <= 0:
            raise ValueError(f"exponent is above 0 (1 linear, more firm, less yielding), got {self.exponent}")

    async def act(self, view: View) -> Move:
        package = Package.of(view)
        if package.phase == "choose":
            return _settle(package)
        time = (package.step + 1) / (package.steps + 1)
        aspired = package.reserve + (package.best - package.reserve) * (1 - time**self.exponent)
        standing = package.theirs[-1] if package.theirs else None
        last = package.step + 1 >= package.steps
        if standing is not None:
            worth = package.worth(standing)
            if worth >= aspired - EXACT or (last and worth > package.reserve + EXACT):
                return Move("I can agree to that.", "accept")
        if package.best < package.reserve - EXACT:
            return Move("There is nothing in it for me.", "walk_away")
        choice = self._offer(package, aspired)
        return Move(_words(package, choice), "offer", package.args(choice))

    def _offer(self, package: Package, aspired: float) -> Choice:
        liking = package.liking()
        every = product(*(range(len(values)) for values in package.utilities))
        good = [(choice, worth) for choice in every if (worth := package.worth(choice)) >= aspired - EXACT]

        least = min(worth for _, worth in good)
        near = least + self.band * (package.best - package.reserve)

        def promise(item: tuple[Choice, float]) -> tuple[float, float]:
            return sum(line[k] for line, k in zip(liking, item[0], strict=True)), item[1]

        return max((item for item in good if item[1] <= near + EXACT), key=promise)[0]


def _settle(package: Package) -> Move:
    """The last word, where both say what they take."""
    final = package.agreed or (package.offers[-1][1] if package.offers else None)
    if final is None:
        return Move("There was no agreement.", "refuse")
    return Move("This is what I take.", "choose", package.args(final))


def _words(package: Package, choice: Choice) -> str:
    """The message of an offer: the issues on which it has moved."""
    own = [offer for rival, offer in package.offers if not rival]
    if not own:
        return "I see it differently." if package.offers else "Let me begin with this."
    moved = [n for n, now, before in zip(package.names, choice, own[-1], strict=True) if now != before]
    return f"I can move on {' and '.join(moved)}." if moved else "I stay with this for now."
