"""Training that goes wrong, is interrupted, is repeated: what is kept, what is said, and what must not move."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_facts
import torch
from repository import ROOT, SUPPORT

from agents.chat_model import Line, Sampling
from agents.llm.llm import LLM
from arena.errors import UsageError
from unlearning.modeling.agent_weights import open_weights, save
from unlearning.modeling.trainable_parameters import Lora, build_row_scope
from unlearning.modeling.training_cost import Outlook
from unlearning.modeling.weight_arithmetic import measure_distance
from unlearning.training.finetune import FinetuneResult


def weights(agent: Any) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in open_weights(agent, "test").module.state_dict().items()}


def equal(one: Any, other: Any) -> bool:
    mine, yours = weights(one), weights(other)
    return mine.keys() == yours.keys() and all(torch.equal(mine[name], yours[name]) for name in mine)


async def test_a_seed_makes_the_same_weights_and_another_others() -> None:
    method = tiny_facts.made("npo", epochs=2, batch=2)
    one, again = (
        await method(tiny_facts.knower(), tiny_facts.REQUEST),
        await method(tiny_facts.knower(), tiny_facts.REQUEST),
    )
    assert equal(one, again)
    assert not equal(one, await replace(method, seed=1)(tiny_facts.knower(), tiny_facts.REQUEST))


async def test_no_epochs_is_the_identity() -> None:
    agent = tiny_facts.knower()
    assert equal(await tiny_facts.made("npo", epochs=0)(agent, tiny_facts.REQUEST), agent)


async def test_progress_tells_steps_and_time_left() -> None:
    told: list[Outlook] = []
    await tiny_facts.made("grad-diff", epochs=2, batch=2).run(tiny_facts.knower(), tiny_facts.REQUEST, tell=told.append)
    assert [one.step for one in told] == [1, 2, 3, 4] and {one.steps for one in told} == {4}
    assert told[-1].left == 0 and told[0].left is not None and told[0].left > 0
    assert str(told[1]).startswith("step 2/4  epoch 1/2  forget ") and "to go" in str(told[1])


KILLED = """
import asyncio, os, signal, sys
import tiny_facts
def tell(outlook):
    if outlook.step == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
from agents.llm.llm import LLM
from agents.models.local import Local
lora = tiny_facts.LORA if sys.argv[5] == "L" else None
method = tiny_facts.made("npo", epochs=3, batch=2, save_seconds=float(sys.argv[4]), lora=lora)
asyncio.run(method.run(LLM(Local(sys.argv[1])), tiny_facts.REQUEST, tell=tell, folder=sys.argv[2]))
"""


@pytest.mark.parametrize(
    ("step", "every", "lora"), [pytest.param(4, 60.0, False, marks=pytest.mark.slow), (5, 0.0, True)]
)
async def test_a_killed_training_ends_in_the_same_bits(tmp_path: Path, step: int, every: float, lora: bool) -> None:
    """Killed in the second epoch (checkpoint of the first) and in the third (checkpoint of the step before); with an
    adapter there is dropout, which has to go on as well."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{SUPPORT}"}
    arguments = [str(tiny_facts.folder()), str(tmp_path / "kept"), str(step), str(every), "L" if lora else "None"]
    command = [sys.executable, "-c", KILLED, *arguments]
    done = await asyncio.to_thread(subprocess.run, command, env=environment, cwd=ROOT, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert held(tmp_path / "kept") == ["training.pt"]
    method = tiny_facts.made("npo", epochs=3, batch=2, save_seconds=every, lora=tiny_facts.LORA if lora else None)
    steps: list[int] = []
    resumed = await method.run(
        tiny_facts.knower(),
        tiny_facts.REQUEST,
        tell=lambda outlook: steps.append(outlook.step),
        folder=tmp_path / "kept",
    )
    assert steps == list(range(step if every == 0 else 3, 7)), "it goes on where it was"
    assert equal(resumed.agent, await method(tiny_facts.knower(), tiny_facts.REQUEST))
    assert not (tmp_path / "kept" / "training.pt").exists()


async def interrupted(folder: Path, **settings: Any) -> None:
    def stop(outlook: Outlook) -> None:
        if outlook.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        method = tiny_facts.made("npo", epochs=3, batch=2, **settings)
        await method.run(tiny_facts.knower(), tiny_facts.REQUEST, tell=stop, folder=folder)


async def test_the_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    await interrupted(tmp_path)
    with pytest.raises(UsageError, match=r"training\.pt belongs to a training with other settings"):
        await tiny_facts.made("npo", epochs=3, batch=2, beta=0.2).run(
            tiny_facts.knower(), tiny_facts.REQUEST, folder=tmp_path
        )


async def test_a_broken_checkpoint_is_named(tmp_path: Path) -> None:
    await interrupted(tmp_path)
    (tmp_path / "training.pt").write_bytes(b"half of")
    with pytest.raises(UsageError, match=r"training\.pt cannot be read as a checkpoint"):
        await tiny_facts.made("npo", epochs=3, batch=2).run(tiny_facts.knower(), tiny_facts.REQUEST, folder=tmp_path)


def held(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Files may have 20 kB: writing fails half-way, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_ends_checkpoints_but_not_training(tmp_path: Path, full_disk: None) -> None:
    agent = tiny_facts.knower()
    outcome = await tiny_facts.made("npo", epochs=2, batch=2).run(agent, tiny_facts.REQUEST, folder=tmp_path)
    (note,) = outcome.ended.notes
    assert note.startswith("no checkpoint at step 2: ") and "make room there" in note and outcome.ended.steps == 4
    with pytest.raises(UsageError, match=r"out cannot be written: .*make room there"):
        save(outcome.agent, tmp_path / "out")
    assert not held(tmp_path), "nothing half-written is left"


def hooked(hook: Any) -> LLM:
    """The agent with a hook on its model's forward, which copies of the model keep."""
    found = open_weights(tiny_facts.knower(), "test")
    from unlearning.modeling.trainable_parameters import mirror

    module = mirror(found.module)
    module.register_forward_pre_hook(hook, with_kwargs=True)
    return found.with_module(module)  # type: ignore[return-value]


async def test_where_memory_runs_out_the_step_is_cut_with_the_same_gradient() -> None:
    def narrow(module: Any, args: Any, named: Any) -> None:
        if module.training and len(named["input_ids"]) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")

    method = tiny_facts.made("grad-diff", epochs=1, batch=3, optimiser="sgd", clip=None)
    cut = await method.run(hooked(narrow), tiny_facts.REQUEST)
    assert cut.ended.notes == ("out of memory at step 1: 1 rows at a time from there on",)
    whole = await method.run(tiny_facts.knower(), tiny_facts.REQUEST)
    before = weights(tiny_facts.knower())
    assert measure_distance(weights(cut.agent), weights(whole.agent)) < 1e-4 * measure_distance(
        before, weights(whole.agent)
    )


async def test_where_not_even_one_row_fits_it_says_what_to_do() -> None:
    def never(module: Any, args: Any, named: Any) -> None:
        if module.training:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(UsageError, match="even with one row at a time; train an adapter"):
        await tiny_facts.made("ga", epochs=1, batch=3)(hooked(never), tiny_facts.REQUEST)


def breaking(after: int) -> LLM:
    """Its activations are NaN after so many forwards in training."""
    seen = {"count": 0}

    def spoil(module: Any, args: Any, named: Any) -> None:
        if module.training:
            seen["count"] += 1
            if seen["count"] > after:
                with torch.no_grad():
                    module.lm_head.weight[0, 0] = float("nan")

    return hooked(spoil)


async def test_a_loss_that_is_not_a_number_keeps_the_last_good_weights_and_says_where() -> None:
    method = tiny_facts.made("ga", epochs=3, batch=3)
    with pytest.warns(RuntimeWarning, match="the loss of forget is nan at step 3"):
        await method(breaking(2), tiny_facts.REQUEST)
    outcome: FinetuneResult = await method.run(breaking(2), tiny_facts.REQUEST)
    assert outcome.ended.diverged and "the weights after step 1, the last good ones, are kept" in outcome.ended.stopped
    assert all(tensor.isfinite().all() for tensor in weights(outcome.agent).values())


async def test_a_loss_that_was_never_a_number_is_refused() -> None:
    with pytest.raises(UsageError, match="before anything was changed"):
        await tiny_facts.made("ga", epochs=3, batch=3)(breaking(0), tiny_facts.REQUEST)


async def test_only_what_is_named_moves() -> None:
    agent = tiny_facts.knower()
    after = weights(await tiny_facts.made("ga", epochs=2, where=r"layers\.1\.mlp")(agent, tiny_facts.REQUEST))
    moved = {name for name, tensor in weights(agent).items() if not torch.equal(tensor, after[name])}
    assert moved == {f"model.layers.1.mlp.{part}_proj.weight" for part in ("gate", "up", "down")}


async def test_masked_entries_stay_bit_for_bit_under_weight_decay() -> None:
    agent = tiny_facts.knower()
    method = tiny_facts.made("wagle", epochs=3, batch=2, decay=0.1)
    masks = method.scope(tiny_facts.study()).masks
    before, after = weights(agent), weights(await method(agent, tiny_facts.REQUEST))
    moved = 0
    for key, tensor in before.items():
        changed = tensor != after[key]
        if key in masks:
            assert not (changed & ~masks[key]).any()
            moved += int(changed.sum())
        elif key != "lm_head.weight":  # tied to the embeddings
            assert not changed.any()
    assert moved > 0


async def test_a_mask_of_ones_is_the_host() -> None:
    agent = tiny_facts.knower()
    one = await tiny_facts.made("wagle", host="grad-diff", share=1.0, epochs=2, decay=0.1)(agent, tiny_facts.REQUEST)
    assert equal(one, await tiny_facts.made("grad-diff", epochs=2, decay=0.1)(agent, tiny_facts.REQUEST))


def test_rows_of_a_matrix_can_be_chosen() -> None:
    scope = build_row_scope("model.embed_tokens.weight", torch.tensor([3, 5]), 304)
    (mask,) = scope.chosen(tiny_facts.study().module).values()
    assert mask is not None and mask.nonzero()[:, 0].tolist() == [3, 5]


async def test_an_adapter_leaves_the_weights_below_shared_and_whole() -> None:
    agent = tiny_facts.knower()
    before = weights(agent)
    after = await tiny_facts.made("ga", epochs=6, lr=2e-2, lora=Lora(rank=4))(agent, tiny_facts.REQUEST)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(agent).items())
    inside = {p.data_ptr() for p in open_weights(after, "test").module.parameters()}
    assert {p.data_ptr() for p in open_weights(agent, "test").module.parameters()} <= inside
    assert await said(agent) == tiny_facts.ITEMS[0].answer != await said(after)


async def said(agent: Any) -> str:
    asked = [Line("user", tiny_facts.ITEMS[0].prompt)]
    return str((await agent.model.chat(asked, (), Sampling(0.0, max_tokens=12))).text)


async def test_half_precision_weights_are_trained_in_single_and_given_back_in_half() -> None:
    found = open_weights(tiny_facts.knower(), "test")
    import copy

    agent = found.with_module(copy.deepcopy(found.module).to(torch.bfloat16))
    for precision in ("auto", "float32", "pure"):
        method = tiny_facts.made("grad-diff", epochs=2, precision=precision)
        after = weights(await method(agent, tiny_facts.REQUEST))
        assert {tensor.dtype for tensor in after.values()} == {torch.bfloat16}, precision
        assert measure_distance(after, weights(agent)) > 0
    assert {tensor.dtype for tensor in weights(agent).values()} == {torch.bfloat16}


async def test_mixed_precision_goes_the_same_way() -> None:
    agent = tiny_facts.knower()
    method = tiny_facts.made("npo", epochs=3, optimiser="sgd")  # Adam makes the sign of a rounding error a whole step
    single = await method(agent, tiny_facts.REQUEST)
    mixed = await replace(method, precision="bfloat16")(agent, tiny_facts.REQUEST)
    assert (
        0 < measure_distance(weights(mixed), weights(single)) < 0.1 * measure_distance(weights(single), weights(agent))
    )


async def test_it_ends_early_when_a_reading_crosses_a_limit() -> None:
    from unlearning.training.callbacks import Until

    method = tiny_facts.made("ga", epochs=50, batch=3, until=Until(limit=0.2))
    outcome = await method.run(tiny_facts.knower(), tiny_facts.REQUEST)
    assert outcome.ended.epochs < 50 and outcome.ended.stopped.startswith("probability of forget is 0.")
    assert outcome.ended.numbers["probability forget"] < 0.2


async def test_what_was_spent_is_counted() -> None:
    method = tiny_facts.made("npo", epochs=2, batch=3)
    outcome = await method.run(tiny_facts.knower(), tiny_facts.REQUEST)
    spent = outcome.spent
    assert (spent.forward, spent.backward, spent.reference) == (4.0, 8.0, 0.0), "2 steps, 2 roles"
    assert spent.tokens > 0 and spent.seconds > 0 and spent.flops > 2 * 20_000 * spent.tokens
    live = await replace(method, reference="live").run(tiny_facts.knower(), tiny_facts.REQUEST)
    assert live.spent.reference == 2.0
    assert measure_distance(weights(live.agent), weights(outcome.agent)) < 1e-4
