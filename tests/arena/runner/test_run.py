"""Many matches at once: failures apart from results, retries from the last answer, and going on."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from arena.episode import Episode, Match, Turn
from arena.errors import UsageError
from arena.game import Game, Move, View
from arena.runner.run import Halt, Watcher, run
from arena.store.store import Store


@dataclass(frozen=True, slots=True)
class Steps(Game[int]):
    """One seat answers `length` times."""

    length: int = 4

    @property
    def seats(self) -> tuple[str, ...]:
        return ("a",)

    def start(self, rng: Random) -> int:
        return 0

    def to_act(self, state: int) -> tuple[str, ...]:
        return ("a",) if state < self.length else ()

    def view(self, state: int, seat: str) -> View:
        return View(seat, f"{state}")

    def apply(self, state: int, moves: Mapping[str, Move]) -> int:
        return state + 1

    def scores(self, state: int) -> dict[str, float | None]:
        return {"a": float(state)}


@dataclass(slots=True)
class Flaky:
    """Fails the first time it sees each of `bad` rules texts; counts what it answered."""

    bad: set[str]
    answered: list[str]

    async def act(self, view: View) -> Move:
        if view.rules in self.bad:
            self.bad.discard(view.rules)
            raise ConnectionError("gone")
        self.answered.append(view.rules)
        return Move(f"at {view.rules}")


def play(store: Store, matches: list[Match], **options: Any) -> list[Episode | Exception]:
    record = store.begin(matches)

    async def go() -> list[Episode | Exception]:
        return [result async for _, result in run(record.pending, store, **options)]

    return asyncio.run(go())


@pytest.fixture
def store(tmp_path: Path) -> Any:
    store = Store.open(tmp_path / "arena.db")
    yield store
    store.close()


def test_a_retry_goes_on_from_the_last_answer(store: Store) -> None:
    agent = Flaky({"2"}, [])
    (episode,) = play(store, [Match(Steps(), {"a": agent})])
    assert isinstance(episode, Episode) and episode.scores == {"a": 4}
    assert agent.answered == ["0", "1", "2", "3"], "nothing was asked twice"


def test_what_fails_for_good_is_an_error_without_scores_and_the_others_go_on(store: Store) -> None:
    matches = [Match(Steps(), {"a": Flaky({"1"}, [])}, seed=1), Match(Steps(), {"a": "says/x"}, seed=2)]
    failed, fine = sorted(play(store, matches, retries=0), key=lambda r: isinstance(r, Episode))
    assert isinstance(failed, ConnectionError) and isinstance(fine, Episode)
    run_id = fine.id.rpartition(".")[0]
    recorded = [store.episode(f"{run_id}.{n}") for n in (1, 2)]
    assert [episode.status for episode in recorded] == ["error", "over"]
    assert not any(v is not None for v in recorded[0].scores.values()) and "ConnectionError" in recorded[0].error
    assert len(recorded[0].turns) == 1, "the answer before the failure is kept"


def test_no_more_than_allowed_are_played_at_a_time(store: Store) -> None:
    now, most = 0, 0

    async def count(view: View) -> str:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1
        return "x"

    play(store, [Match(Steps(), {"a": count}, seed=k) for k in range(20)], at_once=4)
    assert most == 4
    with pytest.raises(UsageError):
        play(store, [Match(Steps(), {"a": count}, seed=99)], at_once=0)


def test_a_halted_run_goes_on_where_it_stopped(store: Store) -> None:
    halt, matches = Halt(), [Match(Steps(), {"a": "says/x"}, seed=k) for k in range(5)]
    seen: list[Turn] = []

    def stop(_: Any, turn: Turn) -> None:
        seen.append(turn)
        halt.on = len(seen) >= 7

    first = store.begin(matches)

    async def go(record: Any, halt: Halt, watcher: Watcher) -> list[Any]:
        return [r async for _, r in run(record.pending, store, at_once=1, halt=halt, watcher=watcher)]

    asyncio.run(go(first, halt, Watcher(turn=stop)))
    store.end(first.id, "interrupted")
    again = store.begin(matches)
    assert again.resumed and again.id == first.id and again.done == 1
    more: list[Turn] = []
    asyncio.run(go(again, Halt(), Watcher(turn=lambda _, turn: more.append(turn))))
    assert len(seen) + len(more) == 20
    store.end(again.id, "over")
    assert not store.begin(matches).resumed, "a finished run is not gone on with"


@dataclass(frozen=True, slots=True)
class Both(Game[int]):
    """Two seats answer at the same time, once."""

    @property
    def seats(self) -> tuple[str, ...]:
        return ("a", "b")

    def start(self, rng: Random) -> int:
        return 0

    def to_act(self, state: int) -> tuple[str, ...]:
        return self.seats if state < 1 else ()

    def view(self, state: int, seat: str) -> View:
        return View(seat, f"{state}")

    def apply(self, state: int, moves: Mapping[str, Move]) -> int:
        return state + 1

    def scores(self, state: int) -> dict[str, float | None]:
        return {"a": float(state), "b": None}


def test_an_answer_on_its_way_is_kept_when_the_other_seat_fails(store: Store) -> None:
    asked: list[str] = []

    async def slow(view: View) -> str:
        asked.append(view.seat)
        await asyncio.sleep(0.05)
        return "here"

    (episode,) = play(store, [Match(Both(), {"a": Flaky({"0"}, []), "b": slow})])
    assert isinstance(episode, Episode) and len(episode.turns) == 2
    assert asked == ["b"], "the answer that came after the failure was used, not asked for again"
