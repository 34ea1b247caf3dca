"""The contract of a chat model: messages and tools in, one reply with its cost out."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from arena.errors import UsageError
from arena.game import JSON, Tool
from arena.part_decorators import part
from arena.usage import FREE, Usage

write = json.JSONEncoder(ensure_ascii=False).encode
Role: TypeAlias = Literal["system", "user", "assistant"]
Stop: TypeAlias = Literal["end", "length", "tool", "filter", "refusal"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """An action a model asked for. `broken` holds the raw argument text where it is not a JSON object."""

    name: str
    args: Mapping[str, JSON] = field(default_factory=dict)
    broken: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a prompt; an assistant's line may carry the action it took (a backend that has native tool
    calls renders it as one, answered by the plain result "ok")."""

    role: Role
    text: str
    call: ToolCall | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are sampled; None leaves it to the model."""

    temperature: float | None = None
    """Sampling temperature; 0: greedy decoding. None: the model's default."""
    top_p: float | None = None
    """Probability mass of the most likely tokens that are sampled from (nucleus sampling); None: the model's
    default."""
    max_tokens: int = 512
    """Maximum new tokens of an answer."""
    stop: tuple[str, ...] = ()
    """Texts at which an answer ends; they are not part of it."""
    seed: int | None = None
    """Seed of the sampling; None: drawn for each answer from the match's seed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's reply: text, tool calls, stop reason, and the attempts it took (`usage.calls`).

    `thought` is what a server sent apart from the text; thoughts within `text` are separated by
    `agents/llm/chat_call.py`. `opened`: the prompt had already begun a thought, so that the text begins inside it.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    stop: Stop = "end"
    usage: Usage = FREE
    thought: str = ""
    opened: bool = False


@runtime_checkable
class ChatModel(Protocol):
    """A model that chats. `native_tools`: whether it takes tools as such, so that the agent need not describe them."""

    @property
    def native_tools(self) -> bool: ...

    async def chat(
        self, messages: Sequence[Line], tools: Sequence[Tool] = (), sampling: Sampling = Sampling()
    ) -> Reply:
        """One reply. Raises ModelUnavailable, with the cost of all attempts, when there is none after all retries."""
        ...


@runtime_checkable
class OpenWeights(Protocol):
    """A local model whose weights can be read and replaced."""

    @property
    def module(self) -> Any: ...
    @property
    def tokenizer(self) -> Any: ...
    def with_module(self, module: object) -> "OpenWeights": ...


def build_schema(tool: Tool) -> dict[str, JSON]:
    """The JSON Schema of a tool's arguments: an object without further keys; all but `optional` are required."""
    return {
        "type": "object",
        "properties": dict(tool.parameters),
        "required": [name for name in tool.parameters if name not in tool.optional],
        "additionalProperties": False,
    }


def join_text_and_calls(text: str, calls: Sequence[ToolCall]) -> str:
    """Words and actions as one text: the words, then one JSON object a line for each action."""
    if not calls:
        return text
    shown = [{"tool": call.name, "arguments": call.broken or dict(call.args)} for call in calls]
    return "\n".join(filter(None, [text, *map(write, shown)]))


def build_pairs(messages: Sequence[Line], tools: Sequence[Tool] = ()) -> tuple[tuple[str, str], ...]:
    """The whole prompt as (role, text) pairs, as it is recorded; tools that were offered come first, as JSON."""
    offered = [{"name": tool.name, "about": tool.about, "parameters": build_schema(tool)} for tool in tools]
    head = [("tools", write(offered))] if offered else []
    return (
        *head,
        *[(line.role, join_text_and_calls(line.text, (line.call,) if line.call else ())) for line in messages],
    )


def require_network(what: str) -> None:
    """Refuse where the environment variable ARENA_OFFLINE is set; called by every part that leaves this machine."""
    if os.environ.get("ARENA_OFFLINE", "") not in ("", "0"):
        raise UsageError(f"{what} needs the network, and ARENA_OFFLINE is set; type: unset ARENA_OFFLINE")


model = part("model", ChatModel)
