"""Games, minds, metrics and methods of a user's own file are taught, measured and listed as registered ones are."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runner import arena, typed

from arena.spec_syntax import format_spec, parse_specs
from unlearning.experiments.bench_order import choose_parts

VAULT = '''
from dataclasses import dataclass, replace

from arena.agent import agent
from arena.game import game
from arena import Game, Message, Move, View


@dataclass(frozen=True)
class Tries:
    code: int
    said: tuple[str, ...] = ()


@game
@dataclass(frozen=True, slots=True)
class Vault(Game[Tries]):
    """A code is guessed; the keeper answers."""

    most: int = 5

    @property
    def seats(self):
        return ("guesser", "keeper")

    @property
    def cast(self):
        return {"guesser": "random", "keeper": "says/higher"}

    def start(self, rng):
        return Tries(rng.randint(0, self.most))

    def to_act(self, state):
        return () if len(state.said) >= 3 else (self.seats[len(state.said) % 2],)

    def view(self, state, seat):
        log = tuple(Message(self.seats[n % 2], text) for n, text in enumerate(state.said))
        legal = tuple(map(str, range(self.most + 1))) if seat == "guesser" else None
        return View(seat, "Guess the code.", log, legal=legal)

    def apply(self, state, moves):
        (move,) = moves.values()
        return replace(state, said=(*state.said, move.text))

    def scores(self, state):
        return {"guesser": float(str(state.code) in state.said), "keeper": None}


@agent
@dataclass(frozen=True)
class Mind:
    """Tries the next code after each note that it has."""

    notes: tuple[str, ...] = ()

    def recalling(self, notes, steering):
        return replace(self, notes=notes)

    async def act(self, view):
        return Move(view.legal[len(self.notes) % len(view.legal)] if view.legal else f"{len(self.notes)} notes")
'''
METRICS = '''
from unlearning.probe import Reading, Trial, metric


@metric
async def targets(trial: Trial, *, factor: float = 1.0) -> Reading:
    """How many items are to be forgotten, times a factor."""
    return Reading(factor * len(trial.request.forget), null=0.0, better="lower")


async def number(trial):
    return 3.0
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "vault.py").write_text(VAULT)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "vault.py").write_text(VAULT)
    (tmp_path / "metrics.py").write_text(METRICS)
    return tmp_path


@pytest.mark.few(1)
@pytest.mark.parametrize("place", ["vault.py", "./vault.py", "sub/vault.py"])
def test_a_game_of_ones_own_file_is_a_course(folder: Path, place: str) -> None:
    command = ("teach", "v", "--game", f"{place}:Vault", "--mind", "vault.py:Mind", "--lessons", "3")
    arena(folder, *command, "--set", "game.most=3")
    notes = json.loads(arena(folder, "notes", "v", "--json"))
    assert any("keeper said: higher" in note["text"] for note in notes)
    arena(folder, "play", f"{place}:Vault", "--seat", "guesser=v", "--trust", "-q")
    assert "notes" in arena(folder, "ask", "v", "What do you know?", "--trust")
    arena(folder, "forget", "v", "--request", "forget keeper", "--trust")
    assert "keeper" not in json.dumps(json.loads(arena(folder, "notes", "v", "--json")))


def test_the_seat_it_takes_and_who_sits_elsewhere(folder: Path) -> None:
    lessons = ("--mind", "vault.py:Mind", "--lessons", "2")
    arena(folder, "teach", "k", "--game", "vault.py:Vault", *lessons, "--seat", "keeper", "--seat", "guesser=says/4")
    notes = json.loads(arena(folder, "notes", "k", "--json"))
    assert any("guesser said: 4" in note["text"] for note in notes)
    told = arena(folder, "teach", "x", "--game", "vault.py:Vault", *lessons, "--seat", "keper", code=2)
    assert "did you mean keeper" in told
    told = arena(folder, "teach", "x", "--game", "dilemma", *lessons, "--seat", "rows=random", code=2)
    assert "no other seat named 'rows'" in told
    assert "no preset named" in arena(folder, "teach", "x", "--game", "gridworld/nope", code=2)


def test_a_metric_of_ones_own_file_is_measured_beside_the_others(folder: Path) -> None:
    arena(folder, "teach", "walker", "--lessons", "4")
    where = json.loads(arena(folder, "notes", "walker", "--json"))
    target = next(note["text"].partition(" is at ")[0] for note in where if " is at " in note["text"])
    ask = ("probe", "walker", "--request", f"forget {target}", "--json", "--probes")
    found = json.loads(arena(folder, *ask, "residue,metrics.py:targets(factor=2)"))
    assert {row["probe"]: row["value"] for row in found}["metrics.py:targets(factor=2)"] == 2
    told = arena(folder, *ask, "metrics.py:number", code=2)
    assert "gave 3.0; a metric gives a Reading" in told
    assert "metrics.py:targets" in arena(folder, *ask, "metrics.py", code=2)


@pytest.mark.slow
def test_a_bench_takes_settings_and_own_metrics_and_says_how_far_it_is(folder: Path) -> None:
    command = (
        *("bench", "agents", "--methods", "noop,instruction(form=raw|template)", "--environments", "gridworld"),
        *("--scopes", "state", "--games", "1", "--budgets", "1", "--metric", "metrics.py:targets"),
    )
    done = typed(folder, *command, "--json")
    rows = [row for row in json.loads(done.stdout) if row["probe"] == "metrics.py:targets"]
    assert [row["method"] for row in rows] == ["noop", "instruction(form=raw)", "instruction(form=template)"]
    assert "3 trials to measure, 0 on record already" in done.stderr and "3/3" in done.stderr
    again = typed(folder, *command, "-q")
    assert not again.stderr and "instruction(form=raw)" in again.stdout


def test_known_methods_keep_their_other_settings() -> None:
    known: dict[str, Any] = {"none": None, "npo": {"name": "npo", "preset": "tiny", "epochs": 15}}
    found = choose_parts("method", "none, npo, npo(lr=1e-3), npo(lr=0.1|0.2)", known)
    assert list(found) == ["none", "npo", "npo(lr=0.001)", "npo(lr=0.1)", "npo(lr=0.2)"]
    assert found["npo"]["epochs"] == 15 and found["npo(lr=0.1)"]["lr"] == 0.1 and found["npo(lr=0.1)"]["epochs"] == 15


@pytest.mark.parametrize("text", ["linear", "linear(heeds=0.5)", "npo(lr=0.001, keep=kl)", "x(a=[1,2])", "x(a=true)"])
def test_a_spec_is_written_as_it_is_typed(text: str) -> None:
    assert [format_spec(spec) for spec in parse_specs(text)] == [text]


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["openai/x"], "only a local model shows its weights"),
        (["local/x", "--before", "anthropic/y"], "--before local/FOLDER"),
        (["local/x", "--only"], "--only measures what --metric names"),
        (["local/x", "--split", "forgt10"], "did you mean forget10"),
        (["local/x", "--metric", "rouge"], "did you mean"),
        (["local/x", "--set", "poeple=3"], "benchmark.people"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_is_loaded(folder: Path, words: list[str], told: str) -> None:
    assert told in arena(folder, "measure", "--bench", "tofu", *words, code=2)
