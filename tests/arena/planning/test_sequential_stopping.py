"""`--until`, as it is typed: where it stops, that speed does not matter, going on, cells, money, and wrong rules."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from chance_game import lottery
from duel import ask
from typer.testing import CliRunner

from arena.cli.main import app
from arena.errors import UsageError
from arena.planning.sequential_stopping import StoppingRule
from arena.stats.confidence_sequences import Asymptotic, Hedged, Sequence

GAME = "draws.py:Lottery"
SEATS = ["--seat", "left=says/50", "--seat", "right=says/20"]
PRICED = ["--buyer", "scripted/negotiator", "--set", "buyer.usd_per_million=[100,300]", "--set", "game.spread=4"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(lottery(tmp_path))
    return tmp_path


def arena(monkeypatch: pytest.MonkeyPatch, *arguments: str, code: int = 0) -> Any:
    monkeypatch.setattr("sys.argv", ["arena", *arguments])
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, (done.output, done.exception)
    return done


def until(monkeypatch: pytest.MonkeyPatch, rule: str, *more: str, code: int = 0) -> dict[str, Any]:
    """The last record that a run prints."""
    done = arena(monkeypatch, "play", GAME, *SEATS, "--until", rule, *more, "--json", code=code)
    record = json.loads(done.stderr.splitlines()[-1])
    assert json.loads(done.stdout)["until"] == record["until"] and record["event"] == "done"
    return dict(record)


def query(sql: str) -> list[tuple[Any, ...]]:
    return ask(Path("arena.db"), sql)


def first_narrow(values: list[float], sequence: Sequence, width: float) -> tuple[int, float, float]:
    for n, value in enumerate(values, 1):
        sequence.add(value)
        found = sequence.interval()
        if found.half_width is not None and found.half_width < width:
            assert found.low is not None and found.high is not None
            return n, found.low, found.high
    raise AssertionError("never narrow")


def values(seat: str = "left") -> list[float]:
    return [value for (value,) in query(
        f"SELECT value FROM score s JOIN episode e ON e.id = s.episode WHERE seat = '{seat}' AND value IS NOT NULL "
        "ORDER BY e.run, e.n")]  # fmt: skip


def test_it_stops_at_the_first_narrow_interval_and_says_so(folder: Path, monkeypatch: Any) -> None:
    record = until(monkeypatch, "score.left ci<0.15", "--at-once", "4")
    (found,) = record["until"]
    n, low, high = first_narrow(values(), Hedged(0, 1, 0.15), 0.15)
    assert (found["n"], found["low"], found["high"]) == (n, pytest.approx(low), pytest.approx(high))
    assert found["stopped"] and found["half_width"] < 0.15 == found["wanted"] and found["method"] == "hedged betting"
    assert record["status"] == "enough" and query("SELECT status FROM run") == [("enough",)]
    assert n <= query("SELECT count(*) FROM episode")[0][0] < n + 8, (
        "those under way are finished, hardly a new one starts"
    )
    assert query("SELECT DISTINCT status FROM episode") == [("over",)]
    assert found["value"] == pytest.approx(sum(values()[:n]) / n)


def test_speed_does_not_matter(folder: Path, monkeypatch: Any) -> None:
    """What ends sooner is not taken sooner: slow seeds, and any number at a time, lead to the same stop."""
    slow = ["--seat", "left=draws.py:dallies"]
    records = [
        until(monkeypatch, "score.left ci<0.2", *more, "--db", f"{k}.db")["until"]
        for k, more in enumerate((["--at-once", "1"], ["--at-once", "50"], ["--at-once", "9", *slow]))
    ]
    assert records[0] == records[1] == records[2]


def test_the_same_command_goes_on_and_a_narrower_rule_goes_further(folder: Path, monkeypatch: Any) -> None:
    first = until(monkeypatch, "score.left ci<0.2")
    played = query("SELECT count(*) FROM episode")
    again = until(monkeypatch, "score.left ci<0.2")
    assert again["run"] == first["run"] and again["until"] == first["until"]
    assert query("SELECT count(*) FROM episode") == played and again["answers"] == 0
    further = until(monkeypatch, "score.left ci<0.15")
    assert further["run"] == first["run"] and further["until"][0]["n"] > first["until"][0]["n"]
    afresh = until(monkeypatch, "score.left ci<0.15", "--db", "other.db")
    assert afresh["until"] == further["until"]
    assert until(monkeypatch, "score.left ci<0.2", "--again")["run"] != first["run"]


def test_money_stops_it_and_more_money_leads_to_the_same_stop(folder: Path, monkeypatch: Any) -> None:
    command = ["play", *PRICED, "--until", "surplus.buyer[-10,20] ci<3", "--json"]
    cut = json.loads(arena(monkeypatch, *command, "--usd", "1.5", code=4).stderr.splitlines()[-1])
    assert cut["status"] == "cut" and not cut["until"][0]["stopped"] and cut["until"][0]["low"] is not None
    done = json.loads(arena(monkeypatch, *command, "--usd", "1000").stderr.splitlines()[-1])
    assert done["run"] == cut["run"] and done["status"] == "enough" and done["until"][0]["stopped"]
    whole = json.loads(arena(monkeypatch, *command, "--db", "whole.db").stderr.splitlines()[-1])
    assert whole["until"] == done["until"]


def test_what_failed_has_no_value_and_holds_nobody_up(folder: Path, monkeypatch: Any) -> None:
    record = until(monkeypatch, "score.left ci<0.2", "--seat", "left=draws.py:frail", "--retries", "0", code=3)
    (found,) = record["until"]
    assert found["stopped"] and found["without"] > 0 and record["status"] == "enough"
    n, low, high = first_narrow(values(), Hedged(0, 1, 0.2), 0.2)
    assert (found["n"], found["low"], found["high"]) == (n, pytest.approx(low), pytest.approx(high))
    command = ["play", GAME, *SEATS, "--seat", "left=draws.py:frail", "--retries", "0"]
    before = query("SELECT count(*) FROM episode")
    arena(monkeypatch, *command, "--until", "score.left ci<0.2", "-q")
    assert query("SELECT count(*) FROM episode") == before, "failed episodes on record hold nobody up either"


def test_each_cell_stops_by_itself(folder: Path, monkeypatch: Any) -> None:
    Path("plan.toml").write_text(
        f'game = "{GAME}"\nn = 300\nuntil = "won ci90<0.15"\nat_once = 2\n[seats]\nright = "says/1"\n'
        '[sweep]\nseats.left = ["says/99", "says/50"]\n'
    )
    done = arena(monkeypatch, "run", "plan.toml")
    table = done.stdout.partition("Until won ± 0.15:\n")[2].splitlines()
    assert re.split(r"\s{2,}", table[0])[:4] == ["cell", "measure", "mean", "90 % interval"]
    sizes = [int(re.split(r"\s{2,}", line)[6]) for line in table[1:3]]
    assert sizes[0] < sizes[1] < 300 and all("yes" in line for line in table[1:3])
    counts = query("SELECT count(*) FROM episode GROUP BY n > 300")
    assert [size <= count < size + 4 for size, (count,) in zip(sizes, counts, strict=True)] == [True, True]


def test_bounds_are_told_declared_or_not_there(folder: Path, monkeypatch: Any) -> None:
    free = ["--set", "game.declared=false", "-n", "400"]
    (found,) = until(monkeypatch, "score.left ci<0.1", *free, "--db", "a.db")["until"]
    assert found["method"] == "asymptotic" and found["stopped"]
    (told,) = until(monkeypatch, "score.left [0,1] ci<0.1", *free, "--db", "b.db")["until"]
    assert told["method"] == "hedged betting"
    (wide,) = until(monkeypatch, "rows.half ci<4", "-n", "200", "--db", "c.db")["until"]
    rows = "SELECT f.value FROM fact f JOIN episode e ON e.id = f.episode WHERE name = 'rows' ORDER BY e.n"
    halves = [json.loads(value)["half"] for (value,) in ask(Path("c.db"), rows)]
    assert wide["method"] == "asymptotic" and wide["n"] == first_narrow(halves, Asymptotic(), 4)[0]
    done = CliRunner().invoke(app, ["play", GAME, *SEATS, "--until", "drawn[0,50] ci<1", "-q"])
    assert isinstance(done.exception, UsageError) and "outside the bounds 0 to 50" in str(done.exception)
    arena(monkeypatch, "play", GAME, *SEATS, "--until", "drawn[0,100] ci<20", "-q")


def test_where_n_is_not_enough_it_says_so(folder: Path, monkeypatch: Any) -> None:
    record = until(monkeypatch, "score.left ci<0.01", "-n", "25")
    assert record["status"] == "over" and record["until"][0]["n"] == 25 and not record["until"][0]["stopped"]
    text = arena(monkeypatch, "play", GAME, *SEATS, "--until", "score.left ci<0.3", "--dry-run").stdout
    assert text.startswith("at most, until score.left ± 0.3, 2000 episode(s) would be played")


@pytest.mark.parametrize(
    "rule, words",
    [
        ("score.left", "--until takes NAME ci<HALF-WIDTH"),
        ("score.left ci<0", "half-width above 0"),
        ("score.left ci100<1", "level from 50 to below 100"),
        ("score.left[2,1] ci<1", "LOW below HIGH"),
        ("score.lift ci<1", "did you mean score.left"),
        ("one ci<1", "did you mean won"),
        ("usd ci<1", "there is --usd"),
    ],
)
def test_a_wrong_rule_is_told_before_anything_is_played(rule: str, words: str, folder: Path) -> None:
    done = CliRunner().invoke(app, ["play", GAME, *SEATS, "--until", rule])
    assert isinstance(done.exception, UsageError) and words in str(done.exception)
    assert not Path("arena.db").exists()


def test_how_rules_are_written() -> None:
    assert StoppingRule.read("surplus.buyer ci<0.05") == StoppingRule("surplus.buyer", 0.05)
    assert StoppingRule.read(" deal  ci90 < .1 ") == StoppingRule("deal", 0.1, 0.9)
    assert StoppingRule.read("a.b[-1e1, 20.5] ci99.5<2") == StoppingRule("a.b", 2, 0.995, (-10, 20.5))
