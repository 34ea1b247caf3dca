"""Parse and format specs as typed on the command line: `faratin(beta=0.2|1, sampling.temperature=0)`."""

import re
import tomllib
from itertools import product
from typing import Any

from arena.errors import UsageError
from arena.spec import assign, dump_canonical

WITH_SETTINGS = re.compile(r"(?s)\s*([^()\s][^()]*?)\s*\((.*)\)\s*")
OPENS, CLOSES = "([{", ")]}"


def parse_value(text: str) -> Any:
    """Parse a setting's value as TOML (numbers, true, lists, quoted text), else keep the text itself.

    Raises UsageError for one that is nested too deeply, or a number with thousands of digits.
    """
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    except (RecursionError, ValueError) as error:
        raise UsageError(f"the value {text[:40]}… cannot be read: {str(error)[:80]}") from None


def parse_specs(text: str) -> list[Any]:
    """The specs of a text: a name alone, or with settings; values separated by | give one spec each.

    `linear(heeds=0|0.5)` are two agents; of several such settings, all combinations. Raises UsageError.
    """
    text = text.strip()
    found = WITH_SETTINGS.fullmatch(text)
    if found is None:
        if not text or "(" in text:
            raise UsageError(f"an agent is NAME or NAME(setting=value, …), for example linear(heeds=0.5); got {text!r}")
        return [text]
    name, inside = found.groups()
    choices: list[list[tuple[str, Any]]] = []
    for setting in split(inside, ","):
        path, sign, values = setting.partition("=")
        if not sign or not path.strip() or not values.strip():
            raise UsageError(f"{text}: settings are written name=value, with commas between; got {setting.strip()!r}")
        choices.append([(path.strip(), parse_value(value.strip())) for value in split(values, "|")])
    specs = []
    for chosen in product(*choices):
        table: dict[str, Any] = {"name": name}
        for path, value in chosen:
            assign(table, path, value)
        specs.append(table if len(table) > 1 else name)
    return specs


def format_spec(spec: Any) -> str:
    """How a spec is typed: `linear`, or `linear(heeds=0.5)`; the inverse of `parse_specs` for one spec."""
    if isinstance(spec, str):
        return spec
    told = ", ".join(f"{key}={_format_value(value)}" for key, value in spec.items() if key != "name")
    name = spec.get("name", "?")
    return f"{name}({told})" if told else str(name)


def _format_value(value: object) -> str:
    return value if isinstance(value, str) else dump_canonical(value)


def split(text: str, sign: str) -> list[str]:
    """Split a text at `sign` outside of brackets and quotes; empty for an empty text."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        depth += 0 if quote else (letter in OPENS) - (letter in CLOSES)
        if letter == sign and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return parts if any(part.strip() for part in parts) else []
