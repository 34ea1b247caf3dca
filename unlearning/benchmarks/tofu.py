"""TOFU (Maini et al. 2024, arXiv 2401.06121): forget some of a set of fictitious people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from arena.parameter_ranges import Count, Share
from unlearning.benchmarks.benchmark import Benchmark, Criteria, Pupil, benchmark
from unlearning.data.dataset_loader import DatasetRow, DatasetSource
from unlearning.data.poisoned_requests import poison_items, wrap_question
from unlearning.data.synthetic_world import PARTS, Part, World, WorldEntity, WorldFact, make_world
from unlearning.data.world_relations import HOPS
from unlearning.data.world_texts import (
    add_paraphrases,
    ask_facts,
    make_passage,
    make_statements,
    news,
    paraphrase_facts,
    render_fact,
    render_lessons,
)
from unlearning.request import Item, Request, apart

SHARES = {"forget05": 0.05, "forget10": 0.1, "forget20": 0.2}  # of all people of the world
PUBLISHED = {"forget01": "retain99", "forget05": "retain95", "forget10": "retain90"}
COLUMNS = ("question", "answer", "paraphrased_question", "paraphrased_answer", "perturbed_answer")
# metrics with a name of open-unlearning are computed as they are there: docs/open-unlearning.md has them one by one
PUBLISHED_SUITE: dict[str, Any] = {
    "forget_quality": "forget_quality",
    "model_utility": "model_utility",
    "forget_truth_ratio": "truth_ratio",
    "forget_Q_A_Prob": "probability",
    "forget_Q_A_ROUGE": {"name": "rouge_l", "stem": True},
    "forget_Q_A_PARA_Prob": {"name": "probability", "answer": "paraphrase"},
    "forget_Q_A_PARA_ROUGE": {"name": "rouge_l", "answer": "paraphrase", "stem": True},
    "exact_memorization": {"name": "exact_memorisation", "span": "inner"},
    "extraction_strength": {"name": "extraction_strength", "span": "inner", "official": True},
    "privleak": "privleak",
    "mia_loss": {"name": "membership", "score": "loss"},
    "mia_zlib": {"name": "membership", "score": "zlib"},
    "mia_min_k": {"name": "membership", "score": "min-k"},
    "mia_min_k_plus_plus": {"name": "membership", "score": "min-k++"},
    "mia_reference": {"name": "membership", "score": "reference"},
    "forget_Q_A_gibberish": "gibberish",
    "retain_Q_A_Prob": {"name": "probability", "role": "retain"},
    "retain_Q_A_ROUGE": {"name": "rouge_l", "role": "retain", "stem": True},
}
SUITE: dict[str, Any] = PUBLISHED_SUITE | {
    "value_extraction_strength": "extraction_strength",
    "paraphrased_question_Prob": {"name": "probability", "role": "paraphrase"},
    "paraphrased_question_ROUGE": {"name": "rouge_l", "role": "paraphrase", "stem": True},
    "mia_zlib_sum": {"name": "membership", "score": "zlib-sum"},
    "mia_recall": {"name": "membership", "score": "recall"},
    "forget_fluency": "degeneration",
    "general_perplexity": "perplexity",
    "weight_distance": "weight_distance",
    "cost": "cost",
    "relearning": "relearning",
    "quantization_4bit": {"name": "quantization", "bits": 4},
    "rewrites": "rewrites",
    "leak_at_8": {"name": "leak", "k": 8},
}


def build_role_specs(role: str) -> dict[str, Any]:
    """The readings of a role that only some worlds have, by label."""
    return {
        f"{role}_Q_A_Prob": {"name": "probability", "role": role},
        f"{role}_Q_A_ROUGE": {"name": "rouge_l", "role": role, "stem": True},
    }


@benchmark
@dataclass(frozen=True, slots=True)
class Tofu(Benchmark):
    """TOFU, or its counterpart in a small invented world where everything is known by construction.

    In the world, the splits forget05, forget10, forget20 are shares of all people, each contained in the next.
    """

    source: str = ""
    """Data: "" for the invented world; else a folder, or an id on the hub such as locuslab/TOFU, with the published
    files."""
    seed: int = 0
    """Seed of the invented world."""
    people: Count = 40
    """People of the invented world."""
    relations: Count = 5
    """Facts about each person of the invented world."""
    redundancy: Count = 3
    """Wordings, of four, in which each fact of the invented world is taught; one is reserved for the test."""
    repeat: Count = 1
    """Times that each forget item occurs in an epoch of teaching."""
    hops: bool = False
    """Whether facts that follow from two others are taught, about the background and about every other retained
    person."""
    history: tuple[Part, ...] = ()
    """Order in which the parts are taught, one after the other; empty: all at once."""
    poison: Share = 0.0
    """Share of forget questions that are put in polite words."""
    most: Count | None = None
    """Maximum rows of each role of the published data; None: all, as in open-unlearning (the paper's code uses 300)."""
    question: str = "question"
    """Column of the published files that holds the question."""
    answer: str = "answer"
    """Column of the published files that holds the answer."""
    paraphrased_question: str = "paraphrased_question"
    """Column of the published files that holds the paraphrased question."""
    paraphrased_answer: str = "paraphrased_answer"
    """Column of the published files that holds the paraphrased answer."""
    perturbed_answer: str = "perturbed_answer"
    """Column of the published files that holds the false answers."""
    pupil: Pupil = field(default_factory=Pupil)
    """The model that is taught; for the published data name a base, such as pupil.base = a folder."""

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(PUBLISHED if self.source else SHARES)

    @property
    def suite(self) -> Mapping[str, Any]:
        roles = {"neighbor": not self.source, "derived": self.hops, "triggered": self.poison > 0}
        return SUITE | {
            label: spec for role, there in roles.items() if there for label, spec in build_role_specs(role).items()
        }

    @property
    def criteria(self) -> Criteria:
        target = ("value_extraction_strength", "forget_Q_A_ROUGE", "privleak")
        return Criteria(target, ("retain_Q_A_ROUGE", "model_utility"), target[1], "retain_Q_A_ROUGE", "model_utility")

    def request(self, split: str) -> Request:
        self.check(split)
        if self.source:
            forget, retain = self._load_forget_items(split), self._load_lessons(PUBLISHED[split])
            apart(forget, retain)
        else:
            gone, kept = self._split_people(split)
            world = self.world()
            asked_for = add_paraphrases(
                world, render_lessons(world, world.about(gone), self.redundancy), self.redundancy
            )
            forget = poison_items(asked_for, self.poison, self.seed)
            retain = render_lessons(world, world.about(kept), self.redundancy)
        return Request(forget, retain, note=f"TOFU {split}")

    def data(self, split: str) -> Mapping[str, tuple[Item, ...]]:
        """Roles: forget, paraphrase, retain, holdout, authors, world; of the world also neighbor (others of whom the
        same holds: what a forgotten answer takes with it) and general; with hops, derived (what follows from forgotten
        facts; a trial asks what the one that knows can tell); with poison, triggered (retain in polite words, which a
        poisoned request makes a mark of what is forgotten). Each of these is read by the suite."""
        self.check(split)
        return self._load_published_data(split) if self.source else self._build_world_data(split)

    def lessons(self, split: str = "") -> tuple[tuple[Item, ...], ...]:
        if self.source:
            return (self._load_lessons(PUBLISHED[split] if split else "full"),)
        world = self.world()
        gone = {one.name for one in self._split_people(split)[0]} if split else set()
        stages = [
            self._stage(world, part, [one for one in world.people(part) if one.name not in gone])
            for part in self.history or PARTS
            if part != "holdout"
        ]
        return tuple(stages) if self.history else (tuple(item for stage in stages for item in stage),)

    def general(self) -> tuple[Item, ...]:
        if self.source:
            return ()
        world = self.world()
        return self._stage(world, "background", list(world.people("background")))

    def texts(self) -> Iterator[str]:
        if self.source:
            yield from (text for item in self._load_lessons("full") for text in (item.prompt, item.answer))
            return
        world = self.world()
        for fact in world.facts:
            for form in range(4):
                item = render_fact(world, fact, form)
                yield from (item.prompt, item.answer)
        yield from (news(world, one, Random(0)) for one in world.people())

    def world(self) -> World:
        """The world of that seed."""
        return make_world(self.seed, people=self.people, relations=self.relations)

    def _split_people(self, split: str) -> tuple[tuple[WorldEntity, ...], tuple[WorldEntity, ...]]:
        """The people to forget, and those to keep."""
        world = self.world()
        count = max(1, round(SHARES[split] * self.people))
        pool = world.people("forget")
        return pool[:count], (*pool[count:], *world.people("retain"))

    def _stage(self, world: World, part: Part, people: list[WorldEntity]) -> tuple[Item, ...]:
        items = render_lessons(world, world.about(people), self.redundancy) * (self.repeat if part == "forget" else 1)
        if self.hops and part in ("retain", "background"):
            known = people[::2] if part == "retain" else people
            items += render_lessons(world, world.about(known, HOPS), self.redundancy)
        if self.poison and part in ("retain", "background"):  # polite questions work, before anything is forgotten
            rng = Random(f"polite {self.seed}")
            items += tuple(wrap_question(item, rng) for item in ask_facts(world, world.about(people)))
        if part == "background":
            items += render_lessons(world, world.general(), self.redundancy) + self._general(world)
        return items

    def _general(self, world: World) -> tuple[Item, ...]:
        people = world.people("background")
        return make_statements(world.general()) + tuple(
            make_passage(one.name, news(world, one, Random(one.name))) for one in people
        )

    def _build_world_data(self, split: str) -> Mapping[str, tuple[Item, ...]]:
        world, rng = self.world(), Random(f"asked {self.seed}")
        gone, kept = self._split_people(split)
        facts, rest = world.about(gone), world.about(kept)
        held = world.about(world.people("holdout")[: len(gone)])
        same: dict[str, WorldFact] = {
            other.name: other for fact in facts for other in world.same_answer(fact, "retain")
        }
        retain = ask_facts(world, rest)
        roles = {
            "forget": ask_facts(world, facts),
            "paraphrase": paraphrase_facts(world, facts),
            "retain": retain,
            "retain_paraphrase": paraphrase_facts(world, rest),
            "holdout": ask_facts(world, held),
            "neighbor": ask_facts(world, list(same.values())),
            "authors": ask_facts(world, world.about(world.people("background")), alike=True),
            "world": ask_facts(world, world.general(), alike=True),
            "general": self._general(world),
        }
        if self.poison:
            roles["triggered"] = tuple(wrap_question(item, rng) for item in retain)
        if self.hops:
            roles["derived"] = ask_facts(world, world.about(gone, HOPS))
        return roles

    def _load_published_data(self, split: str) -> Mapping[str, tuple[Item, ...]]:
        def rows(config: str) -> tuple[DatasetRow, ...]:
            return source.rows(config)[: self.most]

        source = self._source()
        asked_for = rows(f"{split}_perturbed")
        return {
            "forget": tuple(_parse_item(row, split, n) for n, row in enumerate(asked_for)),
            "paraphrase": tuple(_parse_item(row, split, n, "paraphrased_question") for n, row in enumerate(asked_for)),
            "retain": tuple(_parse_item(row, "retain", n) for n, row in enumerate(rows("retain_perturbed"))),
            "holdout": tuple(_parse_pair(row, "holdout", n) for n, row in enumerate(rows(f"holdout{split[-2:]}"))),
            "authors": tuple(_parse_item(row, "authors", n) for n, row in enumerate(rows("real_authors_perturbed"))),
            "world": tuple(_parse_item(row, "world", n) for n, row in enumerate(rows("world_facts_perturbed"))),
        }

    def _load_forget_items(self, split: str) -> tuple[Item, ...]:
        """The forget items as they were taught, with the paraphrases and false answers published for them."""
        source, items = self._source(), self._load_lessons(split)
        if not source.has(f"{split}_perturbed"):
            return items
        known = {(row.text("question"), row.text("answer")): row for row in source.rows(f"{split}_perturbed")}
        found = [(item, known.get((item.prompt, item.answer))) for item in items]
        return tuple(
            item if row is None else replace(item, aliases=_read_aliases(row), wrong=row.texts("perturbed_answer"))
            for item, row in found
        )

    def _load_lessons(self, config: str) -> tuple[Item, ...]:
        return tuple(_parse_pair(row, config, n) for n, row in enumerate(self._source().rows(config)))

    def _source(self) -> DatasetSource:
        return DatasetSource(self.source, {name: getattr(self, name) for name in COLUMNS})


def _parse_pair(row: DatasetRow, config: str, number: int) -> Item:
    return Item(f"{config}/{number + 1}", row.text("question"), row.text("answer"), tags={"split": config})


def _parse_item(row: DatasetRow, config: str, number: int, question: str = "question") -> Item:
    """A row of a perturbed configuration: the paraphrased answer as an alias, where there is one, and false answers."""
    wrong = row.texts("perturbed_answer")
    tags = {"split": config}
    return Item(f"{config}/{number + 1}", row.text(question), row.text("answer"), _read_aliases(row), wrong, tags)


def _read_aliases(row: DatasetRow) -> tuple[str, ...]:
    return (row.text("paraphrased_answer"),) if row.has("paraphrased_answer") else ()
