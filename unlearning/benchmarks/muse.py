"""MUSE (Shi et al. 2024, arXiv 2407.06460): forget texts, both verbatim and in what they say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from arena.errors import UsageError
from arena.parameter_ranges import Count
from unlearning.benchmarks.benchmark import Benchmark, Criteria, Pupil, benchmark
from unlearning.data.dataset_loader import DatasetRow, DatasetSource
from unlearning.data.synthetic_world import PARTS, World, WorldEntity, make_world
from unlearning.data.world_texts import (
    ask_facts,
    list_filler_words,
    make_completion,
    make_passage,
    make_statements,
    news,
    render_fact,
    render_lessons,
    write_book,
)
from unlearning.request import Item, Request

FOLDS = 4  # parts of what is to be forgotten: scal_n holds the first n of them, sust_n the n-th alone
VERBATIM = 2000  # characters of a published fold's passage that is asked for word for word, half of them given
COLUMNS = ("question", "answer", "text", "prompt", "gt")
TEXTS = {"members": "forget_text", "strangers": "holdout_text"}
# metrics with a name of open-unlearning are computed as they are there: docs/open-unlearning.md has them one by one
PUBLISHED_SUITE: dict[str, Any] = {
    "forget_verbmem_ROUGE": {"name": "verbmem", "style": "open-unlearning"},
    "forget_knowmem_ROUGE": {"name": "knowmem", "style": "open-unlearning"},
    "retain_knowmem_ROUGE": {"name": "knowmem", "role": "retain", "style": "open-unlearning"},
    "privleak": {"name": "privleak", **TEXTS},
    "extraction_strength": {"name": "extraction_strength", "role": "verbatim", "span": "inner", "official": True},
    "exact_memorization": {"name": "exact_memorisation", "role": "verbatim", "span": "inner"},
    "mia_loss": {"name": "membership", "score": "loss", **TEXTS},
    "mia_zlib": {"name": "membership", "score": "zlib", **TEXTS},
    "mia_min_k": {"name": "membership", "score": "min-k", **TEXTS},
    "mia_min_k_plus_plus": {"name": "membership", "score": "min-k++", **TEXTS},
    "mia_reference": {"name": "membership", "score": "reference", **TEXTS},
}
SUITE: dict[str, Any] = PUBLISHED_SUITE | {
    "verbmem": {"name": "verbmem"},
    "knowmem": {"name": "knowmem"},
    "retain_knowmem": {"name": "knowmem", "role": "retain"},
    "verbatim_extraction_strength": {"name": "extraction_strength", "role": "verbatim", "span": "answer"},
    "mia_zlib_sum": {"name": "membership", "score": "zlib-sum", **TEXTS},
    "mia_recall": {"name": "membership", "score": "recall", **TEXTS},
    "general_perplexity": {"name": "perplexity", "role": "retain_text"},
    "weight_distance": "weight_distance",
    "cost": "cost",
    "relearning": {"name": "relearning", "role": "forget"},
    "quantization_4bit": {"name": "quantization", "bits": 4},
}


@benchmark
@dataclass(frozen=True, slots=True)
class Muse(Benchmark):
    """MUSE, or its counterpart in a small invented world where everything is known by construction.

    In the world each person has a passage, and questions about its facts with short answers. The splits: `forget` is
    everything to forget; scal_1 to scal_4 grow, each a request of its own; sust_1 to sust_4 are disjoint and follow
    each other: when sust_k is requested, the folds before it are neither to be forgotten nor to be retained, and its
    twin was taught none of the folds 1 to k. Of the published data, the passages of a fold are those of its texts; its
    questions, which nobody published, are those about everything to forget.
    """

    source: str = ""
    """Data: "" for the invented world; else a folder, or an id on the hub such as muse-bench/MUSE-News, with the
    published files."""
    seed: int = 0
    """Seed of the invented world."""
    people: Count = 40
    """People of the invented world."""
    relations: Count = 3
    """Facts about each person of the invented world."""
    corpus: Literal["news", "books"] = "news"
    """Passages of the invented world: "news", a paragraph of facts, or "books", a name and 32 random words, which can
    only be memorised verbatim."""
    repeat: Count = 4
    """Times that each passage occurs in an epoch of teaching."""
    chunk: Count = 8000
    """Maximum characters of a training text of the published data; longer texts are split."""
    most: Count | None = None
    """Maximum rows of each role of the published data; None: all."""
    question: str = "question"
    """Column of the published files that holds the question."""
    answer: str = "answer"
    """Column of the published files that holds the answer."""
    text: str = "text"
    """Column of the published files that holds a training text."""
    prompt: str = "prompt"
    """Column of the published files that holds the beginning of a passage."""
    gt: str = "gt"
    """Column of the published files that holds the true continuation of a passage."""
    pupil: Pupil = field(default_factory=lambda: Pupil(hidden=96))

    @property
    def splits(self) -> tuple[str, ...]:
        folds = tuple(f"{kind}_{n + 1}" for kind in ("scal", "sust") for n in range(FOLDS))
        if self.source and not self._source().has("scal", "forget_1"):
            return ("forget",)
        return ("forget", *folds)

    @property
    def suite(self) -> Mapping[str, Any]:
        shots = {"shots": 10} if self.source else {}
        return {
            label: {**spec, **shots} if isinstance(spec, dict) and spec["name"] == "knowmem" else spec
            for label, spec in SUITE.items()
        }

    def request(self, split: str) -> Request:
        self.check(split)
        if self.source:
            texts = self._load_forget_texts(split)
            rest = remove_texts(self._rows("raw", "retain1"), texts)
            return Request(self._cut(texts), self._cut(rest), note=f"MUSE {split}")
        world = self.world()
        gone, kept = self._split_people(split)
        return Request(self._of(world, gone, 1), self._of(world, kept, 1), note=f"MUSE {split}")

    def data(self, split: str) -> Mapping[str, tuple[Item, ...]]:
        """Roles: forget, retain (questions); verbatim (passages begun); forget_text, retain_text, holdout_text; shots
        and retain_shots (questions shown with their answers); of the world also general."""
        self.check(split)
        return self._load_published_data(split) if self.source else self._build_world_data(split)

    def lessons(self, split: str = "") -> tuple[tuple[Item, ...], ...]:
        if self.source:
            gone = [row for one in self.list_forgotten(split) for row in self._load_forget_texts(one)] if split else []
            return (self._cut(remove_texts(self._load_lessons(), gone)),)
        world = self.world()
        away = (
            {one.name for part in self.list_forgotten(split) for one in self._split_people(part)[0]} if split else set()
        )
        known = [one for one in world.people("forget", "retain", "background") if one.name not in away]
        general = render_lessons(world, world.general()) + make_statements(world.general())
        return (self._of(world, known, self.repeat) + general,)

    def texts(self) -> Iterator[str]:
        if self.source:
            yield from (item.answer for item in self.lessons()[0])
            return
        world = self.world()
        for fact in world.facts:
            for form in range(4):
                item = render_fact(world, fact, form)
                yield from (item.prompt, item.answer)
        yield from (item.answer for one in world.people(*PARTS) for item in self._passages(world, [one]))

    @property
    def sequence(self) -> tuple[str, ...]:
        return tuple(split for split in self.splits if split.startswith("sust")) or self.splits

    @property
    def sizes(self) -> tuple[str, ...]:
        return tuple(split for split in self.splits if split.startswith("scal")) or self.splits

    @property
    def criteria(self) -> Criteria:
        """C1 to C4 of the paper."""
        rest = ("retain_knowmem",)
        return Criteria(("verbmem", "knowmem", "privleak"), rest, "knowmem", *rest, *rest, whole=100.0)

    def list_forgotten(self, split: str) -> tuple[str, ...]:
        kind, _, number = split.partition("_")
        return tuple(f"{kind}_{n + 1}" for n in range(int(number))) if kind == "sust" else (split,)

    def world(self) -> World:
        """The world of that seed."""
        return make_world(self.seed, people=self.people, relations=self.relations)

    def _split_people(self, split: str) -> tuple[tuple[WorldEntity, ...], tuple[WorldEntity, ...]]:
        """Whose texts are to be forgotten, and whose are kept; folds before the one that is asked for are neither."""
        world = self.world()
        pool = world.people("forget")
        kind, _, number = split.partition("_")
        edges = [round(len(pool) * n / FOLDS) for n in range(FOLDS + 1)]
        first, behind = (0, len(pool)) if not number else (edges[int(number) - 1], edges[int(number)])
        if kind == "scal":
            first = 0
        if first == behind:
            raise UsageError(
                f"muse: {len(pool)} of {self.people} people are to be forgotten, so that {split} has none; "
                f"take more, such as people={FOLDS * 5}"
            )
        return pool[first:behind], (*pool[behind:], *world.people("retain"))

    def _of(self, world: World, people: tuple[WorldEntity, ...] | list[WorldEntity], repeat: int) -> tuple[Item, ...]:
        """The training texts of these people."""
        return self._passages(world, people) * repeat + render_lessons(world, world.about(people), 3, "short")

    def _passages(self, world: World, people: tuple[WorldEntity, ...] | list[WorldEntity]) -> tuple[Item, ...]:
        return tuple(make_passage(f"passage of {one.name}", self._passage(world, one)) for one in people)

    def _passage(self, world: World, one: WorldEntity) -> str:
        rng = Random(f"{self.seed} {one.name}")
        return news(world, one, rng) if self.corpus == "news" else write_book(one, rng, list_filler_words(world))

    def _build_world_data(self, split: str) -> Mapping[str, tuple[Item, ...]]:
        world = self.world()
        gone, kept = self._split_people(split)
        shown = ask_facts(world, world.about(world.people("background")), "short")
        return {
            "forget": ask_facts(world, world.about(gone), "short"),
            "retain": ask_facts(world, world.about(kept), "short"),
            "holdout": ask_facts(world, world.about(world.people("holdout")), "short"),
            "verbatim": tuple(make_completion(f"passage of {one.name}", self._passage(world, one)) for one in gone),
            "forget_text": self._passages(world, gone),
            "retain_text": self._passages(world, kept),
            "holdout_text": self._passages(world, world.people("holdout")),
            "shots": shown,
            "retain_shots": shown,
            "general": make_statements(world.general()),
        }

    def _source(self) -> DatasetSource:
        return DatasetSource(self.source, {name: getattr(self, name) for name in COLUMNS})

    def _rows(self, config: str, split: str) -> tuple[tuple[str, str], ...]:
        """The names and the texts of a split."""
        rows = self._source().rows(config, split)
        return tuple((f"{config}/{split}/{n + 1}", row.text("text")) for n, row in enumerate(rows))

    def _load_forget_texts(self, split: str) -> tuple[tuple[str, str], ...]:
        """The published texts of a split."""
        kind, _, fold = split.partition("_")
        return self._rows(kind, f"forget_{fold}") if fold else self._rows("raw", "forget")

    def _load_lessons(self) -> tuple[tuple[str, str], ...]:
        """All published texts that the agent is trained on: the folds have some that are nowhere else."""
        texts = self._rows("raw", "forget") + self._rows("raw", "retain1")
        for split in (split for split in self.splits if "_" in split):
            texts += tuple(
                (name, text)
                for name, text in self._load_forget_texts(split)
                if not any(text in one for _, one in texts)
            )
        return texts

    def _cut(self, texts: Sequence[tuple[str, str]]) -> tuple[Item, ...]:
        """The texts, cut between words into passages of `chunk` characters at most."""
        return tuple(
            make_passage(f"{name}.{number + 1}", piece)
            for name, text in texts
            for number, piece in enumerate(cut_text(text, self.chunk))
        )

    def _load_published_data(self, split: str) -> Mapping[str, tuple[Item, ...]]:
        source = self._source()
        fold = split.partition("_")[2]
        own = self._load_forget_texts(split)[: self.most] if fold else ()

        def rows(config: str, split: str) -> tuple[DatasetRow, ...]:
            return source.rows(config, split)[: self.most]

        def asking(split: str) -> tuple[Item, ...]:
            return tuple(
                Item(f"{split}/{n + 1}", row.text("question"), row.text("answer"))
                for n, row in enumerate(rows("knowmem", split))
            )

        def texts(split: str) -> tuple[Item, ...]:
            return tuple(
                make_passage(f"{split}/{n + 1}", row.text("text")) for n, row in enumerate(rows("privleak", split))
            )

        return {
            "forget": asking("forget_qa"),
            "retain": asking("retain_qa"),
            "verbatim": tuple(make_completion(name, cut_text(text, VERBATIM)[0], 0.5) for name, text in own)
            or tuple(
                Item(f"verbatim/{n + 1}", row.text("prompt"), row.text("gt"), tags={"form": "passage", "join": " "})
                for n, row in enumerate(rows("verbmem", "forget"))
            ),
            "forget_text": tuple(make_passage(name, text) for name, text in own) or texts("forget"),
            "retain_text": texts("retain"),
            "holdout_text": texts("holdout"),
            "shots": asking("forget_qa_icl"),
            "retain_shots": asking("retain_qa_icl"),
        }


def remove_texts(texts: Sequence[tuple[str, str]], gone: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The texts, by name, that are not contained in a removed one; removed texts within them are cut out."""
    left = []
    for name, text in texts:
        if any(text in other for _, other in gone):
            continue
        for _, other in gone:
            text = text.replace(other, " ")
        left += [(name, text)] if text.strip() else []
    return tuple(left)


def cut_text(text: str, most: int) -> list[str]:
    """The text in pieces of `most` characters at most, cut at spaces where there are any."""
    pieces = []
    while len(text) > most:
        at = text.rfind(" ", 1, most + 1)
        at = most if at < 1 else at
        pieces.append(text[:at])
        text = text[at:]
    return [*pieces, text] if text.strip() else pieces
