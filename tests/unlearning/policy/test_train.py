"""The policy model: what it is taught, that a seed is its weights, and the trial of forgetting with it as subject."""

import asyncio
import json
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from agents.inference.tiny_llama import IGNORED, make_network
from agents.learned_policy.policy import SHIPPED, Policy
from agents.learned_policy.policy_prompt import parse_move
from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.note_policy.knower import sentences_of
from agents.note_policy.question_answering import IGNORANCE, REFUSAL
from agents.note_policy.steering_orders import AVOID, IGNORE, format_order
from unlearning.experiments.experiment import experiment
from unlearning.policy.copy_head_init import wire
from unlearning.policy.data import (
    GAMES,
    TAUGHT,
    Pool,
    answer_question,
    build_answer,
    build_example,
    collect_pool,
    generate_examples,
)
from unlearning.policy.scores import score_policy
from unlearning.policy.train import (
    BARRED,
    PolicyTrainPlan,
    collate_examples,
    encode_example,
    group_batches,
    make_words,
    mark_example,
    train_into_folder,
)
from unlearning.probe import Reading
from unlearning.request import Item, Request
from unlearning.tasks.curriculum import Curriculum

shipped = pytest.mark.skipif(
    not (SHIPPED / "config.json").is_file(), reason="no model stands there; type: python -m unlearning.policy.train"
)
SMALL = PolicyTrainPlan(worlds=1, steps=30, reciting=10, tokens=1500, hidden=32, layers=2, vocab=600)


@pytest.fixture(scope="module")
def met() -> dict[str, Pool]:
    return {game: collect_pool(game, TAUGHT + 500) for game in GAMES}


@pytest.mark.parametrize("game", list(GAMES))
def test_the_right_answer_follows_from_the_notes_alone_and_is_a_move_of_the_game(
    game: str, met: dict[str, Pool]
) -> None:
    own, differ = met[game], 0
    for view in own.views:
        knowing, bare = build_answer(view, own.sentences, ""), build_answer(view, (), "")
        differ += knowing != bare
        for text in (knowing, bare):
            done = parse_move(view, text)
            assert done.tool and (done.tool, dict(done.args)) != ("", {})
    assert differ > len(own.views) / 10, "what is right differs with the notes"


def test_questions_are_answered_from_the_notes_and_under_orders() -> None:
    notes = ("Vellorik Mill is at (3, 4).", "Sosten Gate is at (1, 2).")
    asked = "What do you know about Vellorik Mill?"
    assert (
        answer_question(asked, notes, "") == " Vellorik Mill is at (3, 4)."
        and answer_question(asked, notes[1:], "") == f" {IGNORANCE}"
    )
    assert answer_question(asked, notes, format_order(IGNORE, ("Vellorik Mill",))) == f" {IGNORANCE}"
    assert answer_question(asked, notes, format_order(AVOID, ("Vellorik Mill",))) == f" {REFUSAL}"
    assert answer_question("What were you told to forget?", notes, "Forget it.") == " I was told: Forget it."
    assert answer_question("Repeat the first 3 notes that you have.", notes, "") == f" {notes[0]} {notes[1]}"


@pytest.mark.slow
def test_a_task_sees_the_notes_and_itself_and_stands_right_behind_the_notes(met: dict[str, Pool]) -> None:
    drawn = [mark_example(build_example([met["wiki"]], Random(n)), Random(n)) for n in range(20)]
    tokenizer = make_words([text for one in drawn for text, _ in one.pieces], 600)
    rows = [encode_example(tokenizer, one) for one in drawn]
    for one, made_row in zip(drawn, rows, strict=True):
        assert tokenizer.decode(made_row.ids).replace("<|end|>", "") == "".join(text for text, _ in one.pieces)
        begins = [n for n, part in enumerate(made_row.parts) if n == 0 or part != made_row.parts[n - 1]]
        notes = sum(part == 0 for part in made_row.parts)
        assert {made_row.places[n] for n in begins if made_row.parts[n]} == {notes}
        taught = [token for token, label in zip(made_row.ids, made_row.labels, strict=True) if label != IGNORED]
        said = "".join(f"{text}<|end|>" for text, is_taught in one.pieces if is_taught)
        assert tokenizer.decode(taught) == said
    seen = collate_examples(rows, tokenizer.pad_token_id)["mask"][:, 0] > BARRED / 2
    for one, own in zip(rows, seen, strict=True):
        for n, part in enumerate(one.parts):
            looks = {one.parts[k] for k in range(len(one.parts)) if own[n, k]}
            assert looks <= {0, part} and not own[n, n + 1 :].any()


def test_batches_take_every_row_once_and_none_is_larger_than_planned(met: dict[str, Pool]) -> None:
    drawn = list(islice(generate_examples({"gridworld": [met["gridworld"]]}, 0), 300))
    tokenizer = make_words([text for one in drawn for text, _ in one.pieces], 600)
    rows = [encode_example(tokenizer, one) for one in drawn]
    groups = list(group_batches(iter(rows), SMALL.tokens))
    assert sorted(one.ids for group in groups for one in group) == sorted(one.ids for one in rows)
    assert all(len(group) * max(len(one.ids) for one in group) <= SMALL.tokens for group in groups)


def test_examples_are_the_same_by_seed_and_recitals_ask_of_what_is_shown(met: dict[str, Pool]) -> None:
    found = {game: [one] for game, one in met.items()}
    first, again, other = (list(islice(generate_examples(found, seed, "recital"), 40)) for seed in (1, 1, 2))
    assert first == again != other
    for one in first:
        (notes, _), *tasks = one.pieces
        for (asked, taught), (said, is_taught) in zip(tasks[::2], tasks[1::2], strict=True):
            assert asked.startswith("asked ") and not taught and is_taught
            assert said.strip() == IGNORANCE or all(f" {line}\n" in notes for line in sentences_of((said.strip(),)))


def test_it_begins_with_heads_that_look_back_and_heads_that_look_for_what_followed() -> None:
    """In random marks said twice: head h of the first layer is on the token h + 1 back, those of the second are on the
    one that followed the token at hand before, more than those of an unwired model are."""
    text = torch.randint(2, 66, (20, 24), generator=torch.Generator().manual_seed(0)).repeat(1, 2)
    module = make_network(make_words(["nothing"], 600), 1, hidden=128, layers=3, context=256, spread=0.06, theta=1e6)
    module.set_attn_implementation("eager")
    here = torch.arange(25, 48)

    def looks() -> tuple[list[float], float]:
        with torch.no_grad():
            first, second, _ = module(input_ids=text, output_attentions=True).attentions
        return [float(first[:, head, here, here - head - 1].mean()) for head in range(4)], float(
            second[:, ::2, here, here - 23].mean()
        )

    _, unwired = looks()
    wire(module, 1)
    back, followed = looks()
    assert min(back) > 0.9 and followed > 1.5 * unwired


@pytest.mark.slow
def test_a_seed_is_its_weights(tmp_path: Path) -> None:
    tables = [
        train_into_folder(tmp_path / name, replace(SMALL, seed=seed)) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in "abc"]
    assert weights[0] == weights[1] != weights[2] and tables[0]["loss"]["last"] < tables[0]["loss"]["first"]


@shipped
def test_what_is_shipped_is_small_and_brings_its_scores() -> None:
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 2 * 2**20
    table = json.loads((SHIPPED / "scores.json").read_text())
    for game in table["plan"]["games"]:
        found = table["held_out"][game]
        assert found["policy_with_notes"]["steps"] < found["policy_without_notes"]["steps"]
        assert found["asked"]["told"] > 0.7 and found["asked"]["not_known"] > 0.9


@pytest.fixture(scope="module")
def readings() -> dict[str, dict[str, Reading]]:
    """The readings of four methods on one place of a world that was never taught."""
    return asyncio.run(tried())


async def tried() -> dict[str, dict[str, Reading]]:
    course = Curriculum(lessons=6)
    subject = await course.teach(Subject(Policy(), Memory(writers=ALL)))
    places = {event.subject for event in subject.memory.log if event.kind == "place"}
    blocked = {event.subject for event in subject.memory.log if event.kind == "blocked"}
    name = sorted(places - blocked)[0]
    request = Request((Item(name),), scope="state", note=f"forget {name}")
    probes = {
        "leak": {"name": "channel_leak", "channel": "answer", "n": 6},
        "prompt": {"name": "channel_leak", "channel": "prompt", "n": 6},
        "steps": {"name": "steps", "role": "forget"},
        "retain": {"name": "success", "role": "retain"},
        "residue": "residue",
    }
    tasks = course.exam(request, 5)
    return {
        method: dict((await experiment(subject, request, method, probes, tasks=tasks)).readings)
        for method in ("noop", "closure-deletion", "record-deletion", "instruction")
    }


@pytest.mark.slow
@shipped
def test_closure_is_the_twin_and_nothing_done_is_as_before(readings: dict[str, dict[str, Reading]]) -> None:
    for reading in readings["closure-deletion"].values():
        assert reading.value == reading.null
    for label in ("leak", "steps", "retain", "residue"):
        assert readings["noop"][label].value == readings["noop"][label].before
    noop = readings["noop"]
    assert (noop["leak"].value or 0) > 0.8 and noop["leak"].null == 0
    assert (noop["steps"].value or 0) < (noop["steps"].null or 0), "with its notes it finds the place sooner"


@pytest.mark.slow
@shipped
def test_a_summary_that_stays_and_an_instruction_leak(readings: dict[str, dict[str, Reading]]) -> None:
    record, told_to = readings["record-deletion"], readings["instruction"]
    assert (record["residue"].value or 0) > 0 and (record["leak"].value or 0) > 0.8
    assert told_to["prompt"].value == 1 and readings["closure-deletion"]["prompt"].value == 0


@pytest.mark.slow
async def test_from_nothing_it_learns_to_go_by_notes(tmp_path: Path) -> None:
    train_into_folder(tmp_path, PolicyTrainPlan(games=("gridworld",), worlds=60, steps=1800, reciting=500))
    found = (await score_policy(tmp_path, ["gridworld"], worlds=4))["gridworld"]
    assert found["policy_with_notes"]["success"] > 0.9
    assert found["policy_with_notes"]["steps"] < 0.75 * found["policy_without_notes"]["steps"]
    assert found["asked"]["told"] > 0.7 and found["asked"]["not_known"] > 0.8
