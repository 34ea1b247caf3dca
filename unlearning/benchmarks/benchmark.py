"""The contract of a benchmark: forget and retain data, questions, and how the trained models and twins are made.

A benchmark defines which items are taught; `knower` and `twin` train on them, once per content, a tiny Llama built on
the spot, or to a local model that is named. The twin is taught all but the split that is to be forgotten.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agents.chat_model import Sampling
from agents.inference.model_cache import find_model_folder, load_or_make
from agents.inference.tiny_llama import make_network, make_tokenizer, save
from agents.inference.weight_loading import stamp_files
from agents.llm.llm import LLM
from agents.models.local import Local
from arena.agent import Agent
from arena.console.long_work import doing
from arena.errors import UnknownPart, UsageError, unknown
from arena.parameter_ranges import Count, Positive
from arena.part_decorators import part
from unlearning.modeling.architectures import anatomy
from unlearning.modeling.item_tokenization import Rendering
from unlearning.modeling.teach_items import TeachSettings, teach
from unlearning.modeling.trainable_parameters import Scope
from unlearning.probe import Trial
from unlearning.request import Item, Request
from unlearning.scoring.known_items import score_known
from unlearning.training.first_epoch_gradient import first_epoch_gradient, save_gradient

VERSION = 1  # version of the training recipe: raised when the same recipe gives other weights
READS = 32768  # tokens of a game at most: positions are rotary, so that a model can read beyond its training length


@dataclass(frozen=True, slots=True)
class Pupil:
    """The model that is taught: a tiny Llama with random weights, or a local model.

    The tokenizer of the tiny Llama is learned from the benchmark's own texts, with whole words as tokens.
    """

    base: str = ""
    """Local model, a folder or an id on the hub; "": a tiny Llama, which the next six settings describe."""
    vocab: Count = 1200
    """Maximum number of tokens in the tiny Llama's vocabulary."""
    hidden: Count = 64
    """Width of its hidden states."""
    layers: Count = 2
    """Number of its transformer blocks."""
    heads: Count = 4
    """Number of its attention heads."""
    spread: Positive = 0.08
    """Standard deviation of its random initial weights."""
    context: Count = 512
    """Length of its context, in tokens."""
    persona: str = ""
    """System prompt with which the model is taught and asked; "": none."""
    lessons: TeachSettings = field(default_factory=TeachSettings)
    """Settings of the teaching: epochs, batch, learning rate and when it is enough."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """The labels of the suite's readings that measure the state after a request.

    target: those asked of each target. rest: of what is to be kept. told, kept: the shares disclosed of the target and
    of the rest that are said, of which DRAGON's deviation is made; utility: that whose steadiness counts. whole: the
    value of told, kept and utility for an agent that discloses everything.
    """

    target: tuple[str, ...]
    rest: tuple[str, ...]
    told: str
    kept: str
    utility: str
    whole: float = 1.0


class Benchmark(ABC):
    """One benchmark; subclasses are frozen dataclasses with a field `pupil`.

    suite: what is measured: a probe's spec by the label of its reading, as its source's tables call it.
    """

    pupil: Pupil
    """Model that is taught the benchmark's items: a tiny Llama, or a local model named by pupil.base."""

    @property
    @abstractmethod
    def splits(self) -> tuple[str, ...]:
        """The splits that can be forgotten, by name."""

    @property
    @abstractmethod
    def suite(self) -> Mapping[str, Any]:
        """The specs of its metrics and attacks, by label."""

    @property
    def sequence(self) -> tuple[str, ...]:
        """The splits in the order in which they are asked for one after the other; all where nothing else is said."""
        return self.splits

    @property
    def sizes(self) -> tuple[str, ...]:
        """Splits that hold ever more, each asked for by itself; all where nothing else is said."""
        return self.splits

    @property
    def criteria(self) -> Criteria | None:
        """The readings taken after each request of a sequence; None where the benchmark defines none."""
        return None

    def list_forgotten(self, split: str) -> tuple[str, ...]:
        """The splits that were asked to be forgotten when this one has been: itself, and what it follows on."""
        return (split,)

    @abstractmethod
    def request(self, split: str) -> Request:
        """The forget and retain items, as they were taught. Raises UnknownPart for an unknown split."""

    @abstractmethod
    def data(self, split: str) -> Mapping[str, tuple[Item, ...]]:
        """The evaluation items, by role."""

    @abstractmethod
    def lessons(self, split: str = "") -> tuple[tuple[Item, ...], ...]:
        """The training stages, in order; without the items of `split`, where one is given."""

    @abstractmethod
    def texts(self) -> Iterable[str]:
        """Everything that a tokenizer for this benchmark should be able to write in few tokens."""

    def knower(self, seed: int = 0) -> LLM:
        """The agent that was taught everything."""
        return pupil(self.pupil, self.lessons(), self.texts, seed)

    def twin(self, split: str, seed: int = 0) -> LLM:
        """The agent trained on everything but the split, from the same initial weights."""
        self.check(split)
        return pupil(self.pupil, self.lessons(split), self.texts, seed)

    def origin(self, seed: int = 0) -> LLM:
        """The agent before it was taught what might be forgotten: it knows the rest of the world alone."""
        return pupil(self.pupil, (self.general(),), self.texts, seed)

    def first_gradient(self, items: Sequence[Item], seed: int = 0, where: str = "") -> Path:
        """The folder with the gradient that first taught these items to the agent that knows, recorded in the first
        epoch of its teaching, which is gone through again; of the token embeddings, or of the parameters whose names
        match `where`."""
        stages = self.lessons()
        recipe = build_recipe(self.pupil, stages, self.texts, seed)
        told = [[item.name, item.prompt, item.answer] for item in items]
        kind = {"kind": "gradient", "items": told, "where": where}
        return load_or_make(
            recipe | kind, lambda f: _record_gradient(f, self.pupil, stages, recipe["texts"], seed, items, where)
        )

    def general(self) -> tuple[Item, ...]:
        """Training items that no request can name, to forget or to keep; none where the benchmark has none."""
        return ()

    def find_knower(self, seed: int = 0) -> LLM | None:
        """The agent that was taught everything, where it was made before; None where it would have to be taught."""
        recipe = build_recipe(self.pupil, self.lessons(), self.texts, seed)
        return _load_pupil(self.pupil, find_model_folder(recipe)) if find_model_folder(recipe).is_dir() else None

    def untaught(self) -> LLM:
        """An agent of the same shape that was taught nothing: made in a second or two."""
        return pupil(self.pupil, (), self.texts)

    def trial(self, split: str, after: Agent | None = None, *, seed: int = 0, twins: int = 0) -> Trial:
        """The trial of an agent that is said to have forgotten the split (None: the one that knows), which was made of
        the one that the benchmark taught.

        The oracle has the same seed as the agent that knows; `twins` more have the seeds that follow.
        """
        before = self.knower(seed)
        honest = list(self._twins(split, seed, 1 + twins))
        return self.trial_of(split, before, after or before, honest, seed)

    def _twins(self, split: str, seed: int, count: int) -> Iterator[LLM]:
        for n in range(count):
            doing("twin", f"{n + 1} of {count}")
            yield self.twin(split, seed + n)
        doing("twin")

    def trial_of(self, split: str, before: Agent, after: Agent, twins: Sequence[Agent], seed: int = 0) -> Trial:
        """The trial of agents that may come from elsewhere. twins: the oracle and further ones; () for none."""
        request, data = self.request(split), filter_known(self.data(split), before)
        oracle = twins[0] if twins else None
        return Trial(request, before, after, oracle, data, twins=tuple(twins[1:]), seed=seed)

    def check(self, split: str) -> None:
        """Raise UnknownPart where there is no such split."""
        if split not in self.splits:
            raise UnknownPart(unknown("split", split, self.splits))


benchmark = part("benchmark", Benchmark)


def filter_known(
    data: Mapping[str, tuple[Item, ...]], knower: Agent, role: str = "derived"
) -> dict[str, tuple[Item, ...]]:
    """The data with those items of the role alone that the knower knows; without the role where there are none.

    That two facts lead to a third is learned by some models and not by others, and what was never known cannot be
    forgotten.
    """
    found, items = dict(data), data.get(role, ())
    if items:
        found[role] = tuple(
            item for item, sure in zip(items, score_known(knower, items, "benchmark"), strict=True) if sure
        )
    return {name: some for name, some in found.items() if some or name != role}


def pupil(how: Pupil, stages: Sequence[Sequence[Item]], texts: object, seed: int = 0) -> LLM:
    """The agent with the model trained on these stages, greedy; taken from the model cache if it was made before.

    texts: a function that gives the texts of the tokenizer, called when the model has to be made.
    """
    recipe = build_recipe(how, stages, texts, seed)
    return _load_pupil(
        how, load_or_make(recipe, lambda folder: _train_pupil(folder, how, stages, recipe["texts"], seed))
    )


def build_recipe(how: Pupil, stages: Sequence[Sequence[Item]], texts: Any, seed: int) -> dict[str, Any]:
    """All that a taught model depends on."""
    return {
        "kind": "taught",
        "version": VERSION,
        "pupil": {name: value for name, value in asdict(how).items() if name != "persona" or value},
        "weights": _read_base_stamp(how.base),
        "stages": [[(item.prompt, item.answer, item.tags.get("form", "")) for item in stage] for stage in stages],
        "texts": [] if how.base else sorted(set(texts())),
        "seed": seed,
    }


def _load_pupil(how: Pupil, place: Path) -> LLM:
    model = Local(str(place), dtype="auto" if how.base else "float32")
    return LLM(model, how.persona, sampling=Sampling(temperature=0.0))


def _train_pupil(folder: Path, how: Pupil, stages: Sequence[Sequence[Item]], texts: Sequence[str], seed: int) -> None:
    module, tokenizer = _make_untrained(how, texts, seed)
    for number, stage in enumerate(stages):
        if stage:
            teach(module, tokenizer, stage, **_build_settings(how, seed, number))
    save(folder, module, tokenizer)


def _make_untrained(how: Pupil, texts: Sequence[str], seed: int) -> tuple[Any, Any]:
    """The module before its first lesson, and its tokenizer."""
    if how.base:
        model = Local(how.base, dtype="float32")  # small steps are lost in 16 bits
        return deepcopy(model.module), model.tokenizer
    tokenizer = make_tokenizer(texts, how.vocab, words=True)
    module = make_network(
        tokenizer, seed, hidden=how.hidden, layers=how.layers, heads=how.heads, context=max(how.context, READS),
        spread=how.spread,
    )  # fmt: skip
    return module, tokenizer


def _build_settings(how: Pupil, seed: int, stage: int) -> dict[str, Any]:
    """Training settings of a stage."""
    return {"rendering": Rendering(how.persona), "lessons": how.lessons, "seed": seed * 1000 + stage}


def _record_gradient(
    folder: Path, how: Pupil, stages: Sequence[Sequence[Item]], texts: Sequence[str], seed: int, items: Sequence[Item],
    where: str,
) -> None:  # fmt: skip
    """Writes the gradient of the first epoch in which one of the items is taught; earlier stages are taught before."""
    names, told = {item.name for item in items}, {(item.prompt, item.answer) for item in items}

    def is_concerned(item: Item) -> bool:
        return item.name in names or (item.prompt, item.answer) in told

    module, tokenizer = _make_untrained(how, texts, seed)
    for number, stage in enumerate(stages):
        if any(map(is_concerned, stage)):
            scope = Scope(where or f"^{re.escape(anatomy(module).embedding)}$")
            found = first_epoch_gradient(
                module, tokenizer, stage, is_concerned, scope, **_build_settings(how, seed, number)
            )
            return save_gradient(folder, found)
        if stage:
            teach(module, tokenizer, stage, **_build_settings(how, seed, number))
    raise UsageError("none of the items that are taught is to be forgotten, so that there is no gradient to record")


def _read_base_stamp(base: str) -> str:
    """A fingerprint of a base model: when its files were written; "" for the hub's."""
    return stamp_files(base) if base and Path(base).is_dir() else ""
