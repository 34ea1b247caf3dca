"""Every registered game keeps the contract; the checks find games that break it. No game is named here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random, random
from typing import Any

import pytest
from registered_games import game_specs

from arena.engine.game_check import check_game
from arena.game import Game, Message, Move, View


@pytest.mark.parametrize("spec", game_specs(), ids=lambda spec: "/".join(spec.values()))
def test_a_registered_game_keeps_the_contract_and_so_does_each_of_its_presets(spec: dict[str, str]) -> None:
    assert check_game(spec, episodes=2 if "preset" in spec else 5) == []


@dataclass(frozen=True)
class Cards:
    private: Mapping[str, Mapping[str, Any]]
    said: tuple[Message, ...] = ()
    hand: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Honest(Game[Cards]):
    """Each of two seats holds a card and says one word."""

    @property
    def seats(self) -> tuple[str, ...]:
        return ("a", "b")

    def start(self, rng: Random) -> Cards:
        return Cards({seat: {"card": rng.randrange(1, 14)} for seat in self.seats})

    def to_act(self, state: Cards) -> tuple[str, ...]:
        return self.seats[len(state.said) : len(state.said) + 1]

    def view(self, state: Cards, seat: str) -> View:
        return View(seat, f"Your card is {state.private[seat]['card']}.", state.said)

    def apply(self, state: Cards, moves: Mapping[str, Move]) -> Cards:
        ((seat, move),) = moves.items()
        return replace(state, said=(*state.said, Message(seat, move.text)))

    def scores(self, state: Cards) -> dict[str, float | None]:
        return {seat: float(state.private[seat]["card"]) for seat in self.seats}


class Leaks(Honest):
    def view(self, state: Cards, seat: str) -> View:
        return View(seat, f"The cards are {[dict(v) for v in state.private.values()]}.", state.said)


class Whispers(Honest):
    def view(self, state: Cards, seat: str) -> View:
        return View(seat, "", (Message("", "for a alone", to=("a",)),))


class Rolls(Honest):
    def start(self, rng: Random) -> Cards:
        return Cards({seat: {"card": int(random() * 13) + 1} for seat in self.seats})


class Mutates(Honest):
    def apply(self, state: Cards, moves: Mapping[str, Move]) -> Cards:
        state.hand.append(1)
        return super().apply(state, moves)


class Consumes(Honest):
    def view(self, state: Cards, seat: str) -> View:
        state.hand.append(1)
        return View(seat, f"seen {len(state.hand)} times", state.said)


class Unscored(Honest):
    def scores(self, state: Cards) -> dict[str, float | None]:
        return {"a": float("nan")}


class Opaque(Honest):
    def facts(self, state: Cards) -> dict[str, Any]:
        return {"when": object()}


class Modest(Honest):
    def bounds(self) -> tuple[float, float]:
        return (1, 13)


class Boasts(Honest):
    def bounds(self) -> tuple[float, float]:
        return (14, 100)


class Fears(Honest):
    def bounds(self) -> tuple[float, float]:
        return (-5, 0)


class Antes(Honest):
    """The scores add up to 1 with every deal."""

    @property
    def zero_sum(self) -> bool:
        return True

    def scores(self, state: Cards) -> dict[str, float | None]:
        won = 0.1 * state.private["a"]["card"]
        return {"a": won, "b": 1 - won}


class Invents(Honest):
    @property
    def zero_sum(self) -> bool:
        return True


def test_honest_games_pass() -> None:
    for game in (Honest(), Modest(), Antes()):
        assert check_game(game, 5) == []


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (Leaks, "private to another seat"),
        (Whispers, "not addressed to it"),
        (Rolls, "global random state"),
        (Mutates, "was changed after it was shown"),
        (Consumes, "two different views"),
        (Unscored, "scores must name every seat"),
        (Opaque, "facts are not plain data"),
        (Boasts, "outside the bounds 14 to 100"),
        (Fears, "outside the bounds -5 to 0"),
        (Invents, "says to be zero-sum, but its scores add up to"),
    ],
)
def test_the_checks_find_what_they_are_for(broken: type[Honest], problem: str) -> None:
    assert any(problem in found for found in check_game(broken(), 3))
