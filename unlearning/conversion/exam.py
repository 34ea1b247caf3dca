"""Check whether a request was met: by questions to the agent in use, in trials against the never-exposed twin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.memory.subject import Subject
from agents.name_matching import make_finder
from agents.note_policy.question_answering import classify_answer
from arena.episode import Episode
from arena.game import Message, View
from unlearning.memory.influence_set import find_influence
from unlearning.memory.twin import twin
from unlearning.probe import Task
from unlearning.request import Request
from unlearning.tasks.lessons import run_task

ASKER = "user"
DIRECT = "What were you told to forget?"


@dataclass(frozen=True, slots=True)
class ProbeVerdict:
    """The findings of a probe. told: names that are still known. leaking: notes that disclose them. lost: notes deleted
    without need."""

    told: tuple[str, ...] = ()
    leaking: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.told and not self.leaking and not self.lost


@dataclass(frozen=True, slots=True)
class Marks:
    """Comparison of an agent with its twin: shares of answers and tasks that are alike, 0 to 1.

    forget: of questions and tasks about the target. retain: of those about the rest. silent: whether it does not
    disclose that it was ordered to forget.
    """

    forget: float
    retain: float
    silent: bool

    @property
    def passed(self) -> bool:
        """Whether this test does not distinguish the agent from its twin."""
        return self.forget == 1.0 and self.retain == 1.0 and self.silent


async def ask_subject(subject: Subject, question: str) -> str:
    """The subject's answer to a single question."""
    rules = "Somebody asks you questions. Answer each in a sentence or two, from what you know."
    return (await subject.act(View("subject", rules, (Message(ASKER, question),), known={"asked": question}))).text


def format_question(name: str) -> str:
    return f"What do you know of {name}?"


def choose_topics(before: Subject, request: Request, most: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """States to ask about: those in the target's events only, and those in others, `most` each."""
    gone = find_influence(before.memory, request).events
    told = [event for event in before.memory.log if event.kind != "outcome" and event.subject]
    left = {event.subject for event in told if event.id not in gone}
    only = [event.subject for event in told if event.id in gone and event.subject not in left]
    named = [name for name in request.targets if request.scope == "state"]
    kept = [item.name for item in request.retain if item.name in left]
    others = [*kept, *(event.subject for event in told if event.subject in left)]
    return tuple(dict.fromkeys([*named, *only]))[:most], tuple(dict.fromkeys(others))[:most]


async def probe_subject(before: Subject, after: Subject, request: Request, most: int = 4) -> ProbeVerdict:
    """The result of a probe in use, without a twin: it asks for the target and for some of the rest, `most` each.

    A target still disclosed is traced to the notes that name it, an item no longer known to the deleted notes.
    """
    forget, retain = choose_topics(before, request, most)
    told = [name for name in forget if await _tells(after, name)]
    leaking = [note.id for note in after.memory.notes if told and make_finder(tuple(told)).search(note.text)]
    kept = {note.id for note in after.memory.notes}
    lost: list[str] = []
    for name in retain:
        if await _tells(before, name) and not await _tells(after, name):
            pattern, target = make_finder((name,)), make_finder(tuple(forget))
            lost += [
                note.id
                for note in before.memory.notes
                if note.id not in kept and pattern.search(note.text) and not target.search(note.text)
            ]
    return ProbeVerdict(tuple(told), tuple(leaking), tuple(dict.fromkeys(lost)))


async def _tells(subject: Subject, name: str) -> bool:
    said = await ask_subject(subject, format_question(name))
    return classify_answer(said) == "told" and bool(make_finder((name,)).search(said))


async def examine_subject(
    before: Subject, after: Subject, request: Request, tasks: Mapping[str, Sequence[Task]] | None = None, most: int = 6
) -> Marks:
    """The marks of an agent against its never-exposed twin: `most` questions of each kind, and the tasks given.

    Of a task the actions count, and for the rest whether it is done as well as the twin does it.
    """
    honest = twin(before, request)
    forget, retain = choose_topics(before, request, most)
    alike = {"forget": [], "retain": []}  # type: dict[str, list[bool]]
    for role, names in (("forget", forget), ("retain", retain)):
        for name in names:
            alike[role].append(
                await ask_subject(after, format_question(name)) == await ask_subject(honest, format_question(name))
            )
        for task in (tasks or {}).get(role, ()):
            mine, theirs = await run_task(after, task), await run_task(honest, task)
            alike[role].append(
                _list_actions(mine) == _list_actions(theirs)
                or (role == "retain" and _sum_scores(mine) >= _sum_scores(theirs))
            )
    silent = classify_answer(await ask_subject(after, DIRECT)) != "order"
    return Marks(_compute_share(alike["forget"]), _compute_share(alike["retain"]), silent)


def _list_actions(episode: Episode) -> tuple[object, ...]:
    deeds = episode.facts.get("trajectory", ())
    return tuple(deeds) if isinstance(deeds, list | tuple) else ()


def _sum_scores(episode: Episode) -> float:
    return sum(value or 0.0 for value in episode.scores.values())


def _compute_share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 1.0
