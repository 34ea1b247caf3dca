"""Probing an agent on record: the attacks that need its method find it there, or say that nobody knows it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from arena.cli.main import app
from arena.errors import UsageError
from arena.store.query import query

runner = CliRunner()
WORDS = "forget {}"


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("probe") / "arena.db"
    assert run("teach", "walker", "--lessons", "4", db=path).exit_code == 0
    return path


def run(*arguments: str, db: Path) -> Any:
    return runner.invoke(app, [*arguments, "--db", str(db)])


def place(db: Path) -> str:
    """A named place that the agent knows."""
    found = query(str(db), "select subject from event where kind = 'place' and subject like '% %' order by subject")
    return str(found.rows[0][0])


@pytest.mark.slow
def test_the_adversary_takes_the_method_from_the_record_and_shows_the_honest_twins(db: Path) -> None:
    target = place(db)
    words = WORDS.format(target)
    done = run("forget", "walker", "--request", words, "--method", "record-deletion", "--keep", "half", db=db)
    assert done.exit_code == 0, done.output
    probed = run("probe", "half", "--request", words, "--probes", "adversary,residue", "--json", db=db)
    assert probed.exit_code == 0, probed.output
    rows = {row["probe"]: row for row in json.loads(probed.stdout)}
    assert rows["adversary_100"]["value"] > 0.5 > rows["adversary_100"]["twin"]  # its summary is still there
    assert len(rows["adversary_100"]["twins"]) == 2 and rows["residue"]["value"] > 0
    spec = json.loads(str(query(str(db), "select spec from trial where bench = 'probe'").rows[0][0]))
    assert spec["method"]["name"] == "record-deletion"
    told = run("probe", "half", "--request", words, "--probes", "residue", db=db)
    assert "honest twins" in told.stdout and "–" in told.stdout


def test_where_no_request_is_on_record_it_says_so_and_takes_the_method_that_is_named(db: Path) -> None:
    words = WORDS.format(place(db))
    with pytest.raises(UsageError, match="--method NAME"):
        raise_of(run("probe", "walker", "--request", words, "--probes", "adversary", db=db))
    named = ["probe", "walker", "--request", words, "--probes", "adversary", "--method", "replay", "--json"]
    rows = {row["probe"]: row for row in json.loads(run(*named, db=db).stdout)}
    assert rows["adversary_25"]["value"] == rows["adversary_25"]["twin"] < 0.5 < rows["adversary_25"]["knew"]


def raise_of(result: Any) -> None:
    """Raises what a command raised."""
    if result.exception is not None:
        raise result.exception
