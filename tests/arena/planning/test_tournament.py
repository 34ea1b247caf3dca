"""Tournaments and `arena rate`: who meets whom, standings from records, going on, and what cannot be played."""

import json
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from duel import ask
from typer.testing import CliRunner

from arena.cli.main import app
from arena.distribution import install_line
from arena.errors import ArenaError, UsageError
from arena.planning.plan import make_plan, read_plan
from arena.planning.schedule import lineups, orders
from arena.spec_syntax import parse_specs

SULK = """
from arena import Move

def sulk(view): return "never"
def crash(view): raise RuntimeError("the model fell over")
"""


def arena(folder: Path, *arguments: str, code: int = 0) -> str:
    """What `arena` prints, typed in that folder; an error of use is returned as its text."""
    done = CliRunner().invoke(app, [*arguments, "--db", str(folder / "arena.db")])
    if isinstance(done.exception, ArenaError):
        assert code == 2, done.exception
        return str(done.exception)
    assert done.exit_code == code, (done.output, done.exception)
    return done.stdout


def standings(folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """The first table of standings that a command prints with --json, its rows by player."""
    document = json.loads(arena(folder, *arguments, "--json", code=code))
    table: dict[str, Any] = (document["standings"] if isinstance(document, dict) else document)[0]
    return {**table, "rows": {row["player"]: row for row in table["rows"]}}


@pytest.mark.parametrize(("agents", "seats"), [(2, 2), (5, 2), (4, 3), (5, 3), (2, 3), (2, 4), (3, 4), (3, 5), (4, 1)])
@pytest.mark.parametrize("which", ["rotations", "all"])
def test_everybody_meets_everybody_equally_often_from_every_seat(agents: int, seats: int, which: str) -> None:
    sat, met = Counter[tuple[int, int]](), Counter[frozenset[int]]()
    for lineup in lineups(range(agents), seats):
        ways = list(orders(lineup, which))
        assert len(ways) == len(set(ways))
        for order in ways:
            sat.update(enumerate(order))
            met.update(frozenset(pair) for pair in combinations(order, 2) if pair[0] != pair[1])
    assert len(set(sat.values())) == 1 and len(sat) == agents * seats
    assert seats == 1 or (len(set(met.values())) == 1 and len(met) == agents * (agents - 1) / 2)


def test_two_seats_are_a_double_round_robin_and_self_play_is_added() -> None:
    pairs = [order for lineup in lineups("abc", 2) for order in orders(lineup)]
    assert sorted(map("".join, pairs)) == ["ab", "ac", "ba", "bc", "ca", "cb"]
    own = [order for lineup in lineups("abc", 2, self_play=True) for order in orders(lineup)]
    assert Counter(own) == Counter([*pairs, *(("a", "a"), ("b", "b"), ("c", "c"))])


@pytest.mark.parametrize(
    ("text", "specs"),
    [
        ("linear", ["linear"]),
        ("file.py:Thing", ["file.py:Thing"]),
        ("linear()", ["linear"]),
        ("faratin(beta=0.2)", [{"name": "faratin", "beta": 0.2}]),
        ("x/y(a=1|2, b=[1, 2], c='p|q, r')", [{"name": "x/y", "a": a, "b": [1, 2], "c": "p|q, r"} for a in (1, 2)]),
        ("openai/m(sampling.temperature=0)", [{"name": "openai/m", "sampling": {"temperature": 0}}]),
        ("says(id=no way)", [{"name": "says", "id": "no way"}]),
    ],
)  # fmt: skip
def test_agents_are_typed_with_their_settings(text: str, specs: list[Any]) -> None:
    assert parse_specs(text) == specs


def test_all_pairs_play_both_ways_on_the_same_seeds() -> None:
    table = {"game": "connect", "n": 3, "seed": 5, "tournament": {"agents": ["minimax(nodes=1|2)", "random"]}}
    plan = make_plan(table)
    seats = [tuple(cell.match.resolved["seats"][seat]["name"] for seat in "xo") for cell in plan.cells()]
    assert Counter(seats) == {("minimax", "minimax"): 2, ("minimax", "random"): 2, ("random", "minimax"): 2}
    assert [match.seed for match in plan.matches()] == [5, 6, 7] * 6
    assert plan.cells()[0].label == "x=minimax(nodes=1) o=minimax(nodes=2)"
    assert len({match.id for match in plan.matches()}) == 18


def test_pairs_seats_that_serve_and_sweeps(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(
        "# Who?\nn = 2\n[game]\nname = 'debate'\n[seats]\njudge = 'random'\n[sweep]\ngame.rounds = [1, 2]\n"
        "[tournament]\nagents = ['advocate', {name = 'says', id = 'no'}, 'random']\npairs = ['advocate,random', "
        "['random', 'says/no']]\nself_play = true\n"
    )
    cells = make_plan(read_plan(tmp_path / "plan.toml")).cells()
    assert len(cells) == 2 * (2 * 2 + 3)
    assert {cell.match.resolved["seats"]["judge"]["name"] for cell in cells} == {"random"}
    met = Counter(frozenset({cell.settings["pro"], cell.settings["con"]}) for cell in cells)
    assert met[frozenset({"advocate", "random"})] == met[frozenset({"random", "says(id=no)"})] == 4
    assert frozenset({"advocate", "says(id=no)"}) not in met


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("connect minimax", "two different agents or more"),
        ("connect", "got none"),
        ("connect minimax minimax", "'minimax' is given twice"),
        ("connect minimax minimax(nodes=4000)", "are the same agent"),
        ("connect minimax minimx", "did you mean minimax"),
        ("conect minimax random", "did you mean connect"),
        ("connect minimax random(nodes=2)", "no parameter named 'nodes'"),
        ("connect minimax(nodes) random", "settings are written name=value"),
        ("connect minimax(nodes=1 random", "an agent is NAME or"),
        ("connect minimax random --pair minimax,linear", "no agent of this tournament named 'linear'"),
        ("connect --pair minimax,random --pair random,minimax", "paired twice"),
        ("connect --pair minimax", "the pair 'minimax' needs two"),
        ("connect minimax random --seat x=random", "competed for"),
        ("connect minimax random --set x.nodes=2", "competed for"),
        ("connect minimax random --seat z=random", "no seat"),
        ("connect minimax random --between x,z", "no seat named 'z'"),
        ("connect minimax random --between x,x", "twice"),
        ("gridworld pathfinder", "two different agents"),
        ("connect minimax random -n 0", "n is 1 or more"),
    ],
)
def test_what_cannot_be_played_is_said_before_anything_is(tmp_path: Path, typed: str, says: str) -> None:
    assert says in arena(tmp_path, "tournament", *typed.split(" "), code=2)
    assert not (tmp_path / "arena.db").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[tournament]\nagnets = ['a']", "did you mean agents"),
        ("[tournament]\nagents = 'linear'", "takes a list"),
        ("[tournament]\norders = 'some'", "rotations or all"),
        ("[tournament]\nself_play = 1", "true or false"),
        ("tournament = 3", "takes a table"),
        ("swap = true\n[tournament]\nagents = ['linear', 'tough']", "leave swap out"),
    ],
)
def test_a_wrong_key_of_a_plan_is_named(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(UsageError, match=says):
        make_plan(read_plan(tmp_path / "plan.toml")).cells()


def test_perfect_play_is_rated_above_less_of_it_in_connect(tmp_path: Path) -> None:
    agents = ["minimax", "minimax(nodes=1)", "random"]
    text = arena(tmp_path, "tournament", "connect", *agents, "-n", "8", "-q")
    assert "Standings in connect (48 meetings on 8 seeds; Bradley–Terry with 95 % intervals)" in text
    table = standings(tmp_path, "rate", "last")
    assert list(table["rows"]) == ["minimax(nodes=4000)", "minimax(nodes=1)", "random"]
    best, worst = table["rows"]["minimax(nodes=4000)"], table["rows"]["random"]
    assert best["lost"] == 0 and best["won"] + best["drawn"] == best["episodes"] == 32
    assert best["rating"]["low"] > 1000 > worst["rating"]["high"]
    assert best["scores"]["x"] > best["scores"]["o"], "the first move is worth something"
    board = standings(tmp_path, "rate", "--model", "openskill")
    assert list(board["rows"]) == list(table["rows"])


def test_an_equilibrium_is_rated_above_its_victims_in_kuhn(tmp_path: Path) -> None:
    typed = ["tournament", "kuhn", "gambler", "straight", "random", "-n", "20", "--set", "game.hands=20"]
    table = standings(tmp_path, *typed)
    assert list(table["rows"]) == ["gambler", "straight", "random"]
    assert table["rows"]["gambler"]["rating"]["low"] > table["rows"]["random"]["rating"]["high"]
    assert table["rows"]["gambler"]["score"] > 0 > table["rows"]["random"]["score"]


def test_with_one_seat_the_scores_on_the_same_seeds_are_compared(tmp_path: Path) -> None:
    table = standings(tmp_path, "tournament", "gridworld", "pathfinder", "random", "-n", "8")
    best, worst = table["rows"].values()
    assert (best["player"], best["episodes"], best["won"] + best["drawn"], table["meetings"]) == ("pathfinder", 8, 8, 8)
    assert worst["lost"] == best["won"] > 0 and any("same seed" in note for note in table["notes"])
    arena(tmp_path, "play", "gridworld", "--seed", "50", "-q")
    assert standings(tmp_path, "rate")["left_out"] == {"alone on its seed": 1}


def test_a_tournament_cut_by_money_is_balanced_and_goes_on(tmp_path: Path) -> None:
    typed = ["tournament", "bargaining", "linear", "scripted/negotiator(usd_per_million=[100,300])", "tough", "-n", "4"]
    first = standings(tmp_path, *typed, "--usd", "3", "--at-once", "1", code=4)
    assert first["left_out"]["cut"] == 1 and 0 < first["meetings"] < 24
    played = Counter(seed for (seed,) in ask(tmp_path / "arena.db", "SELECT seed FROM episode WHERE status = 'over'"))
    assert played[0] == 6 and max(played) < 3, "seed by seed"
    again = standings(tmp_path, *typed, "--usd", "9")
    assert again["meetings"] == 24 and not again["left_out"]
    assert ask(tmp_path / "arena.db", "SELECT count(*), count(DISTINCT run), count(DISTINCT match) FROM episode") == [
        (24, 1, 24)
    ]
    (tmp_path / "other").mkdir()
    whole = standings(tmp_path / "other", *typed)
    assert whole["rows"] == again["rows"]


def test_errors_and_forfeits_stand_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sulk.py").write_text(SULK)
    monkeypatch.syspath_prepend(str(tmp_path))
    pairs = ["--pair", "minimax,sulk:sulk", "--pair", "minimax,sulk:crash"]
    table = standings(tmp_path, "tournament", "connect", *pairs, "-n", "2", "--retries", "0", code=3)
    rows = table["rows"]
    assert table["left_out"] == {"error": 4} and table["meetings"] == 4
    assert ask(tmp_path / "arena.db", "SELECT DISTINCT status FROM episode ORDER BY 1") == [("error",), ("over",)]
    assert (rows["sulk:sulk"]["forfeits"], rows["sulk:sulk"]["lost"], rows["sulk:sulk"]["errors"]) == (4, 4, 0)
    assert rows["sulk:crash"]["rating"] is None and rows["sulk:crash"]["errors"] == rows["minimax"]["errors"] == 4
    assert (rows["minimax"]["won"], rows["minimax"]["forfeits"]) == (4, 0)
    assert rows["sulk:sulk"]["rating"]["note"] == "lost all"
    without = standings(tmp_path, "rate", "--without-forfeits")
    assert without["left_out"] == {"error": 4, "forfeit": 4} and without["meetings"] == 0
    assert without["rows"]["sulk:sulk"]["forfeits"] == 4


def test_a_seat_that_decides_is_told_and_seeds_can_be_compared_instead(tmp_path: Path) -> None:
    """Who proposes gets more, whoever it is; over both ways to sit the one that proposes for itself has more."""
    for seed in ("0", "20"):
        arena(
            tmp_path,
            "tournament",
            "ultimatum",
            "fair(gives=0.4)",
            "fair(gives=0.45)",
            "-n",
            "6",
            "-q",
            "--seed",
            seed,
        )
    table = standings(tmp_path, "rate")
    assert any(note.startswith("the seat decides: first won 24 of 24") for note in table["notes"])
    assert len({row["rating"]["rating"] for row in table["rows"].values()}) == 1
    fairly = standings(tmp_path, "rate", "--per", "seed")
    (best, *_), (left, right) = fairly["rows"].values(), fairly["rows"].values()
    assert fairly["meetings"] == 12 and {left["won"], right["won"]} == {0, 12} and best["won"] == 12
    assert standings(tmp_path, "rate", "last", "--per", "seed")["meetings"] == 6


def test_what_is_not_balanced_is_said(tmp_path: Path) -> None:
    arena(tmp_path, "play", "connect", "--seat", "x=minimax(", "-q", code=2)
    arena(tmp_path, "play", "connect", "--seat", "o=random", "-n", "3", "-q")
    assert any("minimax (x 3, o 0)" in note for note in standings(tmp_path, "rate")["notes"])
    halves = standings(tmp_path, "rate", "--per", "seed")
    assert halves["left_out"] == {"not in all seats": 3} and not halves["meetings"]


def test_players_are_told_apart_by_settings_or_merged_by_name(tmp_path: Path) -> None:
    arena(tmp_path, "tournament", "connect", "minimax(nodes=1|50)", "random", "-n", "2", "-q")
    arena(tmp_path, "tournament", "bargaining", "linear", "tough", "--self-play", "-q")
    arena(tmp_path, "fork", "last", "--at", "2", "-q")
    documents = json.loads(arena(tmp_path, "rate", "--json"))
    assert [table["game"] for table in documents] == ["connect", "bargaining"]
    assert {row["player"] for row in documents[0]["rows"]} == {"minimax(nodes=1)", "minimax(nodes=50)", "random"}
    assert documents[1]["left_out"] == {"self-play": 2, "forked": 1}
    merged = standings(tmp_path, "rate", "--by", "model", "--game", "connect")
    assert set(merged["rows"]) == {"minimax", "random"} and merged["left_out"] == {"self-play": 4}
    text = arena(tmp_path, "rate", "--game", "bargaining")
    assert "left out of wins and ratings: 1 forked, 2 self-play" in text


def test_rate_says_what_it_cannot_find(tmp_path: Path) -> None:
    assert "there is no database" in arena(tmp_path, "rate", code=2)
    arena(tmp_path, "tournament", "connect", "random", "minimax(nodes=1)", "-q")
    assert "no run 'nope'" in arena(tmp_path, "rate", "nope", code=2)
    assert "did you mean connect" in arena(tmp_path, "rate", "--game", "conect", code=2)
    assert "level between 0 and 1" in arena(tmp_path, "rate", "--level", "95", code=2)
    assert "margin is 0 or more" in arena(tmp_path, "rate", "--margin", "-1", code=2)


def test_a_dry_run_shows_who_would_meet(tmp_path: Path) -> None:
    text = arena(
        tmp_path, "tournament", "auction", "shading", "truthful", "--set", "game.bidders=3", "-n", "2", "--dry-run"
    )
    assert "12 episode(s) would be played" in text and "bidder_1=shading bidder_2=shading bidder_3=truthful" in text
    assert not (tmp_path / "arena.db").exists()


def test_without_the_extra_there_are_results_and_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("arena.ratings.bradley_terry", "arena.ratings.openskill_board"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    for module in ("openskill", "openskill.models", "scipy", "scipy.special", "scipy.stats"):
        monkeypatch.setitem(sys.modules, module, None)
    table = standings(tmp_path, "tournament", "connect", "minimax(nodes=1)", "says/x", "-n", "2")
    assert table["rows"]["minimax"]["won"] == 4 and table["rows"]["minimax"]["rating"] is None
    assert install_line("ratings") in table["notes"][0]
