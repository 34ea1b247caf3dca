"""What nobody counted is NULL, also in sums, and never 0; what is known to have used nothing is 0."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from partial_call_records import EPISODES, KNOWN, LOST, PERSON, PROMPTLESS, REFUSED, UNCOUNTED, play_partly_counted

from arena.store.query import query
from arena.store.store import Store
from arena.usage import FREE, Call, Usage


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("partly") / "arena.db"
    with Store.open(path) as store:
        play_partly_counted(store)
    return path


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    return list(query(path, sql).rows)


def test_episodes_whose_calls_are_all_counted_have_a_sum_and_the_others_none(path: Path) -> None:
    told = rows(path, "select n, calls, tokens, unknown_token_calls from episodes order by n")
    assert told == [(1, 2, 30, 0), (2, 2, None, 1), (3, 5, 30, 0), (4, 3, None, 2), (5, 2, 15, 0), (6, 0, 0, 0)]


def test_rounds_and_runs_say_so_too(path: Path) -> None:
    assert [tokens for (tokens,) in rows(path, "select tokens from rounds join episode on episode.id = rounds.episode "
                                               "order by n")] == [30, None, 30, None, 15, 0]  # fmt: skip
    assert rows(path, "select calls, tokens, unknown_token_calls from runs") == [(14, None, 3)]


def test_spend_keeps_what_is_known_of_each_side_apart(path: Path) -> None:
    columns = "seat, model, calls, failed, input_tokens, output_tokens, unknown_token_calls"
    assert rows(path, f"select {columns} from spend order by seat, model desc") == [
        ("buyer", "tiny/one", 6, 2, None, None, 1),
        ("buyer", "human", 1, 0, 0, 0, 0),
        ("seller", "tiny/one", 7, 2, None, None, 2),
    ]


def test_a_limit_or_a_filter_that_left_nothing_is_a_failed_call(path: Path) -> None:
    told = [Call("m", outcome=outcome, reply=reply) for outcome in ("truncated", "filtered") for reply in ("", "I w")]
    with Store.open(path.with_name("failed.db")) as store:
        play_partly_counted(store)
        name = query(store.where, "select min(id) from episode").rows[0][0]
        asyncio.run(store.record_cost(name, Usage(tuple(told)), "critic", 3))
    assert rows(path.with_name("failed.db"), "select calls, failed from spend where seat = 'critic'") == [(4, 2)]


@pytest.mark.parametrize(
    ("calls", "used"),
    [
        ((), (0, 0, 0)),
        ((KNOWN, KNOWN), (20, 10, 30)),
        ((KNOWN, UNCOUNTED), (None, None, None)),
        ((PROMPTLESS,), (None, 5, None)),
        ((REFUSED, KNOWN), (10, 5, 15)),
        ((LOST,), (None, None, None)),
        ((PERSON, KNOWN), (10, 5, 15)),
        ((Call("m", outcome="ok", usd=0.0),), (None, None, None)),
        ((Call("m", outcome="server"),), (None, None, None)),
    ],
)
def test_usage_adds_up_only_what_is_whole(calls: tuple[Call, ...], used: tuple[int | None, ...]) -> None:
    usage = Usage(calls)
    assert (usage.input_tokens, usage.output_tokens, usage.tokens) == used


def test_nothing_called_is_nothing_used() -> None:
    assert (FREE.tokens, FREE.usd) == (0, 0)
    assert len(EPISODES) == 6
