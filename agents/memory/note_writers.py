"""Note writers: records of events, reflections on episodes, summaries of worlds, plans for tasks.

All are deterministic, so that a memory can be written again from its log, exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from agents.memory.memory import Note, NoteWriter, Source, hash_note, writer
from arena.lessons import OutcomeData
from arena.text.lesson_sentences import begin_outcome, write_plan

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
        data = None if isinstance(source, Note) else source.data
        if not isinstance(data, OutcomeData) or data.result == "not done":
            return None
        return APART.join([source.user, source.environment, source.world, begin_outcome(data.errand)])

    def note(self, key: str, group: Sequence[Source]) -> Note | None:
        ways = [data for source in group if isinstance(data := getattr(source, "data", None), OutcomeData)]
        best = min(ways, key=lambda data: len(data.actions))
        return make_note(self.name, "plan", write_plan(best.errand, best.actions), group)


ALL: tuple[NoteWriter, ...] = (Records(), Reflections(), Summaries(), Plans())
