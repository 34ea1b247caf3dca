"""Adapters: many on one base in memory, mixed in one batch, each as it is alone."""

import asyncio
import copy
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import peft
import torch
from transformers import AutoModelForCausalLM

from agents.chat_model import Line, Reply, Sampling
from agents.inference.chat_templates import render
from agents.inference.tiny_llama import make_tiny
from agents.inference.torch_threads import one_thread
from agents.inference.weight_loading import hash_weights, release_weights
from agents.models.local import Local
from arena.distribution import install_line
from arena.errors import MissingExtra
from arena.spec import check_ready

LINES = [Line("user", "to be or not to be, that is the question " * 3)]
SAMPLING = Sampling(temperature=0, max_tokens=16)


@pytest.fixture(autouse=True, scope="module")
def calm() -> Iterator[None]:
    """One thread: the models are too small to gain from more."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_tiny(tmp_path_factory.mktemp("base"), texts=["to be or not"], spread=0.1, context=512))


@pytest.fixture(scope="module")
def adapters(base: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Folders with adapters whose weights are large enough to be heard."""
    places = {}
    kinds: dict[str, dict[str, Any]] = {
        "buyer": {"target_modules": ["q_proj", "down_proj"]},
        "seller": {"target_modules": ["v_proj", "up_proj"], "r": 2},
        "dora": {"target_modules": ["q_proj", "v_proj"], "use_dora": True},
        "writes": {"target_modules": ["q_proj", "v_proj"], "init_lora_weights": "pissa", "r": 4},
    }
    for seed, (name, settings) in enumerate(kinds.items()):
        given = {"r": 4, "lora_alpha": 64, "init_lora_weights": False, **settings}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = AutoModelForCausalLM.from_pretrained(base)
            made = peft.get_peft_model(module, peft.LoraConfig(task_type="CAUSAL_LM", **given))
            with torch.no_grad():
                for key, one in made.named_parameters():
                    if "lora_B" in key:
                        one.normal_(std=0.2)
        places[name] = str(tmp_path_factory.mktemp(name))
        made.save_pretrained(places[name])
    return places


def alone(base: str, adapter: str | None, **settings: Any) -> str:
    """The greedy answer of PEFT's own module, loaded for itself, by the library's own loop."""
    module: Any = AutoModelForCausalLM.from_pretrained(base)
    if adapter:
        module = peft.PeftModel.from_pretrained(module, adapter)
    tokenizer = Local(base).tokenizer
    ids = torch.tensor([tokenizer(render(tokenizer, LINES).text)["input_ids"]])
    most: dict[str, Any] = {"max_new_tokens": SAMPLING.max_tokens, "do_sample": False, **settings}
    made = module.eval().generate(input_ids=ids, attention_mask=torch.ones_like(ids), **most)
    return str(tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True))


def company(reply: Reply) -> int:
    return int(reply.usage.calls[0].detail.split("; ")[1].removeprefix("batch of "))


def memory(*modules: Any) -> set[tuple[int, int]]:
    """Where the parameters of these modules lie, and how many bytes each takes."""
    return {(one.data_ptr(), one.nbytes) for module in modules for one in module.parameters()}


def size(places: set[tuple[int, int]]) -> int:
    return sum(count for _, count in places)


def test_seats_with_different_adapters_share_one_batch_and_speak_as_they_do_alone(
    base: str, adapters: dict[str, str]
) -> None:
    seats = [None, adapters["buyer"], adapters["seller"]]
    models = [Local(base, adapter=seat) for seat in seats]

    async def together() -> list[Reply]:
        for model in models:  # loaded
            await model.chat(LINES, (), Sampling(max_tokens=1))
        return await asyncio.gather(*(model.chat(LINES, (), SAMPLING) for model in models * 3))

    replies = asyncio.run(together())
    expected = [alone(base, seat) for seat in seats]
    assert [reply.text for reply in replies] == expected * 3 and len(set(expected)) == 3
    assert max(map(company, replies)) > 3, "more than there are of one kind"
    again = asyncio.run(together())
    assert [reply.text for reply in again] == expected * 3, "what one adapter read is not shown to another"
    assert any("read before" in reply.usage.calls[0].detail for reply in again)


def test_adapters_are_kept_apart_where_only_the_librarys_own_loop_will_do(base: str, adapters: dict[str, str]) -> None:
    models = [Local(base, adapter=seat) for seat in (None, adapters["buyer"], adapters["seller"])]

    async def together() -> list[Reply]:
        return await asyncio.gather(*(model.chat(LINES, (), SAMPLING) for model in models))

    plain = asyncio.run(together())
    settings = models[0].module.generation_config
    settings.no_repeat_ngram_size = 1
    try:
        replies = asyncio.run(together())
    finally:
        settings.no_repeat_ngram_size = None
    assert [reply.text for reply in replies] == [alone(base, one.adapter, no_repeat_ngram_size=1) for one in models]
    assert [reply.text for reply in replies] != [reply.text for reply in plain]


def test_two_adapters_cost_one_base(base: str, adapters: dict[str, str]) -> None:
    release_weights()
    plain, buyer, seller = (Local(base, adapter=name).module for name in (None, adapters["buyer"], adapters["seller"]))
    bases = [{one for one in memory(module) if one in memory(plain)} for module in (plain, buyer, seller)]
    assert bases[0] == bases[1] == bases[2] == memory(plain)
    # q (64 × 64) and down (128 × 64) with rank 4, v (64 × 64) and up (64 × 128) with rank 2, in 2 layers, 4 bytes
    extra = {adapters["buyer"]: 2 * 4 * (128 + 192) * 4, adapters["seller"]: 2 * 2 * (128 + 192) * 4}
    assert size(memory(plain, buyer, seller)) - size(memory(plain)) == sum(extra.values())
    assert size(memory(seller)) - size(memory(plain)) == extra[adapters["seller"]], "and nothing of the other's"


def test_the_base_stays_as_it_was(base: str, adapters: dict[str, str]) -> None:
    release_weights()
    plain = Local(base)
    names, before = list(plain.module.state_dict()), hash_weights(plain.module)
    for name in adapters.values():
        asyncio.run(Local(base, adapter=name).chat(LINES, (), SAMPLING))
    assert list(plain.module.state_dict()) == names and hash_weights(plain.module) == before
    assert asyncio.run(plain.chat(LINES, (), SAMPLING)).text == alone(base, None)


@pytest.mark.parametrize("name", ["buyer", "dora", "writes"])
def test_every_kind_of_adapter_speaks_as_it_does_alone(name: str, base: str, adapters: dict[str, str]) -> None:
    model, other = Local(base, adapter=adapters[name]), Local(base, adapter=adapters["seller"])

    async def together() -> list[Reply]:
        return await asyncio.gather(*(one.chat(LINES, (), SAMPLING) for one in [model, other] * 2))

    expected = [alone(base, adapters[name]), alone(base, adapters["seller"])] * 2
    assert [reply.text for reply in asyncio.run(together())] == expected and alone(base, None) not in expected
    shares = memory(Local(base).module) <= memory(model.module)
    assert shares == (name != "writes"), "an adapter that writes into the base has one of its own"


def test_an_adapters_module_can_be_copied_changed_and_put_back(base: str, adapters: dict[str, str]) -> None:
    model = Local(base, adapter=adapters["buyer"])
    before = asyncio.run(model.chat(LINES, (), SAMPLING)).text
    same = model.with_module(copy.deepcopy(model.module))
    assert asyncio.run(same.chat(LINES, (), SAMPLING)).text == before
    changed = copy.deepcopy(model.module)
    with torch.no_grad():
        for key, one in changed.named_parameters():
            if "lora_B" in key:
                one.zero_()
    assert asyncio.run(model.with_module(changed).chat(LINES, (), SAMPLING)).text == alone(base, None) != before
    assert asyncio.run(model.chat(LINES, (), SAMPLING)).text == before


def test_an_adapter_needs_its_library(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)  # as if it were not installed
    with pytest.raises(MissingExtra, match=re.escape(install_line("lora"))):
        check_ready(Local(base, adapter="somewhere"))


@pytest.mark.slow
def test_loading_an_adapter_disturbs_nobody_at_work(base: str, adapters: dict[str, str]) -> None:
    release_weights()
    plain, buyer, seller = (Local(base, adapter=name) for name in (None, adapters["buyer"], adapters["seller"]))
    long = Sampling(temperature=0, max_tokens=200)

    async def work() -> tuple[str, list[Reply], list[Reply]]:
        await buyer.chat(LINES, (), Sampling(max_tokens=1))
        at_work = [asyncio.create_task(model.chat(LINES, (), long)) for model in (plain, buyer)]
        await asyncio.sleep(0.1)
        newcomer = (await seller.chat(LINES, (), SAMPLING)).text
        replies = await asyncio.gather(*at_work)
        return newcomer, replies, [await model.chat(LINES, (), long) for model in (plain, buyer)]

    for _ in range(2):
        release_weights()
        newcomer, replies, again = asyncio.run(work())
        assert newcomer == alone(base, adapters["seller"])
        assert [reply.text for reply in replies] == [reply.text for reply in again]
