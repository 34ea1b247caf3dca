"""Guards that filter the target's names between the environment and the agent.

Nothing is taken out of the agent. Whatever is not written as one of the names goes through: translations, codes, a
spelling letter by letter, the names' aliases, and all that the agent does without naming anything.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, cast

from agents.guardrails.disclosure import Pairs, find_disclosed
from agents.memory.subject import Answer, guard
from agents.name_matching import NameMatch, canonicalize_name, make_finder
from agents.note_policy.question_answering import IGNORANCE, REFUSAL
from arena.game import JSON, Move, View
from arena.text.words import split_sentences

Channel: TypeAlias = Literal["text", "args", "thought"]
CHANNELS: tuple[Channel, ...] = ("text", "args", "thought")
ASKED = ("asked", "question", "task", "goal")  # keys of `known` under which games put the task's text


@guard
@dataclass(frozen=True, slots=True)
class Filter:
    """Refuses, or pretends ignorance, where a question, a task or an answer has one of the names.

    An action that names a target is not taken: words alone come in its place, which in an environment cost the step.
    """

    names: tuple[str, ...]
    """Names to look for; for facts, the subjects that a question may ask about."""
    strangers: tuple[str, ...] = ()
    """Invented name for each of `names`, in order, that nobody ever told the agent of; used by the "ignorant" style."""
    style: Literal["refuse", "ignorant"] = "refuse"
    """What happens where a name is found. "refuse": the reply is `refusal`. "ignorant": the agent is asked about the
    invented name instead, so that it answers and acts as one that never heard of the name, and sentences of its answer
    that have one are removed."""
    side: Literal["input", "output", "both"] = "both"
    """What is searched: the "input" of the agent, its "output", or "both"."""
    channels: tuple[Channel, ...] = CHANNELS
    """Parts of an answer that are searched: its text, the arguments of its tool call, its thoughts."""
    refusal: str = REFUSAL
    """Reply of the "refuse" style."""
    ignorance: str = IGNORANCE
    """Reply of the "ignorant" style where no other sentence is left."""
    told: tuple[str, ...] | None = None
    """Values of forgotten facts that an answer must not contain; None: the same `names` on both sides."""
    spared: Pairs = ()
    """Pairs of a value and a retained person for whom it holds, too: an answer about that person may state it
    (`agents.guardrails.disclosure`)."""

    @property
    def holds(self) -> tuple[str, ...]:
        """The target's names that it stores."""
        return ("its names, in the settings of a filter, in clear",)

    async def guard(self, view: View, answer: Answer) -> Move:
        asked = "\n".join(find_queries(view))
        if self.style == "refuse":
            if self.side != "output" and make_finder(self.names).search(asked):
                return Move(self.refusal)
            move = await answer(view)
            found = self.side != "input" and self.names_in(move, asked)
            return Move(self.refusal, usage=move.usage) if found else move
        if self.side == "output":
            return self._without(await answer(view), asked)
        pairs = dict(zip(self.names, self.strangers, strict=False))
        if make_finder(tuple(name for name in self.names if not pairs.get(name))).search(asked):
            return Move(self.ignorance)
        hidden, back = disguise_names(view, {name: stranger for name, stranger in pairs.items() if stranger})
        move = await answer(hidden)
        return restore_names(move if self.side == "input" else self._without(move, asked), back)

    def names_in(self, move: Move, asked: str = "") -> tuple[Channel, ...]:
        """The checked channels of a move that disclose what they must not, given the question."""
        told = {"text": move.text, "args": json.dumps(dict(move.args), ensure_ascii=False), "thought": move.thought}
        return tuple(channel for channel in self.channels if self._find_disclosed(told[channel], asked))

    def _find_disclosed(self, text: str, asked: str) -> tuple[str, ...]:
        if self.told is None:
            return find_disclosed(text, self.names)
        return find_disclosed(text, self.told, asked=asked, subjects=self.names, spared=self.spared)

    def _without(self, move: Move, asked: str) -> Move:
        """The move without the sentences that name a target, and without an action or a thought that does."""
        found = self.names_in(move, asked)
        if not found:
            return move
        pattern = make_finder(self._find_disclosed(move.text, asked))
        kept = [part for part in split_sentences(move.text) if "text" not in found or not pattern.search(part)]
        thought = "" if "thought" in found else move.thought
        if "args" in found:
            return Move(" ".join(kept) or self.ignorance, thought=thought, usage=move.usage)
        return replace(move, text=" ".join(kept) or ("" if move.tool else self.ignorance), thought=thought)


def find_queries(view: View) -> tuple[str, ...]:
    """Texts that may contain the question, each separately: the text fields of `known`, and the last message."""
    said = [str(view.known[key]) for key in ASKED if key in view.known]
    return tuple(dict.fromkeys(text for text in (*said, *(m.text for m in view.messages[-1:])) if text))


def disguise_names(view: View, strangers: Mapping[str, str]) -> tuple[View, dict[str, str]]:
    """The view with each name replaced by an invented one, and the map back to the names."""
    pattern = make_finder(tuple(strangers))
    known = {canonicalize_name(name): stranger for name, stranger in strangers.items()}
    back: dict[str, str] = {}

    def hide(match: NameMatch) -> str:
        stranger = known[match.name]
        back.setdefault(stranger, match.group())
        return stranger

    def hide_names(text: str) -> str:
        return pattern.sub(hide, text)

    asked = replace(
        view,
        rules=hide_names(view.rules),
        messages=tuple(replace(m, text=hide_names(m.text), args=map_texts(m.args, hide_names)) for m in view.messages),
        tools=tuple(replace(tool, parameters=map_texts(tool.parameters, hide_names)) for tool in view.tools),
        legal=view.legal and tuple(map(hide_names, view.legal)),
        own=tuple(_change_texts(move, hide_names) for move in view.own),
        known=map_texts(view.known, hide_names),
        complaint=hide_names(view.complaint),
    )
    return asked, back


def restore_names(move: Move, back: Mapping[str, str]) -> Move:
    """The move with the names in the strangers' places again."""
    pattern = make_finder(tuple(back))
    names = {canonicalize_name(stranger): name for stranger, name in back.items()}
    return _change_texts(move, lambda text: pattern.sub(lambda match: names[match.name], text))


def map_texts(value: object, change: Callable[[str], str]) -> Any:
    """The same data with every text in it changed, keys too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(str(key)): map_texts(item, change) for key, item in value.items()}
    return [map_texts(item, change) for item in value] if isinstance(value, list | tuple) else value


def _change_texts(move: Move, change: Callable[[str], str]) -> Move:
    args = cast(Mapping[str, JSON], map_texts(move.args, change))
    return replace(move, text=change(move.text), args=args, thought=change(move.thought))
