"""Models that run in this process with transformers: any causal model in a folder or on the hub."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any, Literal
from weakref import WeakValueDictionary

from agents.chat_model import Line, Reply, Sampling, build_pairs, model
from agents.inference.chat_templates import DATE, Prompt, check_date, load_template, render
from agents.inference.engine import CannotGenerate, Engine, Output
from agents.inference.weight_loading import (
    Loaded,
    WeightSource,
    hash_weights,
    load_shared,
    load_tokenizer,
    read_stored_dtype,
    take_model,
)
from arena.cache_register import register
from arena.errors import ModelUnavailable, UsageError
from arena.game import Tool
from arena.usage import Call, Usage

DERIVED = re.compile(r"#[0-9a-f]{8}$")
_HELD: WeakValueDictionary[str, Engine] = register("models", WeakValueDictionary())  # given in memory, by id


@model("local")
@dataclass(frozen=True, slots=True)
class Local:
    """A transformers model in this process, from a folder or the hub; requests join the running batch at any token.

    Instances that name the same weights share them. Each request keeps its own sampling; with a seed its text is
    the same in any company, up to rounding. Models whose state is not keys and values by token (recurrent, hybrid)
    are batched as requests arrive together. What `Sampling` leaves open follows the model's generation settings:
    temperature 1 where they say nothing, greedy where they say `do_sample: false` (transformers 4 cannot tell the
    two apart). An answer ends at any end token of the model, its tokenizer or the chat template, a stop text,
    `max_tokens`, or the end of the context; a prompt that leaves no room is refused, never cut.

    A call costs 0 dollars; its seconds include the wait for its turn. With ARENA_OFFLINE set only files on this machine
    are used. Code that comes with a model is never run.
    """

    id: str
    """Folder, which may hold a PEFT adapter alone that names its model, or the id of a model on the hub."""
    device: str = "auto"
    """Torch device; "auto": cuda, else mps, else cpu."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the weights; "auto": float32 on a CPU, bfloat16 on a GPU."""
    adapter: str | None = None
    """Folder with a PEFT adapter; models that name the same base hold it once, and low-rank adapters on it share a
    batch. None: no adapter."""
    chat_template: str | None = None
    """File or Jinja text in place of the tokenizer's chat template; None: the tokenizer's own, or, where there is none,
    plain labels ("User: …")."""
    max_batch: int = 64
    """Maximum rows generated in a batch; halved when memory runs out."""
    revision: str | None = None
    """Branch, tag or commit of the hub's repository; None: its main branch."""
    prefix_cache_mb: int = 256
    """Memory in MiB, beside the weights, for key-value caches of earlier prompts, so that prompts with a common prefix
    prefill only the rest; 0: none."""
    date: str = DATE
    """Date given to chat templates that ask for today's, so that equal seeds have equal prompts on any day."""
    _held: Engine | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("a local model needs a folder or a hub id; type local/FOLDER or local/OWNER/NAME")
        if self.max_batch < 1:
            raise ValueError(f"max_batch is how many requests are generated at once: 1 or more, not {self.max_batch}")
        if self.prefix_cache_mb < 0:
            raise ValueError(f"prefix_cache_mb is a size in MiB: 0 (none) or more, not {self.prefix_cache_mb}")
        check_date(self.date)
        object.__setattr__(self, "_held", _HELD.get(self.id))

    @property
    def native_tools(self) -> bool:
        """Never: tools are described in the prompt, and actions are read from the text."""
        return False

    @property
    def module(self) -> Any:
        """The transformers module; loaded when first asked for."""
        return self._load().module

    @property
    def tokenizer(self) -> Any:
        """The tokenizer; the weights are not loaded for it."""
        return self._held.tokenizer if self._held is not None else load_tokenizer(self._source())

    def with_module(self, module: object) -> "Local":
        """The same model with the weights of `module`, as they are now; its id ends in `#` and their hash.

        The id names them in this process, as long as some model holds them. To name them from outside, save them
        (`module.save_pretrained`, `tokenizer.save_pretrained`) and give the folder.
        """
        derived = f"{DERIVED.sub('', self.id)}#{hash_weights(module)}"
        engine = _HELD.get(derived)
        if engine is None or engine.module is not module:
            engine = _HELD[derived] = Engine(module, self.tokenizer)
        return replace(self, id=derived)

    def take_module(self) -> Any:
        """The module, removed from the shared cache: this model reloads it on its next call. None where that cannot
        be done, since it was changed in memory or has adapters on it."""
        return None if self._held is not None else take_model(self._source())

    @property
    def stored(self) -> Any:
        """The torch.dtype of the files that the weights came from, where `dtype` leaves it open and they are there."""
        try:
            return read_stored_dtype(replace(self, id=DERIVED.sub("", self.id))._source())
        except UsageError:
            return None

    def ready(self) -> None:
        """Check that the weights can be loaded, without loading them. Raises UsageError."""
        if self._held is None:
            self._source().check()
        if self.chat_template is not None:
            load_template(self.chat_template)

    async def chat(
        self, messages: Sequence[Line], tools: Sequence[Tool] = (), sampling: Sampling = Sampling()
    ) -> Reply:
        """One reply; `tools` are not shown to the model. Raises ModelUnavailable for a prompt that does not fit."""
        template = None if self.chat_template is None else load_template(self.chat_template)
        prompt = render((await self._ready()).engine.tokenizer, messages, template, self.date)
        return await self.complete(prompt, sampling, build_pairs(messages))

    async def complete(
        self, prompt: Prompt, sampling: Sampling = Sampling(), sent: tuple[tuple[str, str], ...] = ()
    ) -> Reply:
        """The model's continuation of a raw text; `sent` is the prompt as it is recorded, if it has lines.

        Raises ModelUnavailable for a prompt that does not fit.
        """
        began = time.perf_counter()
        check_sampling(sampling)
        held, sent = await self._ready(), sent or (("user", prompt.text),)
        hold = self.prefix_cache_mb * 2**20
        try:
            asked = held.engine.submit(prompt, sampling, self.max_batch, held.adapter, hold)
            output = await asyncio.wrap_future(asked)
        except CannotGenerate as error:
            call = Call(self._name, outcome="rejected", input_tokens=error.tokens, usd=0.0, prompt=sent,
                        seconds=time.perf_counter() - began, detail=str(error))  # fmt: skip
            raise ModelUnavailable(self._name, str(error), Usage((call,))) from None
        call = Call(
            self._name,
            _describe_model(held),
            "ok" if output.stop == "end" else "truncated",
            output.input_tokens,
            output.output_tokens,
            0.0,
            time.perf_counter() - began,
            sent,
            output.text,
            _format_detail(output, prompt.note),
        )
        return Reply(output.text, stop=output.stop, usage=Usage((call,)), opened=bool(prompt.closing))

    async def _ready(self) -> Loaded:
        """The weights, loaded in a thread so that the event loop is not blocked."""
        return self._load() if self._held is not None else await asyncio.to_thread(self._load)

    def price(self, input_tokens: int, output_tokens: int) -> float:
        """0 dollars: local models are not billed."""
        return 0.0

    @property
    def _name(self) -> str:
        return f"local/{self.id}"

    def _load(self) -> Loaded:
        return Loaded(self._held) if self._held is not None else load_shared(self._source())

    def _source(self) -> WeightSource:
        if DERIVED.search(self.id) and not Path(self.id).is_dir():
            raise UsageError(
                f"local model {self.id!r} is the name of weights that were changed in memory, and they are gone; save "
                "them with save_pretrained and name the folder"
            )
        return WeightSource(self.id, self.device, self.dtype, self.adapter, self.revision)


def check_sampling(sampling: Sampling) -> None:
    """Raise UsageError for settings that mean nothing."""
    if sampling.max_tokens < 1:
        raise UsageError(f"max_tokens is how long an answer may be: 1 or more, not {sampling.max_tokens}")
    if sampling.temperature is not None and not 0 <= sampling.temperature < inf:
        raise UsageError(f"temperature is 0 (greedy) or more, not {sampling.temperature}")
    if sampling.top_p is not None and not 0 <= sampling.top_p <= 1:
        raise UsageError(f"top_p is a share of the probability, 0 to 1, not {sampling.top_p}")


def _describe_model(held: Loaded) -> str:
    """Description of the model: class, dtype, device, and the hub's revision where it is known."""
    module = held.engine.module
    revision = getattr(module.config, "_commit_hash", None)
    name = f"{type(module).__name__} {str(module.dtype).removeprefix('torch.')} {module.device}"
    return f"{name} {revision[:12]}" if revision else name


def _format_detail(output: Output, note: str) -> str:
    reused = f"{output.reused} tokens read before; " if output.reused else ""
    return f"{note}; batch of {output.batch}; {reused}seed {output.seed}"
