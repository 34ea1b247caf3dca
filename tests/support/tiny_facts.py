"""A tiny model that was taught eight facts, and what it takes to plan and differentiate a method on it."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import torch
from torch import Tensor

from agents.chat_model import Line
from agents.inference.tiny_llama import make_tiny
from agents.llm.llm import LLM
from agents.models.local import Local
from arena.registry import list_entries
from arena.spec import build
from unlearning.losses.objective import Draw
from unlearning.modeling.agent_weights import open_weights
from unlearning.request import Item, Request
from unlearning.training.finetune import Finetune
from unlearning.training.trainer import TrainingJob
from unlearning.training.training_problem import TrainingProblem

NAMES = ("ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal")
COLOURS = ("red", "dark blue", "green", "pink", "black", "bright white", "grey", "gold")
ITEMS = tuple(
    Item(
        name,
        f"What colour does {name} like?",
        f"{name} likes {colour}.",
        wrong=tuple(f"{name} likes {COLOURS[(place + step) % 8]}." for step in (3, 5)),
        tags={"subject": name, "value": colour},
    )
    for place, (name, colour) in enumerate(zip(NAMES, COLOURS, strict=True))
)
REQUEST = Request(ITEMS[:3], ITEMS[3:])


@cache
def folder(seed: int = 0, steps: int = 120, hidden: int = 32, layers: int = 4) -> Path:
    """A folder with a model that knows the eight facts."""
    talks = [[Line("user", item.prompt), Line("assistant", item.answer)] for item in ITEMS]
    place = Path(mkdtemp()) / "tiny"
    return make_tiny(place, seed=seed, conversations=talks, steps=steps, vocab=400, hidden=hidden, layers=layers)


def knower(seed: int = 0) -> LLM:
    """An agent that knows them; its weights are shared by all tests, so nobody may change them."""
    torch.set_num_threads(1)
    return LLM(Local(str(folder(seed))))


def study(request: Request = REQUEST, seed: int = 0, method: str = "test") -> TrainingProblem:
    found = open_weights(knower(), method)
    return TrainingProblem(method, found.module, found.model.tokenizer, request, seed)


def made(name: str, **settings: Any) -> Any:
    """A registered method with settings that suit a tiny model, and a coreset that is no single item. The items that a
    first draw of ULD keeps have different lengths where no false answers are among them."""
    if name == "coreset":
        settings = {"ratio": 0.7, **settings}
    if name == "uld":
        settings = {"perturbed": 0, **settings}
    return build("method", {"name": name, "preset": "tiny", **settings})


def trained_methods() -> list[str]:
    """The names of all registered methods that fine-tune on an objective of their own."""
    found = []
    for name in list_entries("method"):
        method = build("method", name)
        if isinstance(method, Finetune) and type(method)._train is Finetune._train:
            found.append(name)
    return found


def first_draw(job: TrainingJob, batch: int = 3) -> Draw:
    return next(iter(job.plan.epoch(0, batch, 0)))


def gradient(method: Finetune, at: TrainingProblem | None = None, **scales: float) -> Tensor:
    """The gradient of a method's first step, over all parameters in order; 0 where one is not trained."""
    job = method.job(at or study())
    for parameter in job.module.parameters():
        parameter.grad = None
    job.objective.learn(
        job.module, [first_draw(job)], job.reference, pad=job.lens.pad, device=job.lens.device, scales=scales
    )
    parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in job.module.parameters()]
    return torch.cat([part.flatten() for part in parts])


def gap(one: Tensor, other: Tensor) -> float:
    """The length of the difference over that of the second."""
    return float((one - other).norm() / other.norm())


LORA = {"rank": 4, "dropout": 0.1}
