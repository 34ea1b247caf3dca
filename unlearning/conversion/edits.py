"""Apply the edits of a conversion to an agent's notes, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from agents.memory.memory import Memory, Note, Source, write_notes
from agents.memory.subject import Subject
from unlearning.conversion.conversion import Conversion, Edit
from unlearning.memory.influence_set import build_event_test

Parts: TypeAlias = Literal["both", "edits", "text"]


def merge_conversions(made: Sequence[Conversion]) -> Conversion:
    """The conversions of all pages as one; what the request is about is taken from the first."""
    first, *others = made
    edits: dict[str, Edit] = dict(first.edits)
    for other in others:
        edits |= other.edits
    return replace(first, edits=edits)


def apply_conversion(subject: Subject, made: Conversion, parts: Parts = "both") -> Subject:
    """The subject after the edits, with the steering text appended to its own; the subject itself is not changed.

    The events that the scope names leave the log, notes are deleted or rebuilt from what is left of their
    sources. Raises UnclearTarget, UsageError where the conversion says that nothing can be done.
    """
    request = made.request
    memory = subject.memory
    if parts != "text":
        concerns = build_event_test(request, {event.subject for event in memory.log})
        memory = edit_memory(memory, made, frozenset(event.id for event in memory.log if concerns(event)))
    words = made.steering if parts != "edits" else ""
    return replace(subject, memory=memory, steering="\n".join(filter(None, [subject.steering, words])))


def edit_memory(memory: Memory, made: Conversion, gone: frozenset[str]) -> Memory:
    """The memory without the events `gone`, each note kept, deleted or rebuilt as the conversion says."""
    sources: dict[str, Source] = {event.id: event for event in memory.log if event.id not in gone}
    own = {writer.name for writer in memory.writers}
    left = [note for note in memory.notes if made.edits.get(note.id, "keep") != "delete"]
    for writer in memory.writers:
        notes = [note for note in left if note.writer == writer.name]
        anew = {note.group for note in notes if made.edits.get(note.id) == "rewrite"}
        groups: dict[str, list[Source]] = {}
        for source in sources.values() if anew else ():
            if (key := writer.key(source)) is not None and key in anew:
                groups.setdefault(key, []).append(source)
        done = [*(note for note in notes if note.group not in anew), *write_notes(writer, groups)]
        place = {id: number for number, id in enumerate(sources)}
        done.sort(key=lambda note: min((place.get(id, len(place)) for id in note.parents), default=0))
        sources |= {note.id: note for note in done}
    written = tuple(source for source in sources.values() if isinstance(source, Note))
    log = tuple(event for event in memory.log if event.id not in gone)
    return replace(memory, log=log, notes=(*written, *(note for note in left if note.writer not in own)))
