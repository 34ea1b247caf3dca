"""Get, replace and save the weights of an agent's model."""

import copy
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from agents.chat_model import OpenWeights, Sampling
from agents.inference.end_tokens import make_stop_settings
from agents.inference.lora_adapters import CONFIG, name_base
from agents.inference.model_files import set_usual_modes
from agents.inference.weight_loading import find_source, use_terminal_bars
from agents.llm.llm import LLM
from agents.memory.subject import Subject
from agents.models.local import Local
from arena.agent import Agent
from arena.errors import UsageError
from arena.spec import build, check_ready, describe
from unlearning.method import ClosedModel
from unlearning.modeling.agent_rendering import build_rendering
from unlearning.modeling.trainable_parameters import Scope, copy_trainable, merge_adapter


@dataclass(frozen=True, slots=True)
class Opened:
    """An agent's language model, whose weights are open. `model` is a field of `mind`, which is the agent or its base
    agent."""

    agent: Agent
    mind: LLM
    model: OpenWeights

    @property
    def module(self) -> Any:
        return self.model.module

    @property
    def stored(self) -> Any:
        """The torch.dtype of the files that the weights came from, where it may be another than theirs; else None."""
        return self.model.stored if isinstance(self.model, Local) else None

    def taken(self) -> Any:
        """The module, for this caller alone; None where the model could not load it again."""
        return self.model.taken() if isinstance(self.model, Local) else None

    def closed(self, module: object) -> Agent:
        """The agent with other weights; everything else is the same."""
        return self.with_model(self.model.with_module(module))

    def with_model(self, model: Any) -> Agent:
        """The agent with another model."""
        mind: Any = replace(self.mind, model=model)
        agent: Agent = replace(self.agent, mind=mind) if isinstance(self.agent, Subject) else mind
        return agent


def open_weights(agent: Agent, method: str) -> Opened:
    """The agent's weights. Raises ClosedModel, naming the method, where it has none to show."""
    mind: Any = agent.mind if isinstance(agent, Subject) else agent
    if not isinstance(mind, LLM):
        raise ClosedModel(method, str(describe(mind)["name"]))
    if not isinstance(mind.model, OpenWeights):
        raise ClosedModel(method, str(describe(mind.model)["name"]))
    return Opened(agent, mind, mind.model)


def save(agent: Agent, folder: str | Path) -> Path:
    """The folder in which the agent's weights were saved; `local/FOLDER` loads them.

    An adapter on a model that was loaded is saved alone and names that model; on weights that were changed in memory
    it is saved as one model with them. The generation settings name every token that ends an answer, and the tokenizer
    has the agent's chat template, so that the model stops and reads elsewhere as it does here. Written next to the
    place and moved there when whole. Weights of 16 bits that were loaded in 32 have 16 again. Raises UsageError where
    the disk does not take it, or something is there already.
    """
    found, place = open_weights(agent, "save"), Path(folder).expanduser()
    if place.exists() and any(place.iterdir() if place.is_dir() else [place]):
        raise UsageError(f"{place} exists already; give a folder that is empty or not there")
    part = place.with_name(f"{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with use_terminal_bars():
            base = find_source(found.module) if hasattr(found.module, "peft_config") else ""
            whole = found.module if base else cast_to_stored(merge_adapter(found.module), found.stored)
            whole.save_pretrained(part)
            get_tokenizer(found).save_pretrained(part)
            if base:
                name_base(part, base, place)
            else:
                make_stop_settings(whole, found.model.tokenizer, build_rendering(found.mind).template).save_pretrained(
                    part
                )
            set_usual_modes(part)
        if place.is_dir():
            place.rmdir()
        part.replace(place)
    except (OSError, RuntimeError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise UsageError(f"{place} cannot be written: {error}; make room there, or give another folder") from error
    except Exception as error:
        shutil.rmtree(part, ignore_errors=True)
        if type(error).__module__.startswith("safetensors") or type(error).__name__ == "SafetensorError":
            raise UsageError(f"{place} cannot be written: {error}; make room there") from error
        raise
    return place


def cast_to_stored(module: Any, stored: Any) -> Any:
    """The module, or a copy in the 16-bit type of the files that it came from, where it was loaded in a wider one."""
    halves = (torch.bfloat16, torch.float16)
    return copy_trainable(module, Scope(), stored) if stored in halves and module.dtype not in halves else module


def get_tokenizer(found: Opened) -> Any:
    """The agent's tokenizer, with the chat template that the agent uses."""
    template = build_rendering(found.mind).template
    if template is None or template == found.model.tokenizer.chat_template:
        return found.model.tokenizer
    made = copy.deepcopy(found.model.tokenizer)
    made.chat_template = template
    return made


def reload_agent(agent: Agent, folder: str | Path) -> Agent:
    """The agent with the weights that `save` wrote there; an adapter is put on the agent's own base."""
    found = open_weights(agent, "reload")
    if not isinstance(found.model, Local):
        raise UsageError(f"{type(found.model).__name__} does not load from folders; give the agent a local model")
    place = Path(folder).expanduser()
    if (place / CONFIG).is_file():
        return found.with_model(replace(found.model, adapter=str(place)))
    return found.with_model(replace(found.model, id=str(place), adapter=None))


def build_model_agent(table: Mapping[str, object]) -> LLM:
    """The model as an agent, greedy; its settings are those of a seat: a persona, a chat template."""
    agent: LLM = build(Agent, dict(table))
    check_ready(agent)
    return agent if agent.sampling.temperature is not None else replace(agent, sampling=Sampling(temperature=0.0))
