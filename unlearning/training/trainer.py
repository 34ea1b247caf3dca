"""The training loop: draws in, changed weights out; handles out-of-memory, a full disk, NaN and a kill."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from math import isfinite
from time import perf_counter
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from agents.inference.engine import free_memory, is_out_of_memory
from agents.inference.forward_step import unwrap_adapter
from arena.errors import UsageError
from unlearning.losses.objective import Context, Draw, Objective
from unlearning.losses.reference_model import NONE, Reference
from unlearning.modeling.trainable_parameters import Guarded
from unlearning.modeling.training_cost import CostMeter, Frame, Outlook
from unlearning.training.batch_samplers import BatchPlan
from unlearning.training.callbacks import Controller
from unlearning.training.checkpoints import Checkpoints, Spare
from unlearning.training.divergence import ADAPTER, LARGER, DivergenceMonitor
from unlearning.training.optimizer import LearningRateSchedule, Schedule, Stepper
from unlearning.training.training_state import Lens, State

LOGGER = logging.getLogger(__name__)

Tell: TypeAlias = Callable[[Outlook], None]
Masking: TypeAlias = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
LOOKED = 4  # rows of each role that are looked at after the last step
Precision: TypeAlias = Literal["auto", "float32", "bfloat16", "pure"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Training settings. batch: rows of the anchor role in a step. micro: rows at once, None for all of them. warmup:
    in epochs. decay: weight decay. clip: the longest gradient, None for any. save_seconds: between two checkpoints
    within an epoch."""

    epochs: int = 5
    lr: float = 1e-5
    batch: int = 32
    micro: int | None = None
    schedule: Schedule = "linear"
    warmup: float = 1.0
    decay: float = 0.01
    clip: float | None = 1.0
    optimiser: Literal["adamw", "sgd"] = "adamw"
    precision: Precision = "auto"
    seed: int = 0
    save_seconds: float = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class TrainingJob:
    """All that a training needs. `chosen`: parameters by name, with a mask or None. `masking`: of each step's gradient
    of the forget loss alone, the entries that this step may change, by name."""

    module: Any
    chosen: Mapping[str, Tensor | None]
    objective: Objective
    plan: BatchPlan
    lens: Lens
    frame: Frame
    reference: Reference = NONE
    controllers: Sequence[Controller] = ()
    settings: Settings = Settings()
    masking: Masking | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The training summary. stopped: why it ended before its time, "" where it did not. values: of the terms at the
    last step. numbers: what controllers read. notes: messages for the user, such as what went wrong and was
    answered."""

    steps: int
    epochs: int
    stopped: str = ""
    diverged: bool = False
    values: Mapping[str, float] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class TrainingDiverged(Exception):
    """A training does what no sane one does; `good`: whether the weights as they are are still in order."""

    def __init__(self, what: str, good: bool) -> None:
        super().__init__(what)
        self.good = good


class Training:
    """One training on its way."""

    def __init__(
        self, job: TrainingJob, meter: CostMeter, tell: Tell | None = None, checkpoints: Checkpoints | None = None
    ) -> None:
        self.job, self.meter, self.tell, self.checkpoints = job, meter, tell, checkpoints
        settings, plan = job.settings, job.plan
        self.guarded = Guarded.of(job.module, job.chosen)
        self.per_epoch = sum(1 for _ in plan.epoch(0, settings.batch, settings.seed))
        self.steps = settings.epochs * self.per_epoch
        pace = LearningRateSchedule(settings.lr, self.steps, round(settings.warmup * self.per_epoch), settings.schedule)
        self.stepper = Stepper(self.guarded, pace, settings.decay, settings.clip, settings.optimiser)
        self.state = State()
        self.micro = settings.micro
        self.last: Draw | None = None
        self.values: dict[str, float] = {}
        self.notes: list[str] = []
        self.saved = self.began = perf_counter()
        self.done_before = 0
        self.masks: Mapping[str, Tensor] = {}  # of the step under way
        vocabulary = int(unwrap_adapter(job.module).config.get_text_config().vocab_size)
        larger = ADAPTER if any("lora_" in name for name in job.chosen) else LARGER
        self.watch = DivergenceMonitor(job.objective, vocabulary, self.guarded.size(), larger)
        self.good: int | None = None  # the step after which the weights were last known to be good
        self.full = False  # whether the disk takes no checkpoints any more
        self.due = False  # whether they are to be kept when the next step finds them good
        self.spare = Spare()

    def run(self) -> Ended:
        """Train to the end. Raises UsageError where training cannot succeed."""
        self.meter.begin(self.job.lens.device)
        resumed = self._resume()
        if not resumed:
            for controller in self.job.controllers:
                controller.begin(self.state, self.job.lens)
        self.done_before = self.state.step
        self.job.module.train()
        diverged = False
        try:
            while self.state.epoch < self.job.settings.epochs and not self.state.stop:
                self._epoch()
            self._look_at_the_end()
        except TrainingDiverged as error:
            self._keep_good(error)
            diverged = True
        finally:
            self.job.module.eval()
            self.stepper.clear()
        if wrong := self.guarded.find_moved(self.job.module):
            raise AssertionError(f"changed outside of the scope: {', '.join(wrong)}")
        if self.checkpoints is not None:
            self.checkpoints.remove()
        return Ended(
            self.state.step, self.state.epoch, self.state.stop, diverged, self.values, dict(self.state.numbers),
            tuple(self.notes),
        )  # fmt: skip

    def _epoch(self) -> None:
        settings, state = self.job.settings, self.state
        done = int(state.numbers.get("step of epoch", 0))
        draws = self.job.plan.epoch(state.epoch, settings.batch, settings.seed, frozenset(state.dropped))
        for number, draw in enumerate(draws):
            if number < done:
                continue
            self.values = self._step(draw)
            state.step += 1
            state.numbers["step of epoch"] = number + 1
            for controller in self.job.controllers:
                controller.end_step(state, self.values)
            self._report()
            self.due = self.due or perf_counter() - self.saved > settings.save_seconds
        for controller in self.job.controllers:
            controller.end_epoch(state, self.job.lens)
        state.epoch += 1
        state.numbers["step of epoch"] = 0
        self.due = True

    def _step(self, draw: Draw) -> dict[str, float]:
        """One step; where memory runs out it is done again in smaller parts, with the same gradient."""
        while True:
            self.stepper.clear()
            try:
                values = self._gradient(draw)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                LOGGER.info("memory ran out at step %d; the batch is computed in smaller parts", self.state.step)
            else:
                break
            self.stepper.clear()
            free_memory()
            self._halve(draw)
        self._judge(values)
        if self.due and self.state.step:
            self._secure(values)
        length = self.stepper.norm(self.masks)
        if not isfinite(length):
            raise TrainingDiverged(f"the gradient is {length}", not self.watch.worse(values, self.guarded.size()))
        self.last = draw
        self.stepper.move(self.state.step, self.masks)
        return values

    def _judge(self, values: Mapping[str, float], secured: bool = False) -> None:
        """Raises Diverged where a step's losses, or the weights they were made with, are beyond reason."""
        if wrong := self.watch.broken(values) or (self.watch.worse(values, self.guarded.size()) if secured else ""):
            raise TrainingDiverged(wrong, False)

    def _look_at_the_end(self) -> None:
        """The weights after the last step, put to some rows of it: no step is left to find out what they are like."""
        if self.last is None or self.state.step == self.good:
            return
        self.job.module.eval()
        draw = {role: samples[:LOOKED] for role, samples in self.last.items()}
        job = self.job
        values = job.objective.learn(
            job.module, [draw], job.reference, pad=job.lens.pad, device=job.lens.device, scales=self.state.scales,
            context=job.lens.context, gradient=False,
        )  # fmt: skip
        self._judge(values, secured=True)

    def _gradient(self, draw: Draw) -> dict[str, float]:
        job, device = self.job, self.job.lens.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(hash((job.settings.seed, self.state.step)))  # dropout: the same when taken up again
            if job.masking is None:
                return self._learn(job.objective, draw)
            forget, rest = job.objective.split_by_role("forget")
            values = self._learn(forget, draw)
            self.masks = job.masking({n: p.grad for n, p in self.guarded.trained.items() if p.grad is not None})
            return values | self._learn(rest, draw)

    def _learn(self, objective: Objective, draw: Draw) -> dict[str, float]:
        job = self.job
        return objective.learn(
            job.module,
            split_draw(draw, self.micro),
            job.reference,
            pad=job.lens.pad,
            device=job.lens.device,
            scales=self.state.scales,
            context=job.lens.context,
            meter=self.meter,
            frame=job.frame,
        )

    def _halve(self, draw: Draw) -> None:
        rows = max(len(samples) for samples in draw.values())
        now = min(self.micro or rows, rows)
        if now == 1:
            raise UsageError(
                f"out of memory at step {self.state.step + 1}, even with one row at a time; train an adapter (lora), "
                "fewer parameters (where), or on a device with more memory"
            )
        self.micro = now // 2
        self.notes.append(f"out of memory at step {self.state.step + 1}: {self.micro} rows at a time from there on")

    def _report(self) -> None:
        self.meter.note_memory(self.job.lens.device)
        if self.tell is None:
            return
        seconds = perf_counter() - self.began
        done = self.state.step - self.done_before
        left = seconds / done * max(0, self.steps - self.state.step)
        epochs = self.job.settings.epochs
        values, note = dict(self.values), self.notes[-1] if self.notes else ""
        self.tell(Outlook(self.state.step, self.steps, self.state.epoch + 1, epochs, seconds, left, values, note))

    def _secure(self, values: Mapping[str, float]) -> None:
        """Keep the weights as they are, before this step changes them, as the last that are known to be good."""
        self._judge(values, secured=True)
        self._save()
        if self.checkpoints is None or self.full:
            self.spare.put(self.guarded.trained)
        self.good, self.due = self.state.step, False

    def _load_kept(self) -> Mapping[str, Tensor]:
        """The weights that were last kept."""
        held = self.spare.get()
        if held is None:
            assert self.checkpoints is not None  # something was kept when `good` was set
            return self.checkpoints.weights()
        return held

    def _keep_good(self, error: TrainingDiverged) -> None:
        """Go back to the weights that were last known to be good. Raises UsageError where there are none but those that
        training began with."""
        state, lr = self.state, self.job.settings.lr
        epoch = min(state.epoch + 1, self.job.settings.epochs)
        where = f"at step {min(state.step + 1, self.steps)} (epoch {epoch})"
        if state.step == 0:
            raise UsageError(
                f"{error} {where}, before anything was changed: the weights or the items are broken, or the precision "
                "too low"
            )
        if error.good:
            self.good = state.step
        elif self.good is None:
            raise UsageError(
                f"training diverged {where}: {error}. There are no good weights before that but those it began with, "
                f"so that nothing is kept; take a far smaller learning rate than lr={lr:g} (papers have about 1e-5, "
                "tiny models take 1e-3)"
            )
        else:
            self.guarded.put(self._load_kept())
        state.stop = (
            f"{error} {where}: the weights after step {self.good}, the last good ones, are kept; a smaller lr than "
            f"{lr:g} goes further"
        )

    def _save(self) -> None:
        self.saved = perf_counter()
        if self.checkpoints is None or self.full:
            return
        try:
            self.checkpoints.put(
                {
                    "state": self.state.plain(),
                    "weights": {name: one.detach().cpu() for name, one in self.guarded.trained.items()},
                    "optimiser": self.stepper.plain(),
                    "meter": self.meter.plain(),
                    "micro": self.micro,
                    "notes": list(self.notes),
                    "watch": self.watch.plain(),
                    "values": dict(self.values),
                }
            )
        except UsageError as error:  # training continues: the weights are worth more than the checkpoint
            self.notes.append(f"no checkpoint at step {self.state.step}: {error}")
            self.full = True

    def _resume(self) -> bool:
        kept = None if self.checkpoints is None else self.checkpoints.get()
        if kept is None:
            return False
        self.state = State.of(kept["state"])
        self.guarded.put(kept["weights"])
        self.watch.restore(kept["watch"])
        self.good = self.state.step
        self.stepper.restore(kept["optimiser"])
        for name, value in kept["meter"].items():
            setattr(self.meter, name, value)
        self.micro, self.notes, self.values = kept["micro"], list(kept["notes"]), dict(kept["values"])
        return True


def split_draw(draw: Draw, micro: int | None) -> list[Draw]:
    """The draw in parts of at most `micro` rows; rows of the same number stay together across roles."""
    rows = max((len(samples) for samples in draw.values()), default=0)
    if micro is None or micro >= rows:
        return [draw]
    count = -(-rows // micro)
    return [
        {
            role: samples[len(samples) * part // count : len(samples) * (part + 1) // count]
            for role, samples in draw.items()
        }
        for part in range(count)
    ]


def build_context(precision: Precision, device: torch.device, halves: bool = False) -> Context:
    """Mixed precision: bfloat16 matrices over float32 weights. `auto` does so on a GPU, and for weights that came in
    16 bits."""
    if precision == "bfloat16" or (precision == "auto" and (device.type == "cuda" or halves)):

        def open_autocast() -> AbstractContextManager[Any]:
            return torch.autocast(device.type, torch.bfloat16)

        return open_autocast
    return nullcontext
