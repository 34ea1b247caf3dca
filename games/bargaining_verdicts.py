"""How a moderator's words are taken, and what price a deal between talkers is at."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from arena.errors import IllegalMove
from arena.game import JSON
from arena.prices import dollar_regex, prices
from games.bargaining_state import RIVAL, Haggle

if TYPE_CHECKING:
    from games.bargaining import Bargaining

ACTS = ("offer", "accept", "walk_away", "talk")


def spoken(text: str, yes_or_no: bool, quirks: Sequence[str]) -> dict[str, JSON]:
    """A verdict given in words instead of an action: its label leads, or, with the quirk, a "yes" stands anywhere."""
    words = text.lower().strip(" \n*`\"'.").replace("-", " ")
    if yes_or_no and "yes-anywhere" in quirks:
        return {"act": "accept" if "yes" in words else "talk", "evidence": text}
    if yes_or_no and words.startswith(("yes", "no")):
        return {"act": "accept" if words.startswith("yes") else "talk", "evidence": text}
    for act in ACTS:
        if words.replace(" ", "_").startswith(act):
            found = [p.amount for p in prices(text, bare=True) if not p.negated and not p.ranged]
            return {"act": act, "price": found[0] if found else None, "evidence": text}
    ways = "Yes or No" if yes_or_no else "one of: offer PRICE, accept, walk_away, talk"
    raise IllegalMove("moderator", f"the verdict cannot be read; begin it with {ways}")


def amount(args: Mapping[str, JSON], name: str) -> float | None:
    """A price among the arguments of a verdict, in cents; None where there is none."""
    price = args.get(name)
    return round(float(price), 2) if isinstance(price, int | float) else None


def numberless(state: Haggle) -> bool:
    """Whether the latest message of one of the two names no number: the published sign to start moderating."""
    latest = [next((m.text for m in reversed(state.talk()) if m.sender == seat), "") for seat in RIVAL]
    return not all(any(character.isdigit() for character in text) for text in latest)


def agreed(state: Haggle, read: float | None, quirks: Sequence[str]) -> float | None:
    """The price of a deal that was heard: the one the moderator read, else the last one that was named.

    With the quirk "dollar-regex" only the published expression counts, whatever the moderator read.
    """
    if read is not None and "dollar-regex" not in quirks:
        return read
    return next((p for m in reversed(state.talk()) if (p := _named(m.text, quirks)) is not None), None)


def _named(text: str, quirks: Sequence[str]) -> float | None:
    if "dollar-regex" in quirks:
        return dollar_regex(text)
    found = [p.amount for p in prices(text) if not p.negated and not p.ranged]
    return found[-1] if found else None


def bounds(game: "Bargaining") -> tuple[float, float] | None:
    """The lowest and the highest score of a player: a deal at the worst and at the best price that can be agreed on.

    None where the moderator may read a price that nobody could have offered. Rounding to cents keeps the order.
    """
    if game.moderation == "numberless":
        return None
    named = [
        round(price, 2) for price in (game.low, game.high, game.opening_bid, game.opening_ask) if price is not None
    ]
    costs, values = ([round(base + way * game.spread, 2) for way in (-1, 1)] for base in (game.cost, game.value))
    gains = [price - cost for price in named for cost in costs] + [value - price for price in named for value in values]
    return (round(min(0.0, *gains), 2), round(max(0.0, *gains), 2))
