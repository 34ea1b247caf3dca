"""The engine: one model in memory, and a queue from which requests that arrive together are generated as one batch."""

import gc
import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from agents.engine_rows import Draw, Ends, Row, drawn_like
from agents.model import Sampling
from agents.templates import Prompt

QUIET = 0.004  # seconds without a new request after which a batch starts
MISSED = 0.02  # the same, while fewer have come than were in the batch before
LINGER = 0.25  # seconds after which it starts in any case


class CannotGenerate(Exception):
    """One request that cannot be answered, with the reason; its prompt had `tokens` tokens."""

    def __init__(self, why: str, tokens: int) -> None:
        super().__init__(why)
        self.tokens = tokens


@dataclass(frozen=True, slots=True)
class Output:
    """What was generated. Tokens are counted as the model read and made them, the end token included."""

    text: str
    stop: Literal["end", "length"]
    input_tokens: int
    output_tokens: int
    batch: int
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A request in the queue. `most` is the largest batch its asker allows."""

    prompt: Prompt
    sampling: Sampling
    most: int
    future: "Future[Output]" = field(default_factory=Future)


class Engine:
    """A causal model with its tokenizer. Requests may come from any thread and any event loop.

    One thread generates while there is work and ends when there is none, so an engine that nobody holds is freed.
    The module's training mode is restored after each batch; gradients stay off while generating.
    """

    def __init__(self, module: Any, tokenizer: Any) -> None:
        self.module, self.tokenizer = module, tokenizer
        self._waiting: deque[Job] = deque()
        self._arrived = threading.Condition()
        self._working = False
        self._usual = 1  # requests in the batch before
        self._fits: int | None = None  # rows that fit into memory, known once a batch did not

    @property
    def context(self) -> int | None:
        """The most tokens of prompt and answer together; None where the model sets no limit."""
        limit = getattr(self.module.config.get_text_config(), "max_position_embeddings", None)
        return limit if isinstance(limit, int) and limit > 0 else None

    def submit(self, prompt: Prompt, sampling: Sampling, most: int) -> "Future[Output]":
        """The answer to come; cancelling it drops the request, or ends its row. Fails with CannotGenerate."""
        job = Job(prompt, sampling, most)
        with self._arrived:
            self._waiting.append(job)
            self._arrived.notify()
            if not self._working:
                self._working = True
                threading.Thread(target=self._work, name="arena-local-model", daemon=True).start()
        return job.future

    def _work(self) -> None:
        while jobs := self._gather():
            for batch in self._packed(jobs):
                self._answer(batch)

    def _gather(self) -> list[Job]:
        """The next jobs: waits while more keep arriving. Empty when there are none; the thread then ends."""
        deadline = time.monotonic() + LINGER
        with self._arrived:
            while len(self._waiting) < self._most() and (left := deadline - time.monotonic()) > 0:
                if not self._arrived.wait(min(QUIET if len(self._waiting) >= self._usual else MISSED, left)):
                    break
            jobs = [self._waiting.popleft() for _ in range(min(self._most(), len(self._waiting)))]
            self._working, self._usual = bool(jobs), max(1, len(jobs))
            return jobs

    def _most(self) -> int:
        asked = min((job.most for job in self._waiting), default=1)
        return asked if self._fits is None else min(asked, self._fits)

    def _packed(self, jobs: Sequence[Job]) -> list[list[tuple[Job, Row]]]:
        """The jobs in batches: one, but for models with learnt positions.

        A finished row is carried along until its batch ends, and a learnt table of positions ends with the context:
        there the widest prompt plus the longest answer must stay inside. Rotary positions go on.
        """
        batches: list[list[tuple[Job, Row]]] = []
        settings = self.module.generation_config.to_diff_dict()
        for job in jobs:
            try:
                row = self._row(job, settings)
            except Exception as error:  # handed to whoever asked
                settle(job, error)
                continue
            fitting = (batch for batch in batches if self._inside([row, *(mate for _, mate in batch)]))
            batch = next(fitting, None)
            if batch is None:
                batches.append(batch := [])
            batch.append((job, row))
        return batches

    def _inside(self, rows: Sequence[Row]) -> bool:
        config = self.module.config.get_text_config()
        rotary = getattr(config, "rope_parameters", None) or getattr(config, "rope_theta", None)  # transformers 5, 4
        wide, long = max(len(row.ids) for row in rows), max(row.new for row in rows)
        return bool(rotary) or self.context is None or wide + long <= self.context

    def _row(self, job: Job, settings: Mapping[str, Any]) -> Row:
        prompt, sampling = job.prompt, job.sampling
        ids = self.tokenizer(prompt.text, add_special_tokens=prompt.special, verbose=False)["input_ids"]
        if not ids:
            raise CannotGenerate("the prompt is empty; give it at least one line with a text", 0)
        room = sampling.max_tokens if self.context is None else self.context - len(ids)
        if room < 1:
            raise CannotGenerate(
                f"the prompt has {len(ids):,} tokens, and the model takes {self.context:,} with its answer; shorten "
                "what the agent is shown (its memory, the game's rounds or window) or take a model with a longer "
                "context",
                len(ids),
            )
        drawn = drawn_like(settings, sampling.temperature, sampling.top_p)
        seed = secrets.randbits(63) if sampling.seed is None else sampling.seed % 2**63
        stop = tuple(text for text in (*sampling.stop, *prompt.stop) if text)
        return Row(tuple(ids), *drawn, seed, min(sampling.max_tokens, room), stop, job.future.cancelled)

    def _answer(self, batch: Sequence[tuple[Job, Row]]) -> None:
        batch = [(job, row) for job, row in batch if not job.future.cancelled()]
        if not batch:
            return
        outputs = self._attempt([row for _, row in batch])
        if outputs is None and len(batch) > 1:
            half = self._fits = len(batch) // 2
            free_memory()
            self._answer(batch[:half])
            self._answer(batch[half:])
            return
        for number, (job, row) in enumerate(batch):
            if isinstance(outputs, list):
                settle(job, outputs[number])
            else:
                settle(job, outputs or CannotGenerate("out of memory, even alone in its batch", len(row.ids)))

    def _attempt(self, rows: Sequence[Row]) -> list[Output] | Exception | None:
        """The outputs; None when memory ran out; any other failure as a value, for those who asked."""
        try:
            return self._generate(rows)
        except torch.OutOfMemoryError:
            return None
        except RuntimeError as error:
            # the CPU's and Apple's allocators say it in words only
            return None if "allocate memory" in str(error) or "out of memory" in str(error) else error
        except Exception as error:
            return error

    def _generate(self, rows: Sequence[Row]) -> list[Output]:
        device, (end, pad) = self.module.device, self._special()
        width = max(len(row.ids) for row in rows)
        ids = torch.full((len(rows), width), pad)  # (rows, width), padded on the left
        mask = torch.zeros_like(ids)
        for number, row in enumerate(rows):
            ids[number, width - len(row.ids) :] = torch.tensor(row.ids)
            mask[number, width - len(row.ids) :] = 1
        ends = Ends(rows, width, frozenset(end), self._decode)
        training = self.module.training
        self.module.eval()
        try:
            made = self.module.generate(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                do_sample=False,  # the draw is in the scores already
                num_beams=1,
                max_new_tokens=max(row.new for row in rows),
                logits_processor=[Draw(rows, device)],
                stopping_criteria=[ends],
                eos_token_id=list(end) or None,
                pad_token_id=pad,
                **dict.fromkeys(("temperature", "top_p", "top_k", "max_length", "stop_strings")),
            )
        finally:
            if training:
                self.module.train()
        tokens = made[:, width:].tolist()
        return [self._output(row, tokens[i][: ends.lengths[i]], end, len(rows)) for i, row in enumerate(rows)]

    def _output(self, row: Row, tokens: list[int], end: tuple[int, ...], batch: int) -> Output:
        ended = bool(tokens) and tokens[-1] in end
        text = self._decode(tokens[:-1] if ended else tokens)
        found = [at for stop in row.stop if (at := text.find(stop)) >= 0]
        if found:
            text = text[: min(found)]
        return Output(text, "end" if ended or found else "length", len(row.ids), len(tokens), batch, row.seed)

    def _decode(self, tokens: Any) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _special(self) -> tuple[tuple[int, ...], int]:
        """The tokens that end an answer, and the one that fills; the model's own before the tokenizer's."""
        end = self.module.generation_config.eos_token_id
        if end is None:
            end = self.tokenizer.eos_token_id
        ends = tuple(end) if isinstance(end, list | tuple) else () if end is None else (end,)
        pad = self.tokenizer.pad_token_id
        return ends, pad if pad is not None else ends[0] if ends else 0


def settle(job: Job, result: Output | Exception) -> None:
    """Hand a job its answer or its failure, unless it was cancelled meanwhile."""
    if not job.future.set_running_or_notify_cancel():
        return
    if isinstance(result, Exception):
        job.future.set_exception(result)
    else:
        job.future.set_result(result)


def free_memory() -> None:
    """Give back what nobody holds any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
