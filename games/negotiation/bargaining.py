"""Bargaining over one item in several rounds, with a critic between the rounds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any, ClassVar, Literal

from arena.errors import IllegalMove
from arena.game import JSON, Game, Message, Move, View, game
from games.negotiation import bargaining_texts as texts
from games.negotiation import bargaining_verdicts as verdicts
from games.negotiation import bargaining_views as views
from games.negotiation.bargaining_claims import list_claims
from games.negotiation.bargaining_state import RIVAL, Ended, Haggle, ModeratorReading, Offer, Round

QUIRKS = ("strict-range", "yes-anywhere", "dollar-regex", "deaf-player", "minus-one")


@game
@dataclass(frozen=True, slots=True)
class Bargaining(Game[Haggle]):
    """Buyer and seller bargain over one item for some rounds; a critic coaches between rounds, a moderator reads talk.

    Both sides have private reservation prices. A round pays a side the surplus over its reservation price, 0 without a
    deal; a score is the mean over rounds. Coached players remember past rounds, others only with `rival_memory`.

    The preset "gpt-bargaining" is the protocol of Fu, Peng, Khot & Lapata (2023, arXiv 2305.10142).
    """

    item: str = "balloon"
    """Name of the item that is bargained over, as the prompts call it."""
    cost: float = 8.0
    """The seller's reservation price in dollars: it gains nothing from a deal below it."""
    value: float = 20.0
    """The buyer's reservation price in dollars: it gains nothing from a deal above it."""
    spread: float = 0.0
    """Half-width in dollars of the uniform noise added once per match to each reservation price; 0: none."""
    low: float = 0.0
    """Lowest price that can be offered, in dollars."""
    high: float = 30.0
    """Highest price that can be offered, in dollars; above `low`."""
    tick: float = 0.5
    """Step between prices, in dollars; above 0."""
    rounds: int = 1
    """Rounds of a match, each a bargain over the same item; at least 1. A score is the mean over rounds."""
    turns: int = 10
    """Messages that each side may send in a round; at least 1. A round without a deal by then scores 0."""
    first: Literal["seller", "buyer"] = "seller"
    """Side that sends the first message of each round."""
    coach: Literal["seller", "buyer", "both", "none"] = "seller"
    """Side or sides that get feedback between rounds; "none": nobody."""
    feedback: Literal["ai", "constant", "goal", "human", "none"] = "ai"
    """What a coached side gets between rounds. "none": only its memory of past rounds. "goal": the instruction to beat
    its last price. "constant": one fixed sentence. "human": a line written by people, drawn by the seed. "ai": the
    answer of the critic's seat."""
    goal: bool = True
    """Whether feedback other than "none" is followed by the instruction to beat the last price."""
    rival_memory: bool = False
    """Whether a side that is not coached also sees the past rounds."""
    actions: bool = True
    """Whether offers, acceptances and walking away are tool calls; false: words alone, which the moderator reads."""
    opening_ask: float | None = None
    """Price in dollars of the seller's scripted opening line, put before the first message; None: no opening lines.
    Given together with `opening_bid`."""
    opening_bid: float | None = None
    """Price in dollars of the buyer's scripted opening line, put before the first message; None: no opening lines.
    Given together with `opening_ask`."""
    buyer_knows_value: bool = True
    """Whether the buyer's prompt states its reservation price."""
    moderation: Literal["fallback", "numberless", "never"] = "fallback"
    """When the moderator's seat is asked whether a deal was made. "fallback": after a message without an action.
    "numberless": after each message from the first one on that has no number. "never": there is no moderator."""
    window: int | None = None
    """Latest messages that the moderator sees; None: all of the round."""
    no_deal_limit: int | None = None
    """Moderator answers of "no deal" after which a round ends without one; None: no limit."""
    survivors_only: bool = False
    """Whether the match ends with the first round that closes without a deal."""
    quirks: tuple[str, ...] = ()
    """Deviations of the published code to reproduce, for comparison with it: strict-range, yes-anywhere, dollar-regex,
    deaf-player, minus-one. Empty: none."""

    rules_version = 3  # 2: the moderator is asked for claims, which are facts; 3: deals close at clear prices alone
    presets: ClassVar[Mapping[str, Mapping[str, JSON]]] = {
        "gpt-bargaining": {
            "opening_ask": 20.0, "opening_bid": 10.0, "actions": False, "buyer_knows_value": False,
            "moderation": "numberless", "window": 4, "no_deal_limit": 10, "survivors_only": True,
        },
    }  # fmt: skip

    def __post_init__(self) -> None:
        for name in ("rounds", "turns"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is a count of 1 or more, got {getattr(self, name)}")
        if not self.low < self.high or self.tick <= 0:
            raise ValueError(f"prices need low < high and tick > 0, got {self.low}, {self.high}, {self.tick}")
        if (self.opening_ask is None) != (self.opening_bid is None):
            raise ValueError("opening_ask and opening_bid come together: give both or none")
        for quirk in set(self.quirks) - set(QUIRKS):
            raise ValueError(f"no quirk named {quirk!r} (there are: {', '.join(QUIRKS)})")

    @property
    def seats(self) -> tuple[str, ...]:
        moderator = ("moderator",) if self.moderation != "never" else ()
        critic = ("critic",) if self.feedback == "ai" and self.coached_seats and self.rounds > 1 else ()
        return ("buyer", "seller", *moderator, *critic)

    @property
    def cast(self) -> Mapping[str, str]:
        return {"buyer": "linear", "seller": "linear", "moderator": "moderator", "critic": "critic"}

    @property
    def coached_seats(self) -> tuple[str, ...]:
        return {"both": ("seller", "buyer"), "none": ()}.get(self.coach, (self.coach,))

    @property
    def most_answers(self) -> Mapping[str, int]:
        talk, coaching = self.rounds * self.turns, (self.rounds - 1) * len(self.coached_seats)
        return {seat: {"moderator": 2 * talk, "critic": coaching}.get(seat, talk) for seat in self.seats}

    def bounds(self) -> tuple[float, float] | None:
        """The surplus of a deal at the worst and at the best price that can be agreed on, in dollars.

        None where the moderator may read a price that nobody could have offered. Rounding to cents keeps the order.
        """
        if self.moderation == "numberless":
            return None
        named = [
            round(price, 2) for price in (self.low, self.high, self.opening_bid, self.opening_ask) if price is not None
        ]
        costs, values = ([round(base + way * self.spread, 2) for way in (-1, 1)] for base in (self.cost, self.value))
        gains = [
            gain
            for price in named
            for gain in (*(price - cost for cost in costs), *(value - price for value in values))
        ]
        return (round(min(0.0, *gains), 2), round(max(0.0, *gains), 2))

    def remembers(self, seat: str) -> bool:
        """Whether a player sees the rounds before this one."""
        return seat in self.coached_seats or self.rival_memory

    def privy(self, seat: str) -> frozenset[str]:
        return frozenset({seat, *self.coached_seats}) if seat == "critic" else frozenset({seat})

    def start(self, rng: Random) -> Haggle:
        shift = {"seller": self.cost, "buyer": self.value}
        private = {s: {"reservation": round(v + rng.uniform(-self.spread, self.spread), 2)} for s, v in shift.items()}
        return self._begin(Haggle(private, seed=rng.getrandbits(62)))

    def to_act(self, state: Haggle) -> tuple[str, ...]:
        return {"talk": (state.speaker,), "read": ("moderator",), "coach": ("critic",), "over": ()}[state.phase]

    def apply(self, state: Haggle, moves: Mapping[str, Move]) -> Haggle:
        act = {"talk": self._talk, "read": self._read, "coach": self._coach}[state.phase]
        (seat,) = self.to_act(state)
        return replace(act(state, seat, moves[seat]), step=state.step + 1)

    def forfeit(self, state: Haggle, seat: str) -> Haggle:
        """A player loses the round, a moderator's reading counts as talk, a critic's advice is left out."""
        state = replace(state, forfeits=(*state.forfeits, seat))
        if seat == "critic":
            after = self._next_coach(state.says(Message("", texts.NO_ADVICE, to=state.coached[:1], round=state.round)))
        elif seat == "moderator":
            state = state.says(Message("", texts.NO_VERDICT, to=("moderator",), round=state.round))
            after = self._use(state, "talk", None, "no readable verdict")
        else:
            after = self._end(state, None, "forfeit", seat, "rules")
        return replace(after, step=state.step + 1)

    # ---- talking -------------------------------------------------------------------------------------------------

    def _talk(self, state: Haggle, seat: str, move: Move) -> Haggle:
        price = self._parse_offer(seat, move)
        if move.tool == "accept" and state.standing(seat) is None:
            raise IllegalMove(seat, f"the {RIVAL[seat]} has made no offer you could accept yet; offer a price")
        words = move.text or texts.format_wordless(move.tool, price)
        state = replace(
            state,
            log=(*state.log, Message(seat, words, move.tool, move.args, round=state.round)),
            said=state.said + 1,
            moves=(*state.moves, (seat, Move(move.text, move.tool, move.args, move.thought))),
            offers=state.offers if price is None else (*state.offers, Offer(state.round, seat, price)),
        )
        if move.tool == "accept":
            return self._end(state, state.standing(seat), "accept", seat, "action", words)
        if move.tool == "walk_away":
            return self._end(state, None, "walk_away", seat, "action", words)
        if self.moderation == "numberless" and not move.tool:
            state = replace(state, moderating=state.moderating or verdicts.has_numberless_message(state))
            return replace(state, phase="read") if state.moderating else self._after(state)
        return replace(state, phase="read") if self.moderation == "fallback" and not move.tool else self._after(state)

    def _parse_offer(self, seat: str, move: Move) -> float | None:
        """The price of an offer, in cents; None for other moves."""
        price = move.args["price"] if move.tool == "offer" else None
        if not isinstance(price, int | float):
            return None
        if not self.low <= price <= self.high:
            low, high = texts.format_dollars(self.low), texts.format_dollars(self.high)
            raise IllegalMove(seat, f"{texts.format_dollars(price)} is outside {low} to {high}; offer a price within")
        return round(float(price), 2)

    def _after(self, state: Haggle) -> Haggle:
        """The rival's turn, or the end of the round when all messages are used."""
        if state.said >= 2 * self.turns:
            return self._end(state, None, "turns", "", "rules")
        return replace(state, phase="talk", speaker=RIVAL[state.speaker])

    # ---- reading -------------------------------------------------------------------------------------------------

    def _read(self, state: Haggle, seat: str, move: Move) -> Haggle:
        args = (
            move.args if move.tool else verdicts.parse_verdict(move.text, self.moderation == "numberless", self.quirks)
        )
        amount, claim = verdicts.parse_amount(args, "price"), verdicts.parse_amount(args, "claim")
        if args["act"] == "accept":
            verdicts.require_clear_price(state, amount, self.moderation == "numberless", self.quirks)
        evidence = str(args.get("evidence") or move.text)
        state = state.says(Message("moderator", move.text or evidence, "read", args, ("moderator",), state.round))
        return self._use(state, str(args["act"]), amount, evidence, claim)

    def _use(self, state: Haggle, act: str, price: float | None, evidence: str, claim: float | None = None) -> Haggle:
        """What follows from a verdict; one that cannot be followed counts as talk and is recorded so."""
        speaker, used, numberless = state.speaker, act, self.moderation == "numberless"
        agreed = verdicts.find_agreed_price(state, price, self.quirks) if numberless else state.standing(speaker)
        if act == "offer" and (price is None or not self.low <= price <= self.high):
            used = "talk"
        if act == "accept" and agreed is None and not numberless:
            used = "talk"
        if numberless and act in ("offer", "walk_away"):
            used = "talk"
        reading = ModeratorReading(state.round, state.step, speaker, act, price, evidence, used, claim)
        state = replace(state, readings=(*state.readings, reading))
        if used == "accept":
            ending: Ended = "accept" if agreed is not None else "no_price"
            return self._end(state, agreed, ending, speaker, "moderator", evidence)
        if used == "walk_away":
            return self._end(state, None, "walk_away", speaker, "moderator", evidence)
        if used == "offer" and price is not None:
            state = replace(state, offers=(*state.offers, Offer(state.round, speaker, price)))
        state = replace(state, refusals=state.refusals + (used == "talk"))
        if self.no_deal_limit is not None and state.refusals >= self.no_deal_limit:
            return self._end(state, None, "refusals", "", "moderator", evidence)
        return self._after(state)

    # ---- rounds --------------------------------------------------------------------------------------------------

    def _begin(self, state: Haggle) -> Haggle:
        """The start of a round, with the opening lines where the protocol has them."""
        state = replace(state, phase="talk", speaker=self.first, said=0, refusals=0, moderating=False, moves=(),
                        first_step=state.step + (1 if state.rounds else 0))  # fmt: skip
        state = state.says(Message("", texts.format_round_start(state.round, self.rounds), round=state.round))
        if self.opening_ask is None or self.opening_bid is None:
            return state
        for speaker, words, price in texts.build_opening(self.item, self.opening_ask, self.opening_bid):
            state = state.says(Message(speaker, words, round=state.round))
            if price is not None:
                state = replace(state, offers=(*state.offers, Offer(state.round, speaker, price)))
        return state

    def _end(self, state: Haggle, price: float | None, ended: Ended, by: str, decided_by: Any, why: str = "") -> Haggle:
        """End a round: record its result, inform the players, then ask the critic, start the next round, or end the
        match."""
        if price is not None and "strict-range" in self.quirks and not self._within(price):
            price, ended = None, "discarded"
        result = Round(state.round, price, ended, by, decided_by, why, state.said, state.first_step, state.step)
        state = replace(state, rounds=(*state.rounds, result), coached=self.coached_seats)
        if "deaf-player" in self.quirks and state.log[-1].sender in RIVAL:
            last = state.log[-1]
            hidden = replace(last, to=(last.sender,)) if RIVAL[last.sender] in self.coached_seats else last
            state = replace(state, log=(*state.log[:-1], hidden))
        for seat in RIVAL:
            if self.remembers(seat):
                told = texts.format_round_end(state, result, seat, seat == "seller" or self.buyer_knows_value)
                state = state.says(Message("", told, to=(seat,), round=state.round))
        broken = self.survivors_only and (price is None or (state.round > 1 and not self._within(price)))
        if state.round == self.rounds or broken:
            return replace(state, phase="over")
        return self._next_coach(state, first=True)

    def _within(self, price: float) -> bool:
        """Whether a price lies strictly between the opening prices (where there are any)."""
        bid, ask = self.opening_bid, self.opening_ask
        return bid is None or ask is None or bid < price < ask

    def _coach(self, state: Haggle, seat: str, move: Move) -> Haggle:
        advice = move.args.get("suggestions", [move.text] if move.text.strip() else [])
        if not isinstance(advice, list | tuple) or not any(str(line).strip() for line in advice):
            raise IllegalMove(seat, "there is no suggestion in the answer; give three")
        return self._next_coach(self._advise(state, move.text, [str(line) for line in advice if str(line).strip()]))

    def _advise(self, state: Haggle, text: str, lines: list[str]) -> Haggle:
        words = text or "\n".join(f"{n}. {line}" for n, line in enumerate(lines, 1))
        return state.says(Message("critic", words, "suggest", {"suggestions": lines}, (state.coached[0],), state.round))

    def _next_coach(self, state: Haggle, first: bool = False) -> Haggle:
        """Feedback for the coached players in turn; with the last of them served, the next round."""
        if not first:
            state = replace(self._set_goal(state), coached=state.coached[1:])
        while state.coached:
            if self.feedback == "ai":
                return replace(state, phase="coach")
            if self.feedback in ("constant", "human"):
                draw = Random(f"{state.seed}/{state.round}/{state.coached[0]}")
                line = texts.CONSTANT if self.feedback == "constant" else draw.choice(texts.PEOPLE)
                state = self._advise(state, line, [line])
            state = replace(self._set_goal(state), coached=state.coached[1:])
        return self._begin(replace(state, round=state.round + 1))

    def _set_goal(self, state: Haggle) -> Haggle:
        if not self.goal or self.feedback == "none":
            return state
        goal = texts.format_goal(state.rounds[-1], state.coached[0], "minus-one" in self.quirks)
        return state.says(Message("", goal, to=state.coached[:1], round=state.round))

    # ---- looking and results -------------------------------------------------------------------------------------

    def view(self, state: Haggle, seat: str) -> View:
        looks = {"moderator": views.moderator, "critic": views.critic}
        return looks[seat](self, state) if seat in looks else views.player(self, state, seat)

    def scores(self, state: Haggle) -> dict[str, float | None]:
        means: dict[str, float | None] = dict.fromkeys(self.seats)
        for seat in RIVAL if state.rounds else ():
            gains = [r.surplus(seat, state.reservation(seat)) for r in state.rounds]
            means[seat] = sum(gains) / len(gains)
        return means

    def facts(self, state: Haggle) -> dict[str, JSON]:
        forfeits: dict[str, JSON] = {seat: state.forfeits.count(seat) for seat in state.forfeits}
        return {
            "item": self.item, "cost": state.reservation("seller"), "value": state.reservation("buyer"),
            "coach": self.coach, "feedback": self.feedback, "forfeits": forfeits, "rounds": state.table(),
            "offers": [asdict(offer) for offer in state.offers], "claims": list_claims(state),
            "readings": [asdict(reading) for reading in state.readings],
        }  # fmt: skip

    def watch(self, state: Haggle) -> tuple[Message, ...]:
        return state.log
