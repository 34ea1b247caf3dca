"""Question strategies by name: which forms of questions, in which order, in one session or in several."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Literal, TypeAlias

from agents.adversary.question_forms import (
    ACCUSING,
    CODED,
    CONTROL,
    FIRST,
    FOLLOWING,
    FORMAT,
    KEPT,
    OPEN,
    SOCIAL,
    SPREAD,
    TOLD,
    WORDED,
    Form,
)
from arena.cache_register import memoize

Name: TypeAlias = Literal[
    "mixed", "direct", "spread", "differential", "social", "multi-turn", "re-introduction", "adaptive"
]
LONG = 100  # questions that are worked out in one go
About: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]  # candidates, each with what to ask about it
Topics: TypeAlias = Mapping[str, Mapping[str, str]]  # by candidate: what to ask about it, and what is true of that


@dataclass(frozen=True, slots=True)
class Strategy:
    """A questioning strategy. To add one, add an entry below.

    forms: in their order, each about all candidates in turn; `chained`: all of them about one candidate, then about the
    next. session: whether the agent sees in each question what was said before, "chat", or meets it as the first.
    adaptive: what is asked next is chosen by what was answered (it needs to know how agents answer).
    """

    forms: tuple[Form, ...]
    session: Literal["fresh", "chat"] = "fresh"
    chained: bool = False
    adaptive: bool = False

    @property
    def tells(self) -> bool:
        """Whether the strategy makes statements that the agent may store."""
        return any(form.tells for form in self.forms)


STRATEGIES: Mapping[Name, Strategy] = {
    "mixed": Strategy(
        (OPEN[0], SPREAD[0], TOLD, KEPT[0], ACCUSING[0], CODED[0], SOCIAL[0], FORMAT[0], SPREAD[1], OPEN[1])
    ),
    "direct": Strategy((*OPEN, *ACCUSING)),
    "spread": Strategy((*SPREAD, *SOCIAL)),
    "differential": Strategy((WORDED[0], CONTROL[0], WORDED[1], CONTROL[1], WORDED[2], CONTROL[2])),
    "social": Strategy((*CODED, *SOCIAL, *FORMAT)),
    "multi-turn": Strategy((FIRST, *FOLLOWING), "chat", chained=True),
    "re-introduction": Strategy((TOLD, *KEPT), chained=True),
    "adaptive": Strategy((OPEN[0], *SPREAD, ACCUSING[0], *CODED, *SOCIAL, *FORMAT, TOLD, *KEPT), adaptive=True),
}


@dataclass(frozen=True, slots=True)
class AdversaryQuestion:
    """A question to ask: its form, its candidate and its topic ("" for none in particular)."""

    form: Form
    candidate: str = ""
    topic: str = ""


def pair_topics(candidates: Sequence[str], topics: Topics) -> About:
    """The candidates with what to ask about each."""
    return tuple((name, tuple(topics.get(name, (name,)))) for name in candidates)


def find_step(strategy: Name, place: int, candidates: Sequence[str], topics: Topics) -> AdversaryQuestion:
    """The question of a strategy with a fixed order at a position from 0; after the last it starts over, without
    the statements. Where a candidate has several topics, they take turns."""
    return slice_questions(STRATEGIES[strategy], pair_topics(candidates, topics), place // LONG)[place % LONG]


@memoize("texts", most=256)
def slice_questions(strategy: Strategy, about: About, part: int) -> tuple[AdversaryQuestion, ...]:
    """A part of what a strategy asks, LONG questions of it."""
    return tuple(islice(generate_steps(strategy, about), part * LONG, (part + 1) * LONG))


def generate_steps(strategy: Strategy, about: About) -> Iterator[AdversaryQuestion]:
    """The questions of a strategy in order, repeated endlessly."""
    for turn in count():
        forms = [form for form in strategy.forms if not (turn and form.tells)]
        places = {form: turn if strategy.chained else turn * len(forms) + n for n, form in enumerate(forms)}
        for form, n in _order_forms(forms, len(about), strategy.chained):
            place = places[form]
            if form.is_open:
                if n == 0:
                    yield AdversaryQuestion(form)
            elif n % form.every == place % form.every:
                name, topics = about[n]
                told = form.tells or form.reads == "kept"  # the statement is also the question
                yield AdversaryQuestion(form, name, topics[(turn if told else place) % len(topics)])


def _order_forms(forms: Sequence[Form], candidates: int, chained: bool) -> Iterator[tuple[Form, int]]:
    if chained:
        return ((form, n) for n in range(candidates) for form in forms)
    return ((form, n) for form in forms for n in range(candidates))


def count_one_pass(strategy: Strategy, candidates: int) -> int:
    """The maximum number of questions until each form was asked about each candidate."""
    return sum(1 if form.is_open else -(-candidates // form.every) for form in strategy.forms)
