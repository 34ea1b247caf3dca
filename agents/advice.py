"""Advice as shifts of a bargainer's parameters, and the lexicon between such shifts and English sentences."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from arena.game import Message

Trait: TypeAlias = Literal["firmness", "ambition", "patience"]
MOST = 4.0  # the largest sum of advice that is still heeded, per trait


@dataclass(frozen=True, slots=True)
class Advice:
    """How much firmer, more ambitious and more patient to be; negative is softer, 0 is no advice.

    One unit of firmness doubles the exponent of a concession curve; one of ambition keeps a tenth of the range; one of patience
    lets a tenth of the time pass before the first concession.
    """

    firmness: float = 0.0
    ambition: float = 0.0
    patience: float = 0.0

    def __add__(self, other: "Advice") -> "Advice":
        return Advice(self.firmness + other.firmness, self.ambition + other.ambition, self.patience + other.patience)

    def scaled(self, weight: float) -> "Advice":
        """The advice with a weight, each trait kept within what is heeded at most."""
        return Advice(*(min(max(weight * value, -MOST), MOST) for value in (self.firmness, self.ambition, self.patience)))

    @property
    def multiplier(self) -> float:
        """What firmness does to an exponent: 2^f."""
        return float(2.0**self.firmness)

    def floor(self, configured: float) -> float:
        """The least utility to keep, 0 to 0.9, from the configured one; exactly that without advice."""
        return configured if self.ambition == 0 else min(max(configured + 0.1 * self.ambition, 0.0), 0.9)

    def clock(self, time: float) -> float:
        """The time by which a patient bargainer goes, from 0 to 1; exactly `time` without advice."""
        late = min(max(0.1 * self.patience, -0.5), 0.5)
        return time if late == 0 else min(max((time - late) / (1 - late), 0.0), 1.0)


NONE = Advice()
SIZES = {"a touch": 0.25, "a little": 0.5, "": 1.0, "much": 1.5}
SIZE = re.compile(
    r"\b(?:(?P<touch>a touch)|(?P<little>a little|slightly|a bit|somewhat|marginally)|"
    r"(?P<much>much|far|a lot|considerably|significantly|substantially|a good deal))\b"
)
LINES: dict[tuple[Trait, int], tuple[str, ...]] = {
    ("firmness", 1): (
        "Concede {size} more slowly; it pays to let the other side do the moving.",
        "Make your steps {size} smaller from one offer to the next.",
        "Hold firm {size} longer between one offer and the next.",
    ),
    ("firmness", -1): (
        "Concede {size} faster, so that the two of you meet while there is time.",
        "Make your steps {size} larger from one offer to the next.",
        "Be {size} more flexible when the other side moves.",
    ),
    ("ambition", 1): (
        "Keep {size} more for yourself: know the result you will not go past.",
        "Be {size} more ambitious about the result you would call good.",
    ),
    ("ambition", -1): (
        "Settle for {size} less than you hoped for, some gain is better than none.",
        "Be {size} less ambitious about the result you would call good.",
    ),
    ("patience", 1): (
        "Be {size} more patient before your first real concession.",
        "Take {size} more time before you leave your first offer.",
    ),
    ("patience", -1): (
        "Compromise {size} sooner than you did.",
        "Begin to move {size} earlier in the talk.",
    ),
}
PLAIN_LINES = (
    "Give a reason with every offer; a number is easier to accept when it comes with a story.",
    "Stay friendly and thank the other side for each step it makes.",
    "Listen to how the other side answers, its words tell how far it will go.",
    "Speak in short and clear sentences, so that nobody mistakes what you propose.",
    "Praise what is good about their last offer; people like to be heard.",
)
STEADY_LINES = (
    "Keep the course of the last rounds, it serves you well.",
    "Play it as you just did; the two of you have found where you meet.",
    "Change nothing in how you trade one step for another.",
)

MOVE = r"(?:conced\w*|concessions?|g[ai]v\w+ (?:in|way|ground)|yield\w*|come down|go up|lower(?:ing)? your price|rais\w+ your (?:offer|bid))"
STEPS = r"(?:\w+ )?(?:concessions?|steps?|increments?|moves?|reductions?|discounts?)"
SOON = r"(?:earlier|sooner|early|quickly|quicker)\b"
LEXICON: tuple[tuple[Trait, float, re.Pattern[str]], ...] = tuple(
    (trait, sign, re.compile(rf"\b(?:{pattern})"))  # type: ignore[misc]
    for trait, sign, pattern in (
        ("firmness", 1, r"hold(?:ing)? (?:firm|steady|fast|your (?:ground|line|position|price|offer))|firm(?:er|ly|ness)\b|"
                        r"(?:stand|stay|remain|be)(?: too)? firm\b|tough(?:er)?\b|stick (?:to|with) your|resist\w*"),
        ("firmness", 1, rf"{MOVE}(?: \w+){{0,3}}? (?:slow\w*|gradual\w*|less|later|reluctant\w*)"),
        ("firmness", 1, rf"(?:slow\w*|small\w*|fewer|gradual|minor|tiny) {STEPS}|steps (?:\w+ ){{0,3}}(?:small|short)er|closer to your own side"),
        ("firmness", 0.25, r"try to do better"),
        ("firmness", -1, rf"{MOVE}(?: \w+){{0,2}}? (?:fast\w*|quick\w*|soon\w*|earl\w+|easily|more\b(?! (?:slow|gradual|caref|reluct)))"),
        ("firmness", -1, rf"(?:larg|bigg|great)er {STEPS}|steps (?:\w+ ){{0,3}}(?:larg|bigg)er|more generous|flexib\w+|soft(?:er|en)\b"),
        ("firmness", -1, r"split(?:ting)? the difference|meet(?:ing)? (?:\w+ ){0,3}(?:halfway|half way|in the middle)|give in\b"),
        ("ambition", 1, r"(?<!less )ambitious\w*|aim(?:ing)? (?:for )?(?:\w+ ){0,3}(?:higher|high|better|more)\b|live without"),
        ("ambition", 1, r"ask(?:ing)? for (?:\w+ ){0,3}(?:more|better)\b|(?:keep|claim|demand|expect) (?:\w+ ){0,2}more\b"),
        ("ambition", 1, r"rais\w+ your (?:\w+ )?(?:sights|targets?|aspirations?|standards|expectations?)|(?:higher|better) (?:target|goal)"),
        ("ambition", -1, r"less ambitious|settl\w+ for (?:\w+ ){0,2}less|more (?:realistic|modest|reasonable)\b|lower (?:target|goal)"),
        ("ambition", -1, r"(?:lower|reduc)\w* your (?:\w+ )?(?:sights|targets?|aspirations?|standards|expectations?|demands?)"),
        ("patience", 1, r"patien(?:t|ce|tly)\b|tak(?:e|ing) (?:\w+ ){0,3}time\b|wait\w*|hold(?:ing)? out|delay\w*|slow down|"
                        r"walk away later|silence|(?:let|make) (?:them|the other side|the \w+) (?:move|go|speak) first"),
        ("patience", -1, rf"compromis\w+(?: \w+){{0,3}}? {SOON}|compromise\b|rush\w*|hurry\w*|impatien\w*|first to (?:move|concede)"),
        ("patience", -1, rf"(?:meet|settle|close|accept|agree|move|begin|start|finish|reach)\w*(?: \w+){{0,6}}? {SOON}"),
    )
)  # fmt: skip
OPENING = re.compile(  # whether it is firm to start higher or lower depends on the side
    r"\b(?:(?:start|open|begin|anchor|bid|first offer|initial (?:offer|price)|opening (?:offer|price|bid))\w*(?: \w+){0,4}? "
    r"(?P<a>higher|lower|high|low)\b|(?P<b>higher|lower) (?:opening|first|initial|starting|anchor)|"
    r"(?P<c>lower|rais|increas|reduc)\w* your (?:price|offer|bid|ask)(?!.*(?:slow|gradual|less|small)))"
)
CLAUSE = re.compile(r"[.;:,!?\n()—]+(?=\s|$)|\s(?=(?:before|after|when|once(?! more)|until|while|if|because|so that|unless|than)\b)|\s-\s|\band\b(?= (?:be|hold|start)\b)")
SIDE_CLAUSE = re.compile(r"\s*(?:and |but |only |,)*(?:before|after|when|once(?! more)|until|while|if|because|so that|unless|than)\b")
TURN = re.compile(r"\b(?:not|never|avoid\w*|stop\w*|without|instead of|rather than|no need to|refrain\w*|less)\b|n't\b")
LONGEST = 20_000  # characters of one piece of advice that are read


def heard(messages: Iterable[Message], role: str) -> Advice:
    """The sum of all advice among `messages`: suggestions by whoever coaches, in words that the lexicon knows."""
    total = NONE
    for message in messages:
        if message.tool != "suggest":
            continue
        lines = message.args.get("suggestions")
        given = isinstance(lines, Sequence) and not isinstance(lines, str)
        total += understand("\n".join(map(str, lines)) if given and lines else message.text, role)  # type: ignore[arg-type]
    return total


def understand(text: str, role: str) -> Advice:
    """The shifts that an English text asks of a seller or buyer, each between -1.5 and 1.5; what it does not know is no advice.

    "don't", "avoid" and the like turn a phrase round; what stands behind "before", "when" and the like is no advice.
    """
    sums: dict[str, float] = {"firmness": 0.0, "ambition": 0.0, "patience": 0.0}
    for clause in CLAUSE.split(text[:LONGEST].lower().replace("’", "'")):
        if SIDE_CLAUSE.match(clause):
            continue
        for trait, shift in _clause(clause, role).items():
            sums[trait] += shift
    most = SIZES["much"]
    return Advice(**{trait: min(max(value, -most), most) for trait, value in sums.items()})


def compose(trait: Trait, shift: float, choice: int = 0) -> str:
    """A sentence that asks for a shift, rounded to a size there is a word for; `understand` reads it back."""
    word = min(SIZES, key=lambda size: abs(SIZES[size] - abs(shift)))
    lines = LINES[trait, 1 if shift > 0 else -1]
    return " ".join(lines[choice % len(lines)].format(size=word).split())


def _clause(clause: str, role: str) -> dict[str, float]:
    """The shifts of one clause: per trait the first phrase found, times its size word."""
    found: dict[str, float] = {}
    size = SIZE.search(clause)
    weight = 1.0 if size is None else SIZES[{"touch": "a touch", "little": "a little", "much": "much"}[size.lastgroup or "much"]]
    for trait, sign, pattern in LEXICON:
        match = pattern.search(clause)
        if match and trait not in found:
            found[trait] = weight * sign * _turn(clause, match)
    match = OPENING.search(clause)
    if match and "ambition" not in found:
        higher = (match["a"] or match["b"] or match["c"]).startswith(("high", "rais", "increas"))
        found["ambition"] = weight * (1 if higher == (role == "seller") else -1) * _turn(clause, match)
    return found


def _turn(clause: str, match: re.Match[str]) -> int:
    """-1 where the clause warns of the phrase: "don't concede faster", "you conceded too early"; else 1."""
    if re.search(r"\btoo\b", clause[max(0, match.start() - 4) : match.end()]):
        return -1
    return -1 if TURN.search(clause[: match.start()]) else 1
