"""Conversion by an untrained chat model: the same input in words, the same JSON out, the same checks."""

import re
from dataclasses import dataclass

from agents.chat_model import ChatModel, Line, Sampling
from agents.llm.chat_call import ask
from agents.note_policy.steering_orders import NOTES_ONLY
from arena.usage import Usage
from unlearning.conversion.conversion import (
    KINDS,
    LONGEST,
    BadConversion,
    Conversion,
    ConversionInput,
    Header,
    parse_conversion,
)

FENCED = re.compile(r"^```\w*\n(.*?)\n?```$", re.DOTALL)
TASK = f"""You convert a request to forget into edits of an agent's memory. You are shown the request, the environment,
the names in memory that the request may speak of, and headers of the notes in memory, never their texts.
Answer with one JSON object and nothing else:
{{"scope": {{"kind": KIND, "names": [...]}}, "edits": {{NOTE ID: EDIT, ...}}, "steering": TEXT, "retain": [...]}}
KIND is one of {", ".join(KINDS)}. "state" is a place, thing or person, "trajectory" an episode, "environment" a game,
a world or a kind of task. Take "everything" where all shall be forgotten, "unknown" where the request names nothing
that is in memory, "ambiguous" where its words fit several names; then there are no edits.
names: what is to be forgotten; retain: what the request wants kept. Both as they stand in the list of names.
EDIT is "delete" where all that is behind a note (100%) has to do with what is to be forgotten, "rewrite" where only
some of it has, and for a note marked "fixed" "delete" in both cases. Notes that you leave out are kept. What is to be
kept wins over what is to be forgotten.
TEXT is put before the agent, at most {LONGEST} words that do not name what is to be forgotten; "" unless the agent may
know things that are not in its notes, then “{NOTES_ONLY}”."""


@dataclass(frozen=True, slots=True)
class ChatConverter:
    """A converter that asks a chat model, without any training. It sees the headers, never the notes."""

    model: ChatModel
    sampling: Sampling = Sampling(temperature=0.0, max_tokens=4096)

    async def convert(self, asked: ConversionInput) -> tuple[Conversion, Usage]:
        """The model's conversion. Raises BadConversion, with its cost, for what is no JSON of the form."""
        lines = (Line("system", TASK), Line("user", format_input(asked)))
        reply = await ask(self.model, lines, (), self.sampling)
        if reply.thought and not reply.text:
            cut = f", cut off at {self.sampling.max_tokens:,} tokens" if reply.stop == "length" else ""
            raise BadConversion(f"the conversion is no JSON of the form: the answer is all thought{cut}", reply.usage)
        text = reply.text
        if match := FENCED.match(text):
            text = match[1]
        try:
            return parse_conversion(text, asked), reply.usage
        except BadConversion as error:
            raise BadConversion(str(error), reply.usage) from error


def format_input(asked: ConversionInput) -> str:
    """The input of a conversion in words: what a language model is shown."""
    card = asked.card
    names = []
    for entity in asked.entities:
        marks = [entity.scope, "named in full" if entity.exact else "", "still known" if entity.told else ""]
        names.append(f"- {entity.name} ({', '.join(filter(None, marks))})")
    own = "The agent may know things that are not in its notes." if card.own else "The agent knows its notes alone."
    parts = [
        f"Request: {asked.text}",
        f"Environment: {', '.join(card.environments)}. Actions: {', '.join(card.actions)}. "
        f"Things: {', '.join(card.things)}. {own}",
        "\n".join(["Names:", *names]) if names else "Names: none",
        "\n".join(["Notes:", *map(_format_header, asked.headers)]) if asked.headers else "Notes: none",
        asked.failed,
    ]
    return "\n".join(filter(None, parts))


def _format_header(header: Header) -> str:
    about = "; ".join(f"{name} ({share:.0%})" for name, share in header.about)
    marks = [mark for mark in ("fixed" if header.fixed else "", header.flag) if mark]
    parents = ", ".join(header.parents[:8]) + (
        f" and {len(header.parents) - 8} more" if len(header.parents) > 8 else ""
    )
    tail = f" [{', '.join(marks)}]" if marks else ""
    what = f"{header.kind} in {header.where}; about {about or 'other things'}; from {parents or 'nobody'}"
    return f"- {header.id}: {what}{tail}"
