"""The scripted moderator: parses moves from free text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.negotiation.message_acts import MessageActs, find_offers, find_standing_offer, is_unclear, read_message
from agents.negotiation.utterances import dollars
from arena.agent import agent
from arena.errors import UsageError
from arena.game import JSON, Message, Move, View

RIVALS = ("buyer", "seller")
LONGEST = 200  # characters of evidence


@agent
@dataclass(frozen=True, slots=True)
class Moderator:
    """Reads the last message of a haggle by phrases and prices, and quotes the words it relies on.

    Agreeing to an offer of which the other side has since said something unclear ("two for $30") is talk. No model:
    rules in `agents.negotiation.message_acts` and `arena.text.price_extraction`. In mode "read" it says what the
    message does (offer, accept, walk_away, talk); in mode "deal" whether the two have reached a deal (accept, at the
    price it gives) or not (talk).
    """

    async def act(self, view: View) -> Move:
        if not view.messages or "speaker" not in view.known:
            raise UsageError(
                f"the moderator reads a haggle; the seat {view.seat!r} shows it no talk, seat another agent"
            )
        speaker = str(view.known["speaker"])
        if view.known.get("mode") == "deal":
            reading = read_message(
                view.messages[-1].text, _find_standing_offer(view, _list_heard_offers(view), speaker)
            )
            act = "accept" if reading.act == "accept" else "talk"
            price, verdict = reading.price if act == "accept" else None, _build_deal_verdict(speaker, reading)
        else:
            reading = read_message(
                view.messages[-1].text, _find_standing_offer(view, _list_recorded_offers(view), speaker)
            )
            act, price, verdict = reading.act, reading.price, _build_verdict(speaker, reading)
        evidence = reading.evidence[:LONGEST]
        args: dict[str, JSON] = {"act": act, "evidence": evidence}
        if price is not None:
            args["price"] = price
        return Move(f"{verdict}: “{evidence}”" if evidence else f"{verdict}.", "read", args)


def _find_standing_offer(view: View, offers: Sequence[tuple[str, float]], speaker: str) -> float | None:
    """The offer that the speaker may accept: the other side's last one; None if it named an unclear price since."""
    others = [message for message in view.messages[:-1] if message.sender in RIVALS and message.sender != speaker]
    last = others[-1] if others else None
    return (
        None if last is not None and not last.tool and is_unclear(last.text) else find_standing_offer(offers, speaker)
    )


def _list_recorded_offers(view: View) -> list[tuple[str, float]]:
    """The offers recorded in this round."""
    known: Mapping[str, Any] = view.known
    return [(str(seat), float(price)) for seat, price in known.get("offers") or ()]


def _list_heard_offers(view: View) -> list[tuple[str, float]]:
    """The recorded offers, then those parsed from the talk before the last message: such games have talk only."""
    before: tuple[Message, ...] = view.messages[:-1]
    return _list_recorded_offers(view) + find_offers(before)


def _build_verdict(speaker: str, reading: MessageActs) -> str:
    match reading.act:
        case "offer":
            return f"The {speaker} offers {dollars(reading.price or 0.0)}"
        case "accept":
            return f"The {speaker} accepts {dollars(reading.price or 0.0)}"
        case "walk_away":
            return f"The {speaker} walks away"
        case _:
            return f"The {speaker} proposes and accepts nothing"


def _build_deal_verdict(speaker: str, reading: MessageActs) -> str:
    if reading.act == "accept":
        return f"Yes, the {speaker} agrees to {dollars(reading.price or 0.0)}"
    return "No, not yet"
