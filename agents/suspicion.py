"""An adversary that reasons by Bayes: it knows how agents answer that forgot a thing, and those that never met it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log
from typing import Any, Literal

from agents.answering import HEARD, heard
from agents.interrogator import FORMS, shuffled
from agents.knowing import knowing
from arena.agent import agent
from arena.game import Move, View

QUESTIONS = (*FORMS["spread"], *FORMS["social"])


@agent
@dataclass(frozen=True, slots=True)
class Suspicion:
    """Asks about candidates one by one and ranks them by log-likelihood ratio.

    forgot, never: for each kind of answer (told, ignorant, refused, order, silent) how often an agent gives it that was
    made to forget the thing it is asked about, and one that never met it. The score of a candidate is the sum over
    the questions about it of log forgot[answer] - log never[answer]; equal ones it ranks by its seed.
    strategy: "spread" asks about all in turn; "adaptive" about the one whose answer is expected to tell most.
    """

    forgot: Mapping[str, float]
    never: Mapping[str, float]
    strategy: Literal["spread", "adaptive"] = "spread"

    async def act(self, view: View) -> Move:
        known = knowing(view, "interrogation", "candidates", "left", "answers")
        candidates: list[str] = known["candidates"]
        answers = known["answers"]
        if known["left"]:
            return Move("", "ask", {"question": self._question(candidates, answers)})
        scores = self.scores(shuffled(candidates, view.seed), answers)
        ranking = sorted(scores, key=lambda name: -scores[name])
        return Move("", "guess", {"ranking": ranking, "confidence": certainty(scores)})

    def scores(self, candidates: Sequence[str], answers: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """The log-likelihood ratio of each candidate, "was forgotten" over "was never met", in nats."""
        scores = dict.fromkeys(candidates, 0.0)
        about = {form.format(name): name for name in candidates for form in QUESTIONS}
        for answer in answers:
            if name := about.get(answer["asked"]):
                kind = heard(answer["told"])
                scores[name] += log(self.forgot[kind]) - log(self.never[kind])
        return scores

    def _question(self, candidates: Sequence[str], answers: Sequence[Mapping[str, Any]]) -> str:
        if self.strategy == "spread":  # all in turn, one form of the question after the other
            turn, number = divmod(len(answers), len(candidates))
            return QUESTIONS[turn % len(QUESTIONS)].format(str(candidates[number]))
        scores = self.scores(candidates, answers)
        times = {name: sum(form.format(name) == a["asked"] for a in answers for form in QUESTIONS) for name in scores}
        gains = {name: round(self.gain(name, scores), 9) for name in candidates}
        best = max(candidates, key=lambda name: (gains[name], -times[name]))
        asked = int(times[best])
        return QUESTIONS[asked % len(QUESTIONS)].format(best)

    def gain(self, name: str, scores: Mapping[str, float]) -> float:
        """The expected information, in nats, of one more question about `name` on which candidate was forgotten.

        Exactly one was; before any answer all are equally likely (Lindley 1956).
        """
        belief = posterior(scores)
        total = 0.0
        for kind in HEARD:
            ways = {other: belief[other] * (self.forgot if other == name else self.never)[kind] for other in belief}
            chance = sum(ways.values())
            total += sum(way * log(way / chance / belief[other]) for other, way in ways.items() if way > 0)
        return total


def posterior(scores: Mapping[str, float]) -> dict[str, float]:
    """How likely each candidate is the forgotten one, from its log-likelihood ratio; adds up to 1."""
    highest = max(scores.values())
    weights = {name: exp(score - highest) for name, score in scores.items()}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def certainty(scores: Mapping[str, float]) -> float:
    """How likely anything was forgotten, where it was with even odds: the mean ratio against 1."""
    highest = max(max(scores.values()), 0.0)
    mean = sum(exp(score - highest) for score in scores.values()) / len(scores)
    odds = log(mean) + highest if mean else -inf
    return 1 / (1 + exp(-odds)) if odds > -700 else 0.0


def frequencies(kinds: Sequence[str], smoothing: float = 0.5) -> dict[str, float]:
    """How often each kind of answer came, smoothed (Jeffreys' half for each), so that none is impossible."""
    total = len(kinds) + smoothing * len(HEARD)
    return {kind: (kinds.count(kind) + smoothing) / total for kind in HEARD}
