"""Unlearning by conversion: a model turns the request's words into edits of memory, which are applied and probed."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from agents.chat_model import ChatModel
from agents.memory.subject import Subject
from arena.agent import Agent
from arena.extras import missing
from arena.parameter_ranges import Count, Number, check_ranges
from unlearning.conversion.conversion import SHOWN, Converter
from unlearning.conversion.exam import ProbeVerdict, probe_subject
from unlearning.conversion.loop import ATTEMPTS, ConversionTrace, convert_request
from unlearning.memory.call_accounting import record_usage
from unlearning.memory.twin import remembering
from unlearning.method import method
from unlearning.request import Request


@method("converted")
@dataclass(frozen=True, slots=True)
class Converted:
    """Converts the request's words into edits by note and, seldom, words to steer by; carries them out; probes; again.

    An independent design after the abstract of Secure Forgetting (Ye et al. 2026, arXiv 2604.00430), none of whose
    numbers are claimed. By default the small model that comes with the package (extra `local`; see
    `unlearning/conversion/model.py`), or the one in the file `weights`; with `model` any chat model, untaught, which is
    asked for the same JSON; with `base` a folder made by `python -m unlearning.conversion.train --base`. It is shown
    headers of notes, `shown` at once, never their texts.

    Cost: one conversion for each attempt and page of headers, and the questions. Leaks: nothing on the path of memory
    where the conversion is right; what it misses stays. Its words do not name the target. Not reversible. A request
    that names nothing, everything, or one thing to be forgotten and kept is refused, and nothing is changed.
    """

    model: ChatModel | None = None
    weights: str = ""
    base: str = ""
    parts: Literal["both", "edits", "text"] = "both"
    """"both", or as controls "edits" or "text" alone."""
    attempts: Count = ATTEMPTS
    """Conversions at most; before another one, what the probe found is added to the input."""
    shown: Count = SHOWN
    questions: Number = 4
    """How many the probe asks about the target, and about the rest; an agent that is a language model answers each with
    a call."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if sum((self.model is not None, self.weights != "", self.base != "")) > 1:
            raise ValueError("take one of model, weights and base: each says who converts")

    def converter(self) -> Converter:
        """Who converts. Raises UsageError where the weights are not there, MissingExtra without the extra `local`."""
        if self.model is not None:
            from unlearning.conversion.chat import ChatConverter

            return ChatConverter(self.model)
        try:
            return self._load_converter()
        except ModuleNotFoundError as error:
            raise missing("method 'converted'", error) from error

    def _load_converter(self) -> Converter:
        if self.base:
            from unlearning.conversion.lora import load_tuned

            return load_tuned(Path(self.base))
        from unlearning.conversion.model import SHIPPED, load_shipped

        return load_shipped(Path(self.weights) if self.weights else SHIPPED)

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        return (await self._met(agent, request)).agent

    async def read(self, agent: Agent, words: str) -> tuple[Request, Agent]:
        """The request that the words make, in the sight of what the agent remembers, and the agent after it.

        Raises UnclearTarget where it names nothing, everything or several things, UsageError for a contradiction.
        """
        course = await self._met(agent, words)
        return replace(course.request, note=words), course.agent

    async def _met(self, agent: Agent, words: str | Request) -> ConversionTrace:
        async def probe(before: Subject, after: Subject, about: Request) -> ProbeVerdict:
            return await probe_subject(before, after, about, self.questions)

        course = await convert_request(
            remembering(agent, "converted"), words, self.converter(),
            attempts=self.attempts, parts=self.parts, shown=self.shown, probe=probe,
        )  # fmt: skip
        record_usage(course.usage)
        return course
