"""The engine: draws follow their distribution, batches stay inside context and memory, nobody waits in vain."""

import asyncio
import copy
import gc
import time
import weakref
from collections.abc import Iterator
from math import exp

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from tiny_networks import FAMILIES, TOKENIZER, Asked, network, reference
from transformers import LlamaForCausalLM

from agents.chat_model import Line, Reply, Sampling
from agents.inference.chat_templates import Prompt
from agents.inference.engine import Engine
from agents.inference.sampling import ActiveRow, Draw, GenerationRow, Words, make_generator, resolve_sampling
from agents.inference.tiny_llama import make_tiny
from agents.inference.torch_threads import one_thread
from agents.models.local import Local
from arena.errors import ModelUnavailable, UsageError
from arena.spec import build, describe

SCORES = [2.0, 1.0, 0.0, -1.0]


@pytest.fixture(autouse=True, scope="module")
def calm() -> Iterator[None]:
    """One thread: the models are too small to gain from more."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Local:
    return Local(str(make_tiny(tmp_path_factory.mktemp("tiny"), texts=["to be or not"], spread=0.02, context=4096)))


def frequencies(temperature: float, top_p: float = 1.0, top_k: int = 0, rows: int = 8000) -> list[float]:
    """How often each of four tokens is drawn, by rows that differ in their seeds alone."""
    device = torch.device("cpu")
    asked = [GenerationRow((1,), temperature, top_p, top_k, seed, 1) for seed in range(rows)]
    many = [ActiveRow(row, Words(str, frozenset()), make_generator(row, device)) for row in asked]
    device = torch.device("cpu")
    drawn = Draw(many, device)(torch.tensor([SCORES] * rows)).argmax(-1)
    return [count / rows for count in torch.bincount(drawn, minlength=4).tolist()]


def softmax(scores: list[float], temperature: float = 1.0) -> list[float]:
    weights = [exp(score / temperature) for score in scores]
    return [weight / sum(weights) for weight in weights]


# 0.02 is 3.6 standard errors of a frequency of one half in 8,000 draws
@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_draws_follow_the_softmax_at_their_temperature(temperature: float) -> None:
    assert frequencies(temperature) == pytest.approx(softmax(SCORES, temperature), abs=0.02)


def test_draws_stay_in_the_nucleus_and_among_the_top_k() -> None:
    p = softmax(SCORES)  # 0.644, 0.237, 0.087, 0.032
    assert frequencies(0.0) == [1, 0, 0, 0]
    assert frequencies(1.0, top_k=2) == pytest.approx([p[0] / (p[0] + p[1]), p[1] / (p[0] + p[1]), 0, 0], abs=0.02)
    assert frequencies(1.0, top_p=0.7)[2:] == [0, 0] and frequencies(1.0, top_p=0.7)[1] > 0.2
    assert frequencies(1.0, top_p=0.9)[2] > 0.05 and frequencies(1.0, top_p=0.9)[3] == 0
    assert frequencies(1.0, top_p=0.0) == [1, 0, 0, 0]


def test_open_settings_are_read_from_the_model() -> None:
    assert resolve_sampling({}, None, None) == (1.0, 1.0, 0)
    assert resolve_sampling({"temperature": 0.6, "top_p": 0.9, "top_k": 20}, None, None) == (0.6, 0.9, 20)
    assert resolve_sampling({"temperature": 0.6, "top_p": 0.9}, 1.0, 1.0) == (1.0, 1.0, 0)
    assert resolve_sampling({"do_sample": False}, None, None)[0] == 0.0


class Narrow(LlamaForCausalLM):
    """A model whose memory holds a few rows."""

    widest, rows = 0, 3

    def forward(self, input_ids=None, **rest):  # type: ignore[no-untyped-def]
        Narrow.widest = max(Narrow.widest, len(input_ids))
        if len(input_ids) > self.rows:
            raise torch.OutOfMemoryError("out of memory")
        return super().forward(input_ids=input_ids, **rest)


async def test_a_batch_that_does_not_fit_into_memory_is_halved(local: Local) -> None:
    module = Narrow(local.module.config)
    module.load_state_dict(local.module.state_dict())
    model = local.with_module(module)
    samplings = [Sampling(temperature=1, seed=seed, max_tokens=6) for seed in range(10)]
    lines = [Line("user", "to be")]
    replies = await asyncio.gather(*(model.chat(lines, (), sampling) for sampling in samplings))
    assert Narrow.widest > 3
    assert [r.text for r in replies] == [(await local.chat(lines, (), s)).text for s in samplings]
    Narrow.widest = 0
    await asyncio.gather(*(model.chat(lines, (), sampling) for sampling in samplings))
    assert 1 <= Narrow.widest <= 3, "what did not fit once is not tried again"


async def test_a_request_that_does_not_fit_even_alone_is_refused(local: Local) -> None:
    module = Narrow(local.module.config)
    module.rows = 0
    model = local.with_module(module)
    with pytest.raises(ModelUnavailable, match="out of memory, even alone"):
        await model.chat([Line("user", "to be")])
    module.rows = 1
    assert (await model.chat([Line("user", "to be")], (), Sampling(max_tokens=2))).usage.output_tokens == 2


@pytest.mark.parametrize("joins", [True, False], ids=["joining", "together"])
async def test_nothing_is_carried_past_the_last_position(joins: bool) -> None:
    module = network(FAMILIES["learnt positions"])  # the 257th would be an index error
    engine = Engine(module, TOKENIZER, joins)
    asked = [("q" * 250, 60), ("q", 255), ("qqq", 5)]
    futures = [engine.submit(Prompt(text), Sampling(temperature=0, max_tokens=most), 8) for text, most in asked]
    outputs = [await asyncio.wrap_future(future) for future in futures]
    assert [(o.input_tokens, o.output_tokens) for o in outputs] == [(250, 6), (1, 255), (3, 5)]
    assert [o.text for o in outputs] == [
        reference(module, Asked(text, min(most, 256 - len(text)))) for text, most in asked
    ]


async def test_a_cancelled_request_ends_and_its_mates_go_on(local: Local) -> None:
    lines = [Line("user", "to be")]
    endless = Sampling(temperature=0, max_tokens=4000)
    await local.chat(lines, (), Sampling(max_tokens=1))  # loaded
    long = asyncio.create_task(local.chat(lines, (), endless))
    await asyncio.sleep(0.3)
    long.cancel()
    began = time.process_time()
    reply = await local.chat(lines, (), Sampling(temperature=1, seed=1, max_tokens=5))
    assert time.process_time() - began < 3 and reply.usage.output_tokens == 5
    with pytest.raises(asyncio.CancelledError):
        await long
    tasks = [asyncio.create_task(local.chat(lines, (), Sampling(max_tokens=5))) for _ in range(4)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, Reply) for one in done] == [True, False, True, True]


async def test_a_failure_reaches_everyone_who_asked_and_the_engine_lives_on(local: Local) -> None:
    broken = copy.deepcopy(local.module)
    del broken.lm_head
    model = local.with_module(broken)
    answers = await asyncio.gather(*(model.chat([Line("user", "x")]) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(answer, AttributeError) for answer in answers)
    again = await asyncio.gather(model.chat([Line("user", "x")]), return_exceptions=True)
    assert isinstance(again[0], AttributeError)


async def test_a_module_in_memory_makes_a_model_with_a_name_of_its_own(local: Local) -> None:
    changed = copy.deepcopy(local.module)
    with torch.no_grad():
        changed.model.layers[0].mlp.down_proj.weight.mul_(3)
    changed.train()
    sampling = Sampling(temperature=1, seed=3, max_tokens=16)
    before = (await local.chat([Line("user", "to be")], (), sampling)).text
    model = local.with_module(changed)
    assert model.module is changed and model.tokenizer is local.tokenizer
    assert (await model.chat([Line("user", "to be")], (), sampling)).text != before
    assert (await local.chat([Line("user", "to be")], (), sampling)).text == before
    assert changed.training, "the training mode is the owner's"
    assert model != local and model == local.with_module(changed) == model.with_module(changed)
    assert describe(model)["name"].startswith(f"local/{local.id}#")
    assert build("model", describe(model)).module is changed
    assert local.with_module(copy.deepcopy(local.module)) != model


async def test_weights_in_memory_are_freed_with_the_last_model_that_holds_them(local: Local) -> None:
    changed = copy.deepcopy(local.module)
    model = local.with_module(changed)
    await model.chat([Line("user", "to be")], (), Sampling(max_tokens=2))
    alive, spec = weakref.ref(changed), describe(model)
    del changed, model
    for _ in range(100):  # the engine's thread ends a moment after its last answer
        gc.collect()
        if alive() is None:
            break
        await asyncio.sleep(0.02)
    assert alive() is None
    with pytest.raises(UsageError, match="changed in memory, and they are gone"):
        build("model", spec).ready()
