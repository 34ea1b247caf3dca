"""The conversion model that is shipped against its controls, on worlds and styles of asking that it never met.

python tests/bench/bench_conversion.py [COUNT] [MODEL]     COUNT requests (150), MODEL a chat model for zero shot

Unlearn@k: the share of requests after which, within k attempts, nobody can tell the agent from its never-exposed twin
by questions about the target and the rest, tasks of the course, and by asking what it was told to forget.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from arena.errors import ArenaError
from arena.spec import build
from unlearning.conversion.chat import ChatConverter
from unlearning.conversion.conversion import Converter
from unlearning.conversion.data import Pair, draw_pairs, make_instances
from unlearning.conversion.edits import Parts, apply_conversion
from unlearning.conversion.exam import examine_subject
from unlearning.conversion.grpo import find_tasks
from unlearning.conversion.model import load_shipped
from unlearning.conversion.scores import score_converter, score_unlearning, try_conversion
from unlearning.conversion.styles import HELD_OUT, TAUGHT, TUNED
from unlearning.memory.request_parsing import resolve_request

SEED = 31  # neither the seed of training nor that of the scores beside the weights
CONTROLS: tuple[tuple[str, Any], ...] = (
    ("no-op", "noop"),
    ("request pasted raw", {"name": "instruction", "form": "raw"}),
    ("template, targets given", "instruction"),
    ("record deletion, targets given", "record-deletion"),
    ("closure deletion, targets given", "closure-deletion"),
    ("selective replay, targets given", "selective-replay"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: shares, and seconds for a request."""

    name: str
    at_1: float
    seconds: float
    more: str = ""

    def __str__(self) -> str:
        return f"{self.name:34} {self.at_1:>9.3f} {1000 * self.seconds:>9.1f}  {self.more}"


async def control(name: str, spec: Any, chosen: Sequence[Pair]) -> Row:
    """A method that is told the targets, or pastes the words."""
    method, met, spent = build("method", spec), 0, 0.0
    for pair in chosen:
        begun = time.perf_counter()
        after = await method(pair.instance.subject, pair.request)
        spent += time.perf_counter() - begun
        met += (await examine_subject(pair.instance.subject, after, pair.request, find_tasks(pair))).passed  # type: ignore[arg-type]
    return Row(name, met / len(chosen), spent / len(chosen))


async def by_rules(name: str, chosen: Sequence[Pair]) -> Row:
    """The words resolved by rules, then selective replay."""
    method, met, spent, read = build("method", "selective-replay"), 0, 0.0, 0
    for pair in chosen:
        begun = time.perf_counter()
        try:
            request = resolve_request(pair.instance.subject.memory, pair.asked.text)
        except ArenaError:
            continue
        read += 1
        after = await method(pair.instance.subject, request)
        spent += time.perf_counter() - begun
        met += (await examine_subject(pair.instance.subject, after, pair.request, find_tasks(pair))).passed  # type: ignore[arg-type]
    return Row(name, met / len(chosen), spent / len(chosen), f"{read / len(chosen):.2f} read")


async def half(name: str, parts: Parts, converter: Converter, chosen: Sequence[Pair]) -> Row:
    """Edits without words, or words without edits."""
    met, spent = 0, 0.0
    for pair in chosen:
        begun = time.perf_counter()
        made, _ = await try_conversion(converter, pair)
        try:
            assert made is not None
            after = apply_conversion(pair.instance.subject, made, parts)
        except ArenaError:
            continue
        spent += time.perf_counter() - begun
        met += (await examine_subject(pair.instance.subject, after, pair.request, find_tasks(pair))).passed  # type: ignore[arg-type]
    return Row(name, met / len(chosen), spent / len(chosen))


async def whole(name: str, converter: Converter, chosen: Sequence[Pair]) -> Row:
    begun = time.perf_counter()
    tries = await score_unlearning(converter, chosen, find_tasks)
    told = "unknown" if tries.tokens is None else f"{tries.tokens:.0f}"
    more = f"Unlearn@3 {tries.at_3:.3f}, {tries.calls:.2f} calls and {told} tokens each, examination included"
    return Row(name, tries.at_1, (time.perf_counter() - begun) / len(chosen), more)


async def main(count: int, model: str) -> None:
    others = await make_instances(36, held_out=True, seed=SEED)
    converter = load_shipped()
    print(
        f"{'answers, worlds held out':34} {'valid':>6} {'scope':>6} {'edits':>6} {'retain':>6} "
        f"{'leak':>6} {'refused':>7}"
    )
    for name, styles in (("styles taught", TAUGHT), ("styles tuned by", TUNED), ("styles held out", HELD_OUT)):
        s = await score_converter(converter, list(draw_pairs(others, 2 * count, styles, SEED)))
        print(
            f"{name:34} {s.valid:6.3f} {s.scope:6.3f} {s.edits:6.3f} {s.retain:6.3f} "
            f"{s.leak:6.3f} {s.refused or 0:7.3f}"
            f"   {s.count} requests"
        )
    drawn = draw_pairs(others, 2 * count, HELD_OUT, SEED + 1)
    chosen = [pair for pair in drawn if pair.request is not None and not pair.asked.card.own][:count]
    print(f"\n{'styles and worlds held out':34} {'Unlearn@1':>9} {'ms':>9}   {len(chosen)} requests")
    rows = [await control(name, spec, chosen) for name, spec in CONTROLS]
    rows.append(await by_rules("words read by rules, then replay", chosen))
    plain = [pair for pair in draw_pairs(others, count, ("plain",), SEED + 2) if pair.request is not None]
    rows.append(await by_rules("the same in the plain style", plain))
    rows.append(await whole("converted, in the plain style", converter, plain))
    rows.append(await half("converted, text only", "text", converter, chosen))
    rows.append(await half("converted, edits only", "edits", converter, chosen))
    rows.append(await whole("converted", converter, chosen))
    if model:
        rows.append(await whole(f"zero shot, {model}", ChatConverter(build("model", model)), chosen))
    for row in rows:
        print(row)
    told, given = {row.name: row.at_1 for row in rows}, "template, targets given"
    print(
        f"→ Unlearn@1 of the conversion model {told['converted']:.2f}; words read by rules "
        f"{told['words read by rules, then replay']:.2f}, raw {told['request pasted raw']:.2f}, "
        f"template {told[given]:.2f}"
    )


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    names = [word for word in sys.argv[1:] if not word.isdigit()]
    asyncio.run(main(numbers[0] if numbers else 150, names[0] if names else ""))
