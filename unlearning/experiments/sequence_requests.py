"""Sequential requests on weights: the target of each, its baselines, and the questions asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agents.llm.llm import LLM
from arena.errors import UsageError
from unlearning.benchmarks.benchmark import Benchmark, pupil
from unlearning.request import Item, Request
from unlearning.scoring.role_readings import FORGOTTEN

Data = Mapping[str, tuple[Item, ...]]


@dataclass(frozen=True, slots=True)
class SequenceStep:
    """One request of a sequence.

    split: which split of the benchmark is to be forgotten. request: what of it no earlier request has named; what any
    request up to this one names is not kept. lessons: what its twin is taught, stage after stage: all but what these
    requests name, and what the benchmark says that they follow on. data: what is asked of this target, by role.
    """

    split: str
    request: Request
    lessons: tuple[tuple[Item, ...], ...]
    data: Data

    def twins(self, benchmark: Benchmark, seeds: Iterable[int]) -> list[LLM]:
        """The agents that were never taught what this request or an earlier one names, one from each seed."""
        return [pupil(benchmark.pupil, self.lessons, benchmark.texts, seed) for seed in seeds]


def build_steps(benchmark: Benchmark, splits: Sequence[str], asked: bool = True) -> tuple[SequenceStep, ...]:
    """The requests of a sequence, in order.

    Splits may overlap: each request names what is new in its split. A request of one split is the benchmark's own.
    asked: whether anything is going to be asked; else the files of questions are not read, and need not be there.
    Raises UnknownPart for an unknown split, UsageError for none, and for one that adds nothing to those before it.
    """
    if not splits:
        raise UsageError(f"name one split or more: --splits {','.join(benchmark.sequence)}")
    steps: list[SequenceStep] = []
    for number, split in enumerate(splits):
        before = splits[:number]
        request = benchmark.request(split)
        if before:
            named = {_make_key(item) for step in steps for item in step.request.forget}
            forget = _drop_items(request.forget, named)
            if not forget:
                raise UsageError(f"{split} names nothing that {', '.join(before)} did not name; leave it out")
            request = replace(request, forget=forget, retain=_drop_items(request.retain, named))
        data = _drop_asked(benchmark.data(split), [step.data for step in steps]) if asked else {}
        steps.append(SequenceStep(split, request, _select_lessons(benchmark, split, before), data))
    return tuple(steps)


def select_kept_data(benchmark: Benchmark, splits: Sequence[str]) -> dict[str, tuple[Item, ...]]:
    """Evaluation data of what no split names: the data of the last one, without what the others name."""
    named = {_make_key(item) for split in splits for item in benchmark.data(split).get("forget", ())}
    data = dict(benchmark.data(splits[-1]))
    return data | {"retain": tuple(item for item in data.get("retain", ()) if _make_key(item) not in named)}


def _drop_asked(data: Data, before: Sequence[Data]) -> dict[str, tuple[Item, ...]]:
    """The data without those items of forgotten roles that are asked of an earlier target."""
    found = dict(data)
    for role in FORGOTTEN & data.keys():
        found[role] = _drop_items(data[role], {_make_key(item) for one in before for item in one.get(role, ())})
    return found


def _select_lessons(benchmark: Benchmark, split: str, before: Sequence[str]) -> tuple[tuple[Item, ...], ...]:
    """The training data without this split and those before it."""
    stages = benchmark.lessons(split)
    for other in before:
        if other not in benchmark.list_forgotten(split):
            left = [{_make_key(item) for item in stage} for stage in benchmark.lessons(other)]
            stages = tuple(
                tuple(item for item in stage if _make_key(item) in known)
                for stage, known in zip(stages, left, strict=True)
            )
    return stages


def _drop_items(items: Iterable[Item], keys: set[tuple[str, str]]) -> tuple[Item, ...]:
    return tuple(item for item in items if _make_key(item) not in keys)


def _make_key(item: Item) -> tuple[str, str]:
    return item.prompt, item.answer
