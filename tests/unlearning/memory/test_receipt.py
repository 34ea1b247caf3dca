"""Receipts say what was touched and what is left, found by comparing; they never name the target."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_memories import NAMES, TARGET, about, memories, question, walker

from agents.memory.memory import Memory, Note
from agents.memory.subject import Subject
from agents.note_policy.knower import Knower
from arena.engine.play import run_blocking
from arena.spec import build
from unlearning.cli.output import tell_receipt
from unlearning.cli.teach_and_forget import Done
from unlearning.memory.influence_set import find_influence
from unlearning.memory.receipt import Receipt, receipt
from unlearning.memory.twin import twin

WHOLE = ("noop", "replay", "reset", "record-deletion", "closure-deletion", "selective-replay", "instruction", "filter",
         "icul", "dragon", "alu", "knowledge-entry", "compose", "write-gate")  # fmt: skip


def made(method: Any, subject: Subject | None = None, name: str = TARGET) -> Receipt:
    before = subject or walker()
    return receipt(before, run_blocking(lambda: build("method", method)(before, about(name))), about(name))


@pytest.mark.parametrize("name", WHOLE)
def test_no_receipt_names_its_target(name: str) -> None:
    told = json.dumps(made(name).row())
    assert not any(word in told for word in TARGET.split())


@given(
    memories(),
    st.sampled_from(NAMES),
    st.sampled_from(("noop", "record-deletion", "closure-deletion", "selective-replay")),
)
@settings(max_examples=60, deadline=None)
def test_the_counts_are_those_of_the_rows(memory: Memory, name: str, method: str) -> None:
    before = Subject(Knower(), memory)
    after = run_blocking(lambda: build("method", method)(before, about(name)))
    told, found = receipt(before, after, about(name)), find_influence(memory, about(name))
    assert told.events == len(memory.log) - len(after.memory.log) == (0 if method == "noop" else len(found.events))
    gone = {n.id for n in memory.notes} - {n.id for n in after.memory.notes}
    assert told.notes == len(gone) and told.rewritten == len(after.memory.notes) + len(gone) - len(memory.notes)
    assert told.kept == len(found.notes - gone)
    assert told.named == sum(name in s.text for s in (*after.memory.log, *after.memory.notes))
    assert told.added == 0
    if method == "selective-replay":
        assert told.exact and not told.kept and not told.named and not told.collateral
    if method == "noop":
        assert told.reversible and told.exact == (not found.ids)


def test_the_reset_costs_what_the_twin_still_has() -> None:
    told = made("reset")
    assert told.collateral == sum(TARGET not in note.text for note in walker().memory.notes) and not told.exact


@pytest.mark.parametrize(("name", "words"), [
    ("noop", "the events themselves"), ("record-deletion", "notes that were written from it"),
    ("instruction", "words that steer"), ("filter", "settings of a filter"), ("dragon", "embeddings of prompts"),
    ("dragon", "keyed hashes"), ("alu", "every audit"), ("knowledge-entry", "its name, in "), ("icul", "its name, in "),
])  # fmt: skip
def test_what_a_method_leaves_behind_is_told(name: str, words: str) -> None:
    assert any(words in what for what in made(name).remains)


@pytest.mark.parametrize(("name", "steering", "guards", "added", "gated", "reversible"), [
    ("instruction", 50, 0, 0, 0, True), ("filter", 0, 1, 0, 0, True), ("dragon", 0, 1, 0, 0, True),
    ("alu", 0, 1, 0, 0, True),
    ("knowledge-entry", 0, 0, 1, 0, True), ("icul", 0, 0, 8, 0, True), ("write-gate", 0, 0, 0, 1, True),
    ("compose", 0, 0, 0, 1, False), ("selective-replay", 0, 0, 0, 0, False),
])  # fmt: skip
def test_what_was_put_up_is_counted(
    name: str, steering: int, guards: int, added: int, gated: int, reversible: bool
) -> None:
    told = made(name)
    assert (told.steering, told.guards, told.added, told.gated) == (steering, guards, added, gated)
    assert told.reversible == reversible


def test_a_models_words_are_counted_as_approximate() -> None:
    note = Note("m", "All is well.", "summary", ("walk-0:0",), "model:summary", exact=False)
    subject = replace(walker(), memory=walker().memory.with_note(note))
    assert made("noop", subject).approximate == 1
    told = made("selective-replay", subject)
    assert told.approximate == 0 and told.exact


def test_a_guard_without_an_account_is_looked_through() -> None:
    """Whoever writes a guard and says nothing of what it holds is found out by its settings."""
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Mute:
        words: str

        async def guard(self, view: Any, answer: Any) -> Any:
            return await answer(view)

    before = walker()
    told = receipt(before, replace(before, guards=(Mute(f"not {TARGET}"),)), about(TARGET))
    assert any("settings of a guard" in what for what in told.remains)
    quiet = receipt(before, replace(before, guards=(Mute("nothing"),)), about(TARGET))
    assert not any("guard" in what for what in quiet.remains)


async def test_what_is_reversible_can_be_taken_back() -> None:
    before = walker()
    for name in ("instruction", "filter", "dragon", "alu", "knowledge-entry", "icul", "write-gate"):
        after = await build("method", name)(before, about(TARGET))
        kept = tuple(note for note in after.memory.notes if note in before.memory.notes)
        back = replace(after, steering="", guards=(), memory=replace(after.memory, notes=kept, gate=before.memory.gate))
        assert back == before
        assert await back.act(question(f"Where is {TARGET}?")) == await before.act(question(f"Where is {TARGET}?"))


def test_what_the_twin_has_and_the_agent_lacks_is_counted() -> None:
    honest = len(twin(walker(), about(TARGET)).memory.notes)
    for method, lacking in (("selective-replay", 0), ("closure-deletion", 1), ("reset", honest), ("instruction", 0)):
        told = made(method)
        assert told.lacking == lacking, method  # the one summary has to be written anew
        assert told.exact == (method == "selective-replay")


def test_a_gate_says_that_it_keeps_hashes_beside_their_key() -> None:
    told = made("write-gate")
    assert any("keyed hashes" in what and "write gate" in what for what in told.remains)
    closed = run_blocking(lambda: build("method", "write-gate")(walker(), about(TARGET)))
    again = receipt(closed, closed, about(TARGET))
    assert not any("keyed hashes" in what for what in again.remains), "what was there before was told before"


@pytest.mark.parametrize(("method", "words"), [
    ("selective-replay", "exact as far as recognised: the memory is that of the never-exposed twin"),
    ("closure-deletion", "not exact: it lacks what the twin has"),
    ("noop", "not exact: it keeps what was written from the target"),
])  # fmt: skip
def test_why_a_memory_is_not_the_twins_is_said(method: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = made(method)
    tell_receipt(Done("q1", "walker", "state", 1, {"name": method}, dict(told.row()), 0.0, 1, ""), False)
    assert words in capsys.readouterr().out
