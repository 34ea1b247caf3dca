"""`arena sql`: what the views say, and that nothing can be written, however it is asked."""

import asyncio
import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_runner import arena, typed
from duel import Chatty, duel, play_all, round_row
from repository import ROOT

from arena.episode import Episode, Turn
from arena.errors import BadRecord, UsageError
from arena.game import Move
from arena.store.database import VERSION
from arena.store.query import query
from arena.store.query_result import QueryLimits
from arena.store.store import Pending, Store
from arena.usage import Call, Usage


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten episodes of chat with known prices, two with unknown ones, and one that died."""
    path = tmp_path_factory.mktemp("sql") / "arena.db"
    with Store.open(path) as store:
        play_all(store, [duel(seed, length=6) for seed in range(10)])
        play_all(store, [duel(seed, length=6, seller=Chatty(price=None)) for seed in range(2)])
        run = store.begin([duel(1, seller="says/no"), duel(99)])
        asyncio.run(_die(store, run.pending[1]))
        store.end(run.id, "failed")
    return path


async def _die(store: Store, pending: Pending) -> None:
    await store.record_start(pending)
    call = Call("tiny/one", outcome="timeout", usd=None, seconds=30.0)
    turn = Turn(0, "buyer", Move("hello", "offer", {"price": 5}, "low", Usage((call, Call("tiny/one", usd=2.0)))))
    await store.turn(pending.id, turn)
    await store.turn(pending.id, Turn(1, "seller", Move("no"), refused="never say no"))
    await store.record_failure(pending.id, "Traceback", Usage((call,)), "seller", 1)


def rows(path: Path, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return list(query(path, sql, parameters).rows)


def test_rounds_and_deals_have_a_row_each_with_what_they_cost(path: Path) -> None:
    table = query(path, "select * from rounds order by episode, round limit 3")
    assert table.columns == (
        *("episode", "run", "game", "seed", "buyer", "seller", "coach", "feedback", "round", "deal", "price", "ended"),
        *("accepted_by", "decided_by", "buyer_surplus", "seller_surplus", "messages", "tokens", "usd"),
    )
    first, second, third = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert (first["buyer"], first["seller"], first["deal"], first["price"]) == (
        "says/hello",
        "duel:Chatty",
        1,
        14.0,
    )
    assert (second["deal"], second["price"], second["ended"]) == (0, None, "turns")
    # the seller's calls in steps 1, 3, 5 had prompts of 2, 4 and 6 messages of 10 tokens, and 5 tokens of reply
    assert [row["tokens"] for row in (first, second, third)] == [25, 45, 65]
    assert [row["usd"] for row in (first, second, third)] == [0.001] * 3
    deal = "select price, buyer_surplus, seller_surplus, seller_share from deals order by episode, round limit 2"
    assert rows(path, deal) == [(14.0, 6.0, 6.0, 0.5), (16.0, 4.0, 8.0, 8 / 12)]
    assert rows(path, "select count(*) from deals") == [(24,)]


def test_episodes_and_runs_add_up(path: Path) -> None:
    assert (
        rows(
            path,
            "select turns, refused, calls, tokens, usd, seats from episodes where run = (select min(id) from runs)",
        )
        == [(6, 0, 3, 135, pytest.approx(0.003), "buyer=says/hello seller=duel:Chatty")] * 10
    )
    assert rows(path, "select count(*), count(usd) from episodes where status = 'over'") == [(12, 10)]
    assert rows(path, "select matches, finished, errors, turns, calls, tokens, usd from runs order by id") == [
        (10, 10, 0, 60, 30, 1350, pytest.approx(0.03)),
        (2, 2, 0, 12, 6, 270, None),
        (2, 0, 1, 1, 3, None, None),
    ]
    assert rows(path, "select usd, seconds > 0 from episodes where game = 'x' or calls = 0") == []


def test_transcript_spend_and_calls(path: Path) -> None:
    died = rows(path, "select id from episodes where status = 'error'")[0][0]
    asked = "select step, seat, attempt, text, tool, args, refused, thought from transcript where episode = ?"
    assert rows(path, asked, died) == [
        (0, "buyer", 0, "hello", "offer", '{"price":5}', None, "low"),
        (1, "seller", 0, "no", "", None, "never say no", None),
    ]
    spent = "select model, seat, calls, failed, usd, unknown_price_calls from spend where run = ? order by seat"
    assert rows(path, spent, died.partition(".")[0]) == [
        ("tiny/one", "buyer", 2, 1, 2.0, 1),
        ("tiny/one", "seller", 1, 1, None, 1),
    ]
    called = "select game, agent, model, resolved, outcome, reply from calls where episode = ? and step = 0 order by k"
    assert [row[1:] for row in rows(path, called, died)] == [
        ("says/hello", "tiny/one", "", "timeout", None),
        ("says/hello", "tiny/one", "", "ok", None),
    ]


def test_the_leaderboard_counts_finished_episodes_and_sets_errors_apart(path: Path) -> None:
    board = "select agent, seat, episodes, deal_rate, forfeits, errors from leaderboard order by agent, seat"
    assert rows(path, board) == [
        ("duel:Chatty", "seller", 12, 2 / 3, 0, 1),
        ("says/hello", "buyer", 12, 2 / 3, 0, 1),
    ]
    mean = rows(path, "select avg(value) from score join episode on id = episode where seat = 'buyer'")
    assert rows(path, "select score from leaderboard where seat = 'buyer'") == mean
    assert rows(path, "select score from leaderboard where seat = 'seller'") == [(None,)]


def test_the_documented_query_gives_a_whole_prompt(path: Path) -> None:
    text = (ROOT / "arena" / "store" / "queries.sql").read_text(encoding="utf-8")
    lines = text[text.index("--   WITH RECURSIVE") : text.index("-- Slow on")].splitlines()
    end = rows(path, "select prompt from calls where step = 5 limit 1")[0][0]
    sql = "\n".join(line.removeprefix("--") for line in lines).replace("1234567890", "?")
    said = rows(path, sql, end)
    assert said[0] == ("system", "talk about prices") and said[-1] == ("user", "line 4") and len(said) == 6


def test_every_column_of_every_view_is_documented(path: Path) -> None:
    text = (ROOT / "arena" / "store" / "queries.sql").read_text(encoding="utf-8")
    for (view,) in rows(path, "select name from sqlite_master where type = 'view'"):
        about = text[text.index(f"-- {view}: ") : text.index(f"CREATE VIEW IF NOT EXISTS {view} AS")]
        if view == "deals":
            assert "All columns of `rounds`" in about
        else:
            columns = [row[0] for row in rows(path, f"select name from pragma_table_info('{view}')")]
            assert not [name for name in columns if name not in re.findall(r"\w+", about)], view


def digest(path: Path) -> dict[str, str]:
    kept = (file for file in path.parent.iterdir() if not file.name.endswith(("-shm", "-wal")))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in kept}


@pytest.mark.parametrize(
    "sql",
    [
        "attach 'other.db' as other",
        "ATTACH DATABASE ':memory:' AS m",
        "detach main",
        "pragma journal_mode=delete",
        "pragma journal_mode",
        "pragma user_version=9",
        "pragma main.user_version = 9",
        "pragma writable_schema=1",
        "pragma query_only=0",
        "pragma wal_checkpoint(truncate)",
        "pragma optimize",
        "select * from pragma_wal_checkpoint",
        "select 1; drop table turn",
        "select 1; select 2",
        "drop table turn",
        "vacuum",
        "vacuum into 'copy.db'",
        "create temp table t as select 1",
        "create table t (x)",
        "create view v as select 1",
        "create virtual table t using fts5(x)",
        "create trigger t after insert on turn begin select 1; end",
        "insert into text values (1, 'x') returning id",
        "replace into text values (1, 'x')",
        "update turn set tool = 'x' returning *",
        "with x as (select 1) delete from turn",
        "with x as (select 1) insert into text select 1, 'y'",
        "/* select */ delete from turn",
        "-- select\ndelete from turn",
        "select 1 -- ;\n; delete from turn",
        "select 1 /* */ ; /* */ drop view rounds",
        "explain delete from turn",
        "explain query plan drop table turn",
        "alter table turn rename to gone",
        "analyze",
        "reindex",
        "begin immediate",
        "commit",
        "savepoint s",
        "select load_extension('x')",
        "select writefile('out.txt', 'x')",
        "select edit('x')",
        "select readfile('/etc/passwd')",
        "select * from turn for update",
        "delete from turn where exists (select 1)",
    ],
)
def test_nothing_can_be_written(path: Path, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    before = digest(path)
    with pytest.raises(UsageError) as refusal:
        query(path, sql)
    assert any(word in str(refusal.value) for word in ("write a SELECT", "write one SELECT", "no table or view"))
    assert "Traceback" not in str(refusal.value) and digest(path) == before


def test_a_refusal_says_what_was_refused_and_what_is_possible(path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"does more than read \(delete sqlite_master\); write a SELECT over anchoring, bluff, calls"
    ):
        query(path, "drop table turn")
    with pytest.raises(UsageError, match=r"does more than read \(pragma journal_mode delete\)"):
        query(path, "pragma journal_mode=delete")
    with pytest.raises(UsageError, match=r"does more than read \(attach other\.db\)"):
        query(path, "attach 'other.db' as other")
    with pytest.raises(UsageError, match="more than one statement; write one SELECT"):
        query(path, "select 1; select 2")


@pytest.mark.parametrize(
    ("sql", "first"),
    [
        ("select 1 ; ", (1,)),
        ("-- how many\nselect count(*) from episodes -- all", (13,)),
        ("with recursive n(x) as (select 1 union all select x + 1 from n where x < 5) select max(x) from n", (5,)),
        ("values (1, 2)", (1, 2)),
        ("pragma user_version", (VERSION,)),
        ("select name from pragma_table_info('run') limit 1", ("id",)),
        ("select json_extract(value, '$.round') from fact where name = 'rounds' order by 1 limit 1", (1,)),
        ("select cast(x'ff41' as text)", ("\ufffdA",)),
        ("select 'a;b'", ("a;b",)),
        ("select j.value from json_each('[7]') j", (7,)),
    ],
)
def test_reading_is_free(path: Path, sql: str, first: tuple[Any, ...]) -> None:
    assert query(path, sql).rows[0] == first


def test_explain_and_an_empty_question(path: Path) -> None:
    assert query(path, "explain query plan select * from rounds").rows
    for empty in ("", "  -- nothing", ";"):
        assert query(path, empty).rows == ()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select * from rouds", r"no table or view named 'rouds'; did you mean rounds or runs or run\?"),
        (
            "select prise from rounds",
            r"no column named 'prise'; did you mean price or episode\?\n  rounds: episode, run",
        ),
        ("select r.buyr from rounds r", r"no column named 'buyr'; did you mean buyer\?"),
        ("select zzz from rounds", r"no column named 'zzz'\n  rounds: episode, run, game, seed, buyer"),
        ("selekt 1", r"near \"selekt\": syntax error; write a SELECT over anchoring, bluff, calls"),
        ("select ? from run", r"write a SELECT"),
        ("select '\0'", r"write a SELECT"),
    ],
)
def test_a_mistake_is_answered_with_near_misses(path: Path, sql: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        query(path, sql)


def test_a_server_that_does_not_answer_is_named_without_the_password() -> None:
    with pytest.raises(BadRecord, match="check the host and the port") as refusal:
        query("postgresql://me:secret@127.0.0.1:1/db", "select 1")
    assert "secret" not in str(refusal.value)


def test_views_use_indices_on_a_large_database(tmp_path: Path) -> None:
    """One episode among a hundred thousand calls is found without reading the others."""
    path = tmp_path / "large.db"
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        many = range(2000)
        connection.executemany(
            "INSERT INTO episode VALUES (?, 'r', ?, 'm', 'g', 1, 0, 2, '{}', 'over', '', '', '2030-01-01', NULL)",
            [(f"r.{n}", n) for n in many],
        )
        connection.executemany(
            "INSERT INTO turn VALUES (?, ?, 0, 'a', NULL, '', NULL, NULL, NULL, 0)",
            [(f"r.{n}", step) for n in many for step in range(50)],
        )
        connection.executemany(
            "INSERT INTO call VALUES (?, ?, ?, 'a', 0, 0, 'm', 'm', 'ok', 1, 1, 0.1, 1, NULL, NULL, '')",
            [(f"r.{n}", step, n * 100 + step) for n in many for step in range(50)],
        )
        connection.executemany("INSERT INTO fact VALUES ('rounds', ?, 1, '{\"first_step\":0,\"last_step\":9}')",
                               [(f"r.{n}",) for n in many])  # fmt: skip
        connection.commit()
    for view in ("episodes", "rounds", "deals", "transcript", "calls", "offers", "anchoring", "bluff"):
        key = "id" if view == "episodes" else "episode"
        plan = rows(path, f"explain query plan select * from {view} where {key} = 'r.77'")
        small = ("CONSTANT", "(subquery", f"SCAN {view}")  # rows that were found by then
        scans = [row[3] for row in plan if row[3].startswith("SCAN") and not any(word in row[3] for word in small)]
        assert not scans, (view, scans)
    assert rows(path, "select calls, tokens, round(usd, 2) from episodes where id = 'r.77'") == [(50, 100, 5.0)]
    assert rows(path, "select tokens, round(usd, 2) from rounds where episode = 'r.77'") == [(20, 1.0)]


def test_facts_fed_by_hand_make_rounds(tmp_path: Path) -> None:
    path, match = tmp_path / "hand.db", duel()

    async def record(store: Store, pending: Pending) -> None:
        await store.record_start(pending)
        for table in ([round_row(0)], [round_row(1), round_row(2)]):  # the second time replaces the first
            await store.record_end(pending.id, Episode(match, (), {"buyer": 1.0}, {"rounds": table}))

    with Store.open(path) as store:
        asyncio.run(record(store, store.begin([match]).pending[0]))
    assert rows(path, "select round, deal, tokens, usd from rounds") == [(2, 0, 0, 0.0), (3, 1, 0, 0.0)]


COUNT = "with recursive c(x) as (select 1 union all select x + 1 from c) select {} from c"
ENDLESS = [
    COUNT.format("count(*)"),
    "select count(*) from turn a, turn b, turn c, turn d, turn e, turn f, turn g, turn h",
    COUNT.format("max(x)") + " where x < 0",
    "select * from (" + COUNT.format("x") + ") order by x desc",
]


@pytest.mark.parametrize("question", ENDLESS)
def test_a_question_without_end_is_stopped(path: Path, question: str) -> None:
    with pytest.raises(UsageError, match=r"took more than 0\.3 s and was stopped.*--timeout"):
        query(path, question, limits=QueryLimits(seconds=0.3))


@pytest.mark.parametrize(
    "value", ["hex(randomblob(900000000))", "zeroblob(900000000)", "replace(hex(zeroblob(30000000)), '0', 'abcdefgh')"]
)
def test_a_value_beyond_all_bounds_is_refused(path: Path, value: str) -> None:
    with pytest.raises(UsageError, match="larger than 64 MiB"):
        query(path, f"select {value}")


def test_rows_and_bytes_are_limited_and_the_answer_says_so(path: Path) -> None:
    found = query(path, COUNT.format("x"), limits=QueryLimits(rows=7))
    assert [row[0] for row in found.rows] == list(range(1, 8)) and found.cut == "the first 7 rows"
    found = query(path, COUNT.format("x, hex(zeroblob(100000))"), limits=QueryLimits(bytes=1 << 20))
    assert len(found.rows) == 5 and "over 1 MiB" in found.cut
    exact = query(path, COUNT.format("x") + " limit 7", limits=QueryLimits(rows=7))
    assert len(exact.rows) == 7 and not exact.cut


def test_the_command_says_what_is_left_out_and_how_to_have_it(path: Path, tmp_path: Path) -> None:
    question = COUNT.format("x") + " limit 1500"
    done = typed(tmp_path, "sql", question, "--db", str(path))
    assert done.code == 0 and len(done.stdout.split()) == 1001 and "--limit" in done.stderr
    whole = typed(tmp_path, "sql", question, "--db", str(path), "--csv")
    assert len(whole.stdout.split()) == 1501 and not whole.stderr
    few = typed(tmp_path, "sql", question, "--db", str(path), "--limit", "2", "--json")
    assert json.loads(few.stdout) == [{"x": 1}, {"x": 2}] and "--limit" in few.stderr
    assert len(arena(tmp_path, "sql", question, "--db", str(path), "--limit", "0").split()) == 1501


def test_ctrl_c_ends_a_question_at_once(path: Path) -> None:
    command = [sys.executable, "-m", "arena", "sql", ENDLESS[0], "--db", str(path), "--timeout", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    used = 0
    while used < 3:  # seconds of processor time: it has started, and counts
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130 and "Traceback" not in err and not out, (process.returncode, err)
