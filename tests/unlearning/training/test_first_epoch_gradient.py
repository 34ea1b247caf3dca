"""The gradient of the first epoch: recorded while a model is taught, and added back to what it was taught."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from pathlib import Path
from typing import Any

import tiny_facts
import torch
from cli_runner import typed
from torch import Tensor

from agents.inference.tiny_llama import make_network, make_tokenizer
from agents.llm.llm import LLM
from agents.models.local import Local
from arena.errors import UsageError
from arena.spec import build
from unlearning.experiments.sequence_requests import build_steps
from unlearning.experiments.weights import prepare_request
from unlearning.modeling.agent_weights import open_weights
from unlearning.modeling.item_tokenization import encode_all
from unlearning.modeling.teach_items import TeachSettings, teach
from unlearning.modeling.trainable_parameters import Scope
from unlearning.request import Item
from unlearning.training.first_epoch_gradient import FILE, first_epoch_gradient, load_gradient, save_gradient
from unlearning.training.saliency import gradients

EMBEDDING = Scope(r"^model\.embed_tokens\.weight$")
GONE = tiny_facts.ITEMS[:3]
TEXTS = [text for item in tiny_facts.ITEMS for text in (item.prompt, item.answer)]


def fresh(seed: int = 0) -> tuple[Any, Any]:
    tokenizer = make_tokenizer(TEXTS, 300, words=True)
    return make_network(tokenizer, seed, hidden=16, layers=2, heads=2, context=64), tokenizer


def gradient_of(method: Any) -> str:
    return str(method.gradient)


def concerned(item: Item) -> bool:
    return item in GONE


def record(rate: float, scope: Scope = EMBEDDING, batch: int = 2) -> tuple[dict[str, Tensor], Any, Any]:
    module, tokenizer = fresh()
    lessons = TeachSettings(rate=rate, batch=batch)
    found = first_epoch_gradient(module, tokenizer, tiny_facts.ITEMS, concerned, scope, lessons=lessons, seed=3)
    return found, module, tokenizer


@pytest.mark.parametrize("batch", [1, 3, 16])
@pytest.mark.parametrize("scope", [EMBEDDING, Scope(r"layers\.1\.mlp"), Scope("")])
def test_where_nothing_moves_it_is_the_gradient_of_the_beginning(batch: int, scope: Scope) -> None:
    found, _, tokenizer = record(1e-12, scope, batch)
    module, _ = fresh()
    plain = gradients(module, scope, encode_all(tokenizer, GONE), tokenizer.pad_token_id)
    assert found.keys() == plain.keys()
    for name, gradient in plain.items():
        assert float((found[name] - gradient).norm()) <= 1e-4 * float(gradient.norm()) + 1e-9


def test_at_a_rate_it_is_that_of_each_items_own_step() -> None:
    """Steps of one item: the gradient of each is taken where the steps before it had led."""
    found, _, tokenizer = record(4e-3, batch=1)
    module, _ = fresh()
    encoded = encode_all(tokenizer, tiny_facts.ITEMS)
    parts: list[tuple[int, Tensor]] = []

    def watch(rows: Any) -> None:
        (row,) = rows
        if concerned(tiny_facts.ITEMS[row]):
            (gradient,) = gradients(module, EMBEDDING, [encoded[row]], tokenizer.pad_token_id).values()
            parts.append((len(encoded[row].ids) - encoded[row].start, gradient))

    teach(module, tokenizer, tiny_facts.ITEMS, lessons=TeachSettings(rate=4e-3, batch=1), seed=3, watch=watch)
    assert len(parts) > len(GONE), "later epochs are met, too"
    first = parts[: len(GONE)]
    expected = sum(count * gradient for count, gradient in first) / sum(count for count, _ in first)
    (own,) = found.values()
    assert torch.allclose(own, expected, atol=1e-6)
    later = parts[len(GONE) : 2 * len(GONE)]
    assert not torch.allclose(own, sum(c * g for c, g in later) / sum(c for c, _ in later), atol=1e-4)


def test_recording_teaches_as_teaching_does() -> None:
    _, recorded, tokenizer = record(4e-3)
    module, _ = fresh()
    teach(module, tokenizer, tiny_facts.ITEMS, lessons=TeachSettings(rate=4e-3, batch=2), seed=3, stop=1)
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), recorded.parameters(), strict=True))
    whole, _ = fresh()
    teach(whole, tokenizer, tiny_facts.ITEMS, lessons=TeachSettings(rate=4e-3, batch=2, epochs=2), seed=3)
    assert not torch.equal(next(whole.parameters()), next(module.parameters()))


def test_who_is_taught_nothing_of_it_has_no_gradient() -> None:
    module, tokenizer = fresh()
    with pytest.raises(UsageError, match="no gradient to record"):
        first_epoch_gradient(
            module, tokenizer, tiny_facts.ITEMS[3:], concerned, EMBEDDING, lessons=TeachSettings(epochs=2), seed=0
        )


async def test_what_was_recorded_is_added_rate_times(tmp_path: Path) -> None:
    agent = tiny_facts.knower()
    before = open_weights(agent, "test").module.get_input_embeddings().weight.detach()
    gradient = torch.randn(before.shape, generator=torch.Generator().manual_seed(1))
    save_gradient(tmp_path, {"model.embed_tokens.weight": gradient})
    for place in (tmp_path, tmp_path / FILE):
        method = tiny_facts.made("embedding-ascent", rate=0.25, repeat=2, gradient=str(place))
        after = (
            open_weights(await method(agent, tiny_facts.REQUEST), "test").module.get_input_embeddings().weight.detach()
        )
        assert torch.equal(after, before + 0.5 * gradient)
    with pytest.raises(UsageError, match=r"no recorded gradient at .*none"):
        load_gradient(str(tmp_path / "none"))
    save_gradient(tmp_path, {"model.embed_tokens.weight": gradient[:-1]})
    with pytest.raises(UsageError, match=r"of another model, or of other parameters than model\.embed_tokens\.weight"):
        await method(agent, tiny_facts.REQUEST)
    with pytest.raises(UsageError, match="and 2 more"):
        await tiny_facts.made("embedding-ascent", where=r"layers\.1\.mlp", gradient=str(tmp_path))(
            agent, tiny_facts.REQUEST
        )


@pytest.mark.slow
def test_the_bench_gives_it_what_first_taught_the_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_MODELS", str(tmp_path))
    pupil = {"hidden": 16, "layers": 1, "heads": 2, "lessons": {"epochs": 2}}
    bench = build("benchmark", {"name": "tofu", "people": 12, "pupil": pupil})
    (step,) = build_steps(bench, ("forget20",))
    method, request = prepare_request(build("method", "embedding-ascent"), bench, step, 1)
    found = load_gradient(gradient_of(method))
    assert list(found) == ["model.embed_tokens.weight"] and request == bench.request("forget20")
    again, _ = prepare_request(build("method", "embedding-ascent"), bench, step, 1)
    other, _ = prepare_request(build("method", "embedding-ascent"), bench, step, 2)
    mlp, _ = prepare_request(build("method", {"name": "embedding-ascent", "where": "mlp"}), bench, step, 1)
    assert again == method and other != method and all("mlp" in name for name in load_gradient(gradient_of(mlp)))
    given = build("method", {"name": "embedding-ascent", "origin": str(tmp_path)})
    assert prepare_request(given, bench, step, 1)[0] == given, "what is named is taken"
    late = build("benchmark", {"name": "tofu", "people": 12, "history": ["background", "forget", "retain"],
                               "pupil": pupil})  # fmt: skip
    assert load_gradient(str(late.first_gradient(request.forget, 0))).keys() == found.keys()


@pytest.mark.slow
def test_the_command_gives_it_to_the_model_that_the_benchmark_taught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARENA_MODELS", str(tmp_path / "models"))
    pupil = {"hidden": 16, "layers": 1, "heads": 2, "lessons": {"epochs": 2}}
    bench = build("benchmark", {"name": "tofu", "people": 12, "pupil": pupil})
    settings = [f"benchmark.pupil.{name}={pupil[name]}" for name in ("hidden", "layers", "heads")]
    settings += ["benchmark.people=12", "benchmark.pupil.lessons.epochs=2", "rate=3"]
    options = [part for one in settings for part in ("--set", one)]
    done = typed(tmp_path, "forget-weights", "--bench", "tofu", "--split", "forget20", "--method", "embedding-ascent",
                 *options, "--out", "it")  # fmt: skip
    assert done.code == 0, done.stderr
    first = load_gradient(str(bench.first_gradient(bench.request("forget20").forget)))["model.embed_tokens.weight"]
    before, after = (
        open_weights(agent, "test").module.get_input_embeddings().weight.detach()
        for agent in (bench.knower(), LLM(Local(str(tmp_path / "it"))))
    )
    assert torch.equal(after, before + 3 * first)
