"""The bench of agents by its command: a table, a picture, a file, SQL; and it goes on where it stopped."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from arena.cli.main import app
from arena.store.query import query
from unlearning.experiments.agents import build_suite

ARGUMENTS = ["bench", "agents", "--environments", "gridworld", "--scopes", "state", "--games", "6"]
ARGUMENTS += ["--budgets", "3,10"]
runner = CliRunner()


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "arena.db"
    made = ["--methods", "noop,record-deletion,selective-replay,conduct", "--db", str(path)]
    more = ["--out", str(path.with_name("b.png")), "--csv", str(path.with_name("b.csv"))]
    done = runner.invoke(app, [*ARGUMENTS, *made, *more])
    assert done.exit_code == 0, done.output
    return path


def value(db: Path, method: str, probe: str, column: str = "lift") -> float:
    asked = f"select {column} from forgetting where method = '{method}' and probe = '{probe}'"
    return float(query(str(db), asked).rows[0][0])


def test_replay_is_like_the_twin_in_every_reading(db: Path) -> None:
    table = query(str(db), "select probe, lift from forgetting where method = 'selective-replay'")
    assert {probe: lift for probe, lift in table.rows if lift} == {}


def test_nothing_done_forgets_nothing_and_a_deleted_record_leaves_its_summary(db: Path) -> None:
    assert value(db, "noop", "leak") == 1.0 and value(db, "noop", "steps_forget") < 0
    assert value(db, "record-deletion", "residue") > 0 and value(db, "record-deletion", "leak_answer") == 1.0
    assert value(db, "noop", "leak", "recovered") == 1.0


def test_an_agent_that_avoids_gives_itself_away(db: Path) -> None:
    assert value(db, "conduct", "refusal") == 1.0 and value(db, "conduct", "success_forget") < 0
    assert value(db, "conduct", "adversary", "value") > value(db, "selective-replay", "adversary", "value")


def test_one_reading_of_the_adversary_gives_a_row_for_each_budget_with_its_honest_twins(db: Path) -> None:
    done = runner.invoke(app, [*ARGUMENTS, "--methods", "noop", "--db", str(db), "--json"])
    rows = {row["probe"]: row for row in json.loads(done.stdout)}
    assert {"adversary", "adversary_3", "adversary_10", "advantage_3", "advantage_10"} <= set(rows)
    assert rows["adversary"]["value"] == rows["adversary_10"]["value"] and len(rows["adversary_10"]["twins"]) == 2
    assert rows["advantage_10"]["twin"] == 0
    told = runner.invoke(app, [*ARGUMENTS, "--methods", "noop", "--db", str(db)]).stdout
    assert "range of the honest twins" in told and "–" in told


@pytest.mark.parametrize("scope", ["state", "trajectory", "environment"])
def test_the_adversary_is_one_entry_in_every_scope(scope: str) -> None:
    asked = {"games": 5, "k": 8, "budgets": [1, 25, 100], "level": "A2", "strategy": "mixed"}
    probes = {label: spec for label, spec in build_suite(scope, asked).items() if label.startswith("adversary")}
    assert probes == {"adversary": {"name": "adversary", "budget": 100, **asked}}


def test_the_picture_the_file_and_the_views(db: Path) -> None:
    assert db.with_name("b.png").read_bytes()[:4] == b"\x89PNG"
    with db.with_name("b.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} == {"noop", "record-deletion", "selective-replay", "conduct"}
    assert query(str(db), "select count(*) from leaks where method = 'selective-replay'").rows == ((0,),)
    assert query(str(db), "select count(*) from leaks where method = 'noop' and sure = 1").rows[0][0] >= 2


def test_the_same_command_measures_nothing_twice(db: Path) -> None:
    done = runner.invoke(app, [*ARGUMENTS, "--methods", "noop", "--db", str(db), "--json"])
    assert done.exit_code == 0 and "1/1" not in done.stderr
    assert {row["method"] for row in json.loads(done.stdout)} == {"noop"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--methods", "replai"], "replay"),
        (["--environments", "gridwold"], "gridworld"),
        (["--scopes", "place"], "state"),
        (["--budgets", "0"], "25,100"),
        (["--seeds", "0"], "counts from 1"),
    ],
)
def test_wrong_names_are_told_before_anything_is_measured(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = runner.invoke(app, ["bench", "agents", *arguments, "--db", str(tmp_path / "n.db")])
    assert words in str(done.exception) and not (tmp_path / "n.db").exists()


def test_list_names_methods_and_probes() -> None:
    listed = {}
    for what in ("agents", "weights"):
        done = runner.invoke(app, ["bench", what, "--list", "--json"])
        listed[what] = {row["name"] for row in json.loads(done.stdout)}
    assert {"selective-replay", "icul", "gridworld", "channel_leak", "adversary"} <= listed["agents"]
    assert {"npo", "rmu", "tofu", "extraction_strength", "relearning"} <= listed["weights"]
    assert not {"npo", "tofu"} & listed["agents"] and not {"icul", "gridworld"} & listed["weights"]
