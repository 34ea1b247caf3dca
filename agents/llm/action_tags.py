"""Parse actions in tags within a text: `<offer>12</offer>`, `<offer price="12"/>`, `<accept/>`."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.llm.json_objects import Garbled, scrub_json
from arena.cache_register import memoize
from arena.game import JSON, Tool

ATTRIBUTE = re.compile(r"""(?<![\w-])([\w-]++)\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'/>]++)""")
BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
NUMBER = re.compile(r"[-+]?\d{1,15}(?:\.\d{1,15})?")
SAY = "say"


@dataclass(frozen=True, slots=True)
class Tagged:
    """The actions in tags, the text between say tags, and the text without any of them."""

    actions: tuple[tuple[str, dict[str, JSON]], ...]
    says: tuple[str, ...]
    rest: str


def find_tags(text: str, tools: Sequence[Tool]) -> Tagged:
    """The tags of `text` that name one of `tools`, in linear time. Raises Garbled where one is not closed."""
    if "<" not in text:
        return Tagged((), (), text)
    known = {tool.name.casefold(): tool for tool in tools}
    pattern, unclosed = _compile_patterns(tuple(known))
    actions, says, kept, end = [], [], [], 0
    for tag in pattern.finditer(text):
        closing, name, inside = tag[1], tag[2].casefold(), tag[3].strip()
        if tag.start() < end:
            continue
        if closing:
            kept.append(text[end : tag.start()])
            end = tag.end()
            continue
        tool, content, stop = known.get(name), None, tag.end()
        if not inside.endswith("/"):
            content, stop = _find_content(text, tag, pattern)
        if tool is None:
            says.append((content or "").strip())
        else:
            actions.append((tool.name, _parse_arguments(tool, inside.removesuffix("/"), content)))
        kept.append(text[end : tag.start()])
        end = stop
    if cut := unclosed.search(text, end):
        raise Garbled(f"the tag <{cut[1]}> is not closed")
    return Tagged(tuple(actions), tuple(filter(None, says)), "".join([*kept, text[end:]]))


@memoize("texts", most=1_000)
def _compile_patterns(names: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A tag of one of the names or `say`: a whole one, and one that begins and does not end."""
    ways = "|".join(map(re.escape, sorted((*names, SAY), key=len, reverse=True)))
    whole = re.compile(rf"<(/?)({ways})(?![\w-])([^<>]*+)>", re.IGNORECASE)
    return whole, re.compile(rf"<({ways})(?![\w-])[^<>]*+\Z", re.IGNORECASE)


def _find_content(text: str, tag: re.Match[str], pattern: re.Pattern[str]) -> tuple[str | None, int]:
    """The content between a tag and its end tag, and its end; None where the next tag is another one."""
    following = pattern.search(text, tag.end())
    if following is None or not following[1] or following[2].casefold() != tag[2].casefold():
        return None, tag.end()
    return text[tag.end() : following.start()], following.end()


def _parse_arguments(tool: Tool, attributes: str, content: str | None) -> dict[str, JSON]:
    """The arguments that a tag carries as attributes, as inner tags, or, where one is missing, as its content."""
    args: dict[str, JSON] = {}
    for name, value in ATTRIBUTE.findall(attributes):
        text = value[1:-1] if value[0] in "\"'" else value
        if args.setdefault(name, text) != text:
            raise Garbled(f"<{tool.name}> gives {name} twice, with different values; give one")
    open_names = [name for name in tool.parameters if name not in args]
    if content is None:
        if any(name not in tool.optional for name in open_names):
            raise Garbled(f"the tag <{tool.name}> is not closed; write {format_shape(tool)}")
    elif open_names:
        inner = _inner(content, open_names)
        args |= inner if inner or not content.strip() else {open_names[0]: content.strip()}
    return {name: convert_to_type(value, tool.parameters.get(name, {})) for name, value in args.items()}


def _inner(content: str, names: Sequence[str]) -> dict[str, JSON]:
    pattern = rf"<({'|'.join(map(re.escape, names))})>([^<]*+)</\1>"
    return {match[1]: match[2].strip() for match in re.finditer(pattern, content)}


def convert_to_type(value: JSON, schema: Mapping[str, JSON]) -> JSON:
    """The text of a tag as its schema's type; what does not fit stays text and is the rules' to refuse."""
    text, kind = str(value).strip(), schema.get("type")
    if kind in ("number", "integer") and NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    if kind == "boolean" and text.lower() in ("true", "false", "yes", "no"):
        return text.lower() in ("true", "yes")
    if kind in ("array", "object") and text.startswith("[" if kind == "array" else "{"):
        try:
            return scrub_json(json.loads(text))
        except Garbled:
            raise
        except (ValueError, RecursionError):
            pass
    if kind == "array":
        return [line for line in (BULLET.sub("", line).strip() for line in text.splitlines()) if line]
    return value


def format_shape(tool: Tool) -> str:
    """The tag syntax of a tool: one argument is the content, several are nested tags."""
    if not tool.parameters:
        return f"<{tool.name}/>"
    if len(tool.parameters) == 1:
        inside = _blank(*tool.parameters.items())
    else:
        inside = "".join(f"<{name}>{_blank((name, schema))}</{name}>" for name, schema in tool.parameters.items())
    return f"<{tool.name}>{inside}</{tool.name}>"


def write_tag(tool: str, args: Mapping[str, JSON]) -> str:
    """An action as a tag, in the shape that `shape` asks for."""
    if not args:
        return f"<{tool}/>"
    if len(args) == 1:
        inside = _plain(*args.values())
    else:
        inside = "".join(f"<{name}>{_plain(value)}</{name}>" for name, value in args.items())
    return f"<{tool}>{inside}</{tool}>"


def _blank(parameter: tuple[str, Mapping[str, JSON]]) -> str:
    name, schema = parameter
    return f"{name.upper()}, one per line" if schema.get("type") == "array" else name.upper()


def _plain(value: JSON) -> str:
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return "\n".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
