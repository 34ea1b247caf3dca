"""Parse a moderator's verdict, and find the price of a deal made in words."""

from collections.abc import Mapping, Sequence

from arena.errors import IllegalMove
from arena.game import JSON
from arena.text.price_extraction import find_prices, match_last_dollars
from games.negotiation.bargaining_state import RIVAL, Haggle

ACTS = ("offer", "accept", "walk_away", "talk")


def parse_verdict(text: str, yes_or_no: bool, quirks: Sequence[str]) -> dict[str, JSON]:
    """Parse a verdict given in words instead of an action: it starts with its label, or, with the quirk, contains
    "yes".
    """
    words = text.lower().strip(" \n*`\"'.").replace("-", " ")
    if yes_or_no and "yes-anywhere" in quirks:
        return {"act": "accept" if "yes" in words else "talk", "evidence": text}
    if yes_or_no and words.startswith(("yes", "no")):
        price = find_only_price(text) if words.startswith("yes") else None
        return {"act": "accept" if words.startswith("yes") else "talk", "price": price, "evidence": text}
    for act in ACTS:
        if words.replace(" ", "_").startswith(act):
            return {
                "act": act,
                "price": _find_labelled_price(text) or find_only_price(text, bare=True),
                "evidence": text,
            }
    ways = "Yes or No" if yes_or_no else "one of: offer PRICE, accept, walk_away, talk"
    raise IllegalMove("moderator", f"the verdict cannot be read; begin it with {ways}")


def parse_amount(args: Mapping[str, JSON], name: str) -> float | None:
    """A price among the arguments of a verdict, in cents; None where there is none."""
    price = args.get(name)
    return round(float(price), 2) if isinstance(price, int | float) else None


def has_numberless_message(state: Haggle) -> bool:
    """Whether the latest message of one of the two names no number: the published sign to start moderating."""
    latest = [next((m.text for m in reversed(state.talk()) if m.sender == seat), "") for seat in RIVAL]
    return not all(any(character.isdigit() for character in text) for text in latest)


def find_agreed_price(state: Haggle, read: float | None, quirks: Sequence[str]) -> float | None:
    """The price of a deal made in words: the one the moderator read, else the last one that was named.

    With the quirk "dollar-regex" only the published expression counts, whatever the moderator read.
    """
    if read is not None and "dollar-regex" not in quirks:
        return read
    if "dollar-regex" in quirks:
        return next((p for m in reversed(state.talk()) if (p := match_last_dollars(m.text)) is not None), None)
    last = _find_last_prices(state)
    return next(iter(last)) if len(last) == 1 else None


def require_clear_price(state: Haggle, read: float | None, numberless: bool, quirks: Sequence[str]) -> None:
    """Raise IllegalMove if a moderator reports a deal at an unclear price: it must name the price."""
    standing = state.standing(state.speaker)
    if numberless:
        last = _find_last_prices(state)
        if read is None and len(last) > 1 and "dollar-regex" not in quirks:
            told = " and ".join(f"{price:g}" for price in sorted(last))
            raise IllegalMove("moderator", f"the talk names {told}; say at which price there is a deal, or No")
    elif read is not None and standing is not None and abs(read - standing) >= 0.005:
        raise IllegalMove(
            "moderator",
            f"the {state.speaker} can accept {standing:g}, the last offer of the other side, and not {read:g}: it is "
            "an offer of that price, or talk",
        )


def find_only_price(text: str, bare: bool = False) -> float | None:
    """The one price that a text names; None where it names none, or several."""
    found = _find_amounts(text, bare)
    return next(iter(found)) if len(found) == 1 else None


def _find_labelled_price(text: str) -> float | None:
    """The price directly after the label of a verdict: "offer $15 (they said 12 before)"."""
    first = next(iter(find_prices(text, bare=True)), None)
    return first.amount if first is not None and not text[: first.start].strip(" \n*`\"'$€£:=-").count(" ") else None


def _find_last_prices(state: Haggle) -> frozenset[float]:
    """The prices in the last message of the talk that names one."""
    return next((named for m in reversed(state.talk()) if (named := _find_amounts(m.text))), frozenset())


def _find_amounts(text: str, bare: bool = False) -> frozenset[float]:
    """The prices of one thing in a text that are neither rejected nor part of a range."""
    found = find_prices(text, bare)
    return frozenset(p.amount for p in found if not (p.negated or p.ranged or p.several or p.amount < 0))
