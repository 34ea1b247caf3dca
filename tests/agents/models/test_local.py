"""Local models through their public face: batches, sampling, templates, counts, sharing, refusals."""

import asyncio
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
import transformers

from agents.chat_model import ChatModel, Line, OpenWeights, Reply, Sampling, ToolCall
from agents.inference.tiny_llama import make_tiny
from agents.inference.torch_threads import one_thread
from agents.inference.weight_loading import release_weights
from agents.models.local import Local
from arena.distribution import install_line
from arena.errors import BadPart, ModelUnavailable, UsageError
from arena.spec import build, check_ready, describe

GREEDY = Sampling(temperature=0, max_tokens=24)
CONTEXT = 256


@pytest.fixture(autouse=True, scope="module")
def calm() -> Iterator[None]:
    """One thread: the models are too small to gain from more."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that was taught to repeat a number, so that its answers depend on their prompts."""
    taught = [[Line("user", f"say {n}"), Line("assistant", f"You said {n}, and {n} it is.")] for n in range(10, 100)]
    place = tmp_path_factory.mktemp("tiny")
    return str(make_tiny(place, conversations=taught, hidden=32, context=CONTEXT, steps=120))


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model with random weights: its samples vary widely and seldom end."""
    return str(make_tiny(tmp_path_factory.mktemp("wild"), texts=["to be or not to be"], spread=0.02, context=512))


def asked(text: str) -> list[Line]:
    return [Line("user", text)]


async def together(model: Local, texts: list[str], samplings: list[Sampling]) -> list[Reply]:
    return await asyncio.gather(*(model.chat(asked(t), (), s) for t, s in zip(texts, samplings, strict=True)))


async def apart(model: Local, texts: list[str], samplings: list[Sampling]) -> list[Reply]:
    return [await model.chat(asked(t), (), s) for t, s in zip(texts, samplings, strict=True)]


def texts_of(replies: list[Reply]) -> list[str]:
    return [reply.text for reply in replies]


def company(reply: Reply) -> int:
    """The largest batch it was in, as its record says."""
    return int(reply.usage.calls[0].detail.split("; ")[1].removeprefix("batch of "))


@pytest.mark.slow
async def test_requests_at_once_share_batches_and_have_the_texts_they_have_alone(folder: str) -> None:
    model = Local(folder)
    prompts = [f"{'please ' * (n % 5)}say {n}" for n in range(10, 26)]
    replies = await together(model, prompts, [GREEDY] * 16)
    assert max(map(company, replies)) >= 8
    assert texts_of(replies) == texts_of(await apart(model, prompts, [GREEDY] * 16))
    assert len(set(texts_of(replies))) > 8
    assert (await model.chat(asked("say 42"), (), GREEDY)).text == "You said 42, and 42 it is."


async def test_max_batch_bounds_the_batch(folder: str) -> None:
    replies = await together(Local(folder, max_batch=3), ["say 11"] * 7, [GREEDY] * 7)
    assert max(map(company, replies)) == 3


async def test_a_seed_gives_the_same_text_in_any_company(wild: str) -> None:
    model = Local(wild)
    drawn = [(1.0, None), (0.7, 0.9), (0.0, None), (1.5, 0.5), (1.0, 1.0)]
    samplings = [Sampling(t, p, max_tokens=12 + seed, seed=seed) for seed, (t, p) in enumerate(drawn)]
    prompts = ["to be " * n for n in (1, 9, 3, 20, 2)]
    alone = texts_of(await apart(model, prompts, samplings))
    assert texts_of(await together(model, prompts, samplings)) == alone
    assert texts_of(await together(model, prompts[::-1], samplings[::-1])) == alone[::-1]
    seeds = [Sampling(temperature=1, max_tokens=12, seed=seed) for seed in range(8)]
    assert len(set(texts_of(await together(model, ["to be"] * 8, seeds)))) == 8
    unseeded = texts_of(await together(model, ["to be"] * 2, [Sampling(temperature=1, max_tokens=12)] * 2))
    assert unseeded[0] != unseeded[1]


async def test_an_unseeded_draw_can_be_repeated_from_its_record(wild: str) -> None:
    first = await Local(wild).chat(asked("to be"), (), Sampling(max_tokens=12))
    seed = int(first.usage.calls[0].detail.split("seed ")[1])
    assert (await Local(wild).chat(asked("to be"), (), Sampling(max_tokens=12, seed=seed))).text == first.text


async def test_an_answer_ends_before_a_stop_text_or_at_its_own_length(folder: str) -> None:
    model = Local(folder)
    stops = [
        Sampling(0, stop=(", and",)),
        Sampling(0, stop=("nowhere", "said 5")),
        Sampling(0),
        Sampling(0, max_tokens=3),
    ]
    stopped, early, whole, short = await together(model, ["say 51"] * 4, stops)
    assert (stopped.text, stopped.stop) == ("You said 51", "end")
    assert (early.text, early.stop) == ("You ", "end")
    assert (whole.text, whole.stop) == ("You said 51, and 51 it is.", "end")
    assert short.stop == "length" and short.usage.calls[0].outcome == "truncated"
    assert whole.text.startswith(short.text) and short.usage.output_tokens == 3


async def test_tokens_are_counted_as_the_tokenizer_counts_them(folder: str) -> None:
    model = Local(folder)
    lines = [Line("system", "Be brief."), Line("user", "say 77"), Line("assistant", "You said"), Line("user", "say 78")]
    text = model.tokenizer.apply_chat_template(
        [{"role": line.role, "content": line.text} for line in lines], tokenize=False, add_generation_prompt=True
    )
    call = (await model.chat(lines, (), GREEDY)).usage.calls[0]
    assert call.input_tokens == len(model.tokenizer(text)["input_ids"])
    answer = await model.chat(asked("say 77"), (), GREEDY)
    assert answer.usage.output_tokens == len(model.tokenizer(answer.text)["input_ids"]) + 1  # and the end token
    assert call.usd == 0.0 and call.seconds > 0 and call.model == f"local/{folder}"
    assert call.prompt == tuple((line.role, line.text) for line in lines)
    assert call.resolved == "LlamaForCausalLM float32 cpu"


async def test_an_action_in_a_line_is_shown_as_the_agent_records_it(folder: str) -> None:
    lines = [Line("user", "go"), Line("assistant", "Here.", ToolCall("offer", {"price": 12})), Line("user", "say 20")]
    reply = await Local(folder).chat(lines, (), GREEDY)
    spelled = [Line("user", "go"), Line(*reply.usage.calls[0].prompt[1]), Line("user", "say 20")]  # type: ignore[arg-type]
    assert '"price": 12' in spelled[1].text
    assert (await Local(folder).chat(spelled, (), GREEDY)).usage.input_tokens == reply.usage.input_tokens


async def test_a_prompt_that_does_not_fit_is_refused_with_numbers_and_spares_its_mates(folder: str) -> None:
    model = Local(folder)
    long = model.chat(asked("q " * 2 * CONTEXT), (), GREEDY)
    bad, good = await asyncio.gather(long, model.chat(asked("say 33"), (), GREEDY), return_exceptions=True)
    assert isinstance(bad, ModelUnavailable) and f"takes {CONTEXT}" in str(bad) and "shorten" in str(bad)
    call = bad.usage.calls[0]
    assert call.outcome == "rejected" and call.input_tokens and call.input_tokens > CONTEXT
    assert isinstance(good, Reply) and good.text == "You said 33, and 33 it is."


async def test_an_answer_ends_where_the_context_ends(wild: str) -> None:
    reply = await Local(wild).chat(asked("\n7" * 240), (), Sampling(temperature=0, max_tokens=1000))
    assert reply.stop == "length" and reply.usage.input_tokens + reply.usage.output_tokens == 512


def test_instances_that_name_the_same_weights_share_them(folder: str) -> None:
    release_weights()
    first, second = Local(folder), Local(folder, max_batch=2, chat_template="{{ messages }}")
    assert first.module is second.module
    assert Local(folder, dtype="bfloat16").module is not first.module
    assert Local(folder, dtype="bfloat16").module.dtype is torch.bfloat16
    before = first.module
    release_weights()
    assert first.module is not before


def test_two_event_loops_in_two_threads_are_served_at_once(folder: str) -> None:
    model = Local(folder)
    said: dict[int, list[str]] = {}

    def work(base: int) -> None:
        prompts = [f"say {base + n}" for n in range(5)]
        said[base] = texts_of(asyncio.run(together(model, prompts, [GREEDY] * 5)))

    threads = [threading.Thread(target=work, args=(base,)) for base in (40, 60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for base in (40, 60):
        assert said[base] == [f"You said {base + n}, and {base + n} it is." for n in range(5)]


async def test_what_the_sampling_leaves_open_follows_the_models_own_settings(wild: str) -> None:
    model = Local(wild)
    settings = model.module.generation_config
    open_ended = [Sampling(max_tokens=8, seed=seed) for seed in range(4)]
    assert len(set(texts_of(await together(model, ["to be"] * 4, open_ended)))) == 4
    try:
        settings.do_sample, settings.top_k = True, 1
        greedy = texts_of(await together(model, ["to be"] * 4, open_ended))
        assert len(set(greedy)) == 1
        settings.do_sample, settings.top_k = False, None
        if int(transformers.__version__.partition(".")[0]) >= 5:  # before, no word and `false` were the same
            assert texts_of(await together(model, ["to be"] * 4, open_ended)) == greedy
    finally:
        settings.do_sample = settings.top_k = None


async def test_templates(folder: str, tmp_path: Path) -> None:
    lines = [Line("system", "Be brief."), Line("user", "Hi."), Line("user", "say 12")]
    strict = (
        "{% for m in messages %}{% if m.role == 'system' or (m.role == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('roles must alternate') }}{% endif %}[{{ m.content }}]{% endfor %}"
    )
    model = Local(folder, chat_template=strict)
    reply = await model.chat(lines, (), GREEDY)
    assert "lines joined" in reply.usage.calls[0].detail
    joined = model.tokenizer("[Be brief.\n\nHi.\n\nsay 12]")["input_ids"]
    assert reply.usage.input_tokens == len(joined)
    (tmp_path / "t.jinja").write_text("<|user|>{{ messages[-1].content }}<|end|><|assistant|>")
    filed = Local(folder, chat_template=str(tmp_path / "t.jinja"))
    assert (await filed.chat(lines, (), GREEDY)).text == "You said 12, and 12 it is."
    with pytest.raises(UsageError, match=r"refuses these lines.*never"):
        await Local(folder, chat_template="{{ raise_exception('never') }}").chat(lines, (), GREEDY)
    with pytest.raises(UsageError, match=r"neither a template.*nor a file"):
        check_ready(Local(folder, chat_template="missing.jinja"))


async def test_a_tokenizer_without_a_template_gets_labelled_lines(wild: str, tmp_path: Path) -> None:
    place = make_tiny(tmp_path / "bare", texts=["x"])
    (place / "chat_template.jinja").unlink()
    model = Local(str(place))
    lines = [Line("system", "Be brief."), Line("user", "Hi.")]
    call = (await model.chat(lines, (), GREEDY)).usage.calls[0]
    assert call.input_tokens == len(model.tokenizer("System: Be brief.\nUser: Hi.\nAssistant:")["input_ids"])
    assert call.detail.startswith("template none")


def test_what_cannot_be_loaded_is_refused_before_anything_is_played(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=r"there is no folder .*no/such/place.*not a hub id") as error:
        check_ready(Local("no/such/place"))
    assert "local/OWNER/NAME" in str(error.value)
    with pytest.raises(UsageError, match="the folder holds no"):
        check_ready(Local(str(tmp_path)))
    with pytest.raises(UsageError, match="device 'cuda:99' is not there"):
        check_ready(Local(folder, device="cuda:99"))
    monkeypatch.setenv("ARENA_OFFLINE", "1")
    with pytest.raises(UsageError, match=r"no folder .*nobody/nothing.*ARENA_OFFLINE is set"):
        check_ready(Local("nobody/nothing"))
    check_ready(Local(folder))
    for wrong in ({"dtype": "int3"}, {"max_batch": 0}, {"devise": "cpu"}, {"prefix_cache_mb": -1}):
        with pytest.raises(BadPart):
            build("model", {"name": f"local/{folder}", **wrong})
    with pytest.raises(BadPart, match="local/FOLDER"):
        build("model", {"name": "local", "id": ""})


def test_an_adapter_needs_its_library_and_its_folder(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "peft", None)  # as if it were not installed
        with pytest.raises(UsageError, match=re.escape(install_line("lora"))):
            check_ready(Local(folder, adapter="somewhere"))
    pytest.importorskip("peft")
    with pytest.raises(UsageError, match=r"adapter_config\.json"):
        check_ready(Local(folder, adapter="somewhere"))


async def test_an_adapter_changes_the_answers(folder: str, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    from transformers import AutoModelForCausalLM

    config = peft.LoraConfig(target_modules=["q_proj", "down_proj"], r=4, lora_alpha=400, init_lora_weights=False)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        peft.get_peft_model(AutoModelForCausalLM.from_pretrained(folder), config).save_pretrained(tmp_path / "lora")
    adapted = await Local(folder, adapter=str(tmp_path / "lora")).chat(asked("say 42"), (), GREEDY)
    assert adapted.text != (await Local(folder).chat(asked("say 42"), (), GREEDY)).text


@pytest.mark.parametrize(
    "sampling", [Sampling(max_tokens=0), Sampling(-1.0), Sampling(float("nan")), Sampling(top_p=1.5)]
)
async def test_settings_that_mean_nothing_are_refused(folder: str, sampling: Sampling) -> None:
    with pytest.raises(UsageError, match=r"max_tokens|temperature|top_p"):
        await Local(folder).chat(asked("say 42"), (), sampling)


def test_it_is_a_part_and_keeps_both_contracts(folder: str) -> None:
    model = build("model", f"local/{folder}")
    assert model == Local(folder) and describe(model)["name"] == f"local/{folder}"
    assert isinstance(model, ChatModel) and isinstance(model, OpenWeights) and not model.native_tools
