"""Records against today's code: unchanged rules pass, changed ones are caught at the answer where they part."""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from cli_runner import arena
from duel import Duel, duel, play_all
from editable_game import PLAY, edit, ladder, told

from arena.agent import FunctionAgent
from arena.engine.play import play
from arena.episode import Match, Turn
from arena.errors import BadRecord, IllegalMove
from arena.game import Game, Move, View
from arena.replay.trace import retrace
from arena.replay.verify import verify
from arena.store.store import Store
from arena.usage import Call, Usage

BELOW = "int(move.text) <= calls[-1]"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two episodes of the ladder: left calls in the even steps, right slips once in each of the odd ones."""
    folder = ladder(tmp_path_factory.mktemp("recorded"))
    arena(folder, *PLAY, "-n", "2")
    return folder


@pytest.fixture
def folder(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / "copy"))


def test_unchanged_rules_lead_to_the_same_end(folder: Path) -> None:
    found = told(folder, "verify")
    assert (found["exit"], found["equal"], found["diverged"]) == (0, 2, 0)
    assert [(e["turns"], e["divergence"], e["notes"]) for e in found["episodes"]] == [(9, None, [])] * 2
    assert "2 of 2 episodes lead to the same end today" in arena(folder, "verify", "--trust", "last")
    only = found["episodes"][1]["episode"]
    assert [e["episode"] for e in told(folder, "verify", only)["episodes"]] == [only]


@pytest.mark.few(6)
@pytest.mark.parametrize(
    ("old", "new", "why", "step", "seat", "attempt"),
    [
        (BELOW, f"{BELOW} or len(calls) == 4", "an answer that was taken is refused", 3, "right", 1),
        (BELOW, f"{BELOW} and len(calls) != 4", "an answer that was refused is taken", 3, "right", 0),
        ("(len(calls) + 1) % 2", "(len(calls) + 1 + (len(calls) > 4)) % 2", "another seat is to act", 4, "left", 0),
        ("<= self.length", "<= self.length - 2", "the game is over", 4, "left", 0),
        ("<= self.length", "<= self.length + 1", "the game is not over", 6, "left", 0),
        ("(*calls, int(move.text))", "(*calls, int(move.text) // len(calls))", "an answer that was ref", 3, "right", 0),
        ("((seat, move),)", "len(calls) == 3 and [][0]; ((seat, move),)", "today's code fails", 2, "left", 0),
        ('{"left": float(', '{"left": 2 * float(', "scores differ", None, "", 0),
        ('"call": c}', '"call": c + (n > 3)}', "facts differ", 4, "", 0),
        ("return (rng.randrange(100),)", "return rng.nothing()", "today's code fails", 0, "", 0),
        ("from arena import Game", "from arena import Gone", "the game cannot be built", 0, "", 0),
        ("length: int = 6", "size: int = 6", "the game cannot be built", 0, "", 0),
    ],
)  # fmt: skip
def test_a_changed_rule_is_caught_at_the_first_answer_it_concerns(
    folder: Path, old: str, new: str, why: str, step: int | None, seat: str, attempt: int
) -> None:
    edit(folder, old, new)
    found = told(folder, "verify", code=3)
    assert found["diverged"] == 2
    for episode in found["episodes"]:
        divergence = episode["divergence"]
        assert divergence["why"].startswith(why), divergence
        assert (divergence["step"], divergence["seat"], divergence["attempt"]) == (step, seat, attempt), divergence
        assert divergence["then"] != divergence["now"]


def test_what_was_recorded_and_what_today_makes_of_it_is_told(folder: Path) -> None:
    edit(folder, '"call": c}', '"call": c + (n > 3)}')
    text = arena(folder, "verify", "--trust", code=3)
    assert "facts.calls[4].call = " in text and "0 of 2 episodes" in text
    edit(folder, BELOW, f"{BELOW} or len(calls) == 4")
    assert "call higher than" in arena(folder, "verify", "--trust", code=3)


def test_a_new_version_of_the_rules_is_told_but_is_no_divergence_by_itself(folder: Path) -> None:
    edit(folder, "rules_version = 1", "bonus: int = 0\n    rules_version = 2")
    notes = told(folder, "verify")["episodes"][0]["notes"]
    assert notes == ["rules_version was 1, is 2", "parameters since then, at their defaults: bonus"]


def test_a_prompt_that_would_be_another_today_is_told(tmp_path: Path) -> None:
    folder = ladder(tmp_path)
    replies = 'left.replies=["200"]'  # taken once, then refused until the seat forfeits, with a complaint in the prompt
    arena(folder, *PLAY[:2], "--seat", "left=scripted/fixed", "--seat", "right=rungs.py:slips", "--set", replies, "-q")
    same = told(folder, "verify")["episodes"][0]
    assert (same["status"], same["prompts"], same["prompt"], same["notes"]) == ("forfeit", 4, "", [])
    edit(folder, "Call higher than", "Now call higher than")
    other = told(folder, "verify")["episodes"][0]
    assert other["divergence"] is None and other["prompt"].startswith("step 0, left, line 1 of ")
    assert "prompt differs: step 0, left" in arena(folder, "verify", "--trust")


def test_forfeits_and_many_rounds_are_replayed(tmp_path: Path) -> None:
    folder = ladder(tmp_path)
    arena(folder, *PLAY[:2], "--seat", "left=rungs.py:falls", "--seat", "right=rungs.py:slips", "-q")
    assert [e["status"] for e in told(folder, "verify")["episodes"]] == ["forfeit"]
    arena(folder, "play", "--rounds", "3", "--buyer", "random", "--seller", "scripted/negotiator", "-q", "-n", "3")
    found = told(folder, "verify")["episodes"]
    assert [e["divergence"] for e in found] == [None] * 3 and all(e["prompts"] for e in found)
    edit(folder, "rules_version = 1", "rules_version = 1\n    def forfeit(self, calls, seat): return (*calls, 0)")
    (first,) = [e for e in told(folder, "list", "episodes") if e["status"] == "forfeit"]
    divergence = told(folder, "verify", first["id"], code=3)["episodes"][0]["divergence"]
    assert divergence["why"] == "the game is not over" and divergence["then"] == "forfeited by left"


def test_an_open_and_a_failed_episode_are_compared_as_far_as_they_go(tmp_path: Path) -> None:
    async def dies(view: View) -> Move:
        if view.rules.startswith("3"):
            raise RuntimeError("the model fell over")
        return Move("fine")

    with Store.open(tmp_path / "arena.db") as store:
        record = play_all(store, [duel(1, seller=FunctionAgent(dies))])
        (failed,) = verify(store, record.id)
        assert (failed.status, failed.turns, failed.divergence) == ("error", 3, None)
        opened = store.begin([duel(2)])

        async def one_answer() -> None:
            await store.record_start(opened.pending[0])
            await store.turn(opened.pending[0].id, Turn(0, "buyer", Move("hello")))

        asyncio.run(one_answer())
        (running,) = verify(store, opened.id)
        assert (running.status, running.turns, running.divergence) == ("cut", 1, None)


@dataclass(frozen=True)
class Thrown:
    rounds: int = 0


@dataclass(frozen=True, slots=True)
class Both(Game[Thrown]):
    """Two seats say something at the same time; "bad" is refused by the rules, "" as no answer at all."""

    length: int = 5

    @property
    def seats(self) -> tuple[str, ...]:
        return ("one", "two")

    def start(self, rng: Random) -> Thrown:
        return Thrown()

    def to_act(self, state: Thrown) -> tuple[str, ...]:
        return self.seats if state.rounds < self.length else ()

    def view(self, state: Thrown, seat: str) -> View:
        return View(seat, "say something")

    def apply(self, state: Thrown, moves: Mapping[str, Move]) -> Thrown:
        for seat, move in moves.items():
            if move.text == "bad":
                raise IllegalMove(seat, "not that")
        return Thrown(state.rounds + 1)

    def scores(self, state: Thrown) -> dict[str, float | None]:
        return {"one": float(state.rounds), "two": None}


def wavers(view: View) -> str:
    return Random(view.seed).choice(["good", "bad", "", "fine"])


@pytest.mark.parametrize("seed", range(12))
def test_simultaneous_answers_with_refusals_are_judged_one_by_one(seed: int) -> None:
    episode = play(Both(), dict.fromkeys(("one", "two"), wavers), seed, patience=3)
    trace = retrace(Both(), episode.match, episode.turns)
    assert trace.divergence is None and trace.ended and trace.blame == episode.blame
    assert trace.step == trace.state.rounds and Both().scores(trace.state) == episode.scores
    assert any(turn.refused for turn in episode.turns)


def test_a_refusal_that_only_the_agent_could_give_is_taken_as_recorded() -> None:
    match = Match(Both(), dict.fromkeys(("one", "two"), "says/x"))
    call = Usage((Call("tiny/one", reply="{"),))
    unread = Turn(0, "one", Move("{", usage=call), 0, "no JSON")
    answers = (unread, Turn(0, "two", Move("fine")), Turn(0, "one", Move("good"), 1))
    trace = retrace(Both(), match, answers)
    assert (trace.divergence, trace.unchecked, trace.step) == (None, 1, 1)
    plain = replace(unread, move=Move("{"))
    found = retrace(Both(), match, (plain, *answers[1:])).divergence
    assert found is not None and (found.why, found.seat) == ("an answer that was refused is taken", "one")
    other = replace(unread, move=Move("bad"), refused="for another reason")
    assert retrace(Both(), match, (other, *answers[1:])).reworded == 1


def test_a_record_with_a_hole_is_told(tmp_path: Path) -> None:
    episode = play(Duel(4), {"buyer": "says/hi", "seller": "says/ho"})
    found = retrace(Duel(4), episode.match, [turn for turn in episode.turns if turn.step != 1]).divergence
    assert found is not None and (found.step, found.now) == (2, "step 1 waits for seller")


def test_which_episodes_are_meant(tmp_path: Path) -> None:
    with Store.open(tmp_path / "arena.db") as store:
        with pytest.raises(BadRecord, match="holds no run yet"):
            list(verify(store, "last"))
        first, second = (play_all(store, [duel(seed), duel(seed + 1)]) for seed in (1, 5))
        assert [v.episode for v in verify(store, first.id)] == [f"{first.id}.1", f"{first.id}.2"]
        assert [v.episode for v in verify(store, "last")] == [f"{second.id}.1", f"{second.id}.2"]
        assert [v.episode for v in verify(store, f"{first.id}.2")] == [f"{first.id}.2"]
        with pytest.raises(BadRecord, match="may be any of the runs"):
            list(verify(store, first.id[:3]))
        with pytest.raises(BadRecord, match=f"did you mean .*{first.id}"):
            list(verify(store, first.id[:-1] + "!"))
