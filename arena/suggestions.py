"""Suggestions for unknown names: a model without its provider, or a file without the class or function in it."""

import ast
import logging
import re
from pathlib import Path

from arena.text_files import is_file

LOGGER = logging.getLogger(__name__)

PROVIDERS = (  # prefixes of model names, by provider
    (r"(chat)?gpt-|o\d(-|$)|text-davinci", "openai"),
    (r"claude", "anthropic"),
    (r"gemini", "gemini"),
    (r"grok", "xai"),
    (r"deepseek", "deepseek"),
    (r"(mi|minis|code|magis)tral|mixtral", "mistral"),
    (r"command-", "cohere"),
    (r"sonar", "perplexity"),
)
BASES = {"game": ("Game",), "benchmark": ("Benchmark",)}  # base classes of undecorated parts
ASKED = ("agent", "model")  # kinds for which a model may be given


def suggestion(kind: str, name: str) -> str:
    """What to type in place of an unknown name, for the end of a message; "" if nothing is suggested."""
    if name.endswith(".py") or is_file(f"{name}.py"):
        return _of_file(kind, name if name.endswith(".py") else f"{name}.py")
    if kind not in ASKED:
        return ""
    if is_file(Path(name, "config.json")):
        return f"; a model in a folder is local/{name}"
    if "/" in name:
        return ""
    for pattern, provider in PROVIDERS:
        if re.match(pattern, name, re.IGNORECASE):
            return f"; the model is {provider}/{name}"
    if re.search(r"\d", name):
        return f"; a model is named with who serves it: openai/{name}, anthropic/{name}, local/{name}, …"
    return ""


def things_in(kind: str, path: Path) -> list[str]:
    """The names in a file that may be parts of `kind`: those with its mark or base, else all classes and functions.

    The file is read, not imported.
    """
    try:
        body = ast.parse(path.read_text(encoding="utf-8-sig")).body
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        LOGGER.debug("%s is not searched for names: %s", path, error)
        return []
    found = [node for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)]
    public = [node for node in found if not node.name.startswith("_")]
    marked = [node.name for node in public if _is_marked(node, kind)]
    return marked or [node.name for node in public]


def _is_marked(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, kind: str) -> bool:
    marks = [mark.func if isinstance(mark, ast.Call) else mark for mark in node.decorator_list]
    bases = node.bases if isinstance(node, ast.ClassDef) else []
    names = [ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in bases]
    return any(ast.unparse(mark).rpartition(".")[2] == kind for mark in marks) or any(
        name in BASES.get(kind, ()) for name in names
    )


def _of_file(kind: str, name: str) -> str:
    path = Path(name).expanduser()
    if not is_file(path):
        return f"; there is no file {name} here, and a part in one is named {name}:Thing"
    names = [f"{name}:{thing}" for thing in things_in(kind, path)]
    return f"; type {' or '.join(names[:5])}" if names else f"; name the {kind} in the file: {name}:Thing"
