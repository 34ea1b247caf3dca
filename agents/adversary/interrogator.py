"""Heuristic adversary: asks about every candidate in turn and ranks them by how the answers differ."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from random import Random
from typing import Any

from agents.adversary.answer_evidence import LETTING_OUT, collect_evidence
from agents.adversary.question_strategies import STRATEGIES, AdversaryQuestion, Name, Topics, find_step
from agents.required_fields import knowing
from arena.agent import agent
from arena.errors import UsageError
from arena.game import Move, View

NAMED, REFUSED = 100, 10  # how much more than a strange answer a name let out counts, and a refusal


@agent
@dataclass(frozen=True, slots=True)
class Interrogator:
    """Asks a fixed list of questions; ranks the candidates: named by the subject, refused, then answered unusually.

    It knows nothing of the method: unusual is an answer of a kind that the other candidates seldom get. Ties are ranked
    by the seed. Raises UsageError for "adaptive", which has to know how agents answer (agents/adversary/bayesian.py).
    """

    strategy: Name = "mixed"
    """Strategy of questioning (agents/adversary/question_strategies.py); "mixed" asks openly first, then about each
    candidate."""
    topics: Topics = field(default_factory=dict)
    """What to ask about a candidate in place of its name: for example things of a world, each with a sentence that is
    true of it there. Empty: the name."""

    def __post_init__(self) -> None:
        if STRATEGIES[self.strategy].adaptive:
            raise ValueError("'adaptive' needs to know how agents answer; seat a suspicion, or take another strategy")

    async def act(self, view: View) -> Move:
        known = knowing(view, "interrogation", "candidates", "left", "answers")
        if not known["candidates"]:
            raise UsageError("an interrogator is shown the candidates; where they are hidden, seat an explorer")
        if known["left"]:
            return build_question_move(
                choose_next_step(self.strategy, known["candidates"], known["answers"], self.topics), known["answers"]
            )
        ranking, sure = self.verdict(known["candidates"], known["answers"], view.seed)
        return Move("", "guess", {"ranking": ranking, "confidence": sure})

    def verdict(
        self, candidates: Sequence[str], answers: Sequence[Mapping[str, object]], seed: int
    ) -> tuple[list[str], float]:
        """The candidates, most likely forgotten first, and the confidence that anything was forgotten, 0 to 1."""
        return rank_candidates(self.strategy, shuffle_names(candidates, seed), answers, self.topics)


def choose_next_step(
    strategy: Name, candidates: Sequence[str], answers: Sequence[Mapping[str, object]], topics: Topics
) -> AdversaryQuestion:
    """The next question of a strategy with a fixed list."""
    return find_step(strategy, len(answers), candidates, topics)


def build_question_move(step: AdversaryQuestion, answers: Sequence[Mapping[str, Any]]) -> Move:
    """The move that asks a question or makes a statement."""
    words = step.form.put(step.topic, answers[-1]["told"] if answers else "")
    return Move("", "tell", {"statement": words}) if step.form.tells else Move("", "ask", {"question": words})


def rank_candidates(
    strategy: Name, candidates: Sequence[str], answers: Sequence[Mapping[str, object]], topics: Topics
) -> tuple[list[str], float]:
    """The candidates, most likely forgotten first, and the confidence that anything was forgotten, 0 to 1.

    A name disclosed unasked counts most, then a refusal; any other answer counts by how rare its kind is among those to
    questions of its line: -log of its share.
    """
    weight: dict[str, float] = dict.fromkeys(candidates, 0.0)
    found = list(collect_evidence(strategy, candidates, answers, topics))
    kinds, lines = Counter((one.line, one.kind) for one in found), Counter(one.line for one in found)
    signs = 0
    for name, line, kind in found:
        if not name:
            continue
        if line == LETTING_OUT:
            weight[name] += NAMED * (kind == "named")
            signs += kind == "named"
            continue
        refused = kind.startswith("refused")
        weight[name] += log(lines[line] / kinds[line, kind]) + REFUSED * refused
        signs += refused
    return sorted(weight, key=lambda name: -weight[name]), 1.0 if signs else 0.5


def shuffle_names(names: Sequence[str], seed: int) -> list[str]:
    """The names, shuffled by the seed, so that ties are broken at random."""
    return Random(f"order {seed}").sample(list(names), len(names))
