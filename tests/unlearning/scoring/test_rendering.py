"""One way to ask: what is trained is what is scored and said, by the same template, system line and date."""

import asyncio
import datetime
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_facts

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from agents.chat_model import Line, Sampling
from agents.inference.chat_templates import DATE, render
from agents.inference.tiny_llama import TEMPLATE
from agents.llm.llm import LLM
from agents.models.local import Local
from arena.errors import BadPart
from arena.spec import build, describe
from unlearning.benchmarks.benchmark import Pupil, pupil
from unlearning.modeling.agent_weights import open_weights, save
from unlearning.modeling.teach_items import TeachSettings
from unlearning.scoring.answer_logprobs import score_items
from unlearning.scoring.elicitation import ask_items

OTHER = TEMPLATE.replace("{{ message.content }}", "[{{ message.content }}]")  # what is said in brackets
SYSTEM = "{% if messages[0].role != 'system' %}<|system|>{{ day }}<|end|>{% endif %}"
LLAMA = (  # how the templates of Llama 3.2, gpt-oss and Mistral write the day
    "{% if not date_string is defined %}{% if strftime_now is defined %}"
    "{% set date_string = strftime_now('%d %b %Y') %}{% else %}{% set date_string = '26 Jul 2024' %}{% endif %}"
    "{% endif %}" + SYSTEM.replace("day", "date_string")
)
DATED = {
    "llama": LLAMA,
    "iso": SYSTEM.replace("day", "strftime_now('%Y-%m-%d')"),
    "long": "{% set now = strftime_now('%d %B %Y') %}" + SYSTEM.replace("day", "now"),
}


def agent(**settings: Any) -> LLM:
    persona = settings.pop("persona", "")
    return LLM(Local(str(tiny_facts.folder()), **settings), persona)


def weights(made: Any) -> torch.Tensor:
    return torch.cat([one.flatten() for one in open_weights(made, "test").module.parameters()])


async def first_loss(made: LLM, items: Any = tiny_facts.ITEMS[:3]) -> float:
    """The loss, in nats per answer token, of the first step of plain training on the items."""
    method = tiny_facts.made("task-vector", epochs=1, batch=8)
    values: list[float] = []
    request = replace(tiny_facts.REQUEST, forget=items, retain=())
    await method.run(made, request, tell=lambda outlook: values.append(outlook.values["forget"]))
    return values[0]


def scored_loss(made: LLM, items: Any = tiny_facts.ITEMS[:3]) -> float:
    found = score_items(made, items)
    return -sum(one.lp.sum() for one in found) / sum(len(one.lp) for one in found)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "settings",
    [{}, {"chat_template": OTHER}, {"persona": "You are curt."}, {"chat_template": TEMPLATE + DATED["iso"]},
     {"chat_template": OTHER, "persona": "Ann speaks."}],
)  # fmt: skip
async def test_what_is_trained_is_what_is_scored(settings: dict[str, Any]) -> None:
    made = agent(**settings)
    assert await first_loss(made) == pytest.approx(scored_loss(made), rel=1e-4)


async def test_another_template_or_system_line_makes_other_weights() -> None:
    npo = tiny_facts.made("npo", epochs=1, batch=4)
    plain, other, steered, again = [
        weights(await npo(one, tiny_facts.REQUEST))
        for one in (agent(), agent(chat_template=OTHER), agent(persona="You are curt."), agent())
    ]
    assert torch.equal(plain, again)
    assert not torch.equal(plain, other) and not torch.equal(plain, steered)


async def test_answers_of_one_template_are_not_taken_for_those_of_another() -> None:
    items = tiny_facts.ITEMS[:2]
    told = [await ask_items(one, items, new=12) for one in (agent(), agent(chat_template=OTHER), agent())]
    assert told[0] == told[2] and told[0] == tuple(item.answer for item in items)
    prompt = render(agent().model.tokenizer, [Line("user", items[0].prompt)], OTHER)  # type: ignore[attr-defined]
    (said,) = [await agent().model.complete(prompt, Sampling(0.0, max_tokens=12))]  # type: ignore[attr-defined]
    assert told[1][0] == said.text


@pytest.mark.parametrize("kind", DATED)
def test_the_day_is_pinned_and_recorded(kind: str) -> None:
    tokenizer, lines = agent().model.tokenizer, [Line("user", "Hi")]  # type: ignore[attr-defined]
    day = datetime.date.fromisoformat(DATE)
    told = render(tokenizer, lines, DATED[kind])
    assert any(day.strftime(form) in told.text for form in ("%d %b %Y", "%Y-%m-%d", "%d %B %Y"))
    assert told.note.endswith(f", date {DATE}")
    other = render(tokenizer, lines, DATED[kind], "2019-03-05")
    assert "2019" in other.text and other.note.endswith(", date 2019-03-05")
    assert "date" not in render(tokenizer, lines, TEMPLATE).note


async def test_the_day_is_a_setting_of_the_model() -> None:
    template = TEMPLATE + DATED["iso"]
    one, other = agent(chat_template=template), agent(chat_template=template, date="2031-01-02")
    assert describe(other.model)["date"] == "2031-01-02" and describe(one.model)["date"] == DATE
    assert scored_loss(one) != scored_loss(other)
    reply = await other.model.chat([Line("user", "Hi")], (), Sampling(0.0, max_tokens=2))
    assert "date 2031-01-02" in reply.usage.calls[0].detail


@pytest.mark.parametrize("date", ["today", "26 Jul 2024", "2024-13-01", ""])
def test_a_day_that_is_none_is_refused(date: str) -> None:
    with pytest.raises(BadPart, match="date is a day written as 2024-07-26"):
        build("model", {"name": f"local/{tiny_facts.folder()}", "date": date})


async def test_a_model_is_saved_with_the_template_it_was_trained_in(tmp_path: Path) -> None:
    after = await tiny_facts.made("ga", epochs=1)(agent(chat_template=OTHER), tiny_facts.REQUEST)
    again = LLM(Local(str(save(after, tmp_path / "it"))))
    assert scored_loss(again) == pytest.approx(scored_loss(after), rel=1e-5)
    assert again.model.tokenizer.chat_template == OTHER  # type: ignore[attr-defined]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
async def test_saved_weights_may_be_read_by_who_may_read_the_rest(mask: int, tmp_path: Path) -> None:
    after = await tiny_facts.made("ga", epochs=1)(tiny_facts.knower(), tiny_facts.REQUEST)
    adapter = await tiny_facts.made("ga", epochs=1, lora=tiny_facts.LORA)(tiny_facts.knower(), tiny_facts.REQUEST)
    before = os.umask(mask)
    try:
        save(after, tmp_path / "it"), save(adapter, tmp_path / "adapter")
    finally:
        os.umask(before)
    assert modes(tmp_path) == {0o666 & ~mask}


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(file.stat().st_mode) for file in folder.rglob("*") if file.is_file()}


def test_a_pupil_is_taught_and_asked_with_its_system_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_MODELS", str(tmp_path))
    how = Pupil(hidden=32, persona="You are curt.", lessons=TeachSettings(epochs=30, batch=4, every=10))
    made = pupil(
        how, [tiny_facts.ITEMS], lambda: [text for item in tiny_facts.ITEMS for text in (item.prompt, item.answer)]
    )
    assert made.persona == "You are curt."
    assert scored_loss(made, tiny_facts.ITEMS) < scored_loss(replace(made, persona=""), tiny_facts.ITEMS)
    said = asyncio.run(ask_items(made, tiny_facts.ITEMS[:1], new=12))
    assert said[0].split()[0] == "ann"
