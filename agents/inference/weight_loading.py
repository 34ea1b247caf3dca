"""Find and load local weights, once, and share them among all users of the same model."""

import logging
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging as transformers_logging

from agents.inference.end_tokens import find_model_ends
from agents.inference.engine import Engine, free_memory
from agents.inference.forward_step import unwrap_adapter
from agents.inference.logit_ensemble import is_composed, load_composed
from agents.inference.lora_adapters import (
    add_adapter,
    check_adapter,
    find_base,
    get_view,
    is_adapter,
    is_mixable,
    keeps_base_weights,
    load_alone,
    load_settings,
)
from agents.inference.weight_safety import NO_CODE, NO_PICKLES, check_weights, explain_refused_code
from arena.cache_register import memoize, register
from arena.errors import UsageError

LOGGER = logging.getLogger(__name__)

HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


@dataclass(frozen=True, slots=True)
class WeightSource:
    """Which weights, in which dtype and place. Equal sources share them. id: a model; or a folder with an adapter,
    which names its model. stamp: distinguishes a folder's files from earlier ones of the same name."""

    id: str
    device: str
    dtype: str
    adapter: str | None
    revision: str | None
    stamp: str = ""

    def check(self) -> None:
        """Raise UsageError where the weights cannot be loaded; reads the configuration only."""
        told = self.resolve_base()
        where = locate_model(told.id)
        choose_device(told.device)
        load_configuration(where, told.revision, is_offline())
        if told.adapter is not None:
            check_adapter(told.adapter)

    def resolve_base(self) -> "WeightSource":
        """The source split into model and adapter. Raises UsageError for two adapters, and for one whose model is not
        there."""
        if not is_adapter(self.id):
            return self
        if self.adapter is not None:
            raise UsageError(
                f"local model {self.id!r} is an adapter itself, and adapter={self.adapter} would lie on it; name the "
                "model below"
            )
        return replace(self, id=find_base(self.id), adapter=self.id)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Weights in memory: an engine, and which of the adapters on it answers; "" is none."""

    engine: Engine
    adapter: str = ""

    @property
    def module(self) -> Any:
        return get_view(self.engine.network, self.adapter) if self.adapter else self.engine.module


_LOADED: dict[WeightSource, Loaded] = register("models", {})
_TOKENIZERS: dict[WeightSource, Any] = register("models", {})
_LOADING = threading.RLock()  # an adapter loads its base


def load_shared(source: WeightSource) -> Loaded:
    """Those weights, loaded when first asked for. Blocks; safe from any thread. Raises UsageError."""
    with _LOADING:
        source = _stamp_source(source.resolve_base())
        if source in _LOADED:
            LOGGER.debug("weights of %s are loaded already", source.id)
        else:
            found = try_load(source)
            if found is None:
                LOGGER.info("no memory is left for %s; %d other models are released", source.id, len(_LOADED))
                _LOADED.clear()  # engines still running are referenced by their own threads
                free_memory()
                found = try_load(source)
            if found is None:
                raise UsageError(
                    f"local model {source.id!r} does not fit into the memory of {choose_device(source.device)}; take a "
                    "smaller one, dtype=bfloat16, or device=cpu"
                )
            _LOADED[source] = found
        return _LOADED[source]


def _stamp_source(source: WeightSource) -> WeightSource:
    """The source with whole paths, and a stamp of the files that are there now."""
    folders = [Path(name).expanduser() for name in (source.id, source.adapter) if name]
    whole = [str(folder.absolute()) if folder.is_dir() else None for folder in folders]
    stamp = " ".join(stamp_files(folder) for folder in folders if folder.is_dir())
    adapter = source.adapter and (whole[-1] or source.adapter)
    return replace(source, id=whole[0] or source.id, adapter=adapter, stamp=stamp)


def stamp_files(folder: str | Path) -> str:
    """A fingerprint of a folder's files: their sizes and modification times."""
    files = sorted(file for file in Path(folder).glob("*") if file.is_file())
    return " ".join(f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files)


def try_load(source: WeightSource) -> Loaded | None:
    """The weights; None where memory ran out while they were loaded."""
    try:
        return load_weights(source)
    except torch.OutOfMemoryError:
        return None


def find_source(module: object) -> str:
    """The id of the model whose loaded tensors this module shares, ignoring an adapter on it; "" where none."""
    own = {one.data_ptr() for one in unwrap_adapter(module).parameters()}
    with _LOADING:
        for source, held in _LOADED.items():
            if source.adapter is None and {one.data_ptr() for one in held.engine.module.parameters()} <= own:
                return source.id
    return ""


def release_weights() -> None:
    """Forget all loaded weights, to make room; models that are used again load again."""
    with _LOADING:
        _LOADED.clear()
    free_memory()


def load_weights(source: WeightSource) -> Loaded:
    """The weights a source names, from a folder or the hub. Code from the hub is never run.

    An adapter shares its base with others, in one engine; where PEFT cannot mix it with others in a
    batch it has an engine of its own on that base, and where it changes the base's weights a base of its own.
    """
    source.check()
    if source.adapter is None:
        return Loaded(Engine(*load_base(source)))
    settings, bare = load_settings(source.adapter), replace(source, adapter=None)
    if not keeps_base_weights(settings):
        module, tokenizer = load_base(bare)
        return Loaded(Engine(load_alone(module, source.adapter), tokenizer))
    base = load_shared(bare).engine
    if is_mixable(settings):
        return Loaded(base, add_adapter(base.network, source.adapter))
    return Loaded(Engine(load_alone(base.module, source.adapter), base.tokenizer))


def load_base(source: WeightSource) -> tuple[Any, Any]:
    """Model and tokenizer, without any adapter."""
    where, device, began = locate_model(source.id), choose_device(source.device), perf_counter()
    tokenizer, options = load_tokenizer(source), _options(source)
    with use_terminal_bars():
        try:
            kind = choose_dtype(source.dtype, device)
            load: Any = load_composed if is_composed(where) else AutoModelForCausalLM.from_pretrained
            module: Any = load(where, dtype=kind, **NO_PICKLES, **options)
        except (OSError, ValueError) as error:
            reason = explain_refused_code(where) or str(error)
            raise UsageError(f"local model {source.id!r} cannot be loaded: {reason}") from error
    if tokenizer.eos_token_id is None and (ends := find_model_ends(module, tokenizer)):
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(ends[0])  # else nothing would be taught to end
    module = module.to(device).eval()
    LOGGER.info("loaded weights of %s: %s on %s, %.1f s", where, kind, device, perf_counter() - began)
    return module, tokenizer


def load_tokenizer(source: WeightSource) -> Any:
    """The tokenizer of a model, without its weights; the same object each time. Raises UsageError."""
    with _LOADING:
        bare = replace(_stamp_source(replace(source.resolve_base(), adapter=None)), device="", dtype="")
        if bare not in _TOKENIZERS:
            where = locate_model(bare.id)
            with use_terminal_bars():
                try:
                    tokenizer = AutoTokenizer.from_pretrained(where, **NO_CODE, **_options(source))
                except (OSError, ValueError) as error:
                    reason = explain_refused_code(where) or str(error)
                    raise UsageError(f"local model {source.id!r} cannot be loaded: {reason}") from error
                if (
                    tokenizer.eos_token_id is None
                    and (end := _read_configured_end(where, _options(source))) is not None
                ):
                    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(end)  # else nothing would be taught to end
            _TOKENIZERS[bare] = tokenizer
        return _TOKENIZERS[bare]


def _read_configured_end(where: str, options: dict[str, Any]) -> int | None:
    """The end token in the settings next to a model's weights, those of generation first; None without any."""
    for kind in (GenerationConfig, AutoConfig):
        try:
            named = getattr(kind.from_pretrained(where, **options), "eos_token_id", None)
        except (OSError, ValueError) as error:
            LOGGER.debug("%s has no %s: %s", where, kind.__name__, error)
            continue
        if named is not None:
            return int(named[0] if isinstance(named, list | tuple) else named)
    return None


def take_model(source: WeightSource) -> Any:
    """The model itself, removed from the shared cache: the next user loads it again. None where an adapter is on
    it, or where it was changed."""
    with _LOADING:
        source = _stamp_source(source.resolve_base())
        if source.adapter is not None or any(one.id == source.id and one.adapter is not None for one in _LOADED):
            return None
        module = load_shared(source).module
        _LOADED.pop(source, None)
        return module


def read_stored_dtype(source: WeightSource) -> torch.dtype | None:
    """The number type of the files that a model was loaded from, where it may have been loaded in another (`auto`)."""
    if source.dtype != "auto":
        return None
    told = source.resolve_base()
    named = getattr(load_configuration(locate_model(told.id), told.revision, is_offline()), "dtype", None)
    found = getattr(torch, named, None) if isinstance(named, str) else named
    return found if isinstance(found, torch.dtype) else None


def _options(source: WeightSource) -> dict[str, Any]:
    return {"revision": source.revision or "main", "local_files_only": is_offline()}


@contextmanager
def use_terminal_bars() -> Iterator[None]:
    """Progress bars inside only where a terminal shows them."""
    if sys.stderr.isatty() or not transformers_logging.is_progress_bar_enabled():
        yield
        return
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call,unused-ignore]
    try:
        yield
    finally:
        transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call,unused-ignore]


def locate_model(id: str) -> str:
    """The folder that `id` names, else the hub id it is. Raises UsageError where it is neither."""
    folder = Path(id).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise UsageError(f"local model {id!r}: the folder holds no transformers model (no config.json in it)")
        check_weights(folder)
        return str(folder)
    if not HUB_ID.fullmatch(id):
        raise UsageError(
            f"local model {id!r}: there is no folder {folder.absolute()}, and it is not a hub id either (those look "
            "like owner/name); type local/FOLDER or local/OWNER/NAME"
        )
    return id


def load_configuration(where: str, revision: str | None, offline: bool) -> Any:
    """The model's configuration; from the hub where `where` is no folder. Raises UsageError."""
    folder = Path(where).is_dir()
    stamp = stamp_files(where) if folder else ""
    return _load_configuration(str(Path(where).absolute()) if folder else where, revision, offline, stamp)


@memoize("models")
def _load_configuration(where: str, revision: str | None, offline: bool, stamp: str) -> Any:
    try:
        options = {"revision": revision or "main", "local_files_only": offline}
        return AutoConfig.from_pretrained(where, **NO_CODE, **options)
    except (OSError, ValueError) as error:
        if reason := explain_refused_code(where):
            raise UsageError(f"local model {where!r}: {reason}") from error
        kept = " among the models kept on this machine, and ARENA_OFFLINE is set" if offline else " on the hub"
        place = "" if Path(where).is_dir() else f": there is no folder {Path(where).absolute()}, nor such a model{kept}"
        raise UsageError(f"local model {where!r}{place}; {error}") from error


def choose_device(name: str) -> torch.device:
    """`auto` is the first there is of cuda, mps and cpu. Raises UsageError for a device that is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, works in there.items() if works))
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or not there.get(device.type) or (device.index or 0) >= max(1, torch.cuda.device_count()):
        known = ", ".join(kind for kind, works in there.items() if works)
        raise UsageError(f"device {name!r} is not there; there is: {known}; type device=auto to take the first")
    return device


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """`auto` is float32 on a CPU and bfloat16 on a GPU."""
    dtype = getattr(torch, {"cpu": "float32"}.get(device.type, "bfloat16") if name == "auto" else name)
    assert isinstance(dtype, torch.dtype)
    return dtype


def is_offline() -> bool:
    return os.environ.get("ARENA_OFFLINE", "") not in ("", "0")


def hash_weights(module: Any) -> str:
    """The hash of all weights, 8 hex digits; reads each once, about a second per gigabyte."""
    digest = blake2b(digest_size=4)
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
