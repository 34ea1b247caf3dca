"""A dry run says what would be done, and does nothing: no lesson, no training, no database."""

import json
from pathlib import Path

import pytest
from cli_runner import arena


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("teach", "walker", "--lessons", "3"), "walker would go through 3 episodes in gridworld/0."),
        (("teach", "it", "--game", "wiki", "--game", "household#2", "--lessons", "2"), "4 episodes in wiki/0, househ"),
        (("teach", "seller", "--game", "bargaining"), "seller would go through 12 episodes in bargaining/0."),
        (("bench", "agents", "--methods", "record-deletion,filter", "--scopes", "state", "--environments", "wiki"),
         "2 trials would be measured, 0 are on record already."),
    ],
)  # fmt: skip
def test_what_would_be_done_is_said_and_not_done(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    said = arena(tmp_path, *arguments, "--dry-run")
    assert says in said and not list(tmp_path.iterdir()), said


@pytest.mark.slow
def test_what_is_on_record_counts(tmp_path: Path) -> None:
    arena(tmp_path, "teach", "walker", "--lessons", "2")
    told = json.loads(arena(tmp_path, "teach", "walker", "--lessons", "5", "--seed", "3", "--dry-run", "--json"))
    assert (told["episodes"], told["episodes_before"], told["mind"]) == (5, 2, "knower")
    assert "had these lessons" in arena(tmp_path, "teach", "walker", "--lessons", "2", "--dry-run", code=2)
    few = ("bench", "agents", "--methods", "record-deletion", "--scopes", "state", "--games", "1", "--environments")
    arena(tmp_path, *few, "wiki")
    told = json.loads(arena(tmp_path, *few, "wiki,shopping", "--dry-run", "--json"))
    assert (told["trials"], told["on_record"]) == (1, 1) and told["left"][0]["setting"] == "shopping"
    assert json.loads(arena(tmp_path, *few, "wiki", "--dry-run", "--again", "--json"))["trials"] == 1


def test_a_bench_of_weights_trains_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr("unlearning.training.trainer.Training.run", None)
    said = arena(tmp_path, "bench", "weights", "--methods", "npo,simnpo(beta=2.5)", "--seeds", "3", "--dry-run")
    assert "6 trials would be measured" in said and not list(tmp_path.iterdir()), said


@pytest.mark.parametrize(
    "arguments",
    [("teach", "it", "--lessons", "0"), ("bench", "agents", "--methods", "no"), ("bench", "weights", "--split", "no")],
)
def test_what_could_not_be_done_is_refused(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert arena(tmp_path, *arguments, "--dry-run", code=2) and not list(tmp_path.iterdir())
