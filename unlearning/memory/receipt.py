"""Receipt of a method: computed by comparing the agent before and after, not from the method's claims."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from agents.memory.subject import Subject
from arena.game import JSON
from arena.spec import describe
from unlearning.memory.influence_set import find_influence, mentions_target
from unlearning.memory.lookalikes import Lookalike, lookalikes
from unlearning.memory.twin import twin
from unlearning.request import Request

WEIGHTS = "what the model itself knew before it was taught; its weights were not touched"
GATED = "keyed hashes of its names, in the write gate, beside their key"
COPIES = (
    "copies made by others: backups, exports, logs of the provider of a model, the memory of other processes that run"
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a method changed, and what remains.

    events, notes: how many were removed. rewritten: notes that were rebuilt. added: notes put there by hand
    (exemplars, entries, what a model wrote). kept: how many notes that derive from the target are still there. named:
    how many texts before the agent (events, notes, steering) still name it. approximate: notes there that stem from a
    model's words, which cannot be rebuilt exactly.
    collateral: notes removed that the twin has. lacking: notes of the twin's whose like is not there, neither written
    rebuilt nor as it was. steering: characters of steering added. guards: guards added.
    gated: names that may not come in again. exact: whether the memory is that of the never-exposed twin, as far as the
    target was recognised; alike: what looks like it and stays, row by row.
    reversible: whether what was done can be undone from what is left. remains: what could not be removed.
    """

    events: int
    notes: int
    rewritten: int
    kept: int
    named: int
    collateral: int
    steering: int
    guards: int
    gated: int
    model: bool
    exact: bool
    reversible: bool
    remains: tuple[str, ...] = ()
    added: int = 0
    approximate: int = 0
    lacking: int = 0
    alike: tuple[Lookalike, ...] = ()

    def row(self) -> Mapping[str, JSON]:
        """The receipt as plain data."""
        return {**asdict(self), "remains": list(self.remains), "alike": [asdict(one) for one in self.alike]}


def receipt(before: Subject, after: Subject, request: Request) -> Receipt:
    """The difference between two agents, with respect to a request."""
    found, honest = find_influence(before.memory, request), twin(before, request)
    old, new = {n.id for n in before.memory.notes}, {n.id for n in after.memory.notes}
    events = {event.id for event in before.memory.log} - {event.id for event in after.memory.log}
    told = [*(e.text for e in after.memory.log), *(n.text for n in after.memory.notes), after.steering]
    named = sum(mentions_target(text, request) for text in told) if request.scope != "environment" else 0
    exact = (after.memory.log, after.memory.notes) == (honest.memory.log, honest.memory.notes)
    kept = len(found.notes & new)
    own = {writer.name for writer in after.memory.writers}
    fresh = [note for note in after.memory.notes if note.id not in old]
    return Receipt(
        events=len(events),
        notes=len(old - new),
        rewritten=sum(note.writer in own for note in fresh),
        added=sum(note.writer not in own for note in fresh),
        approximate=sum(not note.exact for note in after.memory.notes),
        kept=kept,
        named=named,
        alike=lookalikes(before.memory, after.memory, request),
        lacking=len(honest.memory.written_notes.keys() - after.memory.written_notes.keys()),
        collateral=len({note.id for note in honest.memory.notes} & old - new),
        steering=max(0, len(after.steering) - len(before.steering)),
        guards=len(after.guards) - len(before.guards),
        gated=len(after.memory.gate.hashes - before.memory.gate.hashes),
        model=after.mind != before.mind,
        exact=exact,
        reversible=not events and not old - new and after.mind == before.mind,
        remains=(
            *_remains(kept, named, bool(found.events - events), mentions_target(after.steering, request)),
            *_behind_guards(before, after, request),
            *([GATED] if after.memory.gate.hashes - before.memory.gate.hashes else []),
            WEIGHTS,
            COPIES,
        ),
    )


def _remains(kept: int, named: int, logged: bool, steered: bool) -> list[str]:
    left = [f"{kept} notes that were written from it"] if kept else []
    left += ["the events themselves, in the log"] if logged else []
    left += [f"its name, in {named} texts"] if named else []
    left += ["its name, in the words that steer the agent"] if steered else []
    return left


def _behind_guards(before: Subject, after: Subject, request: Request) -> list[str]:
    """The target's names in guards: by their own account (`holds`), or by a name in their settings."""
    fresh = [guard for guard in after.guards if guard not in before.guards]
    left = [what for guard in fresh for what in getattr(guard, "holds", ())]
    silent = [guard for guard in after.guards if not hasattr(guard, "holds")]
    told = any(mentions_target(json.dumps(describe(guard), ensure_ascii=False), request) for guard in silent)
    return [*left, "its name, in the settings of a guard"] if told else left
