"""Base of fine-tuning methods; the objective is abstract, and a method is a preset of a few lines.

A method may also define its sample pools, its batches, the weights it changes, and its callbacks.
"""

import asyncio
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import torch
from annotated_types import Ge

from agents.inference.forward_step import use_eval_mode
from agents.inference.torch_threads import one_thread
from agents.inference.weight_loading import hash_weights
from arena.agent import Agent
from arena.errors import UsageError
from arena.parameter_ranges import Count, NotNegative, Number, Positive, check_ranges
from arena.spec import describe, dump_canonical
from unlearning.losses.objective import Objective
from unlearning.losses.reference_model import NONE, Frozen, Reference, cache_needs
from unlearning.modeling.agent_rendering import build_rendering
from unlearning.modeling.agent_weights import Opened, open_weights
from unlearning.modeling.forward_view import ForwardView, RoleRows, run_forward_no_grad
from unlearning.modeling.item_tokenization import Encoded
from unlearning.modeling.trainable_parameters import (
    Lora,
    Scope,
    add_adapter,
    copy_trainable,
    merge_adapter,
    mirror,
    prepare_in_place,
)
from unlearning.modeling.training_cost import Bill, CostMeter, frame_of
from unlearning.request import Request
from unlearning.training.batch_samplers import BatchPlan, Pairs, build_pool
from unlearning.training.callbacks import Controller, Until
from unlearning.training.checkpoints import Checkpoints
from unlearning.training.optimizer import Schedule
from unlearning.training.trainer import Ended, Precision, Settings, Tell, Training, TrainingJob, build_context
from unlearning.training.training_problem import TrainingProblem
from unlearning.training.training_state import Lens

ROUNDED = (
    "the weights are kept in {0}, as the model's files are: smaller changes than that can hold are rounded away "
    "(--set model.dtype=float32 keeps them)"
)
Tokens: TypeAlias = Annotated[int, Ge(2)]  # one to read and one to predict
TINY: Mapping[str, Any] = {"lr": 1e-3, "batch": 16, "warmup": 0.0, "decay": 0.0}


@dataclass(frozen=True, slots=True)
class FinetuneResult:
    """The agent that has forgotten, how its training went, and what it cost."""

    agent: Agent
    ended: Ended
    spent: CostMeter


@dataclass(frozen=True, slots=True, kw_only=True)
class Finetune(ABC):
    """Base of the methods that train weights on an objective. The agent's own weights are not changed; equal seeds give
    equal weights.
    """

    epochs: Number = 5
    """Passes over the forget set; 0: the weights stay as they are."""
    lr: Positive = 1e-5
    """Peak learning rate."""
    batch: Count = 32
    """Forget items in an optimiser step, each joined by one item of every other role of the objective."""
    micro: Count | None = None
    """Rows per forward pass (micro-batch); None: the whole batch. Halved when memory runs out; the gradient is the
    same."""
    warmup: NotNegative = 1.0
    """Epochs over which the learning rate rises linearly from 0 to its peak; 0: no warm-up."""
    schedule: Schedule = "linear"
    """How the learning rate falls to 0 after warm-up; "constant": it does not fall."""
    decay: NotNegative = 0.01
    """Weight decay of matrices, embeddings included (decoupled with AdamW, L2 with SGD); biases and norm gains are not
    decayed."""
    clip: Positive | None = 1.0
    """Maximum norm of the gradient; None: no clipping."""
    optimiser: Literal["adamw", "sgd"] = "adamw"
    """Optimiser of the training: AdamW, or SGD without momentum."""
    lora: Lora | None = None
    """Settings of a LoRA adapter to train in place of the weights; the original and the result share the base weights.
    None: the weights are trained."""
    where: str = ""
    """Regular expression; only parameters whose names contain a match are trained. "": those that the method chooses,
    by default all."""
    precision: Precision = "auto"
    """Number format of training. "float32": no autocast. "bfloat16": bfloat16 autocast over float32 weights. "auto":
    the latter on a GPU and for models loaded in 16 bits, else the former. "pure": weights and updates in the format in
    which the model was loaded."""
    reference: Literal["cache", "live"] = "cache"
    """Where the original model's outputs come from. "cache": computed once before training and kept. "live": computed
    at each step, one forward pass more and no memory."""
    cache_mb: Number = 2048
    """Largest size in MiB of the cached reference outputs; above it training stops with an error that names the
    remedy."""
    until: Until | None = None
    """Early stopping: training ends after the first epoch in which a reading crosses a limit (role, reading, side,
    limit). None: all epochs are trained."""
    limit: Tokens | None = None
    """Maximum tokens of an item; a longer one loses the beginning of its prompt first, then the end of its answer.
    None: no limit."""
    threads: Count = 1
    """CPU threads of PyTorch; 1 gives the same weights for a seed on every machine."""
    save_seconds: NotNegative = 60.0
    """Seconds between checkpoints within an epoch, where a checkpoint folder is given; 0: after each step."""
    seed: int = 0
    """Seed of the order of items, of adapter initialisation, dropout and all sampling."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"tiny": TINY}
    reads_original: ClassVar[bool] = False  # whether the weights as they were are needed once training has begun

    def __post_init__(self) -> None:
        check_ranges(self)

    # what a method says of itself

    @abstractmethod
    def objective(self, study: TrainingProblem) -> Objective:
        """The training objective; abstract, each method implements it."""

    def pools(self, study: TrainingProblem) -> dict[str, tuple[Encoded, ...]]:
        """The items as tokens, by role."""
        return {"forget": study.forget, "retain": study.retain}

    def mark_items(
        self, study: TrainingProblem, pools: Mapping[str, tuple[Encoded, ...]]
    ) -> dict[str, tuple[Encoded, ...]]:
        """The same items, marked at the tokens that the losses read; controllers still read whole answers."""
        return dict(pools)

    def plan(self, study: TrainingProblem, pools: Mapping[str, tuple[Encoded, ...]]) -> BatchPlan:
        """Which samples form a batch."""
        return Pairs({role: build_pool(encoded) for role, encoded in pools.items()})

    def scope(self, study: TrainingProblem) -> Scope:
        """Which weights are changed, where no adapter is trained."""
        return Scope(self.where)

    def room(self, study: TrainingProblem) -> Scope:
        """The weights from which `scope` chooses, known before anything is computed."""
        return self.scope(study)

    def controllers(self, study: TrainingProblem) -> tuple[Controller, ...]:
        """The callbacks."""
        return ()

    def start(self, study: TrainingProblem) -> Any:
        """The module that training starts from; the model's own, but for methods that begin elsewhere."""
        return study.module

    def finish(self, study: TrainingProblem, trained: object) -> Any:
        """The module that the agent gets."""
        return trained

    # what the family does with it

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        """The agent with the request forgotten. Raises ClosedModel; warns where training had to be ended."""
        outcome = await self.run(agent, request)
        if outcome.ended.diverged:
            warnings.warn(outcome.ended.stopped, RuntimeWarning, stacklevel=2)
        return outcome.agent

    async def run(
        self,
        agent: Agent,
        request: Request,
        *,
        tell: Tell | None = None,
        folder: str | Path | None = None,
        give: bool = False,
    ) -> FinetuneResult:
        """The same, with the training's summary. tell: is called for each step, from another thread. folder: keeps
        checkpoints; a training that was killed is taken up there, and ends in the same bits. give: the agent's weights
        in memory are given to the training, so that none are held twice; the agent loads its own again when it is
        asked."""
        found = open_weights(agent, self._name)
        study = self.study(found, request, give)
        work = partial(self._train, study, tell, None if folder is None else Path(folder))
        module, ended, spent = await asyncio.to_thread(work)
        return FinetuneResult(found.with_module(module), ended, spent)

    def study(self, found: Opened, request: Request, give: bool = False) -> TrainingProblem:
        tokenizer, rendering = found.model.tokenizer, build_rendering(found.mind)
        take = give and self.lora is None and not self.reads_original
        module = found.take_module() if take else None
        own = module is not None or hasattr(found.module, "peft_config")
        if module is None:  # an adapter that is there already is part of the weights as they are
            module = merge_adapter(found.module)
        stored = found.stored if is_half(found.stored) and not is_half(module.dtype) else None
        return TrainingProblem(self._name, module, tokenizer, request, self.seed, self.limit, rendering, own, stored)

    def estimate_cost(self, agent: Agent, request: Request) -> Bill:
        """The predicted cost of a step, in forwards of one batch (F)."""
        with one_thread():
            study = self.study(open_weights(agent, self._name), request)
            objective = self.objective(study)
            study.check({"forget": request.forget, "retain": request.retain}, ("forget", *objective.roles))
            start = self.start(study)
            module = mirror(start) if self.lora is None else add_adapter(start, self.lora, self.seed)
            chosen = self.room(study).chosen(module) if self.lora is None else {}
            for name, parameter in module.named_parameters():
                parameter.requires_grad_(name in chosen or "lora_" in name)
            return objective.estimate_cost(frame_of(module), live=self.reference == "live")

    @property
    def _name(self) -> str:
        return str(describe(self)["name"])

    def settings(self) -> Settings:
        return Settings(
            self.epochs, self.lr, self.batch, self.micro, self.schedule, self.warmup, self.decay, self.clip,
            self.optimiser, self.precision, self.seed, self.save_seconds,
        )  # fmt: skip

    def job(
        self, study: TrainingProblem, meter: CostMeter | None = None, remembered: bool = True, piece: Any = None
    ) -> TrainingJob:
        """The training, ready to begin. remembered: whether the reference's numbers are computed. piece: a module to
        train on, with `requires_grad` set for what is trained, in place of a new one."""
        pools = self.pools(study)
        objective, plan = self.objective(study), self.plan(study, self.mark_items(study, pools))
        study.check(plan.pools, ("forget", *objective.roles))
        scope = None if self.lora or piece is not None else self.scope(study)
        module = self._prepare_module(study, scope) if piece is None else piece
        device = module.device
        chosen = {name: None for name, p in module.named_parameters() if p.requires_grad}
        masks = {} if scope is None else scope.masks
        frame, context = frame_of(module), build_context(self.precision, device, is_half(study.module.dtype))
        rows = self.micro or self.batch
        read = {role: build_pool(encoded) for role, encoded in pools.items()}
        lens = Lens(module, study.tokenizer, read, study.pad, device, max(rows, 16), context)
        until = () if self.until is None else (self.until,)

        def frozen(rows: RoleRows, layers: tuple[int, ...], scores: bool) -> ForwardView:
            with context():
                return run_forward_no_grad(study.module, rows, layers, scores)

        def ask_untrained(rows: RoleRows, layers: tuple[int, ...], scores: bool) -> ForwardView:
            # in the number types that it is trained in: what has not changed yet differs from it by nothing
            with context(), use_eval_mode(module):
                return run_forward_no_grad(module, rows, layers, scores)

        ask = frozen if self.reference == "live" or piece is not None else ask_untrained
        reference = self._reference(objective, plan, study, ask, meter, frame.flops) if remembered else NONE
        return TrainingJob(
            module, {name: masks.get(name) for name in chosen}, objective, plan, lens, frame, reference,
            (*self.controllers(study), *until), self.settings(),
        )  # fmt: skip

    def _prepare_module(self, study: TrainingProblem, scope: Scope | None) -> Any:
        """The module to train: with an adapter, or with its own copy of what the scope chooses."""
        start = self.start(study)
        if self.lora is not None and scope is None:
            return add_adapter(start, self.lora, self.seed)
        assert scope is not None
        wide = torch.float32 if is_half(start.dtype) and self.precision != "pure" else None
        made = prepare_in_place if start is study.module and self._in_place(study) else copy_trainable
        piece = made(start, scope, wide)
        return piece.float() if self.precision == "float32" else piece

    def _in_place(self, study: TrainingProblem) -> bool:
        """Whether the study's weights are trained in place: their old values are not read once training has begun."""
        asks = self.reference == "live" and bool(self.objective(study).needs)
        return study.own and not self.reads_original and not asks

    def _reference(
        self,
        objective: Objective,
        plan: BatchPlan,
        study: TrainingProblem,
        frozen: Frozen,
        meter: CostMeter | None,
        flops: float,
    ) -> Reference:
        if self.reference == "live" or not objective.needs:
            return Reference({}, frozen)
        size = max(32, self.batch)
        kept, read = cache_needs(
            objective.needs, plan.pools, frozen, pad=study.pad, device=study.device, batch=size,
            most=self.cache_mb * 2**20,
        )  # fmt: skip
        if meter is not None:
            meter.add(read, flops)
            meter.flops += read * flops
        return Reference(kept, None if self._in_place(study) else frozen)

    def _train(self, study: TrainingProblem, tell: Tell | None, folder: Path | None) -> tuple[Any, Ended, CostMeter]:
        meter, began, dtype = CostMeter(), perf_counter(), study.module.dtype
        threads = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            checkpoints = None if folder is None else Checkpoints(folder, self._key(study))
            job = self.job(study, meter)
            ended = Training(job, meter, tell, checkpoints).run()
            module = self.finish(study, self._restore_dtype(job.module, dtype))
            check_finite(module)
            if study.stored is not None and self.lora is None:
                round_weights(module, study.stored, study.module)
                ended = replace(ended, notes=(*ended.notes, ROUNDED.format(str(study.stored).removeprefix("torch."))))
        finally:
            torch.set_num_threads(threads)
        meter.seconds += perf_counter() - began
        return module, ended, meter

    def _restore_dtype(self, module: Any, dtype: torch.dtype) -> Any:
        """The trained module, its weights in the number type of the original."""
        for parameter in module.parameters() if self.lora is None and is_half(dtype) else ():
            parameter.data = parameter.data.to(dtype)
        return module.eval().requires_grad_(False)

    def _key(self, study: TrainingProblem) -> str:
        """The key that identifies this training."""
        settings = {key: value for key, value in describe(self).items() if key not in ("save_seconds", "micro")}
        told = dump_canonical(settings) + repr(study.request) + repr(study.rendering) + hash_weights(study.module)
        return blake2b(told.encode(), digest_size=16).hexdigest()


def is_half(dtype: object) -> bool:
    """Whether a number type has 16 bits."""
    return dtype in (torch.bfloat16, torch.float16)


@torch.no_grad()
def round_weights(module: Any, dtype: torch.dtype, original: Any) -> None:
    """Round the weights to a number type, in the type that they have, so that what is measured is what is saved.
    Tensors that are those of `original`, another module, are left alone."""
    kept = set() if module is original else {one.data_ptr() for one in original.parameters()}
    for parameter in module.parameters():
        if parameter.data_ptr() not in kept:
            parameter.copy_(parameter.to(dtype))


def check_finite(module: Any) -> None:
    """Raise UsageError where a weight is not a finite number: such a model says nothing, and must not be saved."""
    for name, parameter in module.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise UsageError(f"{name} holds numbers that are not finite: training, or what came behind it, diverged")
