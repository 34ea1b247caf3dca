"""Texts of the bargaining game: rules by seat, openings, announcements and fixed feedback."""

from games.negotiation.bargaining_state import Haggle, Round

CONSTANT = "Play the same game once more and try to do better than last time."
NO_ADVICE = "The critic gave no advice that could be read; the next round is played without."
NO_VERDICT = "The moderator gave no verdict that could be read; the message counts as talk."
PEOPLE = (
    "Stay friendly, but don't be the first to move; silence often earns a better price.",
    "You gave in too early. Hold firm a little longer before you move again.",
    "Make smaller steps: concede more slowly, and only after the other side has moved.",
    "Start from a more ambitious price, there is room to come back from it.",
    "Give a reason with each price. People accept a number more easily when it has a story.",
    "Be patient; the other side usually improves its offer near the end.",
    "Ask what matters to them before you move, and trade a concession for a concession.",
    "Don't split the difference by habit; stay closer to your own side of the middle.",
    "Let them know that you could live without this deal.",
    "Praise their last offer, then ask for a bit more.",
)


def format_dollars(price: float) -> str:
    """`$14` or `$14.50`; the minus stands before the sign."""
    text = f"${abs(price):,.2f}".removesuffix(".00")
    return f"-{text}" if price < 0 else text


def format_player_rules(item: str, seat: str, reservation: float | None, low: float, high: float, turns: int,
                        rounds: int,                  actions: bool) -> str:  # fmt: skip
    """The rules for a player: its side, its private value, how a round ends, how to act."""
    verb, rival = ("sell", "buyer") if seat == "seller" else ("buy", "seller")
    aim = "get as high a price as you can" if seat == "seller" else "pay as little as you can"
    worth = {
        (
            "seller",
            True,
        ): f"You paid {format_dollars(reservation or 0)} for it, so a price below that loses money; the buyer "
        "does not know this number.",
        (
            "buyer",
            True,
        ): f"It is worth {format_dollars(reservation or 0)} to you, so a price above that loses money; the "
        "seller does not know this number.",
    }.get((seat, reservation is not None), "")
    how = (
        f"Say something short and take one action with it: offer a price between {format_dollars(low)} and "
        f"{format_dollars(high)}, "
        f"accept the {rival}'s last offer, or walk away."
        if actions
        else "Answer with one short sentence each time and name your price in dollars; a moderator listens for a deal."
    )
    chain = f" There are {rounds} rounds, each over a {item} like this one." if rounds > 1 else ""
    return (
        f"You are the {seat}: you want to {verb} a {item} and to {aim}. {worth} A round ends with a deal, when someone "
        f"walks away, or without a deal after {turns} messages of each side; without a deal you gain nothing."
        f"{chain} {how}"
    )


MODERATOR_READ = (
    "You moderate a negotiation between a buyer and a seller over a {item}. Read the last message of the talk and say "
    "what it does: `offer` (it proposes one price: give the price), `accept` (it agrees to the other side's last "
    "offer), `walk_away` (it ends the negotiation) or `talk` (none of these: a range, a question without a price, a "
    "refusal). Quote the words you rely on as evidence. Do not count a price that the speaker rejects. If the speaker "
    "names a limit of its own (what it paid, its budget, a price it cannot go past), give that as `claim`, true or not."
)
MODERATOR_DEAL = (
    "You moderate a negotiation between a buyer and a seller over a {item}. Have the two reached a deal with the last "
    "message of the talk: did one side clearly agree to the price of the other? Answer with `accept` (yes, and the "
    "price) or `talk` (no, not yet), and quote the words you rely on as evidence. In words, begin with Yes or No."
)
CRITIC = (
    "You coach the {seat} in a negotiation over a {item}. You see what the {seat} saw, up to the end of the last "
    "round. Give three suggestions that help the {seat} do better in the next round. They should be general and "
    "thoughtful, build on what happened, name no specific price, and stay with this one item: no extra goods, no other "
    "services."
)


def build_opening(item: str, ask: float, bid: float) -> tuple[tuple[str, str, float | None], ...]:
    """The published opening as (speaker, words, price): a greeting, the list price, a first counter-offer."""
    return (
        ("buyer", f"Hello! What do you ask for the {item}?", None),
        ("seller", f"This is a fine {item}; it costs {format_dollars(ask)}.", ask),
        ("buyer", f"Would you take {format_dollars(bid)} for it?", bid),
    )


def format_round_start(number: int, rounds: int) -> str:
    return f"Round {number} of {rounds} begins."


def format_outcome(result: Round) -> str:
    """One sentence on how a round ended."""
    if result.price is not None:
        return f"deal at {format_dollars(result.price)}, accepted by the {result.by}"
    return {
        "walk_away": f"no deal, the {result.by} walked away",
        "forfeit": f"no deal, the {result.by} gave no valid answer",
        "turns": "no deal, the messages are used up",
        "refusals": "no deal, the moderator heard too many refusals",
        "no_price": "no deal, a deal was heard but no price was ever named",
        "discarded": "no deal, the price is at or outside the opening prices",
    }[result.ended]


def format_round_end(state: Haggle, result: Round, seat: str, tell_surplus: bool) -> str:
    """The message to a player at the end of a round."""
    gain = result.surplus(seat, state.reservation(seat))
    surplus = f" Your gain is {format_dollars(gain)}." if tell_surplus else ""
    return f"Round {result.round} is over: {format_outcome(result)}.{surplus}"


def format_goal(result: Round, seat: str, minus_one: bool) -> str:
    """The goal for the next round: beat the last price. `minus_one` keeps the published slip of naming -1."""
    price = result.price if result.price is not None else -1.0 if minus_one else None
    direction = "higher" if seat == "seller" else "lower"
    if price is None:
        return "Your goal for the next round: reach a deal, at the best price you can get."
    return f"Your goal for the next round: a price {direction} than {format_dollars(price)}."


def format_wordless(tool: str, price: float | None) -> str:
    """The message that others see when a player acts without words."""
    return {"offer": f"{format_dollars(price or 0)}.", "accept": "Deal."}.get(tool, "I am leaving.")
