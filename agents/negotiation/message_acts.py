"""Classify one bargaining message by its words: an offer, an acceptance, a walk-away, or talk only."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from arena.game import Message
from arena.text.number_words import find_word_numerals
from arena.text.numerals import find_digit_numerals, normalise_text
from arena.text.price_extraction import Price, find_amounts, find_prices
from arena.text.price_lexicon import GLUED_AFTER, GLUED_BEFORE, NAME, SYMBOL, word_set
from arena.text.words import split_words

Act: TypeAlias = Literal["offer", "accept", "walk_away", "talk"]
LONGEST = 20_000  # characters that are read
SHORT = 100  # in messages this short a number needs no price word
CENT = 0.005

SENTENCE = re.compile(r"[^.!?;\n]*(?:\.(?=\w)[^.!?;\n]*)*[.!?;\n]*")
CLAUSE = re.compile(r"[,:—]\s|\s[-–]\s|\bbut\b|\bhowever\b|\band (?=(?:i|you|we)\b)")
REPORTED = re.compile(  # prices that are reported, not proposed
    r"\b(?:you(?:'ve| have| had)? (?:said|say|asked?|offered|offer|want(?:ed)?|bid|mentioned|proposed|are asking|"
    r"quoted|started)|"
    r"your (?:(?:last|first|current|latest|initial|previous) )?(?:offer|bid|price|ask|asking price|counter)|"
    r"(?:i|we) (?:paid|bought|spent|started)|cost(?:s|ed)? (?:me|us)|retail\w*|market\w*|usual\w*|normal\w*|elsewhere|"
    r"others?\b|competitor\w*|used to|last (?:time|round|week|year)|original\w*|"
    r"was\b(?! (?:hoping|thinking|looking|expecting))|were\b|shops?\b|stores?\b|online)\b"
)
CUE = re.compile(
    r"\b(?:my (?:\w+ )?(?:price|offer|bid|ask|word)|"
    r"i(?:'d|'ll|'m| can| could| will| would| am| offer| ask| bid| propose| stay)|"
    r"how about|what about|would you|could you|can you|will you|let's|make it|meet|final|settle|take|pay|offer|asking|"
    r"sell|yours for|have it|let it go|counter|split|(?:down|up) to)\b"
)
CONDITION = re.compile(
    r"\b(?:if|unless|provided|as long as|on condition|in exchange|only when|once you|before (?:i|we)|otherwise|or else|"
    r"whether)\b|"
    r"\b(?:would|could|might|may)(?:n't)? (?:\w+ )?(?:accept|agree|take|be a|be yours|have a|leave|walk|go)\b"
)
TENTATIVE = re.compile(
    r"\b(?:not|no|never|cannot|almost|nearly|close to|hope(?: that)?|hoping|want|need|before|until|if|whether|"
    r"think about|consider\w*|unable|hardly|do we|are we|is it|can we|shall we|let me)\b|n't\b"
)
OPENER = (
    r"(?:(?:ok|okay|alright|all right|fine|great|good|perfect|wonderful|excellent|well|yes|yeah|sure|then|so|very well|"
    r"right)\W+)"
)
ACCEPT = re.compile(
    rf"^\W*accept(?:ed)?\W*$|^\W*{OPENER}*(?:it's a |it is a |done )?(?:deal|sold|done|accepted|agreed)\b"
    r"(?! (?:breaker|is|would|only|on all))|"
    r"\b(?:i|we)(?:'ll| will| can| do| am|'m)?(?: (?:happy|glad|willing|pleased) to)?(?: gladly| happily| hereby)? "
    r"(?:accept|agree)\b(?! (?:that (?:it|you|the|this|your|we|i)\b|with (?:you|that)|to disagree|it's|this is))|"
    r"\b(?:decided|happy|glad|ready|prepared|pleased|delighted) to (?:accept|agree|take (?:it|that|your offer))\b|"
    r"\b(?:it's|it is|we have|we've got|you have|you've got|you got|we got|that's|that is|then)"
    r"(?: yourself| ourselves)? a deal\b|\bdeal (?:at|for) \W?\d|\b(?:consider it|is) (?:sold|agreed|accepted)\b|"
    r"\b(?:i'll|i will) take (?:it|that|this|your offer|the deal)\b|\b(?:it's|it is) (?:all )?yours\b|"
    r"\byou(?:'ve| have)? got (?:it\b|yourself a deal)|\blet's (?:do it|shake|close (?:it|the deal|this)|seal)|"
    r"\bshake on (?:it|that)\b|\bthank(?:s| you) for (?:your (?:purchase|business)|buying|selling)\b|"
    r"\b(?:that|it|this|offer|price)(?:'s| is| works| sounds| seems)?(?: \w+)?"
    r"(?: (?:good|fine|okay|ok|great|perfect|acceptable|fair|reasonable))? (?:for|with|by|to) me\b|"
    r"\b(?:that|this|your (?:offer|price|bid)) (?:works|will do|suits me|"
    r"is (?:fine|good|acceptable|ok|okay|great|perfect|agreed))\b|"
    r"\b(?:sounds|looks) (?:good|great|perfect|fine)\b|\bi can live with (?:that|it)\b|"
    r"\bbut (?:ok|okay|fine|all right|alright|yes|sure)\W*$"
)
AGREES = re.compile(
    rf"^\W*{OPENER}+|^\W*(?:ok|okay|alright|all right|fine|great|good|perfect|yes|yeah|sure|very well)\W*$"
)
COURTESY = word_set("""
    a business day doing enjoy good great happy have im is it much nice pleasure so thank thanks then very with you
""")
# text not addressed to the other side: a stage direction at the start, or in brackets further on
ASIDE = re.compile(
    r"^\s*[(\[*<][^)\]*>]*[)\]*>]?|[(\[][^)\]]*\b(?:to (?:my|your)self|aside|think|secret)[^)\]]*(?:[)\]]|$)"
)
UNREAD = re.compile(
    rf"{SYMBOL}|[元円圓块원]|ドル|(?<![^\W\d_]){NAME}(?![^\W\d_])"
)  # a currency, where no amount was read next to it
ALTERNATIVE = re.compile(r"\b(?:or|otherwise|alternatively|either|else|if|unless|today|tomorrow|now|later|cash)\b|/")
ARGUED = re.compile(  # what leads from one price to the one that counts
    r"\b(?:but|so|then|let's|instead|however|make|how|what|i|i'd|i'll|i'm|we|my|therefore|still|final|now it's)\b"
)
CHANGES = re.compile(  # "a bit less and it's a deal": agreeing on a condition
    r"\b(?:off|less|more|lower|higher|cheaper|better|down|extra|free|throw|include|add|knock|shave|round|drop|raise|"
    r"come|go|split|bring|give|half|double|twice|triple|third)\b[^.!?]*\band\s(?:then\s)?$"
)
THIS = r"(?!(?:that|this|it|your|the|me|us|you|sure|now|once|both|good|real|all)\b)"
FOR_WHAT = re.compile(rf"\s(?:for|at|once|when) {THIS}\w")  # "it's yours for a tenner"
AND_THEN = re.compile(rf"(?:^|[,:—])\s*(?:{OPENER})*([^,:—]*)\band (?:then )?$|\b(?:for|at) {THIS}[^,:—]+ $")
STATED = re.compile(r"\W*(?:i|we|that|this|it|you|thanks|thank)\b|\W*$")
BACK_OUT = re.compile(r"\bbut\b|\bhowever\b|\bunless\b|\bonly if\b|\bprovided\b|\bif\b|\bthough\b|\?")
PROVISO = re.compile(
    r"\bbut only\b|\b(?:but|only) (?:if|when|first|can|could|i need|i want|not)\b|\bunless\b|\bprovided\b"
)
LEAVE = re.compile(
    r"^\W*(?:i )?(?:walk away|quit)\W*$|"
    r"\b(?:i'm|i am|we're|we are|i'll|i will|i'm going to|i have to|i must|time to|i'd rather|i think i'll|i'll just|"
    r"have to)(?: \w+)? ?"
    r"(?:walk(?:ing)? (?:away|out)|leav(?:e|ing)(?! it at)|(?:go|look)(?:ing)? elsewhere|out\b(?! of)|"
    r"done (?:here|negotiating|talking)|pass(?:ing)?\b(?: on)?|giv(?:e|ing) up|"
    r"end(?:ing)? (?:this|the) (?:negotiation|talk|discussion|conversation|bargaining))|"
    r"\b(?:good ?bye|farewell|forget (?:it|about it|the whole thing)|no longer interested|not interested|"
    r"(?:won't|will not|cannot|can't|unable to|not going to) (?:reach|come to|find) an? (?:agreement|deal)|"
    r"take my (?:business|money) elsewhere|too far apart|there(?:'s| is) no deal (?:here|to be)|no sale|"
    r"negotiations? (?:is|are) over|keep (?:it|my money|the \w+) then)\b"
)
NO_DEAL = re.compile(r"^\W*(?:\w+\W+){0,3}no deal\b")


@dataclass(frozen=True, slots=True)
class MessageActs:
    """The act of a message: `price` goes with offers and acceptances; `evidence` are the words relied on."""

    act: Act
    price: float | None
    evidence: str


def read_message(text: str, standing: float | None = None) -> MessageActs:
    """The reading of one message; `standing` is the other side's last offer, None without one.

    Agreeing to the standing price, or naming it as one's own, accepts; agreeing with another number proposes that
    number; agreeing while nothing stands is talk. Prices that are rejected, reported ("you said 15") or parts of a
    range are not proposed. A question with a price proposes it. Where it is not clear which price is meant (a sum, a
    share, a price for several things, one of two offers in a line, a currency with a number that is not read) the
    message is talk, and accepts nothing. "Fifteen fifty" is 15.50, or 1550 where the standing price is nearer to that.
    """
    text = ASIDE.sub(lambda found: " " * len(found[0]), text[:LONGEST].replace("’", "'"))
    found = find_amounts(text) or (find_amounts(text, bare=True) if len(text) <= SHORT else ())
    found = tuple(_resolve_hundredfold(price, standing) for price in found)
    sentences = [(match.start(), match[0]) for match in SENTENCE.finditer(text) if match[0].strip()]
    told = {price.start for price in found if _is_reported(text, price, sentences)}
    live = [price for price in found if not (price.negated or price.ranged or price.start in told or _is_odd(price))]
    doubt = _has_unread_currency(text, found) or any(
        _is_odd(price) or price.difference or price.ranged for price in found if price.start not in told
    )
    leave = _find_leave(sentences)
    agrees = _find_agreement(text, sentences, bool(live))
    if leave is not None and not (live and leave[1]) and agrees is None:
        return MessageActs("walk_away", None, leave[0])
    chosen = _choose_price(text, live, sentences)
    if chosen is not None and not _has_rival_price(text, chosen, live):
        same = standing is not None and abs(chosen.amount - standing) < CENT
        where = sentences[_find_sentence(sentences, chosen.start)][1].strip()
        if same and (agrees or not ("?" in where or CONDITION.search(where.lower()))):
            return MessageActs("talk", None, where) if doubt else MessageActs("accept", chosen.amount, agrees or where)
        return MessageActs("offer", chosen.amount, where)
    doubt = doubt or (agrees is not None and _has_unplaced_number(text, agrees, found))
    if (
        agrees is not None
        and standing is not None
        and not (live or doubt or _is_standing_refused(found, told, standing))
    ):
        return MessageActs("accept", standing, agrees)
    return MessageActs("talk", None, _find_evidence(text, found, agrees, sentences))


def find_offers(messages: Iterable[Message], seats: Sequence[str] = ("buyer", "seller")) -> list[tuple[str, float]]:
    """The prices proposed in a talk, in order, as (seat, price); actions are taken as they are, words are read."""
    found: list[tuple[str, float]] = []
    for message in messages:
        if message.sender not in seats:
            continue
        price = message.args.get("price")
        if message.tool:
            reading = MessageActs("offer", float(price), "") if isinstance(price, int | float) else None
        else:
            reading = read_message(message.text, find_standing_offer(found, message.sender))
        if reading is not None and reading.act in ("offer", "accept") and reading.price is not None:
            found.append((message.sender, reading.price))
    return found


def is_unclear(text: str) -> bool:
    """Whether a message names only ambiguous amounts."""
    found = find_amounts(text[:LONGEST])
    return not any(not _is_odd(price) for price in found) and (
        any(map(_is_odd, found)) or _has_unread_currency(text[:LONGEST], found)
    )


def find_standing_offer(offers: Sequence[tuple[str, float]], seat: str) -> float | None:
    """The last offer of the other side, from the point of view of `seat`."""
    return next((price for who, price in reversed(offers) if who != seat), None)


def _is_reported(text: str, price: Price, sentences: Sequence[tuple[int, str]]) -> bool:
    return REPORTED.search(_cut_words_before(text, price, sentences)) is not None


def _find_leave(sentences: Sequence[tuple[int, str]]) -> tuple[str, bool] | None:
    """The words with which the speaker leaves, and whether a price next to them takes that back."""
    for _, sentence in sentences:
        low = sentence.lower()
        match = LEAVE.search(low)
        kept = match and re.search(r"\b(?:or|before|don't|not) (?:\w+ )?$", low[: match.start()])
        if match and not kept and not CONDITION.search(low):
            return sentence.strip(), False
        if NO_DEAL.search(low) and not find_prices(low) and not CONDITION.search(low):
            return sentence.strip(), True
    return None


def _find_agreement(text: str, sentences: Sequence[tuple[int, str]], priced: bool) -> str | None:
    """The words with which the speaker agrees, without a condition, a doubt or a question."""
    low = text.lower()
    for _, sentence in sentences:
        part = sentence.lower()
        match = ACCEPT.search(part)
        before, after = (part[: match.start()], part[match.end() :]) if match else ("", "")
        doubt = TENTATIVE.search(before[-24:]) or CHANGES.search(before) or _depends_on_price(before, after)
        if match and not doubt and "?" not in part and not CONDITION.search(part) and not PROVISO.search(low):
            return sentence.strip()
    if AGREES.search(low) and not BACK_OUT.search(low):
        rest = {word for part in AGREES.sub("", low).split() for word in split_words(part.replace("'", ""))}
        if priced or rest <= COURTESY:
            return sentences[0][1].strip()
    return None


def _depends_on_price(before: str, after: str) -> bool:
    """Whether agreement depends on a price or a condition next to it: "a tenner and it's yours", "yours for a
    fiver"."""
    if FOR_WHAT.match(after):
        return True
    match = AND_THEN.search(before)
    return match is not None and (match[1] is None or not STATED.match(match[1]))


def _has_unplaced_number(text: str, sentence: str, found: Sequence[Price]) -> bool:
    """Whether a number in a sentence is no amount that was found, and no time, date or name: "deal at 15 sharp"."""
    start = text.find(sentence)
    low = normalise_text(sentence)
    for one in (*find_digit_numerals(low), *find_word_numerals(low)):
        known = any(price.start < start + one.end and start + one.start < price.end for price in found)
        named = re.search(r"[A-Z]\w*\s?$", sentence[: one.start]) or (one.in_words and one.value == 1)
        if not (known or named or GLUED_AFTER.match(low[one.end :]) or GLUED_BEFORE.search(low[: one.start])):
            return True
    return False


def _choose_price(text: str, live: Sequence[Price], sentences: Sequence[tuple[int, str]]) -> Price | None:
    """The price that is proposed, where several are named: the last that is said to be one, else the last."""
    cued = [price for price in live if CUE.search(_cut_clause(text, price, sentences))]
    return cued[-1] if cued else live[-1] if live else None


def _has_rival_price(text: str, chosen: Price, live: Sequence[Price]) -> bool:
    """Whether another price is offered in the same breath: "15 today or 14 tomorrow", "15, 16"."""
    others = [price for price in live if abs(price.amount - chosen.amount) >= CENT]
    if not others:
        return False
    near = min(others, key=lambda price: abs(price.start - chosen.start))
    first, second = sorted((near, chosen), key=lambda price: price.start)
    between = text[first.end : second.start].lower()
    argued = re.search(r"[.!?;]", between) or ARGUED.search(between)
    return len(between) <= SHORT and (not argued or ALTERNATIVE.search(between) is not None)


def _resolve_hundredfold(price: Price, standing: float | None) -> Price:
    """The price; if it may mean a hundred times as much, whichever is nearer to the standing offer."""
    if not price.hundredfold or not standing or standing <= 0 or not price.amount > 0:
        return price
    more = standing / price.amount > 10  # the standing price is nearer to a hundred times the amount
    return replace(price, amount=price.amount * 100 if more else price.amount, unclear=False)


def _is_odd(price: Price) -> bool:
    """Whether an amount is none that one thing could be sold at."""
    return price.unclear or price.several or price.amount < 0


def _has_unread_currency(text: str, found: Sequence[Price]) -> bool:
    """Whether a currency appears without an amount that was read: "fünfzehn Euro"."""
    places = [(price.start - 4, price.end + 4) for price in found]
    return any(
        not any(start <= match.end() and match.start() <= end for start, end in places)
        for match in UNREAD.finditer(normalise_text(text))
    )


def _cut_clause(text: str, price: Price, sentences: Sequence[tuple[int, str]]) -> str:
    """The words around a price, up to the next comma or the like on both sides."""
    return _cut_words_before(text, price, sentences) + CLAUSE.split(text[price.end : price.end + SHORT].lower())[0]


def _cut_words_before(text: str, price: Price, sentences: Sequence[tuple[int, str]]) -> str:
    start = max(sentences[_find_sentence(sentences, price.start)][0], price.start - SHORT)
    return CLAUSE.split(text[start : price.start].lower())[-1]


def _find_sentence(sentences: Sequence[tuple[int, str]], at: int) -> int:
    """Which sentence holds the character `at`."""
    return max(bisect_right(sentences, at, key=lambda sentence: sentence[0]) - 1, 0)


def _is_standing_refused(found: Sequence[Price], told: set[int], standing: float) -> bool:
    """Whether the words name the standing price only to reject it."""
    return any(price.negated and abs(price.amount - standing) < CENT for price in found if price.start not in told)


def _find_evidence(text: str, found: Sequence[Price], agrees: str | None, sentences: Sequence[tuple[int, str]]) -> str:
    """The words that show why a message is mere talk."""
    if found:
        sentence = sentences[_find_sentence(sentences, found[0].start)][1].strip()
        return text[found[0].start : found[-1].end] if found[0].ranged else sentence
    return agrees or (sentences[0][1].strip() if sentences else "")
