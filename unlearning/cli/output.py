"""Print the results of the agent commands."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from agents.memory.memory import Note
from agents.memory.subject import Subject
from arena.console.stdio import print_json, say
from arena.registry import TAUGHT, is_registered
from arena.reports.output import rows
from arena.store.query_result import QueryResult
from arena.text.words import fold
from unlearning.cli.teach_and_forget import BY_KIND, Done
from unlearning.memory.lookalikes import KINDS

SHOWN = 100  # characters of a note's text
ROWS = 8  # ids of rows of a kind
EXACT = "exact as far as recognised: the memory is that of the never-exposed twin"


def tell_taught(name: str, subject: Subject, as_json: bool) -> None:
    """Print the numbers of what an agent learned."""
    episodes = {event.episode for event in subject.memory.log}
    kinds = Counter(note.kind for note in subject.memory.notes)
    if as_json:
        print_json({"name": name, "episodes": len(episodes), "events": len(subject.memory.log), "notes": kinds})
        return
    told = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
    say(f"{name} went through {len(episodes)} episodes and remembers {len(subject.memory.log)} events; notes: {told}.")
    say(f"What it remembers: arena notes {name}. To make it forget: arena forget {name} --request “forget …”")
    seated = (
        f"{TAUGHT}/{name}" if is_registered("agent", name) else name
    )  # a registered agent of that name goes before it
    say(f"To ask it: arena ask {seated} “…”. To seat it: arena play GAME --seat SEAT={seated}")


def tell_lessons(name: str, plan: Mapping[str, Any], as_json: bool) -> None:
    """Print the result of a dry run of teaching."""
    if as_json:
        print_json({"name": name, **plan})
        return
    writes = f"; {plan['writer']} writes reflections" if plan["writer"] else ""
    before = f", after the {plan['episodes_before']} that it went through before" if plan["episodes_before"] else ""
    say(f"{name} would go through {plan['episodes']} episodes in {', '.join(plan['environments'])}{before}.")
    say(f"{plan['mind']} thinks{writes}. Nothing was played.")


def tell_notes(known: Sequence[Note], about: str, as_json: bool) -> None:
    """The notes of an agent, each with its parents."""
    notes = [note for note in known if fold(about) in fold(note.text)]
    if as_json:
        print_json([_row(note) for note in notes])
        return
    short = [(note.id, kind(note), place(note), len(note.parents), _cut(note.text)) for note in notes]
    rows(QueryResult(("id", "kind", "where", "parents", "text"), tuple(short)))


def tell_receipt(done: Done, as_json: bool) -> None:
    """Print what was done for a request, and what could not be removed."""
    made = done.receipt
    if as_json:
        print_json({**made, "id": done.id, "agent": done.agent, "scope": done.scope, "method": done.method,
                    "seconds": done.seconds, "epoch": done.epoch, "at": done.at, BY_KIND: done.caches})  # fmt: skip
        return
    head = f"{done.agent} forgot" if done.id else f"{done.agent} would forget (nothing was changed)"
    targets = "1 target" if done.targets == 1 else f"{done.targets} targets"
    say(f"{head} {targets} ({done.scope}) by {done.method['name']} in {done.seconds:.3f} s.")
    for name, words in FIELDS.items():
        kinds = ", ".join(f"{what} {count}" for what, count in done.caches.items()) if name == "caches" else ""
        if number := made.get(name, 0):
            say(f"  {number:>6} {words}{f' ({kinds})' if kinds else ''}")
        if number is None:
            say(f"  unknown: {words}")
    say(f"  {EXACT}" if made["exact"] else f"  not exact: {why(made)}")
    say("  reversible" if made["reversible"] else "  not reversible")
    for line in tell_alike(made.get("alike", []), done.agent):
        say(line)
    say("Not removed:")
    for what in made["remains"]:
        say(f"  – {what}")
    if done.id:
        say(f"receipt {done.id} · again: arena receipt {done.id}")


def tell_alike(alike: Sequence[Mapping[str, str]], agent: str) -> list[str]:
    """The rows that look like the target and were not touched, by kind; and how to read and how to forget them."""
    if not alike:
        return []
    lines = ["Looks like the target, and was not touched:"]
    for kind, words in KINDS.items():
        ids = [f"{one['table']} {one['id']}" for one in alike if one["kind"] == kind]
        more = f" and {len(ids) - ROWS} more (--json has all)" if len(ids) > ROWS else ""
        lines += [f"  – {words}: {', '.join(ids[:ROWS])}{more}"] if ids else []
    first = alike[0]
    read = f"select id, text from {first['table']} where owner = '{agent}' and id = '{first['id']}'"
    return [*lines, f'  To read one: arena sql "{read}"; to forget it, too: --also {first["id"]}']


def why(made: Mapping[str, Any]) -> str:
    """In which way a memory is not that of the twin."""
    found = [
        made.get("kept") and "it keeps what was written from the target",
        made.get("lacking") and "it lacks what the twin has",
        made.get("added") and "it has notes that the twin has not",
    ]
    return ", ".join(filter(None, found)) or "its log or its notes are not those of the twin"


FIELDS: Mapping[str, str] = {
    "events": "events removed",
    "notes": "notes removed",
    "rewritten": "notes written anew",
    "added": "notes put there by hand",
    "kept": "notes kept that were written from the target",
    "named": "texts that still name the target",
    "collateral": "notes removed that the twin has",
    "lacking": "notes that the twin has and it lacks",
    "approximate": "notes in a model's words, which nobody can write again exactly",
    "steering": "characters of steering added",
    "guards": "guards added",
    "gated": "names that may not come in again",
    "rows": "rows of events and notes deleted or overwritten on record",
    "caches": "entries of caches dropped",
    "calls": "calls of models",
    "tokens": "tokens read and written by them",
}


def kind(note: Note) -> str:
    """The kind of a note; a model's words are marked, since they cannot be rebuilt exactly."""
    return note.kind if note.exact else f"{note.kind} (not exact)"


def place(note: Note) -> str:
    """The source of a note: "gridworld/0"."""
    return f"{note.environment}/{note.world}" if note.environment and note.world else note.environment


def _row(note: Note) -> dict[str, object]:
    return {name: getattr(note, name) for name in Note.__dataclass_fields__}


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
