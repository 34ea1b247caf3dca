"""Fallback requests for servers that reject the usual one: smallest change first, remembered per server and model."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from agents.api.error_bodies import SPACE, Complaint
from agents.api.http_parsing import redact_keys
from agents.api.retries import RequestAttempt
from agents.chat_model import Reply
from agents.llm.thought_parsing import ends_prompted, split_thought
from arena.cache_register import memoize
from arena.console.notices import notify
from arena.engine.budget import SEAT

Body: TypeAlias = dict[str, Any]
PUT_STATUSES = (400, 415, 422)  # those that say that a request was not put well; others have to say so in words
REFUSES = re.compile(
    r"support|not (allowed|enabled|permitted|available)|requires?\b|unrecogni[sz]ed|unknown|unexpected|template|jinja|"
    r"\bmust\b|only\b.{0,40}(allowed|accepted)|invalid|forbidden|extra (inputs|fields)|disabled",
    re.I,
)
PARSING = re.compile(r"pars(e|ing)\b.{0,20}(tool|function)|tool[ _-]?calls?.{0,20}pars", re.I)  # the model's own words
OUT_OF_RANGE = re.compile(
    r"between|(less|greater) than|at (most|least)|range|[<>≤≥]=? ?-?\d|must be (in|positive|strictly|non)|"
    r"maximum|minimum",
    re.I,
)
MORE, MOST = 8, 8_192  # by how much a token limit is raised that a thought used up, and how high
QUOTED = 160  # characters of a server's words that a notice quotes


@dataclass(frozen=True, slots=True)
class Alternative:
    """One change of a request that a server may accept instead.

    says: how it is put, in words. put: the request put so; an equal one where there is nothing to change. named: the
    parameters by which an error points here. worded: the wordings that mean this; vague: those that may mean it.
    unless: wordings that mean something else. cost: the more of the request changes, the later it is tried.
    """

    says: str
    put: Callable[[Body], Body]
    named: frozenset[str]
    worded: re.Pattern[str]
    vague: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    cost: int = 1


def compile_pattern(text: str) -> re.Pattern[str]:
    """Wordings, in whatever case."""
    return re.compile(text, re.I | re.S)


def leave_out(name: str, says: str = "", spelled: str = "", range_too: bool = False) -> Alternative:
    """The request without a parameter, unless only its value is out of range (then also, with `range_too`)."""
    return Alternative(
        says or f"without {name}",
        lambda body: {key: value for key, value in body.items() if key != name},
        frozenset({name}),
        compile_pattern(spelled or rf"\b{name}\b"),
        unless=None if range_too else OUT_OF_RANGE,
    )


@dataclass(frozen=True, slots=True)
class AlternativeTrial:
    """An alternative that is tried, the complaint it is to answer, and whether that was only guessed."""

    one: Alternative
    why: str
    guessed: bool = False


def find_alternative(
    alternatives: Sequence[Alternative], tried: Sequence[Alternative], body: Body, complaint: Complaint
) -> AlternativeTrial | None:
    """The least change of a refused request that may be what the complaint asks for; None where there is none.

    What the error names by its parameter comes first, then what its words say, then what they may mean; of a fault of
    the server, which is rarely caused by the request, only the words count.
    """
    text = f"{complaint.param} {complaint.kind} {complaint.said}"
    told_so, faulty = complaint.status in PUT_STATUSES or REFUSES.search(text), complaint.outcome == "server"
    if complaint.outcome not in ("rejected", "server") or complaint.status in (401, 402, 403) or not told_so:
        return None
    if SPACE.search(text) or (faulty and PARSING.search(text)):
        return None
    found = re.match(r"(?:body[.\[]*)?(\w+)", complaint.param)
    root = found[1] if found else ""
    left = [one for one in sorted(alternatives, key=lambda one: one.cost) if one not in tried]
    left = [one for one in left if not (one.unless and one.unless.search(text)) and one.put(body) != body]
    sure: tuple[Callable[[Alternative], Any], ...] = (
        lambda one: root in one.named and one.worded.search(text),
        lambda one: one.worded.search(text),
    )
    maybe: tuple[Callable[[Alternative], Any], ...] = (
        lambda one: root in one.named,
        lambda one: one.vague and one.vague.search(text),
    )
    found_so = [AlternativeTrial(one, quote_complaint(complaint)) for way in sure for one in left if way(one)]
    guessed = [
        AlternativeTrial(one, quote_complaint(complaint), True)
        for way in maybe
        for one in left
        if way(one) and not faulty
    ]
    return next(iter(found_so + guessed), None)


def quote_complaint(complaint: Complaint) -> str:
    """A complaint as a notice quotes it."""
    return f"{complaint.status}: {redact_keys(complaint.text)[:QUOTED]}"


@dataclass(slots=True)
class Manner:
    """Request changes that this process has learned for a model: alternatives, and raised token limits.

    `opens`: whether its chat template begins a thought, as it has ended one that it had not begun.
    """

    taken: list[Alternative] = field(default_factory=list)
    limits: dict[int, int] = field(default_factory=dict)
    opens: bool = False


@memoize("endpoints", 10_000)
def get_manner(server: str, model: str) -> Manner:
    """The changes learned for a model of a server; kept for the life of the process."""
    return Manner()


@dataclass(slots=True)
class Put:
    """The changes applied to one call: the learned ones, and those being tried. `limit` counts new tokens."""

    alternatives: Sequence[Alternative]
    manner: Manner
    name: str
    asked: int
    trying: list[AlternativeTrial] = field(default_factory=list)
    useless: list[AlternativeTrial] = field(default_factory=list)  # guesses that changed nothing about the complaint
    raised: int = 0
    sent: list[Alternative] = field(default_factory=list)  # what the last request was put with, and its limit
    had: int = 0

    @property
    def limit(self) -> int:
        return self.raised or self.manner.limits.get(self.asked, self.asked)

    def list_applied(self) -> list[Alternative]:
        """The changes in use, in the order in which they are applied."""
        if not self.trying and not self.manner.taken:
            return []
        mine = [trial.one for trial in self.trying]
        return [one for one in self.alternatives if one in mine or one in self.manner.taken]

    def body(self, usual: Body) -> Body:
        """The request as it is sent."""
        self.sent, self.had = self.list_applied(), self.limit
        for one in self.sent:
            usual = one.put(usual)
        return usual

    def after(self, made: RequestAttempt, sent: Body) -> RequestAttempt:
        """The attempt; marked as mended where the next one is changed. A change that helped is remembered and
        reported."""
        if made.reply is not None:
            made = self._without_thought(made, made.reply)
        if made.reply is not None:
            return self._keep(made)
        if made.call.outcome == "truncated":
            return self._raise(made)
        return replace(made, mended=made.complaint is not None and self._other(made.complaint, sent))

    def _without_thought(self, made: RequestAttempt, reply: Reply) -> RequestAttempt:
        """The attempt; without its reply where that was cut off in a thought that the server's template had begun."""
        if ends_prompted(reply.text):
            self.manner.opens = True
            return made
        cut = self.manner.opens and reply.stop == "length" and not reply.calls
        if not cut or split_thought(reply.text, cut=True)[0]:
            return made
        why = f"the reply was cut off at the token limit, all of it was thought: {reply.text}"
        return replace(made, call=replace(made.call, detail=redact_keys(why)), reply=None)

    def _other(self, complaint: Complaint, sent: Body) -> bool:
        """Whether there is another way to put it: what other calls have found meanwhile, else what the complaint says.

        A guess that did not change the complaint is taken back; when there is nothing else left, all of these are tried
        together.
        """
        if self.sent != self.list_applied():
            return True
        if self.trying and self.trying[-1].guessed and self.trying[-1].why == quote_complaint(complaint):
            self.useless.append(self.trying.pop())
        tried = [*self.list_applied(), *(trial.one for trial in self.useless)]
        other = find_alternative(self.alternatives, tried, sent, complaint)
        if other is not None:
            self.trying.append(other)
        elif len(self.useless) > 1:
            self.trying += [replace(trial, guessed=False) for trial in self.useless]
            self.useless.clear()
        else:
            return False
        return True

    def _keep(self, made: RequestAttempt) -> RequestAttempt:
        for one, why in ((trial.one, trial.why) for trial in self.trying):
            if one not in self.manner.taken:
                self.manner.taken.append(one)
                notify(
                    f"{self.name} is asked {_fill_seat(one.says)} from now on; the server refused it otherwise ({why})"
                )
        if self.raised > self.manner.limits.get(self.asked, 0):
            self.manner.limits[self.asked] = self.raised
            notify(
                f"{self.name} may write {self.raised} tokens from now on; the {self.asked} of sampling.max_tokens were "
                "used up before it had answered"
            )
        told = [one.says for one in self.sent] + [f"with {self.had} tokens"] * (self.had != self.asked)
        detail = _fill_seat(f"asked {', '.join(told)}") if told else ""
        return replace(made, call=replace(made.call, detail=detail)) if detail else made

    def _raise(self, made: RequestAttempt) -> RequestAttempt:
        """Retry with a higher token limit if that may help; else advice."""
        was, more = self.had, min(self.had * MORE, MOST)
        if self.limit > was:  # another call found that out meanwhile
            mended, told = True, f"asked again with {self.limit}"
        elif not self.raised and more > was:
            self.raised, mended, told = more, True, f"asked again with {more}"
        else:
            mended, told = False, _fill_seat("raise it by --set SEAT.sampling.max_tokens=…")
        why, _, body = made.call.detail.partition(": ")
        detail = f"{why}; the limit was {was} tokens, {told}: {body}"
        return replace(made, call=replace(made.call, detail=detail), mended=mended)


def _fill_seat(text: str) -> str:
    """The text with the seat that is asked in the place of SEAT, where one is."""
    return text.replace("SEAT", SEAT.get() or "SEAT")
