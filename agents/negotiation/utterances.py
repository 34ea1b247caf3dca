"""Sentences of the scripted bargainers; each contains the price, so that readers of text understand them too."""

from random import Random

GREETINGS = {
    "seller": (
        "Hello! This {item} is in fine shape. I am asking {price}.",
        "Good day! I can let you have this {item} for {price}.",
        "Welcome! It is the best {item} you will find around here. My price is {price}.",
        "Hi there! Good choice, this {item}. How about {price}?",
    ),
    "buyer": (
        "Hello! I like the look of this {item}. Would you take {price}?",
        "Hi! I am looking for a {item} like this one. I could pay {price}.",
        "Good day! I would offer you {price} for the {item}.",
        "Hello! Nice {item}. How about {price}?",
    ),
}
REACTIONS = {
    "seller": (
        "{theirs} is too low for me.",
        "I hear you, but I can't do {theirs}.",
        "Thank you, we are coming closer.",
        "I understand that you want a good price.",
        "You know how well this {item} is made.",
        "I have put a lot of care into this {item}.",
        "Hmm, {theirs} is not enough for a {item} like this.",
    ),
    "buyer": (
        "{theirs} is too much for me.",
        "I hear you, but I can't pay {theirs}.",
        "Thank you, we are coming closer.",
        "I do like the {item}, and I have to watch my money.",
        "I have seen a {item} like this before.",
        "{theirs} is more than I have in mind for a {item}.",
        "I understand that you want a good price.",
    ),
}
MOVES = {
    "seller": ("I could let it go for {price}.", "I can do {price}.", "How about {price}?", "My price is {price} now.",
               "For you I would go down to {price}.", "Would you pay {price}?"),
    "buyer": ("I could pay {price}.", "I can do {price}.", "How about {price}?", "My offer is {price} now.",
              "I would go up to {price}.", "Would you take {price}?"),
}  # fmt: skip
HOLDS = {
    "seller": ("I stay at {price}.", "My price is still {price}.", "It is still {price}, I am afraid."),
    "buyer": ("I stay at {price}.", "My offer is still {price}.", "It is still {price}, I am afraid."),
}
LAST = (
    "This is my last word: {price}.",
    "My final offer is {price}.",
    "I cannot move any more. {price} is my last offer.",
)
ACCEPTS = ("Deal! {theirs} it is.", "Agreed, {theirs}. Thank you!", "All right, you have a deal at {theirs}.",
           "{theirs} works for me. Deal!", "I accept {theirs}. A pleasure doing business with you.")  # fmt: skip
ACCEPTS_PLAINLY = ("Deal, thank you!", "Agreed. A pleasure doing business with you.", "All right, you have a deal.",
                   "I accept your offer. Thank you!", "That works for me. Deal!")  # fmt: skip
LEAVES = (
    "I am sorry, there is no price here that works for both of us. Goodbye!",
    "Then I am walking away. Thank you for your time.",
    "I am afraid we cannot reach an agreement. Goodbye!",
)


def dollars(price: float) -> str:
    """`$14` or `$14.50`; the minus precedes the currency sign."""
    text = f"${abs(price):,.2f}".removesuffix(".00")
    return f"-{text}" if price < 0 else text


def offering(
    role: str,
    item: str,
    price: float,
    rng: Random,
    own: float | None = None,
    theirs: float | None = None,
    last: bool = False,
) -> str:
    """An offer in words; `own` and `theirs` are the last offers so far, `last` says that no more will come."""
    said = {"item": item, "price": dollars(price), "theirs": dollars(theirs or 0.0)}
    if own is None:
        hello = rng.choice(GREETINGS[role])
        return hello.format(**said)
    reactions = [line for line in REACTIONS[role] if theirs is not None or "{theirs}" not in line]
    if theirs is not None and abs(theirs - price) < 0.005:  # one's own price again, which the other side now names
        reactions = [line for line in reactions if "{theirs}" not in line]
    moves = LAST if last else HOLDS[role] if own == price else MOVES[role]
    return f"{rng.choice(reactions)} {rng.choice(moves)}".format(**said)


def accepting(theirs: float, rng: Random, plainly: bool = False) -> str:
    """An acceptance in words; `plainly` without the price, as where a number would be taken for an offer."""
    return rng.choice(ACCEPTS_PLAINLY if plainly else ACCEPTS).format(theirs=dollars(theirs))


def leaving(rng: Random) -> str:
    """A leave in words."""
    return rng.choice(LEAVES)
