"""Episodes in which nothing depends on the seed are one observation, and no sample."""

import json
from pathlib import Path

import pytest
from cli_runner import typed

from arena.analysis.identical_episodes import describe_copies, find_copies
from arena.store.query import query

PLAN = '[game]\nname = "bargaining"\nspread = {}\n[sweep]\nseats.seller = ["linear", "boulware"]\n'


def played(folder: Path, *words: str, db: str = "a.db") -> str:
    done = typed(folder, *words, "-q", "--db", db)
    assert done.code == 0, done.stderr
    return done.stdout


def groups(folder: Path, db: str) -> dict[object, bool]:
    rows = query(str(folder / db), "select run, seed, id from episode").rows
    return find_copies(str(folder / db), rows)


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("words", "same"),
    [
        ((), True),
        (("--rounds", "2", "--seller", "tough"), True),
        (("--set", "game.spread=3"), False),
        (("--buyer", "random"), False),
        (("kuhn",), False),
        (("dilemma", "--set", "game.rounds=4"), True),
    ],
)
def test_copies_are_told_at_the_end_of_a_run(tmp_path: Path, words: tuple[str, ...], same: bool) -> None:
    text = played(tmp_path, "play", "-n", "12", *words)
    assert ("all 12 episodes are copies of one" in text) == same
    assert list(groups(tmp_path, "a.db").values()) == [same]
    assert "copies" not in played(tmp_path, "play", "-n", "1", *words, db="one.db")


def test_two_sides_of_copies_have_no_interval_and_no_p(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    for name, spread in (("same", 0), ("drawn", 3)):
        (tmp_path / f"{name}.toml").write_text("n = 6\n" + PLAN.format(spread))
        text = played(tmp_path, "run", f"{name}.toml", db=f"{name}.db")
        assert ("in 2 of 2 cells" in text and "--set game.spread=3" in text) == (name == "same")
        sides = ("compare", "last:seller=linear", "last:seller=boulware", "--db", f"{name}.db")
        found = json.loads(typed(tmp_path, *sides, "--json").stdout)
        by_name = {row["measure"]: row for row in found["rows"]}
        copied = name == "same"
        assert (found["a"]["copies"], found["b"]["copies"], found["a"]["episodes"]) == (copied, copied, 6)
        assert (
            (by_name["score.seller"]["p"] is None) == (by_name["score.seller"]["difference"]["low"] is None) == copied
        )
        assert ("so that one of each counts" in typed(tmp_path, *sides).stdout) == copied


def test_a_side_of_copies_beside_a_sample_is_compared_and_named(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    (tmp_path / "p.toml").write_text('n = 8\n[sweep]\nseats.buyer = ["linear", "random"]\n')
    text = played(tmp_path, "run", "p.toml")
    assert "in 1 of 2 cells, such as seats.buyer=linear, all 8 episodes are copies of one" in text
    told = typed(tmp_path, "compare", "last:buyer=linear", "last:buyer=random", "--db", "a.db").stdout
    assert "the episodes of A are copies, answer by answer" in told


def test_it_is_an_event_where_all_is_json(tmp_path: Path) -> None:
    done = typed(tmp_path, "play", "-n", "3", "--json", "--db", "a.db")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert ["all 3 episodes are copies" in event["text"] for event in events if event["event"] == "notice"] == [True]
    assert json.loads(done.stdout)["exit"] == 0 and describe_copies({}, 1, True) == ""


def test_it_is_said_why_no_round_had_a_deal(tmp_path: Path) -> None:
    words = ("play", "--rounds", "2", "--seller", "tough", "--buyer", "tough")
    assert "no deal in 2 round(s): nobody accepted until the turns were used up" in played(tmp_path, *words)
    assert "no deal in" not in played(tmp_path, "play", "--rounds", "2", db="deal.db")
