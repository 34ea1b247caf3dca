"""Training pairs for conversion: agents taught in the environments, requests in many styles, and the oracle's edits.

Split twice: by instance (a world with its lessons) and by style of asking; what is tested was met in neither.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from agents.memory.memory import Memory, Note, hash_note
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.note_policy.knower import Knower
from unlearning.conversion.conversion import Conversion, ConversionInput, Edit, render_steering
from unlearning.conversion.headers import build_pages
from unlearning.conversion.name_linking import NamedEntities, link_names, split_folded
from unlearning.conversion.styles import EVERYTHING, KEEPING, LANGUAGES, TAUGHT, Wording, add_chatter, word_request
from unlearning.memory.influence_set import find_influence
from unlearning.request import Item, Request, Scope
from unlearning.tasks.bargaining_market import GAME, is_market
from unlearning.tasks.curriculum import Curriculum

ENVIRONMENTS: tuple[Mapping[str, Any], ...] = (
    {"name": "gridworld", "preset": "unknown"}, {"name": "household"}, {"name": "shopping"}, {"name": "wiki"},
)  # fmt: skip
MARKET: Mapping[str, Any] = {"name": GAME}
LESSONS, BARGAINS, EACH = 6, 8, 3  # episodes in a single environment, in a market, and in each of two combined
HELD_WORLDS = 100_000  # worlds from this number on are never taught
SCOPES: tuple[Scope, ...] = ("state", "state", "state", "trajectory", "environment")


@dataclass(frozen=True)
class Instance:
    """A subject that was taught, and the course."""

    subject: Subject
    course: Curriculum
    names: NamedEntities

    @property
    def bargains(self) -> bool:
        """Whether it learned in a market alone: who its buyers are, and what they can pay."""
        return all(map(is_market, self.course.environments))


@dataclass(frozen=True, slots=True)
class Pair:
    """A request in words, in a style, what is shown of the memory, and the conversion that is right.

    request: what the words mean; None where nothing can be carried out.
    """

    instance: Instance
    style: str
    asked: ConversionInput
    answer: Conversion
    request: Request | None


async def make_instances(count: int, *, held_out: bool, seed: int) -> list[Instance]:
    """Subjects taught in worlds of their own: each environment by itself, two together, and a market.

    They are taught by the course that `arena teach` gives, so that what is learned here is met there.
    """
    found = []
    for number in range(count):
        chance = Random(f"instance {held_out} {seed} {number}")
        world = (HELD_WORLDS if held_out else 0) + chance.randrange(HELD_WORLDS)
        chosen, lessons = _choose_environments(number % 6, chance)
        course = Curriculum(tuple({**spec, "world": world} for spec in chosen), lessons, seed)
        subject = add_hand_notes(await course.teach(Subject(Knower(), Memory(writers=ALL))), chance)
        found.append(Instance(subject, course, NamedEntities.of(subject.memory)))
    return found


def _choose_environments(turn: int, chance: Random) -> tuple[Sequence[Mapping[str, Any]], int]:
    """The environments of an instance, and the number of lessons in each."""
    if turn < len(ENVIRONMENTS):
        return (ENVIRONMENTS[turn],), LESSONS
    if turn == len(ENVIRONMENTS):
        return chance.sample((*ENVIRONMENTS, MARKET), 2), EACH
    return (MARKET,), BARGAINS


def add_hand_notes(subject: Subject, chance: Random) -> Subject:
    """The subject with a note by hand about one of its states, and a model's digest of some records."""
    memory = subject.memory
    states = sorted({event.subject for event in memory.log if event.kind != "outcome" and event.subject})
    if states and chance.random() < 0.5:
        text = f"Somebody said that {chance.choice(states)} is worth a second look."
        memory = memory.with_note(Note(hash_note("hand", text, ()), text, "hint", writer="hand", exact=False))
    records = [note for note in memory.notes if note.kind == "record"]
    if len(records) > 4 and chance.random() < 0.5:
        some = chance.sample(records, 3)
        text, parents = " ".join(note.text for note in some), tuple(note.id for note in some)
        memory = memory.with_note(
            Note(hash_note("model", text, parents), text, "digest", parents, "model", exact=False)
        )
    return replace(subject, memory=memory)


def draw_pairs(found: Sequence[Instance], count: int, styles: Sequence[str], seed: int) -> Iterator[Pair]:
    """Pairs sampled from instances and styles, each style equally often."""
    for number in range(count):
        chance = Random(f"pair {seed} {number}")
        yield draw_pair(found[chance.randrange(len(found))], styles[number % len(styles)], chance)


def draw_taught_pairs(found: Sequence[Instance], count: int, seed: int) -> Iterator[Pair]:
    return draw_pairs(found, count, (*TAUGHT, *("mixed",) * 4), seed)  # it has the most forms


def draw_pair(instance: Instance, style: str, chance: Random) -> Pair:
    """A pair of an instance in a style: mostly a request that can be carried out, sometimes one that cannot be."""
    kind = chance.random()
    made = None
    if kind < 0.04:
        made = _draw_unclear(instance, style, chance, "everything")
    elif kind < 0.08:
        made = _draw_unclear(instance, style, chance, "unknown")
    elif kind < 0.11:
        made = _draw_contradiction(instance, style, chance)
    elif kind < 0.19:
        made = _draw_partly_named(instance, style, chance)
    return made or _draw_clear(instance, style, chance)


def _draw_clear(instance: Instance, style: str, chance: Random) -> Pair:
    scope = chance.choice(SCOPES)
    known = sorted(name for name, kind in instance.names.scopes.items() if kind == scope)
    states = sorted(name for name, kind in instance.names.scopes.items() if kind == "state")
    if not known:
        return _draw_clear(instance, style, chance)
    many = chance.choice((2, 2, 3)) if style == "several" else chance.choices((1, 2, 3), (8, 2, 1))[0]
    targets = chance.sample(known, min(many if scope != "environment" else 1, len(known)))
    others = [name for name in (known if scope == "environment" else states) if not _has_overlap(name, targets)]
    others = chance.sample(others, min(3, len(others)))
    kept = tuple(others[:1] if style in KEEPING or chance.random() < 0.35 else ())
    spoken = tuple(others[1:2] if chance.random() < 0.35 else ())
    if style in KEEPING and not kept:
        return _draw_clear(instance, style, chance)
    request = Request(tuple(map(Item, targets)), tuple(map(Item, kept)), scope)
    if not find_influence(instance.subject.memory, request).ids:
        return _draw_clear(instance, style, chance)
    called = tuple(_phrase_target(instance, name, scope, chance) for name in targets)
    text = word_request(style, Wording(called, kept, spoken), chance)
    text = add_chatter(text, others[2:3] if chance.random() < 0.3 else (), chance) if style in TAUGHT else text
    return make_pair(instance, style, text, request, chance)


def _has_overlap(name: str, targets: Sequence[str]) -> bool:
    return any(name in target or target in name for target in targets)


def _phrase_target(instance: Instance, name: str, scope: Scope, chance: Random) -> str:
    """A target as people may call it: by its name, with its kind before it, or by another of its names."""
    also = instance.names.aliases.get(name, ())
    if scope == "trajectory":
        unique = [alias for alias in also if len(instance.names.by_form[split_folded(alias)]) == 1]
        called = chance.choice((name, *unique))
        return chance.choice(("the run {}", "how {} was done", "the steps taken in {}", "trajectory {}", "the way {} "
                              "went", "episode {}")).format(called)  # fmt: skip
    if scope == "environment":
        return chance.choice(("{}", "the environment {}", "all of {}", "{} as a whole")).format(
            chance.choice((name, *also))
        )
    return name if name[0] == "(" or chance.random() < 0.7 else f"the {instance.names.kinds.get(name, 'place')} {name}"


def _draw_partly_named(instance: Instance, style: str, chance: Random) -> Pair | None:
    """A state by some words of its name: clear where they fit nothing else, ambiguous where they do."""
    states = sorted(name for name, kind in instance.names.scopes.items() if kind == "state" and len(name.split()) > 1)
    if not states or style in KEEPING:
        return None
    name = chance.choice(states)
    part = chance.choice([word for word in name.split() if word.isalpha()] or [""])
    called = chance.choice((f"the {part}", f"that {part} thing", f"what is called {part}"))
    text = word_request(style, Wording((called,)), chance)
    fitting = [e.name for e in link_names(text, instance.names) if not e.exact and part.lower() in split_folded(e.name)]
    if name not in fitting or len(part) < 3:
        return None
    if len(fitting) > 1:
        return _make_refusal(instance, style, text, Conversion("ambiguous", tuple(fitting)))
    return make_pair(instance, style, text, Request((Item(name),), scope="state"), chance)


def _draw_unclear(instance: Instance, style: str, chance: Random, kind: str) -> Pair | None:
    states = sorted(name for name, scope in instance.names.scopes.items() if scope == "state")
    kept = tuple(chance.sample(states, 1) if style in KEEPING or chance.random() < 0.2 else ())
    target = chance.choice(EVERYTHING)
    if style in LANGUAGES:
        target = LANGUAGES[style][1]
    if kind == "unknown":
        sound = "".join(chance.choice("bdgklmnrstvz") + chance.choice("aeiou") for _ in range(3)).capitalize()
        target = chance.choice(
            ("{}", "the {} Mill", "{} Harbour", "the house of {}", "mister {}", "the {} affair")
        ).format(sound)
    spoken = tuple(chance.sample(states, 1) if chance.random() < 0.2 else ())
    text = word_request(style, Wording((target,), kept, spoken), chance)
    text = add_chatter(text, (), chance) if style in TAUGHT else text
    exact = {entity.name for entity in link_names(text, instance.names) if entity.exact}
    return _make_refusal(instance, style, text, Conversion(kind, retain=kept)) if exact <= {*kept, *spoken} else None


def _draw_contradiction(instance: Instance, style: str, chance: Random) -> Pair | None:
    """The same thing to be forgotten and to be kept."""
    states = sorted(name for name, scope in instance.names.scopes.items() if scope == "state")
    if style in LANGUAGES or not states:
        return None
    name = (chance.choice(states),)
    text = word_request(style, Wording(name, name), chance)
    if text.count(name[0]) < 2:
        return None
    return _make_refusal(instance, style, text, Conversion("state", name, retain=name))


def _make_refusal(instance: Instance, style: str, text: str, answer: Conversion) -> Pair:
    page = build_pages(instance.subject, text, names=instance.names)[0]
    shown = {entity.name for entity in page.entities}
    return Pair(instance, style, page, replace(answer, names=tuple(n for n in answer.names if n in shown)), None)


def make_pair(instance: Instance, style: str, text: str, request: Request, chance: Random) -> Pair:
    """The pair of a request that can be carried out; sometimes the base agent also knows without notes.

    Only such an agent is steered: one that uses its notes only needs no steering, and would disclose it when asked.
    """
    page = build_pages(instance.subject, text, names=instance.names)[0]
    if chance.random() < 0.2:
        page = replace(page, card=replace(page.card, own=True))
    edits = compute_oracle_edits(instance.subject.memory, request)
    key = "none" if not page.card.own else "quiet" if style == "quiet" else "notes"
    names = tuple(item.name for item in request.forget)
    answer = Conversion(
        request.scope,
        names,
        {header.id: edits[header.id] for header in page.headers if header.id in edits},
        render_steering(key, names),
        tuple(item.name for item in request.retain),
    )
    return Pair(instance, style, page, answer, replace(request, note=text))


def compute_oracle_edits(memory: Memory, request: Request) -> dict[str, Edit]:
    """The edit of each note of the influence set, by provenance: deleted where all its parents go, else rewritten.

    Notes that cannot be rebuilt are deleted. What is not in the answer is kept.
    """
    found = find_influence(memory, request)
    own = {writer.name for writer in memory.writers}
    gone = set(found.events)
    edits: dict[str, Edit] = {}
    for note in memory.notes:  # parents precede their children
        if note.id in found.notes:
            whole = note.writer not in own or set(note.parents) <= gone
            edits[note.id] = "delete" if whole else "rewrite"
            gone |= {note.id} if whole else set()
    return edits
