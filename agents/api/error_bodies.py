"""Parse the error bodies of servers, some of them sent with status 200, into one value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.api.http_parsing import CLIP, MOST_NAME, HttpResponse
from agents.llm.message_content import ensure_array, ensure_object, read_text
from arena.engine.budget import SEAT

FILTERED = re.compile(  # the provider's filter took offence at the prompt, so that there is no answer
    r"content[ _-]?(filter|policy|management|moderation|safety)|responsible ?ai|data_inspection|flagged|"
    r"safety (system|filter|setting|reason)|moderation|inappropriate content|prohibited_content|sensitive content",
    re.I,
)
KINDS = (  # what an error inside of an answer of status 200 calls itself: the status that it would have had
    (r"quota_exceeded|insufficient_(quota|balance|credit|funds)|billing|payment", 402),
    (r"rate_?limit|too_many|throttl|resource_exhausted|quota", 429),
    (r"overload|capacity|busy", 529),
    (r"time_?out|deadline", 504),
    (r"internal|server_error|api_error|unavailable|upstream|bad_gateway|network", 502),
    (r"authenti|api_?key|unauthori[sz]ed", 401),
    (r"permission|forbidden", 403),
    (r"not_?found|does not exist|no models? loaded", 404),
    (r"invalid|bad_?request|unsupported|validation|template|not supported|does not support|moderation|content_", 400),
)
INSIDE = 502  # an error inside of an answer of status 200 that says nothing else
ADVICE = {
    401: "check the key in {key}",
    403: "check what the key in {key} may do",
    404: "check the model's name{url}",
}
TOOLS = re.compile(r"\btools?\b|\btool[ _-]|function[ _-]?(call|calling|declaration)|\bfunctions\b", re.I)
SPACE = re.compile(  # the prompt and the answer do not fit into the model
    r"context (length|window|size)|context_length|too long|too many tokens|maximum.{0,20}tokens|reduce the length|"
    r"exceeds?.{0,40}(tokens|context)|n_ctx|max_model_len",
    re.I,
)
SETTINGS = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed")


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error that a server names.

    status: that of HTTP; `inside` an answer of status 2xx, the one that the error names or means. said: the server's
    words. kind: its names for the error. param: what of the request it is about, as the server spells it.
    """

    status: int
    said: str
    kind: str = ""
    param: str = ""
    inside: bool = False

    @property
    def text(self) -> str:
        """The words with code and parameter, as they are recorded."""
        return "; ".join(filter(None, [self.said[:CLIP], *(f"({part})" for part in (self.kind, self.param) if part)]))

    @property
    def outcome(self) -> str:
        """The name of the failure."""
        if self.status == 429 and "insufficient_quota" in f"{self.kind} {self.said}":
            return "rejected"  # no money left: waiting does not help
        if self.status in (429, 529):
            return "rate_limited"
        if self.status == 408:
            return "timeout"
        if self.status in (400, 403, 422, 451) and FILTERED.search(f"{self.kind} {self.said}"):
            return "filtered"
        return "server" if self.status >= 500 or self.status in (409, 425, 498) else "rejected"

    @property
    def usd(self) -> float | None:
        """0.0 dollars where it says that no reply was made; None where one may have been made and lost."""
        if self.inside and self.status >= 500:
            return None
        return None if self.status in (0, 408, 502, 504) else 0.0

    def advice(self, key: str, url: str | None, tools: bool) -> str:
        """What the user can change or check; "" where the server's message suffices. `tools`: whether any were
        offered."""
        seat, text = SEAT.get() or "SEAT", f"{self.kind} {self.param} {self.said}"
        if self.outcome == "filtered":
            return "the provider's content filter refused the prompt"
        if self.outcome != "rejected":
            return ""
        if self.status not in (401, 402, 403, 429):
            if SPACE.search(text):
                return f"shorten the prompt, or answers by --set {seat}.sampling.max_tokens=…"
            if tools and TOOLS.search(text):
                return f"have tools told in words: --set {seat}.native_tools=false"
            for name in SETTINGS:
                if re.search(rf"\b{name}\b", text):
                    return f"change --set {seat}.sampling.{name.replace('_completion', '')}=…"
        where = f" and base_url {url}" if url else ""
        return ADVICE.get(self.status, "").format(key=f"${key}" if key else "the environment", url=where)


def find_complaint(answer: HttpResponse, body: object) -> Complaint | None:
    """The error that an answer holds, whatever its status; None where it may be a reply. `body`: its JSON, or None."""
    found = _find_error(body)
    fine = 200 <= answer.status < 300
    if found is None:
        return None if fine else Complaint(answer.status, answer.body.strip()[:CLIP])
    said, kind, param, status = _split_error(found)
    said = said[: 3 * CLIP] or answer.body.strip()[:CLIP]
    kind, param = kind[:MOST_NAME], param[:MOST_NAME]
    if not fine:
        return Complaint(answer.status, said, kind, param)
    return Complaint(status or _guess_status(kind, said), said, kind, param, inside=True)


def find_refused_text(body: object) -> str:
    """The model's text that a provider rejected as a tool call and returned in an error; "" without one."""
    error = ensure_object(ensure_object(body).get("error"))
    failed = read_text(error.get("failed_generation"))
    return failed if error.get("code") in ("tool_use_failed", "output_parse_failed", "json_validate_failed") else ""


def _find_error(body: object) -> Any:
    """The part of a body that describes an error; None without one."""
    whole = ensure_object(body[0] if isinstance(body, list) and body else body)
    choice = ensure_object(next(iter(ensure_array(whole.get("choices"))), None))
    more, message = ensure_object(choice.get("provider_specific_fields")), ensure_object(choice.get("message"))
    for holder in (whole, choice, more, message):
        if holder.get("error"):
            error = holder["error"]
            return {**whole, "error": None, "message": error} if isinstance(error, str) and holder is whole else error
    if "error" in (whole.get("type"), whole.get("object"), whole.get("status")):
        return whole
    if whole.get("choices") or whole.get("content"):
        return None
    told = whole.get("detail") or whole.get("errors") or isinstance(whole.get("message") or whole.get("msg"), str)
    return whole if told else None


def _split_error(error: object) -> tuple[str, str, str, int]:
    """The words, the names, the parameter and the status (0: none) of an error in any of the shapes in use."""
    if isinstance(error, list):  # pydantic's format: one object per error
        each = [_split_error(one) for one in error]
        _, kind, param, status = each[0] if each else ("", "", "", 0)
        return "; ".join(filter(None, (said for said, *_ in each))), kind, param, status
    if not isinstance(error, Mapping):
        return (str(error) if error else ""), "", "", 0
    inner = next((error[key] for key in ("message", "msg", "detail", "errors", "description") if error.get(key)), "")
    said, kind, param, status = _split_error(inner)
    more = ensure_object(error.get("metadata"))
    if isinstance(raw := more.get("raw"), str) and raw:  # a router quotes the upstream server
        said = f"{said}: {raw}"
    names = [*(error.get(key) for key in ("code", "type", "status", "error_type")),
             ensure_object(error.get("innererror")).get("code")]  # fmt: skip
    kinds = dict.fromkeys(str(name) for name in names if isinstance(name, str | int) and name not in ("", "error"))
    place = error.get("loc")
    param = param or read_text(error.get("param")) or (".".join(map(str, place)) if isinstance(place, list) else "")
    said = f"{param}: {said}" if isinstance(place, list) else said
    numbers = (_parse_status(error.get(key)) for key in ("code", "status", "status_code", "http_status", "error_code"))
    return said, kind or ", ".join(kinds), param, status or next(filter(None, numbers), 0)


def _parse_status(value: object) -> int:
    """An HTTP error status, 0 for anything else."""
    text = str(value)
    return int(text) if re.fullmatch(r"[45]\d\d", text) else 0


def _guess_status(kind: str, said: str) -> int:
    for text in (kind, said):
        for pattern, status in KINDS:
            if re.search(pattern, text, re.I):
                return status
    return INSIDE
