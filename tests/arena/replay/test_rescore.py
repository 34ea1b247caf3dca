"""Scores computed again: rows are added and never changed, and nothing that was there counts for more or less."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from cli_runner import arena, typed
from duel import ask, duel, play_all
from editable_game import PLAY, edit, ladder, told

from arena.replay.rescore import rescore
from arena.store.store import Store

DOUBLE = ('{"left": float(', '{"left": 2 * float(')
SCORERS = """
def last(game, calls): return {"left": calls[-1], "right": float("nan")}
def few(game, calls): return {"left": 1.0 if len(calls) <= game.length else 0.0}
few.version = 7
def nobody(game, calls): return {"middle": 1}
def words(game, calls): return {"left": "a lot"}
def nothing(game, calls): return None
def breaks(game, calls): return {"left": calls["x"]}
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two episodes of the ladder, and scorers beside it."""
    folder = ladder(tmp_path_factory.mktemp("recorded"))
    (folder / "scorers.py").write_text(SCORERS)
    arena(folder, *PLAY, "-n", "2")
    return folder


@pytest.fixture
def folder(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / "copy"))


def scores(folder: Path) -> list[tuple[Any, ...]]:
    return ask(folder / "arena.db", "SELECT episode, seat, scorer, version, value FROM score ORDER BY 1, 2, 3, 4")


def test_unchanged_rules_add_nothing(folder: Path) -> None:
    before = scores(folder)
    done = told(folder, "rescore")
    assert {row["stored"] for row in done["scores"]} == {"there"} and scores(folder) == before
    assert all(row["old"] == row["new"] for row in done["scores"])


def test_another_score_under_the_same_version_is_told_and_not_stored(folder: Path) -> None:
    before = scores(folder)
    edit(folder, *DOUBLE)
    done = typed(folder, "rescore", "--trust")
    assert done.code == 3 and "--version 2" in done.stderr
    assert "2 scores stand under game version 1 with another value and stay" in done.stderr
    assert scores(folder) == before
    done = told(folder, "rescore", "--version", "2")
    assert [(r["seat"], r["stored"], r["new"] == (r["old"] and 2 * r["old"])) for r in done["scores"]] == [
        ("left", "added", True),
        ("right", "added", True),
    ] * 2
    assert len(scores(folder)) == 2 * len(before) and set(before) < set(scores(folder))
    again = told(folder, "rescore", "--version", "2")
    assert {row["stored"] for row in again["scores"]} == {"there"} and len(scores(folder)) == 2 * len(before)


def test_views_and_tables_keep_to_the_scores_of_the_day(folder: Path) -> None:
    def looks() -> list[Any]:
        views = [ask(folder / "arena.db", f"SELECT * FROM {view}") for view in ("leaderboard", "episodes", "rounds")]
        with Store.open(folder / "arena.db") as store:
            return [*views, store.episode("last").scores, arena(folder, "show", "--trust", "last")]

    before = looks()
    edit(folder, "rules_version = 1", "rules_version = 2")
    source = (folder / "rungs.py").read_text()
    (folder / "rungs.py").write_text(source.replace(*DOUBLE))
    done = told(folder, "rescore")
    assert {(row["version"], row["stored"]) for row in done["scores"]} == {(2, "added")}
    told(folder, "rescore", "--scorer", "scorers:last")
    assert looks() == before
    kinds = ask(folder / "arena.db", "SELECT scorer, version, recorded, count(*) FROM scores GROUP BY 1, 2, 3")
    assert kinds == [("game", 1, 1, 4), ("game", 2, 0, 4), ("scorers:last", 1, 0, 4)]


def test_a_scorer_of_ones_own(folder: Path) -> None:
    done = told(folder, "rescore", "--scorer", "scorers.py:few")
    assert [(r["scorer"], r["version"], r["new"], r["stored"]) for r in done["scores"]] == [
        ("scorers:few", 7, 0.0, "added")
    ] * 2
    text = arena(folder, "rescore", "--trust", "last", "--scorer", "scorers:few", "--diff")
    first, second = ask(
        folder / "arena.db", "SELECT episode, value FROM scores WHERE recorded AND seat = 'left' ORDER BY 1"
    )
    for episode, old in (first, second):
        (line,) = [line for line in text.splitlines() if line.startswith(episode)]
        assert line.split() == [episode, "left", "scorers:few", "7", f"{old:.6g}", "0", f"{-old:.6g}", "there"]
    one = told(folder, "rescore", first[0], "--scorer", "scorers:last")
    assert [row["new"] for row in one["scores"]] == [pytest.approx(one["scores"][0]["new"]), None], "NaN is no score"


@pytest.mark.parametrize(
    ("scorer", "said"),
    [
        ("better", "module:function"),
        ("scorers:fw", "few"),
        ("scorers:nobody", "no seat named 'middle'"),
        ("scorers:words", "pays left 'a lot'"),
        ("scorers:nothing", "returns scores by seat, got None"),
    ],
)
def test_what_is_no_scorer_is_told(recorded: Path, scorer: str, said: str) -> None:
    before = scores(recorded)
    assert said in arena(recorded, "rescore", "--trust", "--scorer", scorer, code=2)
    assert scores(recorded) == before


def test_episodes_that_cannot_be_scored_are_named_and_the_others_go_on(folder: Path) -> None:
    done = told(folder, "rescore", "--scorer", "scorers:breaks", code=3)
    assert not done["scores"] and all("TypeError" in why for why in done["left_out"].values())
    ((start,), (other,)) = ask(folder / "arena.db", "SELECT value FROM fact WHERE name = 'start' ORDER BY episode")
    assert start != other
    edit(folder, "int(move.text) <= calls[-1]", f"int(move.text) <= calls[-1] or calls[0] == {start}")
    done = told(folder, "rescore", code=3)
    (why,) = done["left_out"].values()
    assert "at step 0, left: an answer that was taken is refused" in why and len(done["scores"]) == 2
    assert "was left out" in arena(folder, "rescore", "--trust", code=3)


def test_an_open_episode_has_no_scores(tmp_path: Path) -> None:
    with Store.open(tmp_path / "arena.db") as store:
        run = play_all(store, [duel(1, length=2), duel(2, length=2, buyer=broken)]).id
        done = rescore(store, run)
        assert set(done.left_out.values()) == {"not finished (error)"} and {row.episode for row in done.rows} == {
            f"{run}.1"
        }


def broken(view: Any) -> str:
    raise RuntimeError("the model fell over")
