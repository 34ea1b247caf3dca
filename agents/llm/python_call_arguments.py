"""Parse call arguments in Python syntax: literals, keyword or positional, and JSON's true, false and null."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from agents.llm.json_objects import Garbled, scrub_json
from arena.game import JSON

LONGEST = 20_000  # characters of a call
CONSTANTS: Mapping[str, JSON] = {"true": True, "false": False, "null": None, "none": None}
SIGN = re.compile(r"""[()\[\]{}]|"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'""")


@dataclass(frozen=True, slots=True)
class Arguments:
    """The values of a call."""

    placed: tuple[JSON, ...]
    named: Mapping[str, JSON]


def call_end(text: str, at: int) -> int:
    """The position after the parenthesis that closes the one at `at`; `at` where none does within LONGEST."""
    depth = 0
    for sign in SIGN.finditer(text, at, at + LONGEST):
        depth += (sign[0] in "([{") - (sign[0] in ")]}")
        if depth == 0:
            return sign.end()
    return at


def read_call(arguments: str) -> Arguments:
    """The values between parentheses. Raises Garbled for what is no literal."""
    try:
        tree = ast.parse(f"f{arguments.strip()}", mode="eval").body
        if not isinstance(tree, ast.Call):
            raise ValueError
        placed = tuple(_value(node) for node in tree.args)
        named = {str(one.arg): _value(one.value) for one in tree.keywords}
        if len(named) < len(tree.keywords):
            raise ValueError
    except Garbled:
        raise
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        raise Garbled("the arguments of the call are not values as in f(x=1, y='a')") from None
    return Arguments(placed, named)


def _value(node: ast.expr) -> JSON:
    if isinstance(node, ast.Name) and node.id.lower() in CONSTANTS:
        return CONSTANTS[node.id.lower()]
    value = ast.literal_eval(node)
    if not isinstance(value, bool | int | float | str | list | tuple | dict | None):
        raise ValueError
    return scrub_json(value)
