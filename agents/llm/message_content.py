"""The content of a message as providers and models write it: a text, or a list of parts, some of which are thoughts."""

from typing import Any

THOUGHT_KINDS = ("thinking", "reasoning", "thought", "redacted_", "summary_text")  # how types of such parts begin
THOUGHT_KEYS = ("thinking", "reasoning", "text", "summary", "content")  # where such parts have their text


def ensure_object(value: object) -> dict[str, Any]:
    """`value` where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def ensure_array(value: object) -> list[Any]:
    """`value` where it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def read_text(value: object) -> str:
    """A content as text: a string, or the text parts of a list joined, without those that are thoughts."""
    if isinstance(value, list):
        return "".join(read_text(ensure_object(part).get("text")) for part in value if not _is_thought(part))
    return value if isinstance(value, str) else ""


def join_thoughts(content: object) -> str:
    """The parts of a content that are thoughts, joined; "…" stands for one that the server keeps to itself."""
    return "".join(read_thought(part) or "…" for part in ensure_array(content) if _is_thought(part))


def read_thought(value: object) -> str:
    """The text of what a server set apart as thought, in whatever shape it has."""
    if isinstance(value, list):
        return "".join(map(read_thought, value))
    if isinstance(value, dict):
        return next(filter(None, (read_thought(value.get(key)) for key in THOUGHT_KEYS)), "")
    return value if isinstance(value, str) else ""


def _is_thought(part: object) -> bool:
    return ensure_object(part).get("thought") is True or read_text(ensure_object(part).get("type")).startswith(
        THOUGHT_KINDS
    )
