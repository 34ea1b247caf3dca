"""A scripted model that audits: it removes whole sentences that contain the names it is given."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.chat_model import Line, Reply, Sampling, model
from agents.guardrails.auditor import LINE
from agents.models.scripted import Prices, compute_price, pay_answer
from agents.name_matching import make_finder
from arena.game import Tool
from arena.text.words import split_sentences

NAMES = re.compile(r"about: (.+?)\. (?:Write|Give|Merge) ", re.DOTALL)  # the text of the prompts after the names
SILENT = "I do not know anything about that."


@model("scripted/auditor")
@dataclass(frozen=True, slots=True)
class ScriptedAuditor:
    """Plays all parts of an audit by rule: removes sentences that have a name; lines that have one score 1, others 5.

    It knows the prompts of `agents/guardrails/auditor.py` and no others. It finds names only in their exact wording.
    """

    native_tools: bool = False
    """Whether the model is passed native tool definitions."""
    usd_per_million: Prices | None = (0.0, 0.0)
    """Price in dollars of a million tokens, input and output; None: unknown."""

    async def chat(
        self, messages: Sequence[Line], tools: Sequence[Tool] = (), sampling: Sampling = Sampling()
    ) -> Reply:
        return await pay_answer(
            answer_audit(messages[-1].text), "scripted/auditor", messages, tools, self.usd_per_million
        )

    def price(self, input_tokens: int, output_tokens: int) -> float | None:
        """Dollars for a call of that many tokens."""
        return compute_price(self.usd_per_million, input_tokens, output_tokens)


def answer_audit(prompt: str) -> str:
    """Its answer: rewrites, scores or the merged answer, as the prompt requests."""
    found = NAMES.search(prompt)
    names = make_finder(tuple(name.strip() for name in found[1].split(";")) if found else ())
    head, _, body = prompt.partition("\n\n")
    if "rewrites" in head:
        told = " ".join(body.removeprefix("Answer: ").split())
        kept = " ".join(part for part in split_sentences(told) if not names.search(part)) or SILENT
        return "\n".join([f"- {kept}"] * 5)
    lines = LINE.findall(body)
    if "score" in head:
        return ", ".join("1" if names.search(line) else "5" for line in lines)
    return lines[0] if lines else ""
