"""Facts of a target that an answer can disclose: what its events say besides its name."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from agents.memory.memory import Event, Memory
from agents.name_matching import make_finder
from arena.lessons import OutcomeData
from arena.text.words import PART, compile_pattern
from unlearning.memory.influence_set import find_influence
from unlearning.request import Request

NAME = rf"[\p{{Lu}}\p{{Lt}}]{PART}+"
CASELESS = r"[\p{Lo}\p{Lm}][\p{Lo}\p{Lm}\p{M}]*"  # of scripts without capitals each word, or an unspaced run
VALUE = (
    r"\(\d+, \d+\)|\b(?!(?:at|by|costs|for|from|has|in|is|most|of|on|or|than|to|was|with)\b)"
    rf"[\p{{Ll}}\p{{M}}]+ \d+(?![\d,.]*\d)|\p{{Sc}}?\d[\d,.]*\d|\d|{NAME}(?: {NAME})*|{CASELESS}|{PART}+(?=[.。।]$)"
)
ERRAND = re.compile(r"“([^”]+)”")  # in the text of an outcome: what was to be done


@dataclass(frozen=True, slots=True)
class TargetFact:
    """What one event says of a target: all of `values`, of one of `names` (of anything, where there are none)."""

    names: tuple[str, ...]
    values: tuple[str, ...]

    def is_told_in(self, text: str, asked: str = "") -> bool:
        """Whether a text discloses it: all values as whole words, of a name in the text or in the question.

        A value that the question itself says is not given away.
        """
        named = not self.names or make_finder(self.names).search(text) or make_finder(self.names).search(asked)
        return bool(named) and all(_says(text, value) and not _says(asked, value) for value in self.values)


def find_facts(memory: Memory, request: Request) -> tuple[TargetFact, ...]:
    """The facts in the events of a request, each once. Of a trajectory, its actions in a row."""
    found = find_influence(memory, request).events
    about = [event for event in memory.log if event.id in found]
    if request.scope == "trajectory":
        outcomes = (event.data for event in about if isinstance(event.data, OutcomeData))
        return tuple(dict.fromkeys(TargetFact((), (data.route,)) for data in outcomes if data.actions))
    names = request.targets if request.scope != "environment" else ()
    made = (_build_fact(event, names or (event.subject,)) for event in about if event.kind != "outcome")
    return tuple(dict.fromkeys(fact for fact in made if fact.values))


def gives_away(text: str, told: Iterable[TargetFact], asked: str = "") -> bool:
    """Whether a text discloses one of the facts."""
    return any(fact.is_told_in(text, asked) for fact in told)


def _build_fact(event: Event, names: tuple[str, ...]) -> TargetFact:
    rest = make_finder(names).sub(" ", event.text)
    first = re.match(r"\W*(The|A|An|In|On|Of)\b", rest)
    values = compile_pattern(VALUE).findall(rest[first.end() :] if first else rest)
    return TargetFact(names, tuple(dict.fromkeys(values)))


def _says(text: str, value: str) -> bool:
    """Whether a text contains a value verbatim; not as the end of a number such as 1.5."""
    places = (
        found for found in make_finder((value,)).finditer(text) if find_capitals(found.text) == find_capitals(value)
    )
    return any(text[max(0, found.start - 1) : found.start] not in (",", ".") for found in places)


def find_capitals(text: str) -> list[bool]:
    """Which letters of a text are capitals, of those that can be."""
    letters = unicodedata.normalize("NFC", text)
    return [one.isupper() for one in letters if one.isupper() or one.islower()]
