"""Find the never-exposed twin of a named model; only a model with the same base can be one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from agents.chat_model import ChatModel
from agents.inference.forward_step import unwrap_adapter
from agents.llm.llm import LLM
from agents.models.local import Local
from arena.errors import UsageError
from arena.spec import build, check_ready
from unlearning.benchmarks.benchmark import Benchmark
from unlearning.method import ClosedModel
from unlearning.modeling.agent_weights import open_weights

OWN = "bench"  # as a name of a twin: the one that the benchmark teaches
RELATED = 0.5  # cosine of two models' matrices: one that was trained further on the other is near 1, strangers near 0


@dataclass(frozen=True, slots=True)
class Twins:
    """The never-exposed twin and further ones, made when they are asked for; none, and `why` there are none."""

    make: Callable[[], Sequence[LLM]] = tuple
    why: str = ""


def find_twins(
    benchmark: Benchmark,
    split: str,
    named: LLM | None,
    given: Sequence[str] = (),
    teach: Callable[[], Sequence[LLM]] | None = None,
) -> Twins:
    """The twins of the model that forgets the split.

    named: that model; None for the one that the benchmark teaches. given: twins as they were typed, local/FOLDER, or
    `bench` for those that the benchmark teaches. Without any, the benchmark's own are taken where it taught the named
    model itself, or where `pupil.base` is what the named one was trained from. teach: gives the benchmark's own, the
    oracle first; without it two are taught. Raises UsageError for a twin that is not of the named model's shape, or
    cannot be loaded.
    """

    own = teach or (lambda: [benchmark.twin(split, seed) for seed in range(2)])
    if named is None and not given:
        return Twins(own)
    if given and OWN not in given:
        found = [_load_twin(name, named or benchmark.untaught()) for name in given]
        return Twins(lambda: found)
    if len(given) > 1:
        raise UsageError(f"--twin {OWN} stands alone: the benchmark teaches the further twins as well")
    if named is None or _is_taught_here(benchmark, named):
        return Twins(own)
    if given or benchmark.pupil.base:
        base = LLM(Local(benchmark.pupil.base)) if benchmark.pupil.base else benchmark.untaught()
        odd = describe_difference(named, base)
        if not odd and (given or compute_cosine(named, base) >= RELATED):
            return Twins(own)
        if given:
            raise UsageError(
                f"--twin {OWN}: {_format_name(named)} is not of the base that the benchmark teaches: {odd}"
            )
        return Twins(why=_explain_none(named, split, f"it was not trained from pupil.base ({odd or 'other weights'})"))
    return Twins(why=_explain_none(named, split, "the benchmark did not teach it"))


def describe_difference(one: LLM, other: LLM) -> str:
    """In what two models are not of one shape: "" where they are."""
    mine, yours = (open_weights(agent, "twin") for agent in (one, other))
    shapes = [
        {
            name: tuple(tensor.shape)
            for name, tensor in unwrap_adapter(found.module).named_parameters()
            if "lora_" not in name
        }
        for found in (mine, yours)
    ]
    first, second = ({_strip_adapter(name): shape for name, shape in each.items()} for each in shapes)
    if first != second:
        name = next(name for name in (*first, *second) if first.get(name) != second.get(name))
        return (
            f"{name} is {first.get(name, 'not there')} in {_format_name(one)} and {second.get(name, 'not there')} in "
            + (_format_name(other))
        )
    if mine.model.tokenizer.get_vocab() != yours.model.tokenizer.get_vocab():
        return f"{_format_name(one)} and {_format_name(other)} have different vocabularies"
    return ""


@torch.no_grad()
def compute_cosine(one: LLM, other: LLM) -> float:
    """The cosine of the matrices of two models of one shape, −1 to 1."""
    mine, yours = (_select_matrices(agent) for agent in (one, other))
    inner = sum(float((mine[name].float() * yours[name].float()).sum()) for name in mine)
    sizes = [sum(float(tensor.float().square().sum()) for tensor in each.values()) for each in (mine, yours)]
    return float(inner / max(sizes[0] * sizes[1], 1e-30) ** 0.5)


def _select_matrices(agent: LLM) -> dict[str, Any]:
    module = unwrap_adapter(open_weights(agent, "twin").module)
    return {
        _strip_adapter(name): tensor
        for name, tensor in module.named_parameters()
        if tensor.dim() == 2 and "lora_" not in name
    }


def _strip_adapter(name: str) -> str:
    """A parameter's name without what an adapter puts into it."""
    return name.replace(".base_layer", "")


def _is_taught_here(benchmark: Benchmark, named: LLM) -> bool:
    """Whether the named model has the same weights as the one that the benchmark trained, wherever it is stored."""
    known = benchmark.find_knower()
    if known is None or describe_difference(named, known):
        return False
    mine, yours = (dict(open_weights(agent, "twin").module.named_parameters()) for agent in (named, known))
    return mine.keys() == yours.keys() and all(torch.equal(mine[name], yours[name]) for name in mine)


def _load_twin(name: str, like: LLM) -> LLM:
    """A twin as it was typed, asked as the named model is."""
    model = build(ChatModel, name, "--twin")
    if not isinstance(model, Local):
        raise ClosedModel("--twin", name)
    check_ready(model)
    mind = like.model
    settings = {"chat_template": mind.chat_template, "date": mind.date} if isinstance(mind, Local) else {}
    twin = LLM(build(ChatModel, {"name": name, **settings}), like.persona, like.memory, like.sampling)
    if odd := describe_difference(like, twin):
        raise UsageError(
            f"--twin {name} is no twin of {_format_name(like)}: {odd}; a twin is taught from the same base"
        )
    return twin


def _explain_none(named: LLM, split: str, why: str) -> str:
    return (
        f"there is no never-exposed twin of {_format_name(named)} ({why}), so that no verdict can be given: "
        "the readings say "
        f"what changed, not whether it was forgotten. Name a model of the same base that was taught all but {split}: "
        f"--twin local/TWIN"
    )


def _format_name(agent: LLM) -> str:
    return f"local/{agent.model.id}" if isinstance(agent.model, Local) else type(agent.model).__name__
