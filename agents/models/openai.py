"""OpenAI's models, and every server that speaks its chat-completions format."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import environ
from typing import Any, ClassVar, Literal

from agents.completions import Limit, from_body, to_request
from agents.model import Line, Sampling, model
from agents.post import post
from agents.remote import DUMMY, Remote
from agents.wire import Answer, Reading, complaint
from arena.game import Tool

HOME = "https://api.openai.com/v1"
HEADERS = {"OPENAI_ORG_ID": "OpenAI-Organization", "OPENAI_PROJECT_ID": "OpenAI-Project"}
NOT_TAKEN = re.compile(
    r"un(supported|recogni[sz]ed|known|expected)|not (supported|permitted|allowed)|extra (inputs|fields)|instead", re.I
)
_UNTAKEN: dict[tuple[str | None, str], frozenset[str]] = {}  # parameters that a server's model has rejected


@model("openai")
@dataclass(frozen=True, slots=True)
class OpenAI(Remote):
    """A model of OpenAI, or with `base_url` of any compatible server, such as vLLM, llama.cpp or Ollama.

    Needs OPENAI_API_KEY (or what `key_variable` names); a server of one's own is sent a dummy where none is set.
    OPENAI_BASE_URL is honoured. A server that rejects one spelling of the most new tokens, or seeds, is asked again
    at once without it, and that is remembered as long as the process lives.

    `transport` "fast" posts over aiohttp, "sdk" goes through the official SDK: the same requests and readings, at
    several times the processor time per call.
    """

    transport: Literal["fast", "sdk"] = "fast"

    provider: ClassVar[str] = "openai"
    url_variable: ClassVar[str] = "OPENAI_BASE_URL"
    usual_key: ClassVar[str] = "OPENAI_API_KEY"

    def request(self, messages: Sequence[Line], tools: Sequence[Tool], sampling: Sampling) -> dict[str, Any]:
        """The body of the request."""
        untaken = _UNTAKEN.get((self.url, self.id), frozenset())
        # OpenAI's own newer models know only the second name, compatible servers often only the first
        first: Limit = "max_tokens" if self.url else "max_completion_tokens"
        other: Limit = "max_completion_tokens" if self.url else "max_tokens"
        request = to_request(self.id, messages, tools, sampling, other if first in untaken else first)
        return {key: value for key, value in request.items() if key != "seed" or key not in untaken}

    async def send(self, request: dict[str, Any]) -> Answer:
        """The server's answer, read to its end."""
        key = self.key() or DUMMY
        if self.transport == "sdk":
            from agents.openai_sdk import create

            return await create(self.url, key, request, self.timeout)
        named = {name: environ[variable] for variable, name in HEADERS.items() if environ.get(variable)}
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **named}
        return await post(f"{(self.url or HOME).rstrip('/')}/chat/completions", headers, request)

    def read(self, body: Any) -> Reading:
        """What a JSON value that came back says."""
        return from_body(body)

    def mend(self, answer: Answer, request: dict[str, Any]) -> bool:
        """Leave out, or spell differently, the parameter that a 400 or 422 says is not taken."""
        untaken = _UNTAKEN.get((self.url, self.id), frozenset())
        said = complaint(answer.body)
        if answer.status not in (400, 422) or not NOT_TAKEN.search(said):
            return False
        spelled = {"max_tokens", "max_completion_tokens"} & request.keys()
        named = [name for name in (*spelled, "seed") if name in request and re.search(rf"\b{name}\b", said)]
        if not named or (named[0] in spelled and untaken & {"max_tokens", "max_completion_tokens"}):
            return False
        _UNTAKEN[self.url, self.id] = untaken | {named[0]}
        return True
