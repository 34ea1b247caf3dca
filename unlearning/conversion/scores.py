"""Score a converter on held-out pairs, and on the effects of its edits."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from agents.memory.subject import Subject
from arena.errors import ArenaError
from arena.usage import FREE, Usage
from unlearning.conversion.conversion import (
    BadConversion,
    Conversion,
    ConversionInput,
    Converter,
    parse_conversion,
    render_conversion,
)
from unlearning.conversion.data import Pair
from unlearning.conversion.exam import Marks, ProbeVerdict, examine_subject
from unlearning.conversion.loop import convert_request
from unlearning.memory.twin import twin
from unlearning.probe import Task
from unlearning.request import Request

Tasks = Callable[[Pair], Mapping[str, Sequence[Task]]]


@dataclass(frozen=True, slots=True)
class ConversionScores:
    """Shares of `count` pairs, 0 to 1.

    valid: the answer is JSON of the form. scope: kind and targets are right. edits: of what can be carried out, the
    share in which all edits are right, and there is no other. retain: what is to be kept is right. steering: so are
    the words to steer by. leak: these name a target. refused: of what cannot be carried out, the share that is refused
    for the right reason. calls, tokens: means for a pair; tokens are None where those of a call are unknown.
    """

    count: int
    valid: float
    scope: float
    edits: float
    retain: float
    steering: float
    leak: float
    refused: float | None
    calls: float
    tokens: float | None

    def row(self) -> dict[str, float | int | None]:
        return asdict(self)


async def score_converter(converter: Converter, pairs: Sequence[Pair]) -> ConversionScores:
    """The scores of a converter's first answers."""
    found: list[tuple[Pair, Conversion | None]] = []
    usage = FREE
    for pair in pairs:
        made, cost = await try_conversion(converter, pair)
        found.append((pair, made))
        usage += cost
    valid = [(pair.answer, made) for pair, made in found if made is not None]
    refusals = [
        made is not None and made.kind == pair.answer.kind and refuses(made)
        for pair, made in found
        if pair.request is None
    ]
    edits = [
        made is not None and select_changes(pair.answer) == select_changes(made)
        for pair, made in found
        if pair.request is not None
    ]
    count = max(1, len(found))
    return ConversionScores(
        count=len(found),
        valid=len(valid) / count,
        scope=sum(a.kind == m.kind and set(a.names) == set(m.names) for a, m in valid) / count,
        edits=sum(edits) / max(1, len(edits)),
        retain=sum(set(a.retain) == set(m.retain) for a, m in valid) / count,
        steering=sum(a.steering == m.steering for a, m in valid) / count,
        leak=sum(m.leaks for _, m in valid) / count,
        refused=sum(refusals) / len(refusals) if refusals else None,
        calls=len(usage.calls) / count,
        tokens=compute_mean_tokens(usage, count),
    )


async def try_conversion(converter: Converter, pair: Pair) -> tuple[Conversion | None, Usage]:
    """A converter's answer, checked as JSON; None where it is not valid."""
    try:
        made, usage = await converter.convert(pair.asked)
        return parse_conversion(render_conversion(made), pair.asked), usage
    except BadConversion as error:
        return None, error.usage


def select_changes(made: Conversion) -> dict[str, str]:
    """The edits that change something."""
    return {id: edit for id, edit in made.edits.items() if edit != "keep"}


def refuses(made: Conversion) -> bool:
    """Whether nothing can be carried out by it."""
    try:
        return made.request is None
    except ArenaError:
        return True


@dataclass(frozen=True, slots=True)
class Tries:
    """Unlearn@k: the share of `count` requests that were met within k attempts; and calls and tokens for each."""

    count: int
    at_1: float
    at_3: float
    calls: float
    tokens: float | None


def compute_mean_tokens(usage: Usage, count: int) -> float | None:
    """Tokens for each of `count`; None where those of a call are unknown."""
    return None if usage.tokens is None else usage.tokens / count


def make_twin_probe(
    pair: Pair, tasks: Mapping[str, Sequence[Task]], log: list[Marks]
) -> Callable[..., Awaitable[ProbeVerdict]]:
    """An examiner that has the twin: what differs from it is reported as a probe reports it. Its marks go to `log`."""

    async def probe(before: Subject, after: Subject, _: Request) -> ProbeVerdict:
        assert pair.request is not None
        marks = await examine_subject(before, after, pair.request, tasks)
        log.append(marks)
        if marks.passed:
            return ProbeVerdict()
        honest, old = twin(before, pair.request).memory, {note.id for note in before.memory.notes}
        new, right = {note.id for note in after.memory.notes}, {note.id for note in honest.notes}
        told = tuple(item.name for item in pair.request.forget) if marks.forget < 1 or not marks.silent else ()
        return ProbeVerdict(told, tuple(sorted((new & old) - right)), tuple(sorted((right & old) - new)))

    return probe


@dataclass(slots=True)
class Billed:
    """A converter that adds up what its answers cost, those that were refused or not valid too."""

    converter: Converter
    usage: Usage = FREE

    async def convert(self, asked: ConversionInput) -> tuple[Conversion, Usage]:
        try:
            made, cost = await self.converter.convert(asked)
        except BadConversion as error:
            self.usage += error.usage
            raise
        self.usage += cost
        return made, cost


async def score_unlearning(converter: Converter, pairs: Sequence[Pair], tasks: Tasks, *, attempts: int = 3) -> Tries:
    """Unlearn@1 and Unlearn@3 of a converter over requests that can be carried out, against the never-exposed twin."""
    met: list[int | None] = []
    billed = Billed(converter)
    for pair in (pair for pair in pairs if pair.request is not None):
        log: list[Marks] = []
        try:
            course = await convert_request(
                pair.instance.subject, pair.asked.text, billed, attempts=attempts,
                probe=make_twin_probe(pair, tasks(pair), log), names=pair.instance.names,
            )  # fmt: skip
            met.append(len(course.attempts) if course.attempts[-1].passed else None)
        except ArenaError:
            met.append(None)
    count = max(1, len(met))
    at = [sum(one is not None and one <= k for one in met) / count for k in (1, attempts)]
    return Tries(len(met), at[0], at[1], len(billed.usage.calls) / count, compute_mean_tokens(billed.usage, count))
