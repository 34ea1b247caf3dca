"""LoRA adapters on shared base weights: many on one network, mixed within a batch, a few megabytes each."""

import copy
import json
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from agents.inference.forward_step import CausalNetwork
from agents.inference.weight_safety import check_weights
from arena.errors import UsageError
from arena.extras import missing
from arena.text_files import read_text

LOGGER = logging.getLogger(__name__)

CONFIG = "adapter_config.json"
BASE = "base.json"  # next to it: the base's path relative to the adapter's folder, so that both can be moved together

# what a configuration says by default; an adapter that says otherwise cannot be mixed with others in a batch
MIXED: dict[str, tuple[Any, ...]] = {
    "use_dora": (False,),
    "modules_to_save": (None, []),
    "trainable_token_indices": (None, []),
    "target_parameters": (None, []),
    "alora_invocation_tokens": (None,),
    "arrow_config": (None,),
    "use_bdlora": (None, False),
}
# these leave the base's weights as they are; others write new ones into the base when they are loaded
GENTLE: dict[str, tuple[Any, ...]] = {
    "bias": ("none",),
    "init_lora_weights": (True, False, "gaussian", "orthogonal"),
    "layer_replication": (None,),
}


def import_peft() -> Any:
    """The library that reads adapters. Raises MissingExtra where it is not installed."""
    try:
        import peft  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise missing("an adapter of a local model", error) from error
    return peft


def check_adapter(folder: str) -> None:
    """Raise UsageError where there is no adapter, MissingExtra where it cannot be read."""
    import_peft()
    if not (Path(folder).expanduser() / CONFIG).is_file():
        raise UsageError(f"adapter {folder!r}: there is no folder with an {CONFIG} there")
    check_weights(Path(folder).expanduser(), "adapter")


def is_adapter(folder: str) -> bool:
    """Whether that is a folder with an adapter and no model of its own."""
    place = Path(folder).expanduser()
    return (place / CONFIG).is_file() and not (place / "config.json").is_file()


def find_base(folder: str) -> str:
    """The base that an adapter's folder names: a folder, or a hub's id. Raises UsageError where it is not there.

    A path is looked up as it was written, then as seen from the adapter's folder, then from the folder around it.
    """
    place = Path(folder).expanduser().absolute()
    named = str(_read_json(place / CONFIG).get("base_model_name_or_path") or "")
    beside = str(_read_json(place / BASE).get("path") or "") if (place / BASE).is_file() else ""
    tried = [Path(named).expanduser(), place / beside, place / named, place.parent / named]
    for name, way in zip((named, beside, named, named), tried, strict=True):
        if name and (way / "config.json").is_file():
            return os.path.normpath(way)
    if named and not Path(named).is_absolute() and named.count("/") <= 1 and not named.startswith("."):
        return named
    raise UsageError(
        f"the adapter {folder!r} lies on the model {named or beside!r}, which is not there; put it back, or name the "
        f"model: local/MODEL with adapter={folder} (at a seat: --set SEAT.adapter={folder})"
    )


def name_base(folder: Path, base: str, place: Path) -> None:
    """Write the path of its base into the adapter in `folder`, which will be moved to `place`."""
    settings = _read_json(folder / CONFIG)
    if (there := Path(base).expanduser()).is_dir():
        settings["base_model_name_or_path"] = str(there.absolute())
        beside = os.path.relpath(there.resolve(), place.resolve())
        (folder / BASE).write_text(json.dumps({"path": Path(beside).as_posix()}), encoding="utf-8")
    else:
        settings["base_model_name_or_path"] = base
    (folder / CONFIG).write_text(json.dumps(settings, indent=2, sort_keys=True), encoding="utf-8")


def _read_json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_text(file))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{file} cannot be read: it holds no table")
    return found


@contextmanager
def hide_peft_warnings() -> Iterator[None]:
    """Without the warnings inside that PEFT gets for names of transformers that will be others one day."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*gradient_checkpointing", FutureWarning)
        yield


def load_settings(folder: str) -> Any:
    return import_peft().PeftConfig.from_pretrained(str(Path(folder).expanduser()))


def keeps_base_weights(settings: Any) -> bool:
    """Whether an adapter leaves the base weights unchanged, so that it can share them with others."""
    return settings.peft_type == "LORA" and _says(settings, GENTLE)


def is_mixable(settings: object) -> bool:
    """Whether rows with that adapter can be in one batch with rows of others."""
    return keeps_base_weights(settings) and _says(settings, MIXED)


def _says(settings: object, possible: dict[str, tuple[Any, ...]]) -> bool:
    return all(getattr(settings, name, values[0]) in values for name, values in possible.items())


def share_weights(module: Any) -> Any:
    """A module of the same structure that holds the very parameters, buffers and generation settings of `module`."""
    kept = (*module.parameters(), *module.buffers(), module.generation_config)
    return copy.deepcopy(module, {id(one): one for one in kept})


def load_alone(module: Any, folder: str) -> Any:
    """The module with one adapter on it; `module` itself stays as it is, the parameters are shared."""
    place = str(Path(folder).expanduser())
    with hide_peft_warnings():
        return import_peft().PeftModel.from_pretrained(share_weights(module), place).to(module.device).eval()


def add_adapter(network: CausalNetwork, folder: str) -> str:
    """The adapter's name in that network, onto which it is put where it is not yet there.

    What takes steps is copied from a pattern that never does, since PEFT hangs hooks into a module while it runs;
    all share their parameters. The network gets a new copy: steps that run meanwhile use the old one to their end.
    """
    place = str(Path(folder).expanduser().resolve())
    name = f"adapter_{blake2b(place.encode(), digest_size=6).hexdigest()}"
    if network.pattern is None:
        with hide_peft_warnings():
            pattern = import_peft().PeftModel.from_pretrained(share_weights(network.module), place, adapter_name=name)
        network.pattern = pattern.to(network.device).eval()
    elif name in network.pattern.peft_config:
        return name
    else:
        with hide_peft_warnings():
            network.pattern.load_adapter(place, adapter_name=name)
        network.pattern.to(network.device).eval()
    network.adapted = share_weights(network.pattern)
    LOGGER.info("loaded adapter %s as %s", place, name)
    return name


def get_view(network: CausalNetwork, name: str) -> Any:
    """The module with that one adapter active and no other on it; it shares the network's parameters."""
    if name not in network.views:
        module = share_weights(network.pattern)
        module.set_adapter(name)
        for other in set(module.peft_config) - {name}:
            module.delete_adapter(other)
        network.views[name] = module
    return network.views[name]
