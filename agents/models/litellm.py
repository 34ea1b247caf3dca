"""All other providers through litellm, which is imported only when used."""

import importlib
import json
import os
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

from agents.api.chat_completions import from_body, to_request
from agents.api.completions_alternatives import ALTERNATIVES
from agents.api.http_parsing import ConnectionLost, HttpResponse, ParsedReply
from agents.api.key_policy import explain_permission
from agents.api.remote_model import DUMMY, Remote
from agents.api.request_alternatives import Alternative
from agents.chat_model import Line, Sampling, model
from arena.cache_register import memoize
from arena.errors import MissingExtra, MissingKey, UnknownPart, UsageError, unknown
from arena.game import Tool

STOLEN = ("1.82.7", "1.82.8")  # releases that sent credentials away: BerriAI/litellm issue 24518
ENDS = ("KEY", "TOKEN")  # of the names of variables
UNREADABLE = (ValueError, LookupError, AttributeError, TypeError)  # what litellm raises over odd replies
ONE_KEY = (
    "anthropic",
    "azure",
    "cohere",
    "custom_openai",
    "gemini",
    "huggingface",
    "mistral",
    "ollama",
    "ollama_chat",
    "openai",
    "openrouter",
)  # providers for which litellm sends the key that it is given, and nothing else
SIGNED_IN = ("chatgpt", "clarifai", "github_copilot", "ragflow")  # it calls these compatible, but signs in otherwise
HEADER = "llm_provider-"  # litellm's mark on the provider's own headers
PRICED_AS = {  # litellm's names of providers that the price tables call otherwise
    "bedrock": "aws",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "moonshot": "moonshotai",
    "together_ai": "together",
    "vertex_ai": "google",
    "xai": "x-ai",
}


@model("litellm")
@dataclass(frozen=True, slots=True)
class LiteLLM(Remote):
    """A model of any provider that litellm knows: `provider/model`, with that provider's own variables for keys.

    `base_url` and `key_variable` overrule where it is asked and with which key. Seeds are sent where the provider
    takes them; other settings that it does not take are an error, never dropped.
    """

    alternatives: ClassVar[tuple[Alternative, ...]] = ALTERNATIVES
    provider: ClassVar[str] = "litellm"

    @property
    def name(self) -> str:
        """The requested model: `provider/model`."""
        return self.id

    @property
    def priced_as(self) -> tuple[str, str]:
        """The provider's and the model's name in the price tables."""
        head, _, tail = self.id.partition("/")
        return PRICED_AS.get(head, head), tail

    @property
    def server(self) -> str:
        """Whom the limits are shared with: all models of that provider."""
        return self.id.partition("/")[0]

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The variables whose keys belong to the provider, as litellm names them."""
        head = self.server.upper()
        return tuple(dict.fromkeys(f"{name}_API_{end}" for name in (head, head.replace("_", "")) for end in ENDS))

    def __post_init__(self) -> None:
        Remote.__post_init__(self)
        if "://" in self.id:
            raise ValueError("a model's name holds no address, since litellm would send the key there; use base_url")

    def check_base(self) -> None:
        """Raise UsageError where litellm would sign in, with more than a key, at a server the provider does not run."""
        known = (*ONE_KEY, *(one for one in load().openai_compatible_providers if one not in SIGNED_IN))
        if self.keeps_own and self.server not in known:
            raise UsageError(
                f"model {self.name!r}: litellm signs in at {self.destination} with what the environment holds for "
                f"{self.server}, and that does not belong there; leave base_url out, or write openai/NAME for a "
                f"compatible server; if it belongs there, {explain_permission(self.own_keys[0], self.destination)}"
            )

    def ready(self) -> None:
        """Raise UsageError, UnknownPart, MissingExtra or MissingKey where a call could not even be tried."""
        self.permit()
        litellm = load()
        head, _, tail = self.id.partition("/")
        providers = [str(getattr(one, "value", one)) for one in litellm.provider_list]
        if head not in providers or not tail:
            near = unknown("provider", head, providers) if head not in providers else f"no model after {head}/"
            raise UnknownPart(f"model {self.id!r}: {near}; or write openai/NAME with base_url for a compatible server")
        self.check_base()
        if self.key_variable:
            self.check_key(needed=True)
        elif self.base_url is None:
            missing = litellm.validate_environment(self.id)["missing_keys"]
            for variable in missing:
                if variable.endswith("_API_KEY"):  # the others are addresses and regions, which have defaults
                    raise MissingKey(f"model {self.id!r}", variable)

    def request(self, messages: Sequence[Line], tools: Sequence[Tool], sampling: Sampling) -> dict[str, Any]:
        """The arguments of the call, without where it goes."""
        request = deepcopy(to_request(self.id, messages, tools, sampling))  # litellm changes what it is given
        taken = load().get_supported_openai_params(self.id) or ()
        if "seed" in request and "seed" not in taken:
            del request["seed"]
        if tools and self.base_url is None and "parallel_tool_calls" in taken:
            request["parallel_tool_calls"] = False
        return request

    async def send(self, request: dict[str, Any]) -> HttpResponse:
        """The provider's answer, as litellm turns it into the chat-completions format."""
        litellm = load()
        openai = importlib.import_module("openai")  # litellm's errors are subclasses of its errors
        self.check_base()
        key = DUMMY if self.keeps_own else self.key()  # without one it looks into the environment
        where: dict[str, Any] = {
            name: value for name, value in (("api_base", self.base_url), ("api_key", key)) if value
        }
        if "tools" in request:
            where["_skip_mcp_handler"] = True  # else any tool makes it import a package that it does not depend on
        try:
            reply = await litellm.acompletion(
                **request, **where, timeout=self.timeout, num_retries=0, max_retries=0, drop_params=False
            )
        except openai.APITimeoutError as error:
            raise TimeoutError from error
        except openai.OpenAIError as error:
            return answer_of(error)
        except UNREADABLE as error:
            return HttpResponse(200, {}, f"litellm cannot read what came: {error!r}")
        hidden = getattr(reply, "_hidden_params", None) or {}
        headers = {
            name.removeprefix(HEADER): str(value) for name, value in (hidden.get("additional_headers") or {}).items()
        }
        return HttpResponse(200, headers, json.dumps(reply.model_dump(warnings=False), default=str))

    def read(self, body: object) -> ParsedReply:
        """Parse a JSON response."""
        return from_body(body)


def answer_of(error: Exception) -> HttpResponse:
    """The response wrapped in one of litellm's errors, whose class often says "connection" or "server" for anything;
    what it wraps says more. Raises Lost for a failed connection. Status 0: litellm failed before any request was
    sent."""
    status, root = int(getattr(error, "status_code", None) or 0), _root(error)
    if isinstance(root, ImportError):
        return HttpResponse(0, {}, str(error))
    if isinstance(root, UNREADABLE) and not 400 <= status < 500:
        return HttpResponse(200, {}, f"litellm cannot read what came: {error}")
    kind = type(root)
    if isinstance(root, OSError) or (kind.__module__.startswith("httpx") and kind.__name__ != "HTTPStatusError"):
        raise ConnectionLost(str(error)) from error
    headers = getattr(error, "litellm_response_headers", None) or getattr(error, "headers", None) or {}
    param = getattr(error, "param", None)
    said = json.dumps({"error": {"message": str(error), "param": param}}) if isinstance(param, str) else str(error)
    return HttpResponse(status or 500, dict(headers), said)


def _root(error: BaseException) -> BaseException | None:
    """The first cause of `error` that is not an error class of the two SDKs."""
    root: BaseException | None = error
    while root is not None and type(root).__module__.partition(".")[0] in ("litellm", "openai"):
        root = root.__cause__ or root.__context__
    return root


@memoize("code")
def load() -> Any:
    """The litellm package, quiet and without a download. Raises MissingExtra, UsageError for the stolen releases."""
    try:
        found = version("litellm")
    except PackageNotFoundError:
        raise MissingExtra("a model of this provider (litellm)", "litellm") from None
    check_release(found)
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would fetch prices on import
    os.environ.setdefault("LITELLM_LOG", "ERROR")  # it warns of every new event loop
    litellm: Any = importlib.import_module("litellm")
    litellm.suppress_debug_info = True  # it prints help to stdout
    litellm.telemetry = False
    return litellm


def check_release(found: str) -> None:
    """Refuse the releases of litellm that steal credentials."""
    if found in STOLEN:
        raise UsageError(
            f"litellm {found} steals credentials and is not loaded; "
            "type: pip install -U 'litellm>=1.84', then change every key this machine holds"
        )
