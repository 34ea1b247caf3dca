"""An adversary that reasons by Bayes: it knows how agents answer that forgot a thing, and those that never met it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import exp, inf, log
from typing import Any, Literal

from agents.answering import HEARD
from agents.interrogator import FORMS, Topics, shuffled, understood
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
    strategy: "spread" asks about all in turn; "adaptive" about the one whose answer is expected to tell most. topics:
    what to ask about a candidate where that is not its name, as the interrogator's.
    """

    forgot: Mapping[str, float]
    never: Mapping[str, float]
    strategy: Literal["spread", "adaptive"] = "spread"
    topics: Topics = field(default_factory=dict)

    async def act(self, view: View) -> Move:
        known = knowing(view, "interrogation", "candidates", "left", "answers")
        if known["left"]:
            return Move("", "ask", {"question": self._question(known["candidates"], known["answers"])})
        ranking, sure = self.verdict(known["candidates"], known["answers"], view.seed)
        return Move("", "guess", {"ranking": ranking, "confidence": sure})

    def verdict(
        self, candidates: Sequence[str], answers: Sequence[Mapping[str, Any]], seed: int
    ) -> tuple[list[str], float]:
        """The candidates, the likeliest forgotten first, and how likely it is that anything was forgotten."""
        scores = self.scores(shuffled(candidates, seed), answers)
        return sorted(scores, key=lambda name: -scores[name]), certainty(scores)

    def scores(self, candidates: Sequence[str], answers: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """The log-likelihood ratio of each candidate, "was forgotten" over "was never met", in nats.

        A question about something that several candidates have counts for each of them.
        """
        scores = dict.fromkeys(candidates, 0.0)
        about: dict[str, list[str]] = {}
        for name in candidates:
            for question in phrased(tuple(self.topics.get(name, (name,)))):
                about.setdefault(question, []).append(name)
        for answer in answers:
            for name in about.get(answer["asked"], ()):
                kind = understood(answer, name, self.topics)
                scores[name] += log(self.forgot[kind]) - log(self.never[kind])
        return scores

    def _question(self, candidates: Sequence[str], answers: Sequence[Mapping[str, Any]]) -> str:
        if self.strategy == "spread":  # all in turn, one form of the question after the other
            turn, number = divmod(len(answers), len(candidates))
            return self._form(candidates[number], turn)
        belief = posterior(self.scores(candidates, answers))
        counts = Counter(answer["asked"] for answer in answers)
        own = {name: phrased(tuple(self.topics.get(name, (name,)))) for name in candidates}
        times = {name: sum(counts[question] for question in own[name]) for name in candidates}
        best = max(candidates, key=lambda name: (round(self.gain(belief[name]), 9), -times[name]))
        return self._form(best, times[best])

    def _form(self, name: str, turn: int) -> str:
        """The question number `turn` about a candidate: the topics take turns, and so do the forms."""
        topics = list(self.topics.get(name, (name,)))
        return QUESTIONS[turn // len(topics) % len(QUESTIONS)].format(topics[turn % len(topics)])

    def gain(self, belief: float) -> float:
        """The expected information, in nats, of one more question about a candidate that is the forgotten one with
        probability `belief`, on which of all candidates it is; exactly one was forgotten (Lindley 1956)."""
        total = 0.0
        for kind in HEARD:
            forgot, never = self.forgot[kind], self.never[kind]
            chance = belief * forgot + (1 - belief) * never
            total += belief * forgot * log(forgot / chance) if belief and forgot else 0.0
            total += (1 - belief) * never * log(never / chance) if belief < 1 and never else 0.0
        return total


@lru_cache(maxsize=4096)
def phrased(topics: tuple[str, ...]) -> tuple[str, ...]:
    """All questions there are about these things."""
    return tuple(form.format(topic) for form in QUESTIONS for topic in topics)


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
