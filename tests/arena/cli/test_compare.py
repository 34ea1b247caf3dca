"""`arena compare` and `arena power`, as they are typed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from chance_game import lottery
from duel import ask
from repository import ROOT
from typer.testing import CliRunner

from arena.cli.main import app
from arena.distribution import install_line
from arena.errors import UsageError
from arena.stats.proportions import compare_paired_proportions

GAME = "draws.py:Lottery"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(lottery(tmp_path))
    return tmp_path


def arena(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, (done.output, done.exception)
    return done.stdout


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert isinstance(done.exception, UsageError), (done.output, done.exception)
    return str(done.exception)


def play(left: str, *more: str, n: int = 40, code: int = 0) -> str:
    """Plays a run and returns its id."""
    seats = ["--seat", f"left={left}", "--seat", "right=says/50"]
    return str(json.loads(arena("play", GAME, *seats, "-n", str(n), "--json", "--again", *more, code=code))["run"])


def compared(*arguments: str) -> dict[str, Any]:
    return dict(json.loads(arena("compare", *arguments, "--json")))


def by_name(document: dict[str, Any]) -> dict[str, Any]:
    return {row["measure"]: row for row in document["rows"]}


def drawn(run: str) -> list[int]:
    return [
        int(value)
        for (value,) in ask(
            Path("arena.db"),
            "SELECT f.value FROM fact f JOIN episode e ON e.id = f.episode "
            f"WHERE f.name = 'drawn' AND e.run = '{run}' ORDER BY e.n",
        )
    ]


def test_runs_with_the_same_seeds_are_paired(folder: Path) -> None:
    low, high = play("says/30"), play("says/60")
    found = compared(low, high, "--metric", "won", "--metric", "score.left")
    numbers = drawn(low)
    assert numbers == drawn(high) and found["paired"] and found["a"]["episodes"] == 40
    row = by_name(found)["won"]
    one, two = sum(d < 30 for d in numbers), sum(d < 60 for d in numbers)
    assert (row["a"], row["b"], row["difference"]["value"]) == pytest.approx((one / 40, two / 40, (two - one) / 40))
    assert row["pairs"] == 40 and row["seeds"] == [40, 40] and row["dropped"] == [0, 0]
    known = compare_paired_proportions(one, 0, two - one, 40 - two)
    assert (row["difference"]["low"], row["difference"]["high"]) == pytest.approx((known.low, known.high))
    assert (
        row["p"] == pytest.approx(2 * 0.5 ** (two - one), abs=0.01) and row["p"] <= row["p_corrected"] <= 2 * row["p"]
    )
    assert by_name(found)["score.left"]["better"]["value"] == pytest.approx(((two - one) + (40 - two + one) / 2) / 40)


def test_what_failed_is_dropped_and_never_0(folder: Path) -> None:
    whole, frail = play("says/50"), play("draws.py:frail", "--retries", "0", code=3)
    died = ask(folder / "arena.db", f"SELECT count(*) FROM episode WHERE run = '{frail}' AND status = 'error'")[0][0]
    assert 0 < died < 40
    row = by_name(compared(whole, frail, "--metric", "score.left"))["score.left"]
    assert row["pairs"] == 40 - died and row["dropped"] == [0, died]
    assert row["difference"]["value"] == 0 and row["p"] == 1
    text = arena("compare", whole, frail)
    assert f"({40 - died} over, {died} error)" in text or f"({died} error, {40 - died} over)" in text
    assert "never counted as 0" in text


def test_null_is_dropped_on_its_own_side(folder: Path) -> None:
    low, high = play("says/30", "--set", "game.prize=2"), play("says/60", "--set", "game.prize=2")
    row = by_name(compared(low, high, "--metric", "paid"))["paid"]
    numbers = drawn(low)
    lost = [sum(d >= chance for d in numbers) for chance in (30, 60)]
    assert row["dropped"] == lost and row["pairs"] == 40 - lost[0] and (row["a"], row["b"]) == (2, 2)


def test_other_seeds_are_not_paired(folder: Path) -> None:
    one, two = play("says/20"), play("says/80", "--seed", "1000", n=30)
    found = compared(one, two, "--metric", "won")
    row = by_name(found)["won"]
    assert not found["paired"] and row["pairs"] is None and row["seeds"] == [40, 30] and row["p"] < 0.01
    assert row["effect"]["method"] == "h" and row["difference"]["method"] == "newcombe"
    assert "not paired: no seed and settings in common" in arena("compare", one, two)
    forced = compared(one, play("says/80"), "--metric", "won", "--unpaired")
    assert not forced["paired"] and by_name(forced)["won"]["seeds"] == [40, 40]


def test_cells_by_setting_by_number_and_after_a_swap(folder: Path) -> None:
    Path("plan.toml").write_text(
        f'game = "{GAME}"\nn = 6\nswap = true\n[seats]\nright = "says/10"\n'
        '[sweep]\ngame.prize = [1, 3]\nseats.left = ["says/40", "says/90"]\n'
    )
    done = json.loads(arena("run", "plan.toml", "--json"))
    run = done["run"]
    found = compared(f"{run}:game.prize=1", f"{run}:game.prize=3", "--metric", "score.left")
    row = by_name(found)["score.left"]
    assert row["b"] == pytest.approx(3 * row["a"]) and row["pairs"] == 24 and row["seeds"] == [6, 6]
    assert "left" in found["factors"] and "game.prize" not in found["factors"]
    plain = compared(f"{run}:1", f"{run}:3")
    told = compared(f"{run}:game.prize=1 seats.left=says/40 right=says/10", f"{run}:game.prize=1 seats.left=says/90")
    assert plain["rows"] == told["rows"] and plain["a"]["episodes"] == 6
    swapped = compared(
        f"{run}:game.prize=1 seats.left=says/40 left⇄right", f"{run}:game.prize=1 seats.left=says/90 left⇄right"
    )
    assert swapped["rows"] == compared(f"{run}:2", f"{run}:4")["rows"]
    assert "no episode on record has game.prize=7; there are: 1, 3" in refused("compare", f"{run}:game.prize=7", run)
    assert "did you mean game.prize" in refused("compare", f"{run}:game.price=1", run)
    assert "has 8 cell(s), numbered from 1; got 9" in refused("compare", f"{run}:9", run)
    assert "share 24 of their episodes" in refused("compare", f"{run}:game.prize=1", run)


def test_agents_are_compared_from_their_own_seats(folder: Path) -> None:
    Path("plan.toml").write_text(
        f'game = "{GAME}"\nn = 8\nswap = true\n[seats]\nright = "says/0"\n'
        '[sweep]\nseats.left = ["says/40", "draws.py:half"]\n'
    )
    arena("run", "plan.toml", "-q")
    arena("play", "kuhn", "-n", "2", "-q")
    found = compared("says/40", "draws.py:half")
    row = by_name(found)["score"]
    numbers = drawn(ask(folder / "arena.db", "SELECT min(id) FROM run")[0][0])[:8]
    assert row["a"] == sum(d < 40 for d in numbers) / 8 and row["b"] == sum(d < 50 for d in numbers) / 8
    assert row["pairs"] == 16 and row["seeds"] == [8, 8], "one pair from each seat, and a seed counts once"
    assert "seen from left and right" in arena("compare", "says/40", "draws.py:half")
    by_seat = compared("left=says/40", "left=draws.py:half", "--metric", "score.left")
    assert by_name(by_seat)["score.left"]["pairs"] == 8


def test_errors_say_what_there_is(folder: Path) -> None:
    assert "arena play" in refused("compare", "last", "last")
    run = play("says/50", n=2)
    assert f"the latest is {run}" in refused("compare", "x", "last") and "nor is 'x' an agent" in refused(
        "compare", "x", "last"
    )
    assert "agent or model on record named 'says/5'" in refused("compare", f"{run}:says/5", "last")
    assert "share 2 of their episodes" in refused("compare", "last", run)
    other = play("says/60", n=2)
    assert "did you mean score.left" in refused("compare", run, other, "--metric", "score.lft")
    assert "did you mean holm" in refused("compare", run, other, "--correction", "hoolm")
    assert "such as 0.95; got 95" in refused("compare", run, other, "--level", "95")
    arena("play", "kuhn", "-n", "2", "-q")
    assert "nothing in common to compare: the games differ" in refused("compare", run, "last")
    assert "names no episode of the game 'kuhn'" in refused("compare", run, "gambler", "--game", "kuhn")
    dead = play("draws.py:dead", "--retries", "0", n=1, code=3)
    assert f"no episode of {dead!r} is finished (1 error)" in refused("compare", run, dead)
    row = by_name(compared("left=says/50", "left=says/60", "--game", "draws.py:Lottery"))["score.left"]
    assert row["pairs"] == 2


def test_a_single_seed_has_no_interval(folder: Path) -> None:
    one, two = play("says/0", n=1), play("says/100", n=1)
    row = by_name(compared(one, two, "--metric", "score.left"))["score.left"]
    assert row["difference"]["value"] == 1 and row["difference"]["low"] is None and row["p"] is None
    assert "no interval and no p from a single seed" in arena("compare", one, two)


def test_the_resampling_is_seeded_and_the_table_is_for_people(folder: Path) -> None:
    one, two = play("says/30", n=30), play("says/60", n=30)
    arguments = (one, two, "--metric", "rows.half", "--metric", "score.left", "--metric", "tokens", "--unpaired")
    assert compared(*arguments) == compared(*arguments)
    assert compared(*arguments)["rows"] != compared(*arguments, "--seed", "1")["rows"]
    text = arena("compare", one, two)
    lines = text.splitlines()
    assert lines[0] == f"A  {one}: 30 episodes (30 over)" and lines[2].startswith("paired by seed;")
    assert re.split(r"\s{2,}", lines[3])[:5] == ["measure", "A", "B", "B - A", "95 % interval"]
    assert any(line.startswith("score.left") and "to" in line and "30/30" in line for line in lines)
    assert "drawn" not in text, "what is the same whoever plays says nothing"


def test_corrections_are_chosen(folder: Path) -> None:
    one, two = play("says/30"), play("says/60")
    asked = ("--metric", "won", "--metric", "score.right", "--metric", "drawn")
    rows = {
        name: by_name(compared(one, two, *asked, "--correction", name)) for name in ("none", "bonferroni", "holm", "bh")
    }
    p = rows["none"]["won"]["p"]
    assert rows["none"]["won"]["p_corrected"] == p and rows["bonferroni"]["won"]["p_corrected"] == pytest.approx(3 * p)
    assert rows["holm"]["won"]["p_corrected"] == rows["bh"]["won"]["p_corrected"] == pytest.approx(3 * p)
    assert rows["holm"]["drawn"]["p"] == 1 == rows["holm"]["drawn"]["p_corrected"]


def test_power_is_told() -> None:
    assert "takes 1,570 episodes of each side" in arena("power", "--change", "5", "--at", "50")
    assert "takes 283 pairs with a correlation of 0.5" in arena(
        "power", "--change", "5", "--at", "90", "--paired", "--correlation", "0.5"
    )
    assert json.loads(arena("power", "--change", "0.5", "--sd", "1", "--json"))["episodes"] == 64
    assert json.loads(arena("power", "-n", "64", "--sd", "1", "--json"))["change"] == pytest.approx(0.5, abs=0.002)
    assert json.loads(arena("power", "-n", "393", "--change", "10", "--at", "50", "--json"))["power"] == pytest.approx(
        0.8, abs=0.001
    )
    assert "one of --at" in refused("power", "--change", "5")
    assert "--change" in refused("power", "--at", "5") and "leads out of" in refused(
        "power", "--change", "30", "--at", "90"
    )
    assert "add --paired" in refused("power", "--change", "5", "--at", "50", "--correlation", "0.5")


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "command",
    [["compare", "a", "b"], ["power", "--change", "5", "--at", "50"], ["play", "kuhn", "--until", "score.first ci<1"]],
)
def test_a_missing_extra_is_answered_with_its_install_line(command: list[str], tmp_path: Path) -> None:
    code = (
        f"import sys; sys.modules['scipy'] = None; sys.argv[1:] = {command!r}; from arena.cli.main import main; main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 2 and install_line("stats") in done.stderr and not list(tmp_path.iterdir())
