"""The inference engine: one model in memory and a queue; requests join and leave the running batch at any token."""

import gc
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal

import torch

from agents.chat_model import Sampling
from agents.inference.chat_templates import Prompt, tokenize_prompt
from agents.inference.continuous_batch import ContinuousBatch
from agents.inference.end_tokens import choose_pad_token, find_model_ends
from agents.inference.forward_step import CausalNetwork, is_joinable
from agents.inference.prefix_cache import Prefixes
from agents.inference.sampling import ActiveRow, GenerationRow, Words, make_generator, resolve_sampling
from agents.inference.static_batch import StaticBatch
from agents.inference.tokenizer_cache import watch
from agents.llm.harmony_channels import is_channel_token
from agents.llm.text_tool_calls import is_call_mark
from agents.llm.thought_parsing import is_mark

LOGGER = logging.getLogger(__name__)

QUIET = 0.004  # seconds without a new request after which a static batch starts
MISSED = 0.02  # the same, while fewer have come than were in the batch before
LINGER = 0.25  # seconds after which it starts in any case


class CannotGenerate(Exception):
    """One request that cannot be answered, with the reason; its prompt had `tokens` tokens."""

    def __init__(self, why: str, tokens: int) -> None:
        super().__init__(why)
        self.tokens = tokens


@dataclass(frozen=True, slots=True)
class Output:
    """A generated answer. Tokens are counted as the model processed them, the end token included.

    `batch` is the largest batch it was in; `reused` the prompt tokens taken from the prefix cache.
    """

    text: str
    stop: Literal["end", "length"]
    input_tokens: int
    output_tokens: int
    batch: int
    seed: int
    reused: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class GenerationRequest:
    """A request in the queue. `most` is the largest batch its asker allows, `hold` the bytes for beginnings."""

    prompt: Prompt
    sampling: Sampling
    most: int
    adapter: str = ""
    hold: int = 0
    future: "Future[Output]" = field(default_factory=Future)


class Engine:
    """A causal model with its tokenizer. Requests may come from any thread and any event loop.

    One thread generates while there is work and ends when there is none, so an engine without references is freed.
    The module's training mode is as its owner left it whenever an answer arrives; gradients stay off while
    generating. With `joins` False, and for models whose rows cannot join (`is_joinable`), only requests that arrive
    together are one batch.
    """

    def __init__(self, module: Any, tokenizer: Any, joins: bool = True) -> None:
        self.network, self.tokenizer, self.joins = CausalNetwork(module), watch(tokenizer), joins
        self.marks = find_marks(tokenizer)
        self._waiting: deque[GenerationRequest] = deque()
        self._arrived = threading.Condition()
        self._working = False
        # what follows belongs to the thread at work
        self._jobs: dict[ActiveRow, GenerationRequest] = {}
        self._spare: deque[ActiveRow] = deque()  # preempted because memory ran out; resumed first
        self._prefixes = Prefixes()
        self._batch: ContinuousBatch | StaticBatch = StaticBatch(self.network, 0)
        self._usual = 1  # requests in the batch before
        self._fits = inf  # rows that fit into memory, known once a batch did not

    @property
    def module(self) -> Any:
        return self.network.module

    @property
    def _pad(self) -> int:
        return choose_pad_token(self.tokenizer, find_model_ends(self.module, self.tokenizer))

    def submit(
        self, prompt: Prompt, sampling: Sampling, most: int, adapter: str = "", hold: int = 0
    ) -> "Future[Output]":
        """The answer to come; cancelling it drops the request, or ends its row. Fails with CannotGenerate."""
        job = GenerationRequest(prompt, sampling, most, adapter, hold)
        with self._arrived:
            self._waiting.append(job)
            self._arrived.notify()
            if not self._working:
                self._working = True
                threading.Thread(target=self._work, name="arena-local-model", daemon=True).start()
        return job.future

    def _work(self) -> None:
        try:
            while self._goes_on():
                self._admit()
                if self._batch.lives:
                    self._turn()
        except Exception as error:  # reported to every waiting request
            LOGGER.debug("the generation thread ended", exc_info=True)
            with self._arrived:
                left, self._working = [*self._jobs.values(), *self._waiting], False
                self._waiting.clear()
                self._spare.clear()
                self._jobs.clear()
                self._batch.surrender()
            for job in left:
                settle(job, error)

    def _goes_on(self) -> bool:
        """Whether there is work; where there is none the thread has to end, and nothing of the last rows stays."""
        with self._arrived:
            self._working = bool(self._jobs or self._waiting)
            if not self._working:
                self._batch = StaticBatch(self.network, 0)
            return self._working

    def _admit(self) -> None:
        """Move requests into the batch, in the order of their arrival, while everybody there allows one more."""
        if not self._batch.lives:
            self._begin()
        held = self._batch.lives
        count, room = len(held), min([self._fits, *(one.row.most for one in held)])
        reader: RequestReader | None = None
        while (head := self._head(count, room)) is not None:
            reader = reader or RequestReader(
                self.network, self.tokenizer, self.marks, isinstance(self._batch, StaticBatch)
            )
            one = head if isinstance(head, ActiveRow) else self._open_row(head, reader)
            if one is not None:
                self._batch.admit(one)
                count, room = count + 1, min(room, one.row.most)

    def _begin(self) -> None:
        """A new batch; if it is static, wait while more requests keep arriving."""
        if self.joins and is_joinable(self.module):
            self._batch = ContinuousBatch(self.network, self._prefixes, self._pad)
            return
        self._batch = StaticBatch(self.network, self._pad)
        deadline = time.monotonic() + LINGER
        with self._arrived:
            while 0 < len(self._waiting) < self._waiting[0].most and (left := deadline - time.monotonic()) > 0:
                if not self._arrived.wait(min(QUIET if len(self._waiting) >= self._usual else MISSED, left)):
                    break
            self._usual = max(1, len(self._waiting))

    def _head(self, count: int, room: float) -> ActiveRow | GenerationRequest | None:
        """The next for a batch that has `count` rows and room for `room`; None where it has to wait."""
        with self._arrived:
            if self._spare:
                return self._spare.popleft() if count < min(room, self._spare[0].row.most) else None
            return self._waiting.popleft() if self._waiting and count < min(room, self._waiting[0].most) else None

    def _open_row(self, job: GenerationRequest, reader: "RequestReader") -> ActiveRow | None:
        """The row of a request; None where it was cancelled or cannot be answered, and its caller was notified."""
        if job.future.cancelled():
            return None
        try:
            one = reader.live(job)
        except Exception as error:  # passed on to the caller
            settle(job, error)
            return None
        self._jobs[one] = job
        return one

    def _turn(self) -> None:
        """Let the batch take one step, and hand out what ended."""
        failure: Exception | None = None
        try:
            self._batch.turn()
        except Exception as error:
            failure = error
            self._batch.surrender()
        for one in [one for one in self._jobs if one.done]:
            settle(self._jobs.pop(one), make_output(one))
        if failure is None:
            return
        begun = [one for one in self._jobs if one not in self._spare]
        if not is_out_of_memory(failure):
            for one in begun:
                settle(self._jobs.pop(one), failure)
            return
        failure = None  # its traceback holds the tensors of the step
        alone = len(begun) == 1 and not self._prefixes.bytes
        self._prefixes.close()
        free_memory()
        self._fits = max(1, len(begun) // 2)
        if alone:
            why = CannotGenerate("out of memory, even alone in its batch", len(begun[0].row.ids))
            settle(self._jobs.pop(begun[0]), why)
        else:
            self._spare.extendleft(reversed(begun))


class RequestReader:
    """Makes rows of requests, by the model's own settings as they are now."""

    def __init__(self, network: CausalNetwork, tokenizer: Any, marks: Mapping[int, str], static: bool) -> None:
        self.network, self.tokenizer, self.marks, self.static = network, tokenizer, marks, static
        self.settings = network.module.generation_config.to_diff_dict()
        self.ends = find_model_ends(network.module, tokenizer)

    def live(self, job: GenerationRequest) -> ActiveRow:
        """The row. Raises CannotGenerate where the prompt leaves no room for an answer."""
        prompt, sampling, context = job.prompt, job.sampling, self.network.context
        ids = tokenize_prompt(self.tokenizer, prompt)
        if not ids:
            raise CannotGenerate("the prompt is empty; give it at least one line with a text", 0)
        room = sampling.max_tokens if context is None else context - len(ids)
        if room < 1:
            raise CannotGenerate(
                f"the prompt has {len(ids):,} tokens, and the model takes {context:,} with its answer; shorten "
                "what the agent is shown (its memory, the game's rounds or window) or take a model with a longer "
                "context",
                len(ids),
            )
        row = GenerationRow(
            ids,
            *resolve_sampling(self.settings, sampling.temperature, sampling.top_p),
            seed=secrets.randbits(63) if sampling.seed is None else sampling.seed % 2**63,
            new=min(sampling.max_tokens, room),
            # the library's own loop applies it by itself
            penalty=1.0 if self.static else float(self.settings.get("repetition_penalty") or 1.0),
            stop=tuple(text for text in (*sampling.stop, *prompt.stop) if text),
            gone=job.future.cancelled,
            most=job.most,
            adapter=job.adapter,
            hold=job.hold,
        )
        words = Words(self._decode, frozenset((*self.ends, *prompt.end)))
        return ActiveRow(row, words, make_generator(row, self.network.device))

    def _decode(self, tokens: Sequence[int]) -> str:
        return decode_tokens(self.tokenizer, tokens, self.marks)


def decode_tokens(tokenizer: Any, tokens: Sequence[int], marks: Mapping[int, str]) -> str:
    """The text of tokens without the special ones, but with `marks`."""
    text: list[str] = []
    end = 0
    for at in [at for at, token in enumerate(tokens) if token in marks] if marks else []:
        text += [_plain(tokenizer, tokens[end:at]), marks[tokens[at]]]
        end = at + 1
    return "".join([*text, _plain(tokenizer, tokens[end:])])


def _plain(tokenizer: Any, tokens: Sequence[int]) -> str:
    return str(tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def find_marks(tokenizer: Any) -> dict[int, str]:
    """The special tokens that mark thoughts, channels or calls in a reply, by their ids."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    known = {token: str(one) for token, one in added.items() if one.special}
    has_channels = "<|channel|>" in known.values()  # else `<|end|>` and the like are other formats' ends of turns
    marks = {token: text for token, text in known.items() if is_mark(text) or is_call_mark(text)}
    return {token: text for token, text in marks.items() if has_channels or not is_channel_token(text)}


def make_output(one: ActiveRow) -> Output:
    text, ended = one.text()
    stop: Literal["end", "length"] = "end" if ended else "length"
    return Output(text, stop, len(one.row.ids), len(one.made), one.company, one.row.seed, one.reused)


def settle(job: GenerationRequest, result: Output | Exception) -> None:
    """Hand a job its answer or its failure, unless it was cancelled meanwhile."""
    if not job.future.set_running_or_notify_cancel():
        return
    if isinstance(result, Exception):
        job.future.set_exception(result)
    else:
        job.future.set_result(result)


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out; the CPU's and Apple's allocators say it in words only."""
    words = str(error) if isinstance(error, RuntimeError) else ""
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in words or "out of memory" in words


def free_memory() -> None:
    """Release memory that is no longer referenced."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
