"""The records on a real PostgreSQL server: the same as in a file, for those who write, read and ask."""

import asyncio
import json
import math
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cli_runner import typed
from duel import Chatty, child, duel, killed_after, play_all
from partial_call_records import play_partly_counted
from postgres_server import execute
from repository import ROOT

from arena.distribution import install_line
from arena.engine.play import perform
from arena.episode import Episode, Match, Turn
from arena.errors import BadRecord, UsageError
from arena.game import Move
from arena.store.database import views
from arena.store.query import query
from arena.store.rows import RowBuffer
from arena.store.store import Pending, Store
from arena.usage import Call, Usage

psycopg = pytest.importorskip("psycopg", reason="no driver; type: pip install -e '.[postgres]'")

TIMES = {"started", "ended", "seconds", "at"}  # what differs between two playings of a plan, and the ids of runs
WHAT_COUNTS = (  # ids of runs have twelve characters
    "SELECT substr(episode, 13), step, attempt, seat, text, tool, args, thought, refused FROM turn ORDER BY 1, 2, 3, 4",
    "SELECT substr(episode, 13), step, seat, k, prompt, reply, usd FROM call ORDER BY 1, 2, 3, 4",
    "SELECT substr(episode, 13), seat, value FROM score ORDER BY 1, 2",
    "SELECT substr(episode, 13), name, n, value FROM fact ORDER BY 1, 2, 3",
    "SELECT n, match, status, spec FROM episode ORDER BY 1",
    "SELECT id, body FROM text ORDER BY 1",
    "SELECT id, parent, role, text FROM message ORDER BY 1",
)


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    """An empty database."""
    return new_database()


@pytest.fixture(scope="module")
def filled(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A database on the server and a file, with the same plan played into each."""
    places = new_database(), str(tmp_path_factory.mktemp("file") / "arena.db")
    plan = [duel(seed, length=9, buyer="random", seller=Chatty([0.001, None][seed % 2])) for seed in range(11)]
    for place in places:
        with Store.open(place) as store:
            haggles = [Match("bargaining", {}, 3), Match({"name": "bargaining", "rounds": 3}, {"seller": "tough"}, 3)]
            play_all(store, [*plan, duel(99, seller="duel:Keyed"), *haggles])
    return places


def recorded(url: str) -> list[tuple[Any, ...]]:
    return [query(url, sql).rows for sql in WHAT_COUNTS]


def test_the_views_are_those_of_a_file(filled: tuple[str, str]) -> None:
    for view in views():
        there, here = (query(place, f"select * from {view}") for place in filled)
        assert there.columns == here.columns
        kept = [n for n, name in enumerate(here.columns) if name not in TIMES]
        rows = [
            sorted((tuple(_plain(row[n]) for n in kept) for row in table.rows), key=repr) for table in (there, here)
        ]
        assert len(rows[0]) == len(rows[1])
        for one, other in zip(*rows, strict=True):
            assert one == pytest.approx(other), view
        if view in ("episodes", "transcript"):
            (time_,) = (n for n, name in enumerate(here.columns) if name in ("started", "at"))
            assert {re.sub(r"\d", "0", row[time_]) for row in there.rows} == {
                re.sub(r"\d", "0", row[time_]) for row in here.rows
            }
    assert [type(value) for value in query(filled[0], "select round, deal, price from rounds limit 1").rows[0]] == [
        int, int, float,
    ]  # fmt: skip


def _plain(value: Any) -> Any:
    """The value without the id of the run, and what is missing as something that sorts."""
    return re.sub(r"^[0-9a-z]{12}(?=\.|$)", "run", value) if isinstance(value, str) else value


def test_sums_of_tokens_of_which_some_are_unknown_are_those_of_a_file(url: str, tmp_path: Path) -> None:
    places = url, str(tmp_path / "arena.db")
    for place in places:
        with Store.open(place) as store:
            play_partly_counted(store)
    for sql in (
        "select n, calls, tokens, unknown_token_calls from episodes order by n",
        "select n, r.tokens from rounds r join episode e on e.id = r.episode order by n",
        "select calls, tokens, unknown_token_calls from runs",
        "select seat, model, calls, failed, input_tokens, output_tokens, unknown_token_calls from spend order by 1, 2",
    ):
        there, here = (query(place, sql).rows for place in places)
        assert there == here and any(None in row for row in here), sql


def test_both_hold_the_same_rows_and_texts_in_the_same_order(filled: tuple[str, str]) -> None:
    assert recorded(filled[0]) == recorded(filled[1])
    names = "select distinct seat from transcript union select tool from transcript order by 1"
    assert query(filled[0], names).rows == query(filled[1], names).rows


def test_what_a_database_cannot_hold_is_replaced_and_odd_facts_disturb_no_view(url: str) -> None:
    odd = "a\0b\ud800c\U0001f388"
    rows = [{"round": "one", "price": "ten", "deal": None, "ended": 3}, {"round": 2, "price": 1e300, "deal": True}]
    facts = {"x": math.inf, odd: odd, "rounds": rows}
    call = Call(odd, odd, odd, None, None, math.nan, math.inf, ((odd, odd),), odd, odd)
    turn = Turn(0, "buyer", Move(odd, odd, {odd: [odd, math.inf, True, None, 10**30]}, odd, Usage((call,))), 0, odd)

    async def record(store: Store, pending: Pending) -> None:
        await store.record_start(pending)
        await store.turn(pending.id, turn)
        await store.record_end(pending.id, Episode(pending.match, (), {"buyer": math.inf}, facts, "over", odd, odd))

    with Store.open(url) as store:
        match = Match(duel().game, duel().seats, 2**63 - 1)
        asyncio.run(record(store, store.begin([match], odd).pending[0]))
        back = store.episode("last")
    fine = "a\ufffdb\ufffdc\U0001f388"
    assert back.turns[0].move.args == {fine: [fine, None, True, None, 10**30]} and back.turns[0].refused == fine
    assert back.turns[0].move.usage.calls == (
        Call(fine, fine, fine, None, None, None, 0.0, ((fine, fine),), fine, fine),
    )
    assert back.facts[fine] == fine and back.scores == {"buyer": None} and back.match.seed == 2**63 - 1
    rounds = query(url, "select round, price, deal, ended from rounds order by price nulls first").rows
    assert rounds == ((None, None, None, "3"), (2, 1e300, 1, None))
    assert query(url, "select count(*) from deals").rows == ((1,),)


PLAY = """
plan = [duel(seed, length=6, buyer="random") for seed in range(30)]
with Store.open(sys.argv[1]) as store:
    play_all(store, plan, lambda pending, turn: print(pending.n, turn.step, turn.attempt, turn.seat, flush=True))
"""


def test_a_killed_process_loses_nothing_it_was_told_is_recorded(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    killed, whole = new_database(), str(tmp_path / "whole.db")
    for kill_after in (17, 3):
        told = killed_after(child(PLAY, killed), kill_after)
        rows = query(killed, "SELECT substr(episode, 14), step, attempt, seat FROM turn").rows
        assert len(told) >= kill_after and set(told) <= {" ".join(map(str, row)) for row in rows}
    for place in (killed, whole):
        process = child(PLAY, place)
        assert process.communicate(timeout=60)[1] == "" and process.returncode == 0
    assert recorded(killed) == recorded(whole)
    assert query(killed, "SELECT count(*), min(status) FROM run").rows == ((1, "over"),)


def test_a_run_that_another_process_plays_is_left_to_it(url: str) -> None:
    code = "s = Store.open(sys.argv[1]); print(s.begin([duel()]).id, flush=True); __import__('time').sleep(60)"
    process = child(code, url)
    assert process.stdout is not None
    theirs = process.stdout.readline().strip()
    with Store.open(url) as store:
        mine = store.begin([duel()])
        assert mine.id != theirs
        store.end(mine.id, "over")
        process.kill()
        process.communicate()
        for _ in range(100):  # until the server has noticed
            again = store.begin([duel()])
            if again.id == theirs:
                break
            store.end(again.id, "over")
        assert again.id == theirs and again.resumed


def test_processes_that_open_an_empty_database_at_once_write_side_by_side(url: str) -> None:
    code = (
        "import time; time.sleep(max(0, float(sys.argv[3]) - time.time()))\n"
        "with Store.open(sys.argv[1]) as s: play_all(s, [duel(int(sys.argv[2]) + n) for n in range(40)])"
    )
    start = time.time() + 3  # by then all of them have loaded
    workers = [child(code, url, 100 * n, start) for n in range(4)]
    assert [worker.communicate(timeout=60)[1] for worker in workers] == [""] * 4
    ended = "SELECT count(*), sum(turns), count(DISTINCT run) FROM episodes WHERE status = 'over'"
    assert query(url, ended).rows == ((160, 640, 4),)


def test_writers_that_share_texts_do_not_wait_for_each_other_for_ever(url: str) -> None:
    texts = [f"text {n}" for n in range(5000)]

    def write(order: list[str]) -> None:
        rows = RowBuffer()
        for body in order:
            rows.text(body)
        with Store.open(url) as store:
            together.wait()
            store.writer.commit_now(rows)

    Store.open(url).close()
    together = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (texts, texts[::-1])))
    assert query(url, "SELECT count(*) FROM text").rows == ((5000,),)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("insert into run select * from run", "does not begin with SELECT"),
        ("with x as (insert into run select * from run returning 1) select * from x", "does more than read"),
        ("explain analyze delete from run", "does more than read"),
        ("select * into y from run", "does more than read"),
        ("select * from run for update", "does more than read"),
        ("select 1; drop table run", "more than one statement"),
        ("copy run to program 'touch {}'", "does not begin with SELECT"),
        ("select lo_export(1, '{}')", r"lo_export\(\) may do more than read"),
        ("select \"lo_export\" /* */ (1, '{}')", r"lo_export\(\) may do more"),
        ("select E'\\'', lo_export -- '\n(1, '{}')", r"lo_export\(\) may do more"),
        ("select U&\"lo\\005fexport\"(1, '{}')", "write them plainly"),
        ("select query_to_xml('select lo_unlink(1)', true, true, '')", r"\(\) may do more"),
        ("select set_config('transaction_read_only', 'off', false)", "set_config"),
        ("select pg_terminate_backend(1)", "pg_terminate_backend"),
        ("select ('/etc/passwd'::text).pg_read_file", r"pg_read_file\(\) may do more"),
        ("select (pid).pg_terminate_backend from pg_stat_activity", r"pg_terminate_backend\(\) may do more"),
        ("select x.one.lo_unlink from (select 1::oid as one) x", "lo_unlink"),
        ("select x.y.lo_unlink from (select row(1::oid) as z, 1::oid as y) x", "lo_unlink"),
        ("select s.txid_current from (select 1) s", "no column named 'txid_current'"),
        ("select 1 from pg_sleep(9)", r"pg_sleep\(\) may do more"),
        ("select 1 where (select lo_creat(-1)) > 0", r"lo_creat\(\) may do more"),
        ("select sum((n).nextval) from (select 'x'::regclass as n) q", "nextval|does not exist"),
        ("explain analyze select lo_creat(-1)", r"lo_creat\(\) may do more"),
        ("select 1) q; select lo_creat(-1) from (select 1", "lo_creat|syntax error|more than one"),
        ("table run; select 1", "does not begin with"),
        ("select * from roundz", "no table or view named 'roundz'; did you mean rounds"),
        ("select prise from rounds", r"no column named 'prise'; did you mean price.*\n  rounds: episode, run"),
        ("select r.zzz from rounds r", r"no column named 'zzz'\n  rounds: episode, run, game"),
        ("select 1 +", "syntax error at end of input; write a SELECT over anchoring, bluff"),
        ("selekt 1", "does not begin with SELECT, WITH, VALUES, EXPLAIN, SHOW: 'SELEKT'"),
        ("select ? from run", "write a SELECT over"),
        ("", "does not begin with"),
    ],
)
def test_questions_cannot_write_and_mistakes_are_explained(
    filled: tuple[str, str], tmp_path: Path, sql: str, said: str
) -> None:
    before = query(filled[0], "select count(*) from run").rows
    file = tmp_path / "written"
    tmp_path.chmod(0o777)
    with pytest.raises(UsageError, match=said):
        query(filled[0], sql.replace("{}", str(file)))
    assert query(filled[0], "select count(*) from run").rows == before and not file.exists()


def test_questions_of_every_kind_are_answered(filled: tuple[str, str]) -> None:
    db = filled[0]
    assert query(db, "-- a remark\nselect 'a%b' like 'a%', 1.5::numeric, 2::numeric;").rows == ((True, 1.5, 2),)
    assert query(db, "/* x */ with a as (select 1 as x) select x from a").columns == ("x",)
    assert query(db, "values (1), (2)").rows == ((1,), (2,)) == query(db, "(select 1) union select 2 order by 1").rows
    assert query(db, "explain select * from rounds").columns == ("QUERY PLAN",)
    assert query(db, "show transaction_read_only").rows == (("on",),)
    assert query(db, "show statement_timeout").rows == (("5min",),)
    assert query(db, "select ?::int + 1, '?', ':x', '50%'", (4,)).rows == ((5, "?", ":x", "50%"),)
    assert query(db, "select :a::int % 3, '50%'", {"a": 4}).rows == ((1, "50%"),)
    with pytest.raises(UsageError, match="statement timeout"):
        query(db + "&options=-cstatement_timeout%3D50", "select count(*) from generate_series(1, 10000000000)")


def test_a_reader_needs_no_right_to_write_and_is_told_what_it_may_not(new_database: Callable[[], str]) -> None:
    url = new_database()
    with Store.open(url) as store:
        play_all(store, [duel()])
    execute(url, "CREATE ROLE reader LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    reader = url.replace("arena@", "reader@")
    with Store.open(reader, create=False) as store:
        assert store.episode("last").status == "over"
    assert query(reader, "select count(*) from rounds").rows == ((2,),)
    with (
        pytest.raises(BadRecord, match=r"permission denied.*the role in the URL may not do that"),
        Store.open(reader) as store,
    ):
        store.begin([duel()])
    execute(url, "REVOKE SELECT ON rounds FROM reader")
    with pytest.raises(BadRecord, match="permission denied for view rounds; the role in the URL may not read that"):
        query(reader, "select * from rounds")


def test_older_views_are_renewed_and_foreign_or_newer_databases_are_left_alone(new_database: Callable[[], str]) -> None:
    url, foreign = new_database(), new_database()
    Store.open(url).close()
    execute(url, "DROP VIEW rounds CASCADE", "CREATE VIEW rounds AS SELECT 1 AS x")
    Store.open(url).close()
    assert query(url, "select price, seller_share from deals").rows == ()
    execute(url, "COMMENT ON VIEW rounds IS 'older'", "CREATE VIEW mine AS SELECT * FROM rounds")
    with pytest.raises(BadRecord, match=r"view mine depends on view rounds.*move it to another schema"):
        Store.open(url)
    execute(url, "UPDATE arena_schema SET version = 99")
    with pytest.raises(BadRecord, match="written by a newer arena"):
        Store.open(url)
    with pytest.raises(BadRecord, match="holds no records yet; type: arena play --db postgresql://arena@/"):
        Store.open(foreign, create=False)
    execute(foreign, "CREATE TABLE run (x int)")
    with pytest.raises(BadRecord, match=r"belongs to another program \(tables run\)"):
        Store.open(foreign)


def test_events_of_schema_3_get_their_data(new_database: Callable[[], str]) -> None:
    url = new_database()
    Store.open(url).close()
    place = "'gridworld/0-0:{0}', '{1}', '{2}', 'Vrova Arch', 'gridworld/0-0', 0, 'gridworld', '0', 'reach', ''"
    rows = ("Vrova Arch is at (2, 9).", "place"), ("Vrova Arch, it is said, is at sea.", "message")
    execute(
        url,
        "ALTER TABLE event DROP COLUMN data",
        *(f"INSERT INTO event VALUES ('ann', {n}, {place.format(n, *row)})" for n, row in enumerate(rows)),
        "UPDATE arena_schema SET version = 3",
    )
    Store.open(url).close()
    found = query(url, "select n, text, data from event order by n").rows
    assert found == ((0, rows[0][0], '{"cell":[2,9],"name":"Vrova Arch"}'), (1, rows[1][0], ""))
    columns = (
        "select column_name, data_type, collation_name, is_nullable, column_default from information_schema.columns"
    )
    fresh = new_database()
    Store.open(fresh).close()
    asked = f"{columns} where table_name = 'event' order by ordinal_position"
    assert query(url, asked).rows == query(fresh, asked).rows


@pytest.mark.slow
def test_what_is_wrong_with_a_url_is_named_without_its_password(postgres_host: str) -> None:
    for url, said in (
        (postgres_host.format("nope"), 'database "nope" does not exist; make it first, for example: createdb'),
        (
            postgres_host.format("postgres").replace("arena@", "you:secret@"),
            "check the user and the password in the URL",
        ),
        ("postgres://you:secret@127.0.0.1:1/x", "check the host and the port"),
    ):
        for act in (lambda: query(url, "select 1"), lambda: Store.open(url)):  # noqa: B023
            with pytest.raises(BadRecord, match=said) as refusal:
                act()
            assert "secret" not in str(refusal.value)
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from arena.store.store import Store; from arena.store.query import query\n"
    )
    for call in ("Store.open('postgresql://h/x')", "query('postgresql://h/x', 'select 1')"):
        done = subprocess.run([sys.executable, "-c", code + call], capture_output=True, text=True, cwd=ROOT)
        assert "MissingExtra" in done.stderr and install_line("postgres") in done.stderr


@pytest.mark.slow
def test_the_command_plays_lists_shows_asks_verifies_and_forks(url: str, tmp_path: Path) -> None:
    def arena(*words: str) -> str:
        done = typed(tmp_path, *words, env={"ARENA_DB": url.replace("arena@", "arena:secret@")})
        assert done.code == 0 and "secret" not in done.stdout + done.stderr, done.stderr
        return done.stdout

    played = json.loads(arena("play", "-n", "3", "--rounds", "2", "--json"))
    assert [(item["status"], len(item["rounds"])) for item in played["episodes"]] == [("over", 2)] * 3
    assert played["run"] in arena("list", "runs") and "Round 2 of 2 begins" in arena("show", "last")
    prices = json.loads(arena("sql", "select price from rounds order by episode, round", "--json"))
    assert [row["price"] for row in prices] == [row["price"] for item in played["episodes"] for row in item["rounds"]]
    assert "3" in arena("verify", played["run"])
    assert json.loads(arena("fork", f"{played['run']}.1", "--at", "4", "-n", "2", "--json"))["forks"]
    arena("rescore", played["run"])
    assert "secret" not in str(query(url, "select command from run").rows)
    assert not list(tmp_path.iterdir())


def test_an_episode_comes_back_as_it_was_played(filled: tuple[str, str]) -> None:
    match = Match("bargaining", {}, 3)
    with Store.open(filled[0], create=False) as store:
        back = store.episode(query(filled[0], "select id from episodes where game = 'bargaining'").rows[0][0])
    played = asyncio.run(perform(match))
    assert (back.turns, back.scores, back.facts, back.status) == (
        played.turns, played.scores, played.facts, played.status,
    )  # fmt: skip
