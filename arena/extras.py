"""Map modules that are not installed to the extra of this package that installs them."""

from collections.abc import Sequence
from importlib.util import find_spec

from arena.errors import ArenaError, BadPart, MissingExtra

EXTRA_OF = {  # by import name; tests compare this with pyproject.toml
    **dict.fromkeys(("openai", "aiohttp", "orjson"), "openai"),
    "anthropic": "anthropic",
    "litellm": "litellm",
    "genai_prices": "prices",
    **dict.fromkeys(("torch", "transformers", "tokenizers", "safetensors", "huggingface_hub", "jinja2"), "local"),
    "peft": "lora",
    **dict.fromkeys(("nltk", "pyarrow"), "evaluation"),
    "scipy": "stats",
    "openskill": "ratings",
    "matplotlib": "plots",
    "psycopg": "postgres",
    "ray": "ray",
    **dict.fromkeys(("pettingzoo", "pygame", "gymnasium"), "pettingzoo"),
    "textarena": "textarena",
}


def missing(what: str, error: ImportError, extras: str = "") -> ArenaError:
    """The exception for a failed import of `what`: MissingExtra with the install command; BadPart if no extra provides
    the module. extras: comma-separated extras, if more than the one of the module are needed.
    """
    module = (error.name or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and module in EXTRA_OF:
        return MissingExtra(f"{what} ({module})", extras or EXTRA_OF[module])
    return BadPart(f"{what} cannot be imported: {error}")


def require(what: str, modules: Sequence[str], extras: str) -> None:
    """Raise MissingExtra, before any work is done, if one of the modules that `what` needs is not installed."""
    if lacking := [module for module in modules if find_spec(module) is None]:
        raise MissingExtra(f"{what} ({', '.join(lacking)})", extras)
