"""Which extra of this package brings a module that is not installed."""

from arena.errors import ArenaError, BadPart, MissingExtra

EXTRA_OF = {  # by the name under which it is imported; tests hold this against pyproject.toml
    **dict.fromkeys(("openai", "aiohttp", "orjson"), "openai"),
    "anthropic": "anthropic",
    "litellm": "litellm",
    "genai_prices": "prices",
    **dict.fromkeys(("torch", "transformers", "tokenizers", "safetensors", "huggingface_hub"), "local"),
    "peft": "lora",
    **dict.fromkeys(("nltk", "pyarrow"), "evaluation"),
    **dict.fromkeys(("numpy", "scipy"), "stats"),
    "openskill": "ratings",
    "matplotlib": "plots",
    "psycopg": "postgres",
    "ray": "ray",
    **dict.fromkeys(("pettingzoo", "pygame", "gymnasium"), "pettingzoo"),
    "textarena": "textarena",
}


def missing(what: str, error: ImportError) -> ArenaError:
    """What to raise where `what` cannot be imported: MissingExtra with the line that installs the module; BadPart where
    no extra brings it."""
    module = (error.name or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and module in EXTRA_OF:
        return MissingExtra(f"{what} ({module})", EXTRA_OF[module])
    return BadPart(f"{what} cannot be imported: {error}")
