"""Adapters that lie on shared weights: many on one network, mixed within a batch, each a few megabytes of its own."""

import copy
from hashlib import blake2b
from pathlib import Path
from typing import Any

from agents.engine_network import Network
from arena.errors import MissingExtra, UsageError

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


def peft() -> Any:
    """The library that reads adapters. Raises MissingExtra where it is not installed."""
    try:
        import peft  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise MissingExtra("an adapter of a local model", "lora") from None
    return peft


def check_adapter(folder: str) -> None:
    """Raise UsageError where there is no adapter, MissingExtra where it cannot be read."""
    peft()
    if not (Path(folder).expanduser() / "adapter_config.json").is_file():
        raise UsageError(f"adapter {folder!r}: there is no folder with an adapter_config.json there")


def settings_of(folder: str) -> Any:
    return peft().PeftConfig.from_pretrained(str(Path(folder).expanduser()))


def gentle(settings: Any) -> bool:
    """Whether an adapter leaves the weights below it alone, so that it can lie on weights that others use."""
    return settings.peft_type == "LORA" and _says(settings, GENTLE)


def mixable(settings: Any) -> bool:
    """Whether rows with that adapter can stand in one batch with rows of others."""
    return gentle(settings) and _says(settings, MIXED)


def _says(settings: Any, possible: dict[str, tuple[Any, ...]]) -> bool:
    return all(getattr(settings, name, values[0]) in values for name, values in possible.items())


def shared(module: Any) -> Any:
    """A module of the same structure that holds the very parameters, buffers and generation settings of `module`."""
    kept = (*module.parameters(), *module.buffers(), module.generation_config)
    return copy.deepcopy(module, {id(one): one for one in kept})


def alone_on(module: Any, folder: str) -> Any:
    """The module with one adapter on it; `module` itself stays as it is, the parameters are shared."""
    place = str(Path(folder).expanduser())
    return peft().PeftModel.from_pretrained(shared(module), place).to(module.device).eval()


def add_adapter(network: Network, folder: str) -> str:
    """The adapter's name in that network, onto which it is put where it is not yet there.

    What takes steps is copied from a pattern that never does, since PEFT hangs hooks into a module while it runs;
    all share their parameters. The network gets a new copy: steps that run meanwhile use the old one to their end.
    """
    place = str(Path(folder).expanduser().resolve())
    name = f"adapter_{blake2b(place.encode(), digest_size=6).hexdigest()}"
    if network.pattern is None:
        pattern = peft().PeftModel.from_pretrained(shared(network.module), place, adapter_name=name)
        network.pattern = pattern.to(network.device).eval()
    elif name in network.pattern.peft_config:
        return name
    else:
        network.pattern.load_adapter(place, adapter_name=name)
        network.pattern.to(network.device).eval()
    network.adapted = shared(network.pattern)
    return name


def view_of(network: Network, name: str) -> Any:
    """The module with that one adapter active and no other on it; it shares the network's parameters."""
    if name not in network.views:
        module = shared(network.pattern)
        module.set_adapter(name)
        for other in set(module.peft_config) - {name}:
            module.delete_adapter(other)
        network.views[name] = module
    return network.views[name]
