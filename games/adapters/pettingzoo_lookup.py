"""Find a PettingZoo environment by name, and extract its rules from its documentation."""

import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from arena.errors import MissingExtra, UsageError, unknown
from arena.registry import find

NOISE = re.compile(r"```\{.*?```|^\| *Creation.*?\n(?=\n)|<[^>]+>|^### (?:Version History|Usage).*", re.S | re.M)


def make_environment(name: str, parallel: bool | None, options: Mapping[str, Any]) -> tuple[Any, bool]:
    """An environment, and whether it is a Parallel one. `name` is one that PettingZoo knows, or `module:function`.

    Raises MissingExtra, UnknownPart for a wrong module, or ValueError for a wrong name or option.
    """
    if not find_spec("pettingzoo"):
        raise MissingExtra(f"game 'pettingzoo/{name}'", "pettingzoo")
    import pettingzoo  # type: ignore[import-untyped]

    try:
        if ":" in name:
            env = find("game", name)[0](**options)
        else:
            kind, registered = _find_registered(name, parallel)
            env = pettingzoo.make(kind, registered, **options)
    except (UsageError, NoSuchEnvironment):
        raise
    except Exception as error:
        missing = f" ({error.__cause__})" if isinstance(error.__cause__, ImportError) else ""
        raise ValueError(f"{name} cannot be made: {type(error).__name__}: {error}{missing}") from error
    if not isinstance(env, pettingzoo.AECEnv | pettingzoo.ParallelEnv):
        raise ValueError(f"{name} makes a {type(env).__name__}, neither an AECEnv nor a ParallelEnv")
    agents = getattr(env, "possible_agents", ())
    if not agents or not all(isinstance(agent, str) for agent in agents):
        raise ValueError(f"{name} has to name its agents beforehand (possible_agents), got {agents!r}")
    return env, isinstance(env, pettingzoo.ParallelEnv)


class NoSuchEnvironment(ValueError):
    """No environment of that name, or not in that form."""


def read_documentation(env: Any) -> str:
    """What an environment's module or class says of itself, without pictures, tags and version history."""
    kind = type(env.unwrapped)
    module = sys.modules.get(kind.__module__)
    text = (module and module.__doc__) or kind.__doc__ or ""
    return re.sub(r"\n{3,}", "\n\n", NOISE.sub("", text)).strip()


def _find_registered(name: str, parallel: bool | None) -> tuple[str, str]:
    """The form, "aec" or "parallel", and the registered name that a name stands for, with or without its family."""
    from pettingzoo import aec_registry, parallel_registry

    forms = {
        form: _index_by_name(registry) for form, registry in (("parallel", parallel_registry), ("aec", aec_registry))
    }
    wanted = name.replace("_v", "-v")
    for form in ("parallel", "aec") if parallel is None else ("parallel",) if parallel else ("aec",):
        if wanted in forms[form]:
            return form, forms[form][wanted]
    if wanted in forms["aec"] | forms["parallel"]:
        raise NoSuchEnvironment(f"{name} has no {'Parallel' if parallel else 'AEC'} form; leave parallel out")
    names = [short.replace("-v", "_v") for short in forms["aec"] | forms["parallel"] if "/" not in short]
    raise NoSuchEnvironment(unknown("environment of PettingZoo", name, names, "; or write module:function"))


def _index_by_name(registry: Mapping[str, Any]) -> dict[str, str]:
    return {short: full for full in registry for short in (full, full.rpartition("/")[2])}
