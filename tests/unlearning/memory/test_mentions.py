"""What else of a database names a target: found by kind, told in receipts, deleted whole and for good."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_runner import arena
from duel import duel
from random_memories import TARGET, walker

from agents.memory import agent_store
from arena.episode import Episode, Turn
from arena.errors import BadRecord
from arena.game import Move
from arena.store.database import writing
from arena.store.store import Store
from arena.usage import Call, Usage
from unlearning.cli.teach_and_forget import Order, find_receipt, forget_request
from unlearning.memory.mentions import delete_mentions, find_mentions

PROMPT = (("system", "You sell."), ("user", f"Is {TARGET} open?"))
LATER = (*PROMPT, ("assistant", "It is."), ("user", "And who keeps it?"))  # names it further up
OTHER = (("system", "You sell."), ("user", "Is the mill open?"))


def call(prompt: Sequence[tuple[str, str]], reply: str = "Yes.", detail: str = "") -> Call:
    return Call("m", "m", "ok", 1, 1, 0.0, 0.1, tuple(prompt), reply, detail)


def record(store: Store, turns: Sequence[Turn], seed: int = 0, facts: Any = None, command: str = "") -> str:
    """One recorded episode with these answers; its id."""

    async def write() -> str:
        pending = store.begin([replace(duel(seed), patience=seed + 2)], command).pending[0]
        await store.record_start(pending)
        for turn in turns:
            await store.turn(pending.id, turn)
        await store.record_end(pending.id, Episode(pending.match, tuple(turns), {"buyer": 1.0}, facts or {}, "over"))
        store.end(pending.id.rpartition(".")[0], "over")
        return pending.id

    return asyncio.run(write())


def turn(text: str = "", step: int = 0, *calls: Call, **move: Any) -> Turn:
    return Turn(step, "buyer", Move(text, usage=Usage(calls), **move))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "arena.db")) as store:
        with writing(store.engine) as connection:
            agent_store.save_agent(connection, "walker", walker())
        yield store


def found(store: Store, *names: str) -> dict[tuple[str, str], dict[str, int]]:
    with store.engine.connect() as connection:
        return {place: dict(kinds) for place, kinds in find_mentions(connection, names, "walker").places.items()}


def test_rows_are_counted_by_kind_and_place(store: Store) -> None:
    first = record(store, [turn("Off we go.", 0, call(PROMPT), call(LATER)), turn("sosten  HARBOUR it is.", 1)])
    second = record(store, [turn("", 0, call(OTHER, f"To {TARGET}."))], 1, {"goal": ["a", {"to": f'"{TARGET}"'}]})
    third = record(store, [turn("The mill.", 0, call(OTHER))], 2)
    fourth = record(store, [turn("Go.", 0, tool="go", args={"to": f"x\n{TARGET}"})], 3, command=f"play --to '{TARGET}'")
    assert found(store, TARGET) == {
        ("episode", first): {"answers": 1, "calls": 2, "prompts": 2},
        ("episode", second): {"calls": 1, "facts": 1},
        ("episode", fourth): {"answers": 1},
        ("run", fourth.rpartition(".")[0]): {"settings": 1},
    }
    assert third not in str(found(store, TARGET)) and found(store, "Sosten") and not found(store, "Sost", "Harbours")


@pytest.mark.parametrize(("said", "name"), [
    ("Спросите АННУ ЛИ.", "Анну Ли"), ("王明月住在这里。", "王明月"), ("Ask JOSE\u0301 today.", "José"),
    ("room “7 b”", "7 B"),
])  # fmt: skip
def test_names_are_found_in_any_script_case_and_form(store: Store, said: str, name: str) -> None:
    told, args, fact = (
        record(store, [move], seed, facts)
        for seed, (move, facts) in enumerate(
            [(turn(said), {}), (turn("x", tool="t", args={"a": [said]}), {}), (turn("x"), {"f": said})]
        )
    )
    assert {id for _, id in found(store, name)} == {told, args, fact}


def test_a_receipt_counts_them_and_names_the_commands_but_not_the_target(store: Store, tmp_path: Path) -> None:
    record(store, [turn("Hello.", 0, call(PROMPT))])
    done = forget_request(store, Order("walker", "forget the harbour"))
    again = find_receipt(store, "walker")
    for receipt in (done.receipt, again.receipt):
        assert receipt["recorded"] == {"calls": 1, "episodes": 1, "prompts": 1}
        assert "calls 1, episodes 1, prompts 1" in receipt["remains"][0] and "--delete" in receipt["remains"][0]
        assert "Harbour" not in json.dumps(receipt)
    assert "arena mentions NAME" in arena(tmp_path, "receipt", "walker")


def test_a_copy_of_the_agent_is_named_and_nothing_else_is_not(store: Store) -> None:
    assert "recorded" not in forget_request(store, Order("walker", "forget the harbour", dry_run=True)).receipt
    kept = forget_request(store, Order("walker", "forget the harbour", "record-deletion", keep="careless")).receipt
    assert kept["recorded"] == {"agents": 1, "events": 4, "notes": 4} and "--delete" not in kept["remains"][0]
    assert forget_request(store, Order("walker", "forget the harbour")).receipt["recorded"]["agents"] == 1


def test_what_is_deleted_is_gone_from_the_file_and_the_rest_is_as_it_was(store: Store, tmp_path: Path) -> None:
    with writing(store.engine) as connection:
        connection.exec_driver_sql("DELETE FROM event")
        connection.exec_driver_sql("DELETE FROM note")
    gone = record(store, [turn("Off.", 0, call(PROMPT, "Aye, a rare word: quixotry."), call(LATER))])
    kept = record(store, [turn("Off.", 0, call(OTHER, "Yes."))], 1)
    before = store.episode(kept)
    mentions, rows, left = delete_mentions(store, [TARGET])
    assert mentions.of("episode") == (gone,) and not left
    assert rows == {"turn": 1, "call": 2, "seat": 2, "score": 1, "episode": 1, "run": 1, "message": 3, "text": 4}
    assert store.episode(kept) == before and not found(store, TARGET)
    store.close()
    data = b"".join(file.read_bytes() for file in tmp_path.glob("arena.db*"))
    assert TARGET.encode() not in data and b"quixotry" not in data and b"Is the mill open?" in data
    assert "Nothing was deleted" in arena(tmp_path, "mentions", TARGET, "--delete")
    assert "Nothing on record names it" in arena(tmp_path, "mentions", TARGET)


def test_a_run_whose_command_names_it_goes_whole(store: Store) -> None:
    id = record(store, [turn("Nothing here.")], command=f"play --seat x='{TARGET}'")
    delete_mentions(store, ["sosten harbour"])
    with pytest.raises(BadRecord, match="no episode"):
        store.episode(id)


def test_nothing_is_deleted_while_a_run_is_played(store: Store, tmp_path: Path) -> None:
    id = record(store, [turn("Hello.", 0, call(PROMPT))])
    with Store.open(str(tmp_path / "arena.db")) as other:
        played = other.begin([duel(9)]).id
        with pytest.raises(BadRecord, match=f"run {played} is being played; nothing was deleted"):
            delete_mentions(store, [TARGET])
        assert store.episode(id).turns
        other.end(played, "interrupted")
    assert delete_mentions(store, [TARGET])[1]["episode"] == 1


def test_a_resumed_command_plays_again_what_was_deleted(store: Store) -> None:
    plan = [duel(seed) for seed in range(3)]
    run = store.begin(plan)
    for pending, said in zip(run.pending[:2], (TARGET, "the mill"), strict=True):
        asyncio.run(store.record_start(pending))
        asyncio.run(store.turn(pending.id, turn(said)))
        asyncio.run(store.record_end(pending.id, Episode(pending.match, (), {}, {}, "over")))
    store.end(run.id, "interrupted")
    delete_mentions(store, [TARGET])
    assert [pending.n for pending in store.begin(plan).pending] == [1, 3]


def test_a_name_without_a_letter_is_refused(tmp_path: Path) -> None:
    Store.open(str(tmp_path / "arena.db")).close()
    assert "a name has at least one letter" in arena(tmp_path, "mentions", " ", code=2)
