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
    """Converts the words of a request into edits of notes and, rarely, steering text; applies them; probes; repeats.

    An independent design after the abstract of Secure Forgetting (Ye et al. 2026, arXiv 2604.00430), none of whose
    numbers are claimed. The conversion model is by default the small one of the package (extra `local`;
    `unlearning/conversion/model.py`). It is shown headers of notes, never their texts.

    Cost: one conversion for each attempt and page of headers, and the probe's questions. Weakness: none within memory
    where the conversion is right; what it misses stays. The steering text does not name the target. Not reversible. A
    request that names nothing, everything, or one thing to be both forgotten and kept is refused, and nothing is
    changed.
    """

    model: ChatModel | None = None
    """Chat model that converts, without training, asked for the same JSON; None: the package's own conversion model."""
    weights: str = ""
    """File with trained weights of the package's conversion model; "": those of the package."""
    base: str = ""
    """Folder with a conversion model made by `python -m unlearning.conversion.train --base`; "": not used."""
    parts: Literal["both", "edits", "text"] = "both"
    """Which results of the conversion are applied: "both", or as controls the "edits" of notes or the steering "text"
    alone."""
    attempts: Count = ATTEMPTS
    """Maximum number of conversions; before each further one, what the probe found is added to the input."""
    shown: Count = SHOWN
    """Note headers in one prompt of the conversion model; more are split into pages."""
    questions: Number = 4
    """Questions that the probe asks about the target, and as many about the rest; an agent that is a language model
    answers each with a call. 0: no probe."""

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
        return (await self._convert(agent, request)).agent

    async def read(self, agent: Agent, words: str) -> tuple[Request, Agent]:
        """The request that the words make, in the sight of what the agent remembers, and the agent after it.

        Raises UnclearTarget where it names nothing, everything or several things, UsageError for a contradiction.
        """
        course = await self._convert(agent, words)
        return replace(course.request, note=words), course.agent

    async def _convert(self, agent: Agent, words: str | Request) -> ConversionTrace:
        async def probe(before: Subject, after: Subject, about: Request) -> ProbeVerdict:
            return await probe_subject(before, after, about, self.questions)

        course = await convert_request(
            remembering(agent, "converted"), words, self.converter(),
            attempts=self.attempts, parts=self.parts, shown=self.shown, probe=probe,
        )  # fmt: skip
        record_usage(course.usage)
        return course
