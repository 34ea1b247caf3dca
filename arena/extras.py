"""Which extra of this package brings a module that is not installed."""

from collections.abc import Sequence
from importlib.util import find_spec

from arena.errors import ArenaError, BadPart, MissingExtra

EXTRA_OF = {  # by the name under which it is imported; tests hold this against pyproject.toml
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
    """What to raise where `what` cannot be imported: MissingExtra with the line that installs the module; BadPart where
    no extra brings it. extras: those that bring all that it needs, with commas between, where that is more than the
    one module."""
    module = (error.name or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and module in EXTRA_OF:
        return MissingExtra(f"{what} ({module})", extras or EXTRA_OF[module])
    return BadPart(f"{what} cannot be imported: {error}")


def require(what: str, modules: Sequence[str], extras: str) -> None:
    """Raises MissingExtra, before any work is done, where one of the modules that `what` will need is not installed."""
    if lacking := [module for module in modules if find_spec(module) is None]:
        raise MissingExtra(f"{what} ({', '.join(lacking)})", extras)
