"""Invented names: the same for a seed, new to their world, and no common words."""

from random import Random

import pytest

import games.environments.invented_names
from games.environments.invented_names import NameSource, world_rng
from games.environments.reserved_words import COMMON


def test_equal_seeds_give_equal_names_and_others_give_others() -> None:
    first, again, other = ([NameSource(world_rng("wiki", world)).word() for _ in range(1)] for world in (0, 0, 1))
    assert first == again != other
    assert [NameSource(Random(3)).person() for _ in range(2)] == [NameSource(Random(3)).person()] * 2


def test_twenty_thousand_names_are_no_common_words_and_of_pronounceable_length() -> None:
    for world in range(100):
        names = NameSource(world_rng("test", world))
        words = [names.word() for _ in range(200)]
        assert not {word.lower() for word in words} & COMMON
        assert all(5 <= len(word) <= 9 and word.istitle() for word in words)


def test_no_name_is_part_of_another_or_looks_like_one_in_its_world() -> None:
    names = NameSource(Random(1))
    words = [names.word().lower() for _ in range(300)]
    assert len({word[:5] for word in words}) == 300
    assert not any(one in other for one in words for other in words if one != other)


def test_a_name_that_is_a_common_word_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, _ = (lambda names: (names.word(), names.word(), names.word()))(NameSource(Random(4)))
    monkeypatch.setattr(games.environments.invented_names, "COMMON", frozenset({first.lower()}))
    assert NameSource(Random(4)).word() == second


def test_places_and_firms_say_what_they_are() -> None:
    names = NameSource(Random(2))
    assert names.site().split()[1] in games.environments.invented_names.SITES
    assert names.firm().split()[1] in games.environments.invented_names.TRADES
    assert len(names.person().split()) == 2
