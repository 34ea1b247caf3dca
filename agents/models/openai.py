"""OpenAI's models, and every server with the chat-completions format."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import environ
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from agents.api.chat_completions import from_body, to_request
from agents.api.completions_alternatives import ALTERNATIVES
from agents.api.http_parsing import HttpResponse, ParsedReply
from agents.api.http_post import post
from agents.api.remote_model import DUMMY, Remote
from agents.api.request_alternatives import Alternative
from agents.chat_model import Line, Sampling, model
from arena.game import Tool

HOME = "https://api.openai.com/v1"
HEADERS = {"OPENAI_ORG_ID": "OpenAI-Organization", "OPENAI_PROJECT_ID": "OpenAI-Project"}
ONE_CALL = (  # servers that are known to take `parallel_tool_calls`
    *("api.openai.com", "api.groq.com", "api.mistral.ai", "openrouter.ai", "api.fireworks.ai"),
    *(".openai.azure.com", ".services.ai.azure.com"),
)


@model("openai")
@dataclass(frozen=True, slots=True)
class OpenAI(Remote):
    """A model of OpenAI, or with `base_url` of any compatible server, such as vLLM, llama.cpp or Ollama.

    Needs OPENAI_API_KEY (or what `key_variable` names); one's own server is sent a dummy key where none is set, or the
    key belongs to OpenAI alone. OPENAI_BASE_URL is honoured. One tool call at a time is requested where the server is
    known to accept that.
    """

    transport: Literal["fast", "sdk"] = "fast"
    """HTTP client: "fast" posts over aiohttp; "sdk" uses the official SDK, with the same requests and results at
    several times the processor time per call."""

    alternatives: ClassVar[tuple[Alternative, ...]] = ALTERNATIVES
    provider: ClassVar[str] = "openai"
    url_variable: ClassVar[str] = "OPENAI_BASE_URL"
    usual_key: ClassVar[str] = "OPENAI_API_KEY"

    def request(self, messages: Sequence[Line], tools: Sequence[Tool], sampling: Sampling) -> dict[str, Any]:
        """The body of the request."""
        # OpenAI's own newer models know only the second name, compatible servers often only the first
        request = to_request(self.id, messages, tools, sampling, "max_tokens" if self.url else "max_completion_tokens")
        if tools and _takes_one_call(self.url or HOME):
            request["parallel_tool_calls"] = False
        return request

    async def send(self, request: dict[str, Any]) -> HttpResponse:
        """The server's answer, read to its end."""
        key = self.key() or DUMMY
        if self.transport == "sdk":
            from agents.api.openai_sdk import create

            return await create(self.url or HOME, key, request, self.timeout, self.keeps_own)
        mine = {} if self.keeps_own else HEADERS
        named = {name: environ[variable] for variable, name in mine.items() if environ.get(variable)}
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **named}
        return await post(f"{(self.url or HOME).rstrip('/')}/chat/completions", headers, request)

    def read(self, body: object) -> ParsedReply:
        """Parse a JSON response."""
        return from_body(body)


def _takes_one_call(url: str) -> bool:
    """Whether the server there is known to take `parallel_tool_calls`."""
    host = urlsplit(url).hostname or ""
    return any(host == known or (known[0] == "." and host.endswith(known)) for known in ONE_CALL)
