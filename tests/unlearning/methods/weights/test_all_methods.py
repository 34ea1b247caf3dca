"""Every registered method that changes weights or logits: what it leaves alone, and what becomes of its result."""

import re
from pathlib import Path
from typing import Any

import pytest
import tiny_facts
import torch

from agents.chat_model import Line, Sampling
from agents.llm.llm import LLM
from agents.models.local import Local
from agents.players.generic import Says
from arena.engine.play import perform
from arena.episode import Match
from arena.errors import ArenaError, UsageError
from arena.registry import list_entries
from arena.spec import build, describe
from unlearning.method import ClosedModel
from unlearning.modeling.agent_weights import open_weights, reload_agent, save
from unlearning.request import Item, Request
from unlearning.training.finetune import Finetune

METHODS = [name for name in list_entries("method") if isinstance(build("method", name), Finetune)]
each = pytest.mark.parametrize("name", METHODS)
QUICK = {"epochs": 2, "batch": 3}


def logits(agent: Any) -> torch.Tensor:
    """(3, V) what the model says next after three questions."""
    found = open_weights(agent, "test")
    told = []
    for item in tiny_facts.ITEMS[:3]:
        ids = found.model.tokenizer(f"<|user|>{item.prompt}<|end|><|assistant|>", return_tensors="pt")["input_ids"]
        with torch.no_grad():
            told.append(found.module(input_ids=ids).logits[0, -1])
    return torch.stack(told)


async def said(agent: Any) -> str:
    asked = [Line("user", tiny_facts.ITEMS[0].prompt)]
    return str((await agent.model.chat(asked, (), Sampling(0.0, max_tokens=6))).text)


@pytest.mark.few(4)
@each
async def test_it_changes_a_copy_that_plays_and_is_saved_and_loaded(name: str, tmp_path: Path) -> None:
    agent = tiny_facts.knower()
    before = {key: tensor.clone() for key, tensor in open_weights(agent, name).module.state_dict().items()}
    wants = [parameter.requires_grad for parameter in open_weights(agent, name).module.parameters()]
    after = await tiny_facts.made(name, **QUICK)(agent, tiny_facts.REQUEST)
    now = open_weights(agent, name).module
    assert all(torch.equal(tensor, before[key]) for key, tensor in now.state_dict().items()), "the original is whole"
    assert [parameter.requires_grad for parameter in now.parameters()] == wants
    assert isinstance(after, LLM) and after != agent
    changed = logits(after)
    assert changed.isfinite().all() and not torch.equal(changed, logits(agent))
    place = save(after, tmp_path / "saved")
    again = reload_agent(agent, place)
    torch.testing.assert_close(logits(again), changed, rtol=1e-4, atol=1e-5)
    assert await said(again) == await said(after)


@each
def test_it_is_rebuilt_from_its_description_and_has_a_page(name: str) -> None:
    method = tiny_facts.made(name)
    assert build("method", describe(method)) == method
    page = type(method).__doc__ or ""
    assert all(word in page for word in ("Cost", "Weakness")) and re.search(r"20\d\d|arXiv|Published|definition", page)


@each
async def test_it_names_itself_and_the_model_that_is_closed(name: str) -> None:
    for agent, called in ((Says("no"), "says/no"), (LLM(build("model", "scripted/echo")), "scripted/echo")):
        with pytest.raises(ClosedModel, match=f"{name!r}.*'{called}'"):
            await tiny_facts.made(name)(agent, tiny_facts.REQUEST)


@each
async def test_it_trains_or_says_what_is_missing_where_nothing_is_to_be_kept(name: str) -> None:
    alone = Request(tiny_facts.ITEMS[:3])
    try:
        after = await tiny_facts.made(name, **QUICK)(tiny_facts.knower(), alone)
    except UsageError as error:
        assert "retain" in str(error)
    else:
        assert logits(after).isfinite().all()


@each
def test_it_states_what_a_step_costs(name: str) -> None:
    method = tiny_facts.made(name)
    bill = method.estimate_cost(tiny_facts.knower(), tiny_facts.REQUEST)
    assert bill.forward > 0 and bill.backward > 0 and bill.reference == 0


@pytest.mark.parametrize(
    ("name", "cached", "live"),
    [
        ("ga", 3, 3), ("ce-u", 3, 3), ("grad-diff", 6, 6), ("simnpo", 6, 6), ("wga", 6, 6), ("satimp", 6, 6),
        ("pdu", 6, 6), ("idk-nll", 6, 6), ("kl-ga", 6, 7), ("npo", 6, 7), ("tnpo", 6, 7), ("undial", 3, 4),
        ("idk-dpo", 9, 11), ("altpo", 9, 11), ("icu", 6, 7), ("su", 9, 9),
    ],
)  # fmt: skip
def test_costs_are_those_of_the_literature(name: str, cached: float, live: float) -> None:
    """Forwards of one batch a step; with the reference's numbers kept, and with the original run each time."""
    agent = tiny_facts.knower()
    assert tiny_facts.made(name).estimate_cost(agent, tiny_facts.REQUEST).total == cached
    assert tiny_facts.made(name, reference="live").estimate_cost(agent, tiny_facts.REQUEST).total == live


async def test_an_adapter_is_saved_alone_and_loads_on_its_base(tmp_path: Path) -> None:
    agent = tiny_facts.knower()
    after = await tiny_facts.made("ga", epochs=4, lr=2e-2, lora={"rank": 4})(agent, tiny_facts.REQUEST)
    place = save(after, tmp_path / "adapter")
    names = {file.name for file in place.iterdir()}
    assert "adapter_config.json" in names and "model.safetensors" not in names
    again = LLM(Local(str(tiny_facts.folder()), adapter=str(place)))
    torch.testing.assert_close(logits(again), logits(after), rtol=1e-4, atol=1e-5)
    assert await said(again) == await said(after) != tiny_facts.ITEMS[0].answer


async def test_an_unlearned_agent_sits_down_at_a_table() -> None:
    after = await tiny_facts.made("npo", **QUICK)(tiny_facts.knower(), tiny_facts.REQUEST)
    seat = LLM(after.model, sampling=Sampling(0.0, max_tokens=8), form="text")
    episode = await perform(Match("debate", {"pro": seat, "con": seat}, 0))
    assert episode.turns and {turn.seat for turn in episode.turns} <= {"pro", "con", "judge", "moderator"}


def test_a_folder_that_is_taken_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        save(tiny_facts.knower(), tmp_path)


async def test_a_model_without_a_chat_template_is_trained_in_plain_labels(tmp_path: Path) -> None:
    folder = save(tiny_facts.knower(), tmp_path / "bare")
    (folder / "chat_template.jinja").unlink()
    agent = LLM(Local(str(folder)))
    assert not agent.model.tokenizer.chat_template
    outcome = await tiny_facts.made("npo", **QUICK).run(agent, tiny_facts.REQUEST)
    assert outcome.ended.steps == 2


async def test_an_item_without_an_answer_is_named() -> None:
    with pytest.raises(UsageError, match="'empty' has no answer to train on"):
        await tiny_facts.made("ga")(tiny_facts.knower(), Request((Item("empty", "What?", ""),)))


async def test_a_cache_that_would_not_fit_says_how_to_go_on() -> None:
    with pytest.raises(UsageError, match=r"more than 0 MiB of memory; keep the greatest logits only \(top=64\)"):
        await tiny_facts.made("kl-ga", cache_mb=0)(tiny_facts.knower(), tiny_facts.REQUEST)


def test_settings_that_mean_nothing_are_refused() -> None:
    for settings in ({"batch": 0}, {"micro": 0}, {"epochs": -1}, {"lr": float("nan")}):
        with pytest.raises(ArenaError, match="it has to be"):
            tiny_facts.made("npo", **settings)
    with pytest.raises(ArenaError, match="a method that fine-tunes"):
        tiny_facts.made("wagle", host="no-such-method") if "no-such-method" in list_entries("method") else build(
            "method", {"name": "wagle", "host": lambda: None}
        )
    with pytest.raises(ArenaError, match="no parameter's name matches"):
        tiny_facts.made("ga", where="nowhere").job(tiny_facts.study())


def test_layers_that_are_not_there_are_refused() -> None:
    with pytest.raises(UsageError, match="the model has 4, numbered 0 to 3"):
        tiny_facts.made("rmu", layer=7).job(tiny_facts.study())
