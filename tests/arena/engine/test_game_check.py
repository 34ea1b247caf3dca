"""`arena check` says what there was to check, warns of what it cannot know, and ends; so does a match."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from cli_runner import typed

from arena.engine.game_check import check, check_game
from arena.engine.play import play
from arena.errors import ArenaError, UsageError
from arena.game import Game, Message, View
from arena.planning.plan import make_plan


@dataclass(frozen=True)
class Held:
    wealth: dict[str, int]
    log: tuple[Message, ...] = ()


@dataclass(frozen=True)
class Purse(Game[Held]):
    """Each seat has a wealth; with `shows`, everybody is told everybody's."""

    shows: bool = True
    turns: int | None = 4
    seats: tuple[str, ...] = field(default=("a", "b"), init=False)

    def start(self, rng: Any) -> Held:
        return Held({seat: rng.randrange(100) for seat in self.seats})

    def to_act(self, state: Held) -> tuple[str, ...]:
        return () if self.turns is not None and len(state.log) >= self.turns else (self.seats[len(state.log) % 2],)

    def view(self, state: Held, seat: str) -> View:
        told = state.wealth if self.shows else {seat: state.wealth[seat]}
        return View(seat, f"wealth {sorted(told.items())}", legal=("pass",))

    def apply(self, state: Held, moves: Any) -> Held:
        return replace(state, log=(*state.log, Message(next(iter(moves)), "pass")))

    def scores(self, state: Held) -> dict[str, float | None]:
        return dict.fromkeys(self.seats, 0.0)


def test_a_view_of_what_others_have_is_a_warning_where_nothing_is_declared() -> None:
    found = check(Purse(), 2)
    assert not found.problems and "nothing is declared private" in found.told
    assert len(found.warnings) >= 1 and "'wealth' holds for other seats" in found.warnings[0]
    assert not check(Purse(shows=False), 2).warnings


@pytest.mark.parametrize("name", ["bargaining", "kuhn", "trading"])
def test_what_is_declared_is_named(name: str) -> None:
    found = check(name, 1)
    assert not found.problems and "private: " in found.told and found.told.startswith("1 random episode")


@pytest.mark.slow
def test_a_game_that_never_ends_is_stopped_with_a_word() -> None:
    [problem] = check_game(Purse(turns=None), 1)
    assert "not over after 10,000 steps" in problem and "most_answers" in problem
    with pytest.raises(ArenaError, match="not over after 20,000 steps"):
        play(Purse(turns=None), dict.fromkeys("ab", "random"))


@pytest.mark.parametrize("episodes", ["0", "-3"])
def test_no_episodes_are_no_check(tmp_path: Path, episodes: str) -> None:
    done = typed(tmp_path, "check", "kuhn", "--episodes", episodes)
    assert done.code == 2 and "--episodes is 1 or more" in done.stderr and "✓" not in done.stdout


def test_the_command_tells_it(tmp_path: Path) -> None:
    text = typed(tmp_path, "check", "kuhn", "--episodes", "2").stdout
    assert "checked: 2 random episode(s)" in text and "private: first.cards" in text and "✓ kuhn keeps" in text


@pytest.mark.parametrize("what", [3, 2.5, True, ["linear"], object()])
def test_what_is_no_agent_is_refused(what: object) -> None:
    with pytest.raises(UsageError, match=r"seats\.buyer: .* is no agent"):
        make_plan({"seats": {"buyer": what}}).cells()
    with pytest.raises(UsageError, match="is no game"):
        make_plan({"game": 3}).cells()
