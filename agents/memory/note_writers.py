"""Note writers: records of events, reflections on episodes, summaries of worlds, plans for tasks.

All are deterministic, so that a memory can be written again from its log, exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from agents.memory.memory import Note, NoteWriter, Source, hash_note, writer

APART = "\x1f"  # between the parts of a group's key; no NUL, which PostgreSQL cannot hold


def make_note(author: str, kind: str, text: str, group: Sequence[Source]) -> Note:
    """A note of a group; what all of the group have in common it has, too."""

    def common(name: str) -> str:
        first, *others = {str(getattr(source, name)) for source in group}
        return "" if others else first

    parents = tuple(source.id for source in group)
    subject, environment, world, task, user = map(common, ("subject", "environment", "world", "task_type", "user"))
    return Note(hash_note(author, text, parents), text, kind, parents, author, subject, environment, world, task, user)


@writer
@dataclass(frozen=True, slots=True)
class Records:
    """Every event but outcomes becomes a note in its own words; the same words are noted once, for each user."""

    name: ClassVar[str] = "records"

    def key(self, source: Source) -> str | None:
        if isinstance(source, Note) or source.kind == "outcome":
            return None
        return APART.join([source.user, source.environment, source.world, source.text])

    def note(self, key: str, group: Sequence[Source]) -> Note:
        return make_note(self.name, "record", group[0].text, group)


@writer
@dataclass(frozen=True, slots=True)
class Reflections:
    """The outcome of each episode becomes a note: what the task was, how it went, what was done."""

    name: ClassVar[str] = "reflections"

    def key(self, source: Source) -> str | None:
        if isinstance(source, Note) or source.kind != "outcome":
            return None
        return APART.join([source.user, source.episode])

    def note(self, key: str, group: Sequence[Source]) -> Note:
        return make_note(self.name, "reflection", " ".join(source.text for source in group), group)


@writer
@dataclass(frozen=True, slots=True)
class Summaries:
    """All records of a world become one note: its sentences one after the other."""

    name: ClassVar[str] = "summaries"

    def key(self, source: Source) -> str | None:
        if not isinstance(source, Note) or source.kind != "record":
            return None
        return APART.join([source.user, source.environment, source.world])

    def note(self, key: str, group: Sequence[Source]) -> Note | None:
        return (
            make_note(self.name, "summary", " ".join(source.text for source in group), group)
            if len(group) > 1
            else None
        )


@writer
@dataclass(frozen=True, slots=True)
class Plans:
    """The shortest way in which a task was done becomes a plan for the next time."""

    name: ClassVar[str] = "plans"

    def key(self, source: Source) -> str | None:
        if isinstance(source, Note) or source.kind != "outcome" or "was done in" not in source.text:
            return None
        return APART.join([source.user, source.environment, source.world, source.text.partition("”")[0]])

    def note(self, key: str, group: Sequence[Source]) -> Note:
        best = min(group, key=lambda source: source.text.count(";"))
        task = best.text.partition("“")[2].partition("”")[0]
        steps = best.text.partition(": ")[2].rstrip(".")
        return make_note(self.name, "plan", f"Plan for “{task}”: {steps}.", group)


ALL: tuple[NoteWriter, ...] = (Records(), Reflections(), Summaries(), Plans())
