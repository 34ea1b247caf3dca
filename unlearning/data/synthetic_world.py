"""A seeded, typed synthetic world with exact ground truth: people, their facts, and who is in the forget set.

People are split into forget, retain, holdout and background before any text is generated, so what a text reveals is
known by construction. Values come from small typed domains: how often a blind guess is right is known exactly, and
every value of a forgotten person is also the value of a retained person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Literal, TypeAlias, get_args

from arena.errors import UsageError
from unlearning.data.world_names import Namer
from unlearning.data.world_relations import GENERAL, HOPS, PERSONAL, RELATIONS, WorldRelation

Part: TypeAlias = Literal["forget", "retain", "holdout", "background"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True, slots=True)
class WorldEntity:
    """A thing of the world. `part` is "" for what is not a person; `aliases`: what else it is called, each unique."""

    name: str
    kind: str
    part: Part | Literal[""] = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorldFact:
    """A fact: `value` is in `relation` to `subject`."""

    subject: str
    relation: str
    value: str

    @property
    def name(self) -> str:
        """The key that identifies the fact."""
        return f"{self.subject}: {self.relation}"


@dataclass(frozen=True)
class World:
    """Everything there is and holds. `facts` has one for each subject and relation, hops included."""

    seed: int
    entities: tuple[WorldEntity, ...]
    facts: tuple[WorldFact, ...]

    def people(self, *parts: Part) -> tuple[WorldEntity, ...]:
        """The people of these parts, in the order in which they are forgotten; all people where none is named."""
        chosen = parts or PARTS
        return tuple(one for one in self.entities if one.kind == "person" and one.part in chosen)

    def about(
        self, subjects: Sequence[WorldEntity], relations: Sequence[WorldRelation] = PERSONAL
    ) -> tuple[WorldFact, ...]:
        """The facts of these subjects in these relations."""
        wanted = {relation.name for relation in relations}
        held = self._by_subject
        return tuple(fact for one in subjects for fact in held.get(one.name, ()) if fact.relation in wanted)

    def general(self) -> tuple[WorldFact, ...]:
        """The facts about places and companies, which everybody may know."""
        return self.about([one for one in self.entities if one.kind != "person"], GENERAL)

    def hops(self, *parts: Part) -> tuple[WorldFact, ...]:
        """Facts about people that follow from two others."""
        return self.about(self.people(*parts), HOPS)

    def domain(self, kind: str) -> tuple[str, ...]:
        """Every value of a kind, in the order they were named."""
        return tuple(one.name for one in self.entities if one.kind == kind)

    def chance(self, fact: WorldFact) -> float:
        """The success rate of a blind guess among the values of its type."""
        return 1 / len(self.domain(RELATIONS[fact.relation].value))

    def same_answer(self, fact: WorldFact, *parts: Part) -> tuple[WorldFact, ...]:
        """The same relation with the same value, of others."""
        others = self.about(self.people(*parts), [RELATIONS[fact.relation]])
        return tuple(other for other in others if other.value == fact.value and other.subject != fact.subject)

    def entity(self, name: str) -> WorldEntity:
        """The thing of that name. Raises KeyError."""
        return self._by_name[name]

    def fact(self, name: str) -> WorldFact:
        """The fact of that name. Raises KeyError."""
        subject, _, relation = name.rpartition(": ")
        return next(fact for fact in self._by_subject[subject] if fact.relation == relation)

    @cached_property
    def _by_name(self) -> dict[str, WorldEntity]:
        return {one.name: one for one in self.entities}

    @cached_property
    def _by_subject(self) -> dict[str, list[WorldFact]]:
        held: dict[str, list[WorldFact]] = {}
        for fact in self.facts:
            held.setdefault(fact.subject, []).append(fact)
        return held


def make_world(
    seed: int = 0,
    *,
    people: int = 40,
    relations: int = 5,
    forget: float = 0.2,
    holdout: float = 0.2,
    background: float = 0.1,
) -> World:
    """The world of that seed: `people` with `relations` facts each; shares of them by part, the rest is retained.

    The values that those retained have cover each domain, so each value of a forgotten person is shared with one who
    is kept; a domain is cut to the number of people retained. Raises UsageError for numbers that cannot be.
    """
    counts = _count_people(people, forget, holdout, background)
    if not 1 <= relations <= len(PERSONAL):
        raise UsageError(f"a world has 1 to {len(PERSONAL)} relations, not {relations}")
    rng = Random(f"world {seed}")
    namer = Namer(rng)
    chosen = PERSONAL[:relations]
    # parts come first: no text, no fact has been made yet
    persons = [_make_person(namer, part) for part in PARTS for _ in range(counts[part])]
    # one value for each of the retained at most
    kinds = {relation.value: min(relation.size, counts["retain"]) for relation in chosen}
    kinds |= {general.value: general.size for general in GENERAL if general.subject in kinds}
    things = [WorldEntity(_make_name(namer, kind), kind) for kind, size in kinds.items() for _ in range(size)]
    domains = {kind: [one.name for one in things if one.kind == kind] for kind in kinds}
    facts: list[WorldFact] = []
    for relation in (*chosen, *(general for general in GENERAL if general.subject in kinds)):
        for group in _group_subjects(relation, persons, things):
            facts += [
                WorldFact(name, relation.name, value)
                for name, value in zip(group, _deal_values(domains[relation.value], len(group), rng), strict=True)
            ]
    return World(seed, (*persons, *things), (*facts, *_derive_hops(facts)))


def _count_people(people: int, forget: float, holdout: float, background: float) -> dict[Part, int]:
    shares: dict[Part, float] = {"forget": forget, "holdout": holdout, "background": background}
    counts: dict[Part, int] = {part: max(1, round(share * people)) for part, share in shares.items()}
    counts["retain"] = people - sum(counts.values())
    if counts["retain"] < 2 or any(not 0 <= share < 1 for share in shares.values()):
        raise UsageError(
            f"a world of {people} people cannot be parted into forget {forget}, holdout {holdout} and background "
            f"{background} with at least 2 people left to retain; give more people or smaller shares"
        )
    return counts


def _make_person(namer: Namer, part: Part) -> WorldEntity:
    first, last = namer.name(1), namer.name(2)
    return WorldEntity(f"{first} {last}", "person", part, (namer.name(1), f"{first[0]}. {last}"))


def _make_name(namer: Namer, kind: str) -> str:
    """Places, companies and works have capitals, other things have not."""
    great = kind in {"city", "company", "country", "province", "book", "prize", "school", "saint", "club", "language"}
    return namer.name() if great else namer.word()


def _group_subjects(
    relation: WorldRelation, persons: Sequence[WorldEntity], things: Sequence[WorldEntity]
) -> list[list[str]]:
    """Subjects that are dealt values together: people by part, so that each part has all values about equally often."""
    if relation.subject == "person":
        return [[one.name for one in persons if one.part == part] for part in PARTS]
    return [[one.name for one in things if one.kind == relation.subject]]


def _deal_values(values: Sequence[str], count: int, rng: Random) -> list[str]:
    """So many values from shuffled decks: each occurs as often as any other, or once more."""
    dealt: list[str] = []
    while len(dealt) < count:
        dealt += rng.sample(values, len(values))
    return dealt[:count]


def _derive_hops(facts: Sequence[WorldFact]) -> list[WorldFact]:
    known = {(fact.subject, fact.relation): fact.value for fact in facts}
    return [
        WorldFact(fact.subject, hop.name, known[fact.value, hop.way[1]])
        for hop in HOPS
        for fact in facts
        if fact.relation == hop.way[0] and (fact.value, hop.way[1]) in known
    ]
