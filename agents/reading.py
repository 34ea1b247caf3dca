"""What one message of a haggle does, read from its words: an offer, an acceptance, a leave, or mere talk."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from arena.game import Message
from arena.prices import Price, prices

Act: TypeAlias = Literal["offer", "accept", "walk_away", "talk"]
LONGEST = 20_000  # characters that are read
SHORT = 100  # in messages this short a number needs no price word
CENT = 0.005

SENTENCE = re.compile(r"[^.!?;\n]*(?:\.(?=\w)[^.!?;\n]*)*[.!?;\n]*")
CLAUSE = re.compile(r"[,:—]\s|\s[-–]\s|\bbut\b|\bhowever\b|\band (?=(?:i|you|we)\b)")
REPORTED = re.compile(  # prices that are told, not proposed
    r"\b(?:you(?:'ve| have| had)? (?:said|say|asked?|offered|offer|want(?:ed)?|bid|mentioned|proposed|are asking|quoted|started)|"
    r"your (?:(?:last|first|current|latest|initial|previous) )?(?:offer|bid|price|ask|asking price|counter)|"
    r"(?:i|we) (?:paid|bought|spent|started)|cost(?:s|ed)? (?:me|us)|retail\w*|market\w*|usual\w*|normal\w*|elsewhere|others?\b|"
    r"competitor\w*|used to|last (?:time|round|week|year)|original\w*|was\b|were\b|shops?\b|stores?\b|online)\b"
)
CUE = re.compile(
    r"\b(?:my (?:\w+ )?(?:price|offer|bid|ask|word)|i(?:'d|'ll|'m| can| could| will| would| am| offer| ask| bid| propose| stay)|how about|"
    r"what about|would you|could you|can you|will you|let's|make it|meet|final|settle|take|pay|offer|asking|sell|yours for|have it|"
    r"let it go|counter|split|(?:down|up) to)\b"
)
CONDITION = re.compile(
    r"\b(?:if|unless|provided|as long as|on condition|in exchange|only when|once you|before (?:i|we)|otherwise|or else|whether)\b|"
    r"\b(?:would|could|might|may)(?:n't)? (?:\w+ )?(?:accept|agree|take|be a|be yours|have a|leave|walk|go)\b"
)
TENTATIVE = re.compile(
    r"\b(?:not|no|never|cannot|almost|nearly|close to|hope(?: that)?|hoping|want|need|before|until|if|whether|think about|consider\w*|unable|"
    r"hardly|haven't|do we|are we|is it|can we|shall we|let me)\b|n't\b"
)
OPENER = r"(?:(?:ok|okay|alright|all right|fine|great|good|perfect|wonderful|excellent|well|yes|yeah|sure|then|so|very well|right)\W+)*"
ACCEPT = re.compile(
    rf"^\W*{OPENER}(?:it's a |it is a |done )?(?:deal|sold|done|accepted|agreed)\b(?! (?:breaker|is|would|only|on everything))|"
    r"\b(?:i|we)(?:'ll| will| can| do| am| 'm|'m)?(?: (?:happy|glad|willing|pleased) to)?(?: gladly| happily| hereby)? (?:accept|agree)\b"
    r"(?! (?:that|with (?:you|that)|to disagree|it's|this is))|"
    r"\b(?:it's|it is|we have|we've got|you have|you've got|you got|we got|that's|that is|then)(?: yourself| ourselves)? a deal\b|"
    r"\bdeal (?:at|for) \W?\d|\b(?:consider it|is) (?:sold|agreed|accepted)\b|\b(?:i'll|i will) take (?:it|that|this|your offer|the deal)\b|"
    r"\b(?:it's|it is) (?:all )?yours\b|\byou(?:'ve| have)? got (?:it\b|yourself a deal)|\blet's (?:do it|shake|close (?:it|the deal|this)|seal)|"
    r"\bshake on (?:it|that)\b|\b(?:that|it|this|offer|price)(?:'s| is| works| sounds| seems)?(?: \w+)?(?: (?:good|fine|okay|ok|great|perfect|"
    r"acceptable|fair|reasonable))? (?:for|with|by|to) me\b|"
    r"\b(?:that|this|your (?:offer|price|bid)) (?:works|will do|suits me|is (?:fine|good|acceptable|ok|okay|great|perfect|agreed))\b|"
    r"\b(?:sounds|looks) (?:good|great|perfect|fine)\b|\bi can live with (?:that|it)\b"
)
AGREES = re.compile(rf"^\W*{OPENER.removesuffix('*')}+|^\W*(?:ok|okay|alright|all right|fine|great|good|perfect|yes|yeah|sure|very well)\W*$")
COURTESY = frozenset("thank thanks you very much it is then a pleasure doing business with have nice good great day enjoy so i'm happy".split())
BACK_OUT = re.compile(r"\bbut\b|\bhowever\b|\bunless\b|\bonly if\b|\bprovided\b|\bif\b|\bthough\b|\?")
LEAVE = re.compile(
    r"\b(?:i'm|i am|we're|we are|i'll|i will|i'm going to|i have to|i must|time to|i'd rather|i think i'll|i'll just|have to|then i'll)(?: \w+)? "
    r"?(?:walk(?:ing)? (?:away|out)|leav(?:e|ing)(?! it at)|go(?:ing)? elsewhere|look(?:ing)? elsewhere|out\b(?! of)|done (?:here|negotiating|talking)|"
    r"end(?:ing)? (?:this|the) (?:negotiation|talk|discussion|conversation|bargaining)|pass(?:ing)?\b(?: on)?|giv(?:e|ing) up)|"
    r"\b(?:good ?bye|farewell|forget (?:it|about it|the whole thing)|no longer interested|not interested(?: any ?more)?|"
    r"(?:won't|will not|cannot|can't|unable to|not going to) (?:reach|come to|find) an? (?:agreement|deal)|"
    r"take my (?:business|money) elsewhere|(?:we|i) (?:are|am|were) too far apart|there(?:'s| is) no deal (?:here|to be)|no sale|"
    r"negotiations? (?:is|are) over|keep (?:it|my money|the \w+) then)\b"
)
NO_DEAL = re.compile(r"^\W*(?:\w+\W+){0,3}no deal\b")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a message does: `price` goes with offers and acceptances; `evidence` are the words relied on."""

    act: Act
    price: float | None
    evidence: str


def read(text: str, standing: float | None = None) -> Reading:
    """The reading of one message; `standing` is the other side's last offer, None without one.

    Agreeing to the standing price, or naming it as one's own, accepts; agreeing with another number proposes that
    number; agreeing while nothing stands is talk. Prices that are rejected, reported ("you said 15") or parts of a range
    are not proposed. A question with a price proposes it.
    """
    text = text[:LONGEST].replace("’", "'")
    found = prices(text) or (prices(text, bare=True) if len(text) <= SHORT else ())
    sentences = [(match.start(), match[0]) for match in SENTENCE.finditer(text) if match[0].strip()]
    told = {price.start for price in found if _reported(text, price, sentences)}
    live = [price for price in found if not (price.negated or price.ranged or price.start in told)]
    leave = _leave(sentences)
    agrees = _agreement(text, sentences, bool(live))
    if leave is not None and not (live and leave[1]) and agrees is None:
        return Reading("walk_away", None, leave[0])
    chosen = _chosen(text, live, sentences)
    if chosen is not None:
        same = standing is not None and abs(chosen.amount - standing) < CENT
        where = _sentence(sentences, chosen.start)
        firm = agrees is not None or not ("?" in where or CONDITION.search(where.lower()))
        return Reading("accept" if same and firm else "offer", chosen.amount, (agrees if same and agrees else where).strip())
    if agrees is not None and standing is not None and not _refused(found, told, standing):
        return Reading("accept", standing, agrees)
    return Reading("talk", None, _why(text, found, agrees, sentences))


def offers(messages: Iterable[Message], seats: Sequence[str] = ("buyer", "seller")) -> list[tuple[str, float]]:
    """The prices proposed in a talk, in order, as (seat, price); actions are taken as they are, words are read."""
    found: list[tuple[str, float]] = []
    for message in messages:
        if message.sender not in seats:
            continue
        price = message.args.get("price")
        if message.tool:
            reading = Reading("offer", float(price), "") if isinstance(price, int | float) else None
        else:
            reading = read(message.text, standing(found, message.sender))
        if reading is not None and reading.act in ("offer", "accept") and reading.price is not None:
            found.append((message.sender, reading.price))
    return found


def standing(offers: Sequence[tuple[str, float]], seat: str) -> float | None:
    """The last offer of the other side, from the point of view of `seat`."""
    return next((price for who, price in reversed(offers) if who != seat), None)


def _reported(text: str, price: Price, sentences: Sequence[tuple[int, str]]) -> bool:
    start = max((begin for begin, _ in sentences if begin <= price.start), default=0)
    clause = CLAUSE.split(text[start : price.start].lower())[-1]
    return REPORTED.search(clause) is not None


def _leave(sentences: Sequence[tuple[int, str]]) -> tuple[str, bool] | None:
    """The words with which the speaker leaves, and whether a price beside them takes that back."""
    for _, sentence in sentences:
        low = sentence.lower()
        match = LEAVE.search(low)
        if match and not CONDITION.search(low) and not re.search(r"\b(?:or|before|don't|not) (?:\w+ )?$", low[: match.start()]):
            return sentence.strip(), False
        if NO_DEAL.search(low) and not prices(low) and not CONDITION.search(low):
            return sentence.strip(), True
    return None


def _agreement(text: str, sentences: Sequence[tuple[int, str]], priced: bool) -> str | None:
    """The words with which the speaker agrees, without a condition, a doubt or a question."""
    low = text.lower()
    for _, sentence in sentences:
        part = sentence.lower()
        match = ACCEPT.search(part)
        doubt = match is not None and TENTATIVE.search(part[max(0, match.start() - 24) : match.start()])
        if match and not doubt and "?" not in part and not CONDITION.search(part):
            if not re.search(r"\b(?:but|only) (?:if|when|first|can|could|i need|i want|not)\b|\bunless\b|\bprovided\b", low):
                return sentence.strip()
    if AGREES.search(low) and not BACK_OUT.search(low):
        rest = set(re.findall(r"[a-z']+", AGREES.sub("", low)))
        if priced or rest <= COURTESY:
            return sentences[0][1].strip()
    return None


def _chosen(text: str, live: Sequence[Price], sentences: Sequence[tuple[int, str]]) -> Price | None:
    """The price that is proposed, where several are named: the last that is said to be one, else the last."""
    cued = [price for price in live if CUE.search(_clause(text, price, sentences))]
    return (cued or list(live) or [None])[-1]


def _clause(text: str, price: Price, sentences: Sequence[tuple[int, str]]) -> str:
    start = max((begin for begin, _ in sentences if begin <= price.start), default=0)
    before = CLAUSE.split(text[start : price.start].lower())[-1]
    return before + CLAUSE.split(text[price.end : price.end + SHORT].lower())[0]


def _sentence(sentences: Sequence[tuple[int, str]], place: int) -> str:
    return next((words for begin, words in reversed(sentences) if begin <= place), "")


def _refused(found: Sequence[Price], told: set[int], standing: float) -> bool:
    """Whether the words name the standing price only to reject it."""
    return any(price.negated and abs(price.amount - standing) < CENT for price in found if price.start not in told)


def _why(text: str, found: Sequence[Price], agrees: str | None, sentences: Sequence[tuple[int, str]]) -> str:
    """The words that show why a message is mere talk."""
    if found:
        return text[found[0].start : found[-1].end] if found[0].ranged else _sentence(sentences, found[0].start).strip()
    return agrees or (sentences[0][1].strip() if sentences else "")
