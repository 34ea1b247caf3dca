"""Retrieve the notes that are relevant to a view, within a budget of characters."""

from collections.abc import Sequence

from agents.memory.memory import Note
from arena.text.bm25 import Index


def recall(notes: Sequence[Note], query: str, budget: int, user: str = "") -> tuple[Note, ...]:
    """The notes that bear most on `query`, at most `budget` characters in all, in the order they were written.

    Only the user's own notes and everybody's. Where all fit, all are taken; else those with the best BM25 score, and
    the later one of two that are as good.
    """
    own = [note for note in notes if note.user in ("", user)]
    if sum(len(note.text) for note in own) <= budget:
        return tuple(own)
    scores = Index.of([note.text for note in own]).scores(query)
    chosen: list[int] = []
    for number in sorted(range(len(own)), key=lambda n: (-scores.get(n, 0.0), -n)):
        if len(own[number].text) <= budget:
            chosen.append(number)
            budget -= len(own[number].text)
    return tuple(own[number] for number in sorted(chosen))
