"""What scale-out costs: `python tests/bench/bench_scale.py`. Prints ratios to this process with SQLite, of one run.

Records on a PostgreSQL server of its own that waits for the disk (psycopg, a socket of this machine), and matches on
two workers of a local Ray. Once with agents that answer at once, where all the time is overhead, once with agents that
take 50 ms, like a fast model.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from duel import duel  # noqa: E402
from postgres_server import NoServer, server  # noqa: E402
from recording_agents import Talker  # noqa: E402

from arena.episode import Match  # noqa: E402
from arena.runner.backend import Backend, play_here  # noqa: E402
from arena.runner.ray_backend import cluster  # noqa: E402
from arena.runner.run import run  # noqa: E402
from arena.store.store import Store  # noqa: E402

WORKERS, ANSWERS = 2, 20  # processes; answers of an episode
WORKLOADS = {"answer at once": (0.0, 150, 32), "take 50 ms": (0.05, 100, 100)}  # seconds, episodes, at once


def plan(seconds: float, episodes: int, first: int) -> list[Match]:
    talker = Talker("/dev/null", seconds)
    matches = [duel(first + n, ANSWERS, buyer=talker, seller=talker) for n in range(episodes)]
    assert all(match.id for match in matches)  # resolved once, outside the timed part
    return matches


def timed(matches: list[Match], place: str, backend: Backend, at_once: int) -> tuple[float, float]:
    """Wall seconds and CPU seconds of this process until all episodes are recorded."""

    async def work(store: Store) -> int:
        pending = store.begin(matches, again=True).pending
        return len([result async for result in run(pending, store, backend=backend, at_once=at_once, retries=0)])

    with Store.open(place) as store:
        start, cpu = time.perf_counter(), time.process_time()
        assert asyncio.run(work(store)) == len(matches)
        return time.perf_counter() - start, time.process_time() - cpu


@contextmanager
def places(folder: Path) -> Iterator[dict[str, tuple[str, Backend]]]:
    """Where to record and where to play, by name; the first is the baseline."""
    with ExitStack() as stack:
        arms: dict[str, tuple[str, Backend]] = {"here, SQLite": (str(folder / "here.db"), play_here)}
        try:
            url = stack.enter_context(server(durable=True)).format("postgres")
            arms["here, PostgreSQL"] = url, play_here
        except NoServer as reason:
            print(f"without PostgreSQL: {reason}")
            url = str(folder / "both.db")
        backend = stack.enter_context(cluster(WORKERS))
        arms[f"Ray ({WORKERS} workers), SQLite"] = str(folder / "ray.db"), backend
        arms[f"Ray ({WORKERS} workers), PostgreSQL"] = url, backend
        yield arms


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, places(Path(folder)) as arms:
        for workload, (seconds, episodes, at_once) in WORKLOADS.items():
            print(f"\nAgents that {workload}: {episodes} episodes of {ANSWERS} answers, {at_once} at once")
            print(f"{'':32} {'ms/episode':>11} {'ratio':>6} {'answers/s':>10} {'CPU ms/episode here':>20} {'ratio':>6}")
            base: tuple[float, float] | None = None
            ratios = []
            for number, (name, (place, backend)) in enumerate(arms.items()):
                timed(plan(0.0, 4, 10**6 + number), place, backend, 4)  # warm
                plans = [plan(seconds, episodes, 10**4 * (number * 2 + k)) for k in (0, 1)]
                runs = [timed(matches, place, backend, at_once) for matches in plans]
                wall, cpu = min(runs)
                base = base or (wall, cpu)
                ratios.append(f"{name} {wall / base[0]:.2f}")
                print(
                    f"{name:>32} {wall / episodes * 1000:11.2f} {wall / base[0]:6.2f} "
                    f"{episodes * ANSWERS / wall:10,.0f} {cpu / episodes * 1000:20.2f} {cpu / base[1]:6.2f}"
                )
            print(f"→ time of an episode whose agents {workload}: {', '.join(ratios)}")


if __name__ == "__main__":
    main()
