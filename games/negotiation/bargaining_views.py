"""Views of the bargaining game by seat."""

from collections.abc import Mapping
from typing import Protocol

from arena.game import JSON, Tool, View
from games.negotiation import bargaining_texts as texts
from games.negotiation.bargaining_state import RIVAL, Haggle
from games.negotiation.bargaining_verdicts import ACTS

READ = Tool(
    "read",
    "Say what the last message does.",
    {
        "act": {"type": "string", "enum": list(ACTS), "description": "what the message does"},
        "price": {"type": "number", "description": "the one price it proposes or agrees to, in dollars"},
        "evidence": {"type": "string", "description": "the words you rely on"},
        "claim": {"type": "number", "description": "the limit of its own that the speaker names, if it does"},
    },
    optional=("price", "evidence", "claim"),
)
SUGGEST = Tool(
    "suggest",
    "Give your suggestions.",
    {"suggestions": {"type": "array", "items": {"type": "string"}, "description": "three suggestions"}},
)


class BargainingSettings(Protocol):
    """The parameters of the game that views depend on; `Bargaining` says what they mean."""

    @property
    def item(self) -> str: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def tick(self) -> float: ...
    @property
    def turns(self) -> int: ...
    @property
    def rounds(self) -> int: ...
    @property
    def actions(self) -> bool: ...
    @property
    def buyer_knows_value(self) -> bool: ...
    @property
    def moderation(self) -> str: ...
    @property
    def window(self) -> int | None: ...
    @property
    def coached_seats(self) -> tuple[str, ...]: ...
    def remembers(self, seat: str) -> bool: ...


def player(game: BargainingSettings, state: Haggle, seat: str) -> View:
    """A player: its own reservation price, this round's talk, and past rounds with their advice if it remembers."""
    worth = state.reservation(seat) if seat == "seller" or game.buyer_knows_value else None
    rules = texts.format_player_rules(
        game.item, seat, worth, game.low, game.high, game.turns, game.rounds, game.actions
    )
    past = game.remembers(seat)
    heard = state.log if past else [m for m in state.log if m.round == state.round]
    seen = tuple([m for m in heard if not m.to or m.reaches(seat)])
    own = tuple(move for who, move in state.moves if who == seat)
    known: dict[str, JSON] = {
        "role": seat,
        "item": game.item,
        "reservation": worth,
        "low": game.low,
        "high": game.high,
        "tick": game.tick,
        "step": len(own),
        "steps": game.turns,
        "round": state.round,
        "rounds": game.rounds,
        "offers": _offers(state),
    }
    return View(seat, rules, seen, _player_tools(game, seat), own=own, known=known)


def moderator(game: BargainingSettings, state: Haggle) -> View:
    """The moderator: the last `window` messages of the round, nothing private."""
    talk = state.talk()
    shown = talk[-game.window :] if game.window is not None else talk
    deal = game.moderation == "numberless"
    rules = (texts.MODERATOR_DEAL if deal else texts.MODERATOR_READ).format(item=game.item)
    known: dict[str, JSON] = {"speaker": state.speaker, "offers": _offers(state), "mode": "deal" if deal else "read"}
    return View("moderator", rules, shown, (READ,), known=known)


def critic(game: BargainingSettings, state: Haggle) -> View:
    """The critic: the coached player's own view, up to the end of the round."""
    coached = (state.coached or game.coached_seats)[0]
    theirs = player(game, state, coached)
    rules = f"{texts.CRITIC.format(seat=coached, item=game.item)}\n\nWhat the {coached} was told: {theirs.rules}"
    results: list[JSON] = [
        {key: row[key] for key in ("round", "price", "ended", "deal")} | {"surplus": row[f"{coached}_surplus"]}
        for row in state.table()
    ]
    known: dict[str, JSON] = {"coached": coached, "round": state.round, "rounds": game.rounds, "results": results}
    return View("critic", rules, theirs.messages, (SUGGEST,), known=known)


def _player_tools(game: BargainingSettings, seat: str) -> tuple[Tool, ...]:
    if not game.actions:
        return ()
    price: Mapping[str, JSON] = {"type": "number", "minimum": game.low, "maximum": game.high, "description": "dollars"}
    return (
        Tool("offer", "Offer a price.", {"price": price}),
        Tool("accept", f"Accept the {RIVAL[seat]}'s last offer."),
        Tool("walk_away", "End the round without a deal."),
    )


def _offers(state: Haggle) -> list[JSON]:
    return [[o.seat, o.price] for o in state.offers if o.round == state.round]
