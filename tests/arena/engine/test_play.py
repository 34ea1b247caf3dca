"""The loop: asking, refusing, recording, replaying; and the door to it from Python."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

import arena
from arena.engine.play import perform, replay
from arena.episode import Match, Turn, parse_episode, parse_match, to_json
from arena.errors import BadReply, IllegalMove, UsageError
from arena.game import Game, Move, View

WORDS = ("rock", "paper", "scissors")


@dataclass(frozen=True)
class Thrown:
    throws: tuple[tuple[tuple[str, str], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Throws(Game[Thrown]):
    """Two or more seats throw at the same time; "well" is a legal text that the rules refuse."""

    players: int = 2
    rounds: int = 3

    @property
    def seats(self) -> tuple[str, ...]:
        return tuple(f"p{k}" for k in range(self.players))

    def start(self, rng: Random) -> Thrown:
        return Thrown()

    def to_act(self, state: Thrown) -> tuple[str, ...]:
        return self.seats if len(state.throws) < self.rounds else ()

    def view(self, state: Thrown, seat: str) -> View:
        return View(seat, f"throw {len(state.throws)}", legal=(*WORDS, "well"))

    def apply(self, state: Thrown, moves: Mapping[str, Move]) -> Thrown:
        for seat, move in moves.items():
            if move.text == "well":
                raise IllegalMove(seat, "there is no well here")
        return replace(state, throws=(*state.throws, tuple((s, m.text) for s, m in sorted(moves.items()))))

    def scores(self, state: Thrown) -> dict[str, float | None]:
        return {seat: float(sum(dict(t)[seat] == "rock" for t in state.throws)) for seat in self.seats}


def test_play_by_name_returns_an_episode() -> None:
    episode = arena.play("bargaining", seats={"buyer": "linear"}, seed=0)
    assert episode.status == "over" and set(episode.scores) >= {"buyer", "seller"}


def test_play_works_inside_a_running_event_loop() -> None:
    async def notebook() -> arena.Episode:
        return arena.play(Throws(), {"p0": lambda view: "rock"})

    assert asyncio.run(notebook()).scores["p0"] == 3


def test_a_seat_may_be_a_plain_function_sync_or_async() -> None:
    async def slow(view: View) -> str:
        await asyncio.sleep(0)
        return "paper"

    assert arena.play(Throws(), {"p0": slow, "p1": lambda view: Move("rock")}).scores == {"p0": 0, "p1": 3}


def test_the_same_seed_gives_the_same_episode_and_another_seed_another() -> None:
    first, again, other = (arena.play(Throws(rounds=20), {}, seed=s) for s in (1, 1, 2))
    assert first == again and first.turns != other.turns


def test_a_refused_answer_is_kept_and_only_its_seat_is_asked_again() -> None:
    asked: list[str] = []

    def stubborn(view: View) -> str:
        asked.append(view.complaint)
        return "rock" if view.complaint else "well"

    other = []
    episode = arena.play(Throws(rounds=1), {"p0": stubborn, "p1": lambda view: other.append(1) or "paper"})
    assert asked == ["", "there is no well here"] and len(other) == 1
    assert [(t.seat, t.attempt, bool(t.refused)) for t in episode.turns] == [
        ("p0", 0, True),
        ("p1", 0, False),
        ("p0", 1, False),
    ]


def test_patience_ends_in_a_forfeit_with_the_blame() -> None:
    episode = arena.play(Throws(), {"p1": lambda view: "well"}, patience=1)
    assert (episode.status, episode.blame) == ("forfeit", "p1")
    assert sum(turn.seat == "p1" for turn in episode.turns) == 2


def test_a_reply_that_is_not_a_move_is_told_to_its_agent_and_kept() -> None:
    def confused(view: View) -> Move:
        if not view.complaint:
            raise BadReply("two actions in one reply", Move("rock! paper!"))
        return Move("rock")

    episode = arena.play(Throws(rounds=1), {"p0": confused})
    assert episode.turns[0].refused == "two actions in one reply" and episode.turns[0].move.text == "rock! paper!"


def test_an_exception_of_an_agent_is_the_callers() -> None:
    def broken(view: View) -> Move:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        arena.play(Throws(), {"p0": broken})


def sometimes_wrong(view: View) -> str:
    return Random(view.seed).choice((*WORDS, "well", "spock"))


def test_an_interrupted_match_goes_on_without_asking_again_wherever_it_stopped() -> None:
    whole = arena.play(Throws(3, 6), dict.fromkeys(("p0", "p1", "p2"), sometimes_wrong), seed=3, patience=9)
    match = replace(whole.match)
    for cut in range(len(whole.turns) + 1):
        new: list[Turn] = []

        async def note(turn: Turn, new: list[Turn] = new) -> None:
            new.append(turn)

        again = asyncio.run(perform(match, history=whole.turns[:cut], on_turn=note))
        assert sorted(again.turns, key=str) == sorted(whole.turns, key=str)
        assert not {(t.step, t.seat, t.attempt) for t in new if not t.refused} & {
            (t.step, t.seat, t.attempt) for t in whole.turns[:cut] if not t.refused
        }


def test_replay_of_any_prefix_gives_the_state_that_was_played() -> None:
    states: list[Any] = []
    match = Match(Throws(2, 4), dict.fromkeys(("p0", "p1"), sometimes_wrong), 5, 9)
    episode = asyncio.run(perform(match, on_state=states.append))
    seen: list[Any] = []
    assert replay(Throws(2, 4), episode.turns, match, on_state=seen.append) == states[-1]
    assert seen == states


def test_matches_and_episodes_survive_json() -> None:
    match = Match({"name": "bargaining", "rounds": 3}, {"buyer": {"name": "boulware"}}, 4)
    assert parse_match(to_json(match)).id == match.id
    episode = asyncio.run(perform(match))
    assert parse_episode(to_json(episode)) == episode


def test_equal_plans_have_equal_ids_whatever_was_left_to_defaults() -> None:
    assert Match("bargaining").id == Match({"name": "bargaining", "cost": 8}, {"buyer": "linear"}).id
    assert (
        len({Match("bargaining").id, Match("bargaining", seed=1).id, Match({"name": "bargaining", "cost": 9}).id}) == 3
    )


@pytest.mark.parametrize(
    ("game", "seats", "why"),
    [
        ("bargainning", {}, "did you mean bargaining"),
        ("bargaining", {"buyr": "linear"}, "did you mean buyer"),
        ("bargaining", {"buyer": "linaer"}, "did you mean linear"),
        ("bargaining", {"buyer": {"name": "linear", "exponnt": 2}}, "no parameter named 'exponnt'"),
        ("bargaining", {"buyer": {"exponent": 2}}, "needs a name"),
        ("nowhere.module:Thing", {}, "cannot be imported"),
        ("arena.game:Gmae", {}, "did you mean Game"),
    ],
)
def test_wrong_names_are_answered_before_anything_is_played(game: str, seats: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        arena.play(game, seats)
