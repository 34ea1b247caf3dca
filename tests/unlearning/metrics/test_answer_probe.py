"""What can be forgotten can be probed, at least for its answer."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runner import arena
from random_memories import TARGET, walker

from agents.memory import agent_store
from arena.store.database import writing
from arena.store.store import Store


def readings(folder: Path, agent: str, words: str, *more: str) -> dict[str, dict[str, Any]]:
    told = arena(folder, "probe", agent, "--request", f"forget {words}", "--json", *more)
    return {row["probe"]: row for row in json.loads(told)}


def keep(folder: Path, name: str) -> None:
    with Store.open(str(folder / "arena.db")) as store, writing(store.engine) as connection:
        agent_store.save_agent(connection, name, walker())


def test_an_agent_of_unknown_lessons_is_asked_whether_it_answers(tmp_path: Path) -> None:
    keep(tmp_path, "guide")
    before = readings(tmp_path, "guide", TARGET)
    assert before["tells"]["value"] == 1 and before["tells"]["twin"] == 0 and before["leak_answer"]["value"] == 1
    assert before["residue"]["value"] > 0 and before["tells"]["knew"] is None
    arena(tmp_path, "forget", "guide", "--request", f"forget {TARGET}")
    after = readings(tmp_path, "guide", TARGET)
    assert after.keys() == {"tells"} and after["tells"]["value"] == 0 == after["tells"]["lift"]
    said = arena(tmp_path, "probe", "guide", "--request", f"forget {TARGET}", "--probes", "success", code=2)
    assert "not on record" in said and "there are: tells" in said


@pytest.mark.slow
@pytest.mark.parametrize(("game", "target"), [("bargaining", "bargaining:clock"), ("gridworld/unknown", "(1, 7)")])
def test_a_target_that_no_task_is_about_is_asked_for(tmp_path: Path, game: str, target: str) -> None:
    arena(tmp_path, "teach", "pupil", "--game", game, "--lessons", "6")
    arena(tmp_path, "forget", "pupil", "--request", f"forget {target}")
    found = readings(tmp_path, "pupil", target)
    assert {"leak_answer", "residue", "refusal", "adversary_25"} <= found.keys() and "success_forget" not in found
    assert found["leak_answer"]["value"] == found["leak_answer"]["twin"]
    said = arena(tmp_path, "probe", "pupil", "--request", f"forget {target}", "--probes", "steps", code=2)
    assert "no task of" in said


def test_a_trajectory_is_asked_for_too(tmp_path: Path) -> None:
    arena(tmp_path, "teach", "pupil", "--game", "wiki", "--lessons", "3")
    found = readings(tmp_path, "pupil", "wiki/0-0-2", "--probes", "leak_answer", "--method", "selective-replay")
    assert found["leak_answer"]["value"] is not None
