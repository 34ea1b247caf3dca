"""Plans: sweeps, swaps, the same seeds in every cell, and errors before anything is played."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from duel import ask
from repository import ROOT
from typer.testing import CliRunner

from arena.cli.main import app
from arena.episode import Match
from arena.errors import UsageError
from arena.planning.cost_estimate import CostEstimate, estimate
from arena.planning.plan import Plan, make_plan, read_plan, read_question

SWEEP = """# Does a dear item make sellers
# hold out longer? No key, a second.

n = 3
rounds = 2
seed = 10
swap = ["buyer", "seller"]
at_once = 4
[seats]
seller = "boulware"
[sweep]
seats.buyer = ["linear", {name = "conceder", heeds = 0.5}]
game.cost = [6, 8]
"""


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    """What `arena` prints, typed in that folder."""
    done = CliRunner().invoke(app, [*arguments, "--db", str(folder / "arena.db")])
    if isinstance(done.exception, UsageError):
        assert code == 2, done.exception
        return str(done.exception)
    assert done.exit_code == code, done.output
    return done.stdout


def test_a_sweep_is_the_cross_product_with_the_same_seeds_in_every_cell(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(SWEEP)
    plan = make_plan(read_plan(path), ["seller.exponent=3"])
    cells, matches = plan.cells(), plan.matches()
    assert [(dict(cell.settings)["game.cost"], cell.swapped) for cell in cells] == [
        (cost, swapped) for _ in range(2) for cost in (6, 8) for swapped in ((), ("buyer", "seller"))
    ]
    assert len(matches) == 24 and len({match.id for match in matches}) == 24
    assert [match.seed for match in matches] == [10, 11, 12] * 8
    assert all(match.resolved["game"]["rounds"] == 2 for match in matches)
    for cell in cells:
        seats = cell.match.resolved["seats"]
        boulware = "buyer" if cell.swapped else "seller"
        assert seats[boulware] | {"exponent": 3.0} == seats[boulware] and seats[boulware]["name"] == "boulware"
    assert read_question(path) == "Does a dear item make sellers hold out longer? No key, a second."


def test_a_match_with_another_seed_is_the_match_made_with_it() -> None:
    first = Match("bargaining", {"buyer": "conceder"}, 3)
    assert first.with_seed(8).id == Match("bargaining", {"buyer": "conceder"}, 8).id != first.id
    assert first.with_seed(8).resolved == Match("bargaining", {"buyer": "conceder"}, 8).resolved


def test_swaps_that_change_nothing_are_left_out_and_every_pair_is_swapped() -> None:
    same = Plan(seats={"buyer": "linear", "seller": "linear"}, swap=["buyer", "seller"])
    assert len(same.cells()) == 1
    seats = {"buyer": "linear", "seller": "tough", "moderator": "conceder"}
    assert [cell.swapped for cell in Plan(seats=seats, swap=list(seats)).cells()] == [
        (), ("buyer", "seller"), ("buyer", "moderator"), ("seller", "moderator"),
    ]  # fmt: skip
    two = Plan("duel:Duel", {"buyer": "says/a", "seller": "says/b"}, swap=True)
    assert [cell.match.resolved["seats"]["buyer"]["name"] for cell in two.cells()] == ["says/a", "says/b"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[sweep]\ngame.csot = [6, 8]", "did you mean cost"),
        ("[sweep]\nseats.byer = ['linear']", "did you mean buyer"),
        ("[sweep]\nseats.buyer.exponnent = [1]", "did you mean exponent"),
        ("[sweep]\nseats.buyer = ['linear', 'boulwar']", "did you mean boulware"),
        ("[sweep]\nseats.buyer.model.name = ['a']", "no parameter named 'model'"),
        ("[sweep]\ngame.cost = 6", "takes a list of values"),
        ("[sweep]\ngame.cost = []", "takes a list of values"),
        ("[sweep]\ngame.cost = [1, 'cheap']", "cost = 'cheap'"),
        ("[sweeps]\ngame.cost = [6]", "did you mean sweep"),
        ("swap = true", "swap = ['buyer', 'seller']"),
        ("swap = ['buyer', 'seler']", "did you mean seller"),
        ("swap = ['buyer']", "two seats or more"),
        ("swap = 3", "true or a list of seats"),
        ("n = 0", "n is 1 or more"),
        ("seats = 3", "takes a table"),
        ("at_once = 0", "at_once is 1 or more"),
        ("usd = -1", "0 or more"),
        ("usd = 'much'", "in dollars"),
        ("[usd_seats]\nbuer = 1", "did you mean buyer"),
        ("retries = 1.5", "whole number"),
    ],
)
def test_what_is_wrong_in_a_plan_is_said_before_anything_is_played(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "plan.toml").write_text(text)
    assert says in run(tmp_path, "run", str(tmp_path / "plan.toml"), code=2)
    assert not (tmp_path / "arena.db").exists()


def test_a_seat_that_only_some_cells_have_is_left_out_of_the_others() -> None:
    seats, sweep = {"critic": "says/hold on"}, {"game": {"feedback": ["ai", "none"]}}
    with_critic, without = Plan({"name": "bargaining", "rounds": 2}, seats, sweep=sweep).cells()
    assert with_critic.match.resolved["seats"]["critic"]["name"] == "says/hold on"
    assert "critic" not in without.match.resolved["seats"]
    with pytest.raises(UsageError, match="did you mean critic"):
        Plan({"name": "bargaining", "rounds": 2}, {"critc": "says/x"}, sweep=sweep).cells()


def test_a_setting_on_a_swept_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(SWEEP)
    plan = str(tmp_path / "plan.toml")
    assert "the plan sweeps game.cost" in run(tmp_path, "run", plan, "--set", "game.cost=7", code=2)
    assert "the plan sweeps buyer" in run(tmp_path, "run", plan, "--set", "seats.buyer=tough", code=2)


def test_a_plan_is_played_recorded_with_its_question_and_compared_by_cell(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(SWEEP)
    plan = str(tmp_path / "plan.toml")
    text = run(tmp_path, "run", plan, "-n", "2")
    assert "seats.buyer=conceder game.cost=8 buyer⇄seller" in text
    rows = ask(tmp_path / "arena.db", "SELECT game, seed, status, count(*) FROM episode GROUP BY 1, 2, 3")
    assert rows == [("bargaining", 10, "over", 8), ("bargaining", 11, "over", 8)]
    assert "hold out longer" in ask(tmp_path / "arena.db", "SELECT command FROM run")[0][0]
    document = json.loads(run(tmp_path, "run", plan, "--json"))
    assert Counter(episode["seed"] for episode in document["episodes"]) == {10: 8, 11: 8, 12: 8}


def test_a_dry_run_counts_what_it_would_ask_and_says_what_it_costs(tmp_path: Path) -> None:
    arguments = ["play", "--buyer", "scripted/negotiator", "--rounds", "3", "-n", "10", "--dry-run"]
    priced = [*arguments, "--set", "buyer.usd_per_million=[1,2]"]
    document = json.loads(run(tmp_path, *priced, "--json"))
    (least, most), (low, high) = document["calls"], document["usd"]
    assert document["episodes"] == 10 and 10 * 3 < least <= most == 10 * 3 * 10
    assert 0 < low < high and not (tmp_path / "arena.db").exists()
    assert f"${low:.4f} to ${high:.4f}" in run(tmp_path, *priced)
    run(tmp_path, *[word for word in priced if word != "--dry-run"], "-q")
    calls, usd = ask(tmp_path / "arena.db", "SELECT count(*), sum(usd) FROM call")[0]
    assert least * 0.5 <= calls <= most and usd <= high
    free = json.loads(run(tmp_path, *arguments, "--json"))
    assert free["usd"] == [0, 0]


def test_an_unknown_price_makes_the_cost_unknown() -> None:
    unknown = {"name": "scripted/negotiator", "usd_per_million": None}
    made = estimate(Match("bargaining", {"buyer": unknown}))
    assert made.usd.low is None and made.usd.high is None and made.calls.low
    assert estimate(Match("bargaining", {"buyer": "linear"})) == CostEstimate()
    endless = estimate(Match("duel:Duel", {"buyer": "scripted/echo", "seller": "says/hello"}))
    assert endless.calls.low and endless.calls.high is None, "the game states no limit"


def test_the_most_a_game_states_is_reached_and_never_passed() -> None:
    from arena.engine.play import play
    from arena.spec import build

    for game in (
        {"name": "bargaining", "rounds": 3, "coach": "both"},
        {"name": "bargaining", "preset": "gpt-bargaining"},
    ):
        most: Any = build("game", game).most_answers
        talk = {"buyer": "says/never", "seller": "says/never"}
        turns = Counter(turn.seat for turn in play(game, talk).turns)
        assert all(count <= most[seat] for seat, count in turns.items())
        if "preset" not in game:
            assert turns["buyer"] == most["buyer"] == 30 and turns["critic"] == most["critic"] == 4


@pytest.mark.parametrize("path", sorted((ROOT / "runs").glob("*.toml")), ids=lambda path: path.name)
def test_the_plans_that_come_along_can_be_made(path: Path) -> None:
    assert read_question(path) and make_plan(read_plan(path)).matches()
