"""What probing agents costs: `python tests/bench/bench_probes.py`.

The adversary's questions per second, against the bare calls of the same subject with the same questions; the
interrogations for six budgets in one go, against one run for each; the passive observer's ranking, against letting the
agent walk; and the never-exposed twin by replay of the log, against living all its lessons anew.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT)]

from agents.adversary.bayesian import QUESTIONS  # noqa: E402
from agents.memory.memory import Memory  # noqa: E402
from agents.memory.note_writers import ALL  # noqa: E402
from agents.memory.subject import Subject  # noqa: E402
from agents.note_policy.knower import Knower  # noqa: E402
from arena.spec import build  # noqa: E402
from unlearning.attacks.inference_adversary import adversary  # noqa: E402
from unlearning.attacks.passive_observer import ObservedGrid, rank_cells, watcher  # noqa: E402
from unlearning.experiments.experiment import run_trial  # noqa: E402
from unlearning.memory.twin import twin  # noqa: E402
from unlearning.metrics.leaks import ask  # noqa: E402
from unlearning.probe import Trial  # noqa: E402
from unlearning.request import Item, Request  # noqa: E402
from unlearning.tasks.curriculum import Curriculum, candidates  # noqa: E402

GRID = {"name": "gridworld", "preset": "unknown"}
BUDGETS = (1, 5, 10, 25, 50, 100)
GAMES = 60


async def timed(work: Callable[[], Awaitable[Any]], times: int = 3) -> float:
    """Seconds of the quickest of several runs."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        found.append(time.perf_counter() - begun)
    return min(found)


async def taught(lessons: int = 12) -> tuple[Curriculum, Subject, Request]:
    course = Curriculum((GRID,), lessons)
    subject = await course.teach(Subject(Knower(compliance=0.8), Memory(writers=ALL)))
    return course, subject, course.pick(subject.memory, "state", Random(1))


async def questions() -> None:
    _, subject, request = await taught()
    trial, _ = await run_trial(subject, request, build("method", "selective-replay"))
    names = candidates(subject.memory)

    async def bare() -> None:
        for n in range(GAMES * 3 * 100):  # as many answers as the attack takes of its three agents
            await ask(subject, QUESTIONS[n % 6].format(names[n % len(names)]), n)

    base = await timed(bare)
    for strategy in ("spread", "adaptive"):
        spent = await timed(lambda s=strategy: adversary(trial, budget=100, games=GAMES, strategy=s), 2)  # type: ignore[misc]
        rate = GAMES * 3 * 100 / spent
        print(f"→ adversary, {strategy}: {rate:,.0f} questions/s, {base / spent:.2f} of the rate of bare calls")
    together = await timed(lambda: adversary(trial, budget=100, budgets=BUDGETS, games=GAMES), 2)

    async def apart() -> None:
        for budget in BUDGETS:
            await adversary(trial, budget=budget, games=GAMES)

    print(f"→ six budgets in one go: {together:.1f} s, {await timed(apart, 1) / together:.1f} times as fast as apart")


async def walks() -> None:
    bare = Subject(Knower(ties="uniform"))
    request = Request((Item("(1, 1)"),), scope="state")
    trial = Trial(request, bare, bare, bare, method=build("method", {"name": "instruction", "goal": "conduct"}))
    spent = await timed(lambda: watcher(trial, games=4, obstacles=10, moves=4), 1)
    plain = ObservedGrid(10, frozenset({(3, 3), (7, 2)}), 4)
    line = [tuple((x, y) for x in range(1, 11)) for y in range(1, 11)] * 10
    begun = time.perf_counter()
    list(rank_cells(line, plain, 0))
    watching = (time.perf_counter() - begun) * 8  # four games of two agents that differ
    print(f"→ watcher: {800 / spent:,.0f} walks/s, of which ranking takes {watching / spent:.2f} of the time")


async def twins() -> None:
    for lessons in (12, 48):
        course, subject, request = await taught(lessons)

        async def replayed(subject: Subject = subject, request: Request = request) -> None:
            twin(subject, request)

        async def lived(course: Curriculum = course, subject: Subject = subject) -> None:
            await course.teach(Subject(subject.mind, Memory(writers=ALL)))

        replay, again = await timed(replayed), await timed(lived, 1)
        print(
            f"→ twin after {lessons} lessons: replay {replay * 1000:.1f} ms, lessons anew {again * 1000:.0f} ms, "
            f"{again / replay:.0f} times as long"
        )


async def main() -> None:
    await questions()
    await walks()
    await twins()


if __name__ == "__main__":
    asyncio.run(main())
