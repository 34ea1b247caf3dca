"""What a process holds of texts is dropped when something is forgotten; worlds, types and weights stay."""

import pytest
from remembering import TARGET, question, walker

from agents.knower import sentences_of, usable
from agents.naming import naming
from agents.steering import Orders
from arena.memo import by_identity
from arena.play import blocking
from arena.spec import build
from unlearning import caches


def test_parsed_notes_and_names_are_dropped_and_counted() -> None:
    caches.emptied()
    blocking(lambda: walker().act(question(f"What do you know about {TARGET}?")))
    held = [sentences_of.cache_info().currsize, usable.cache_info().currsize, naming.cache_info().currsize]
    assert all(held)
    assert caches.emptied() >= sum(held)
    assert not sentences_of.cache_info().currsize + usable.cache_info().currsize + naming.cache_info().currsize
    assert caches.emptied() == 0


def test_what_was_worked_out_of_values_is_dropped_and_worked_out_again() -> None:
    made: list[str] = []

    @by_identity
    def shouted(words: str) -> str:
        made.append(words)
        return words.upper()

    words = f"{TARGET} is at (1, 2)."
    assert shouted(words) == shouted(words) and len(made) == 1
    assert caches.emptied() >= 1
    assert shouted(words) == words.upper() and len(made) == 2


def test_worlds_and_types_stay() -> None:
    wiki = build("game", {"name": "wiki", "world": 3}).pages
    usable((), Orders(), "wiki")
    caches.emptied()
    assert build("game", {"name": "wiki", "world": 3}).pages is wiki


def test_keys_and_values_of_prompts_are_dropped() -> None:
    torch = pytest.importorskip("torch")
    from agents.engine_prefix import BLOCK, Prefixes

    held, ids = Prefixes(), list(range(2 * BLOCK))
    held.put(ids, "", [(torch.zeros(1, 2 * BLOCK, 4), torch.zeros(1, 2 * BLOCK, 4))], 2**20)
    assert len(held.longest(ids, "")) == 2
    assert caches.emptied() >= 2
    assert held.longest(ids, "") == [] and held.bytes == 0
