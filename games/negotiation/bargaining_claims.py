"""Detect claims of the sides about their own limits: cost, value, or a last offer."""

import re
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from arena.game import JSON, Message
from arena.text.price_extraction import Price, find_prices
from games.negotiation.bargaining_state import RIVAL, Haggle

Kind: TypeAlias = Literal["worth", "limit", "final"]
NEAR = 80  # context characters on each side of a price, within its sentence
SENTENCE = re.compile(r"[^.!?;\n]*(?:\.(?=\d)[^.!?;\n]*)*[.!?;\n]*")
SIGN = re.compile(r"[\s$€£¥:]*$")
HINT = re.compile(  # a word of each pattern below: a quick test that skips most messages
    r"\b(?:paid|spent|bought|costs?|worth|value|valuation|purchase|reservation|below|under|than|beneath|above|over|beyond|"
    r"past|lowest|highest|least|most|furthest|limit|budget|line|floor|ceiling|minimum|maximum|all (?:that )?i have|"
    r"(?:only|just) have|final|last|best)\b"
)
DOUBT = re.compile(r"\b(?:if|whether|suppose|pretend|you(?:'ve| have)? (?:said|told|paid|claim\w*))\b")
IS = r"(?: (?:is|was|are|at|of|for|just|only|about|around|really|exactly|stays?|be))*$"
BEFORE: tuple[tuple[Kind, re.Pattern[str]], ...] = (  # words directly before the price
    ("worth", re.compile(
        rf"\b(?:i|we)(?:'ve| have| had| myself)? (?:paid|spent|bought (?:it|this|that))(?: for (?:it|this|that))?{IS}|"
        rf"\b(?:it|this|that|which)(?: \w+)? costs? (?:me|us){IS}|"
        rf"\b(?:my|our) (?:own )?(?:costs?|purchase price|value|valuation)(?: (?:for|of) \w+)?{IS}|"
        rf"\bvalue (?:it|this) at{IS}|\bworth to me{IS}"
    )),
    ("limit", re.compile(
        r"(?<!you )\b(?:can't|cannot|can not|couldn't|won't|will not|would not|wouldn't|never)(?: \w+){0,3}? "
        r"(?:below|under|lower than|less than|beneath|above|over|higher than|more than|beyond|past)$|"
        rf"\b(?:lowest|highest|least|most|furthest)(?: price)?(?: that)? (?:i|we)(?: \w+){{0,6}}?{IS}|"
        rf"\b(?:my|our) (?:absolute |very |upper |lower )?(?:limit|budget|bottom line|floor|ceiling|"
        rf"reservation price|minimum|maximum)(?: \w+)?{IS}|\ball (?:that )?i have{IS}|"
        r"\b(?:i|we) (?:need|must have|have to (?:get|have)) at least$|\bi (?:only|just) have$"
    )),
    ("final", re.compile(
        r"(?<!your )(?<!their )\b(?:final|last|very best|best and final) (?:offer|price|word|bid)"
        r"(?: is| of| stays| at)*$"
    )),
)  # fmt: skip
AFTER: tuple[tuple[Kind, re.Pattern[str]], ...] = (  # words directly after the price
    ("final", re.compile(r"^,? (?:is|that's|and that is|and that's) my (?:last|final|very best|best and final)\b")),
    ("limit", re.compile(
        r"^,? (?:is|that's|and that is) (?:my (?:limit|budget|maximum|minimum|bottom line)|all i have|"
        r"the (?:most|least|lowest|highest) i (?:can|could))\b"
    )),
    ("worth", re.compile(r"^,? is what (?:i|we) paid\b|^ to me\b")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LimitClaim:
    """A price that a seat says is its own limit, in dollars, and the sentence it says so in.

    kind "worth": what it paid, or what the item is worth to it; "limit": a price that it cannot go past; "final": a
    last offer. `read_by` tells who found it: the phrases of this file ("rules"), or the moderator.
    """

    round: int
    seat: str
    kind: Kind
    claimed: float
    words: str
    read_by: Literal["rules", "moderator"] = "rules"


def list_claims(state: Haggle) -> list[JSON]:
    """The claims of a match in order, as rows; where the moderator read the same price the row is the moderator's."""
    found: list[LimitClaim] = []
    for message in state.log:
        if message.sender in RIVAL:
            found += find_claims(message)
    for reading in state.readings:
        if reading.claim is not None:
            same = [c for c in found if (c.round, c.seat, c.claimed) == (reading.round, reading.speaker, reading.claim)]
            found = [claim for claim in found if claim not in same]
            kind = same[0].kind if same else "limit"
            found.append(LimitClaim(reading.round, reading.speaker, kind, reading.claim, reading.evidence, "moderator"))
    return [asdict(claim) for claim in sorted(found, key=lambda claim: claim.round)]


def find_claims(message: Message) -> list[LimitClaim]:
    """The claims in one message of a player: at most one for each price, none under "if" or about the other side."""
    text = message.text.replace("’", "'")
    low = text.lower() if len(text.lower()) == len(text) else text
    found: list[LimitClaim] = []
    amounts = find_prices(text) if HINT.search(low) else ()
    for match in SENTENCE.finditer(low) if amounts else ():
        for price in amounts:
            if match.start() <= price.start < match.end() and (
                kind := _classify_claim(low, price, match.start(), match.end())
            ):
                words = text[match.start() : match.end()].strip()
                found.append(LimitClaim(message.round, message.sender, kind, round(price.amount, 2), words))
    return found


def _classify_claim(low: str, price: Price, start: int, end: int) -> Kind | None:
    """What the words around a price claim of it."""
    before = SIGN.sub("", low[max(start, price.start - NEAR) : price.start])
    after = re.sub(r"^\s?(?:dollars?|bucks|usd|\$|€|£)", "", low[price.end : min(end, price.end + NEAR)])
    if DOUBT.search(before):
        return None
    for kind, pattern in BEFORE:
        if pattern.search(before):
            return kind
    worth = re.search(r"\bworth(?: \w+)?$", before)
    return next((kind for kind, p in AFTER if p.search(after) and (worth or not after.startswith(" to me"))), None)
