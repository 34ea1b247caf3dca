"""The lexicon of advice: sentences that ask to shift a bargainer's parameters, and phrases parsed as such."""

import re
from typing import Literal, TypeAlias

Trait: TypeAlias = Literal["firmness", "ambition", "patience"]
SIZES = {"a touch": 0.25, "a little": 0.5, "": 1.0, "much": 1.5}
SIZE = re.compile(
    r"\b(?:(?P<a_touch>a touch)|(?P<a_little>a little|slightly|a bit|somewhat|marginally)|"
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


MOVE = (
    r"(?:conced\w*|concessions?|g[ai]v\w+ (?:in|way|ground)|yield\w*|come down|go up|lower(?:ing)? your price|"
    r"rais\w+ your (?:offer|bid))"
)
STEPS = r"(?:\w+ )?(?:concessions?|steps?|increments?|moves?|reductions?|discounts?)"
SOON = r"(?:earlier|sooner|early|quickly|quicker)\b"
WISHES = r"(?:\w+ )?(?:sights|targets?|aspirations?|standards|expectations?|demands?)"
PHRASES: dict[tuple[Trait, float], tuple[str, ...]] = {
    ("firmness", 1): (
        r"hold(?:ing)? (?:firm|steady|fast|your (?:ground|line|position|price|offer))",
        r"firm(?:er|ly|ness)\b|(?:stand|stay|remain|be)(?: too)? firm\b|tough(?:er)?\b",
        r"stick (?:to|with) your|resist\w*",
        rf"{MOVE}(?: \w+){{0,3}}? (?:slow\w*|gradual\w*|less|later|reluctant\w*)",
        rf"(?:slow\w*|small\w*|fewer|gradual|minor|tiny) {STEPS}|steps (?:\w+ ){{0,3}}(?:small|short)er",
        r"closer to your own side",
    ),
    ("firmness", 0.25): (r"try to do better",),
    ("firmness", -1): (
        rf"{MOVE}(?: \w+){{0,2}}? (?:fast\w*|quick\w*|soon\w*|earl\w+|easily|more\b(?! (?:slow|gradual|caref|reluct)))",
        rf"(?:larg|bigg|great)er {STEPS}|steps (?:\w+ ){{0,3}}(?:larg|bigg)er|more generous|flexib\w+|soft(?:er|en)\b",
        r"split(?:ting)? the difference|meet(?:ing)? (?:\w+ ){0,3}(?:halfway|half way|in the middle)|give in\b",
    ),
    ("ambition", 1): (
        r"(?<!less )ambitious\w*|aim(?:ing)? (?:for )?(?:\w+ ){0,3}(?:higher|high|better|more)\b|live without",
        r"ask(?:ing)? for (?:\w+ ){0,3}(?:more|better)\b|(?:keep|claim|demand|expect) (?:\w+ ){0,2}more\b",
        rf"rais\w+ your {WISHES}|(?:higher|better) (?:target|goal)",
    ),
    ("ambition", -1): (
        r"less ambitious|settl\w+ for (?:\w+ ){0,2}less|more (?:realistic|modest|reasonable)\b",
        rf"(?:lower|reduc)\w* your {WISHES}|lower (?:target|goal)",
    ),
    ("patience", 1): (
        r"patien(?:t|ce|tly)\b|tak(?:e|ing) (?:\w+ ){0,3}time\b|wait\w*|hold(?:ing)? out|delay\w*|slow down|silence",
        r"walk away later|(?:let|make) (?:them|the other side|the \w+) (?:move|go|speak) first",
    ),
    ("patience", -1): (
        rf"compromis\w+(?: \w+){{0,3}}? {SOON}|compromise\b|rush\w*|hurry\w*|impatien\w*|first to (?:move|concede)",
        rf"(?:meet|settle|close|accept|agree|move|begin|start|finish|reach)\w*(?: \w+){{0,6}}? {SOON}",
    ),
}
LEXICON: tuple[tuple[Trait, float, re.Pattern[str]], ...] = tuple(
    (trait, shift, re.compile(rf"\b(?:{phrase})")) for (trait, shift), phrases in PHRASES.items() for phrase in phrases
)
OPENING = re.compile(  # whether it is firm to start higher or lower depends on the side
    r"\b(?:(?:start|open|begin|anchor|bid|first offer|initial (?:offer|price)|opening (?:offer|price|bid))\w*"
    r"(?: \w+){0,4}? (?P<a>higher|lower|high|low)\b|(?P<b>higher|lower) (?:opening|first|initial|starting|anchor)|"
    r"(?P<c>lower|rais|increas|reduc)\w* your (?:price|offer|bid|ask)(?!.*(?:slow|gradual|less|small)))"
)
# words after which a text is no advice
ASIDE = r"(?:before|after|when|once(?! more)|until|while|if|because|so that|unless|than)\b"
CLAUSE = re.compile(rf"[.;:,!?\n()—]+(?=\s|$)|\s(?={ASIDE})|\s-\s|\band\b(?= (?:be|hold|start)\b)")
SIDE_CLAUSE = re.compile(rf"\s*(?:and |but |only |,)*{ASIDE}")
TURN = re.compile(r"\b(?:not|never|avoid\w*|stop\w*|without|instead of|rather than|no need to|refrain\w*|less)\b|n't\b")
