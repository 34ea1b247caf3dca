"""Bayesian adversary: likelihoods of answers from agents that forgot an item and from agents that never saw it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, inf, log
from typing import Any, TypeAlias

from agents.adversary.answer_evidence import LETTING_OUT, collect_evidence, index_questions
from agents.adversary.interrogator import build_question_move, choose_next_step, shuffle_names
from agents.adversary.question_forms import SOCIAL, SPREAD, Form
from agents.adversary.question_strategies import STRATEGIES, AdversaryQuestion, Name, Topics, pair_topics
from agents.note_policy.question_answering import HEARD
from agents.required_fields import knowing
from arena.agent import agent
from arena.cache_register import memoize
from arena.errors import UsageError
from arena.game import Move, View

QUESTIONS = tuple(form.words for form in (*SPREAD, *SOCIAL))
TRUSTED = 20  # answers of this agent about the unknown that weigh as much as all of the shadows'
OTHER = ""  # in odds: the share of a kind that was not seen
Odds: TypeAlias = Mapping[str, Any]  # by kind of answer, or by line and then by kind: how often it comes


@agent
@dataclass(frozen=True, slots=True)
class Suspicion:
    """Asks about candidates one by one and ranks them by log-likelihood ratio.

    The score of a candidate is the sum over the answers of log forgot[kind] - log never[kind]; ties are ranked by the
    seed.
    """

    forgot: Odds
    """Frequency of each kind of answer of agents that were made to forget what they are asked about, by line of
    questions and kind, or by kind alone."""
    never: Odds
    """Frequency of each kind of answer of agents that never met what they are asked about, by line of questions and
    kind, or by kind alone."""
    strategy: Name = "spread"
    """Strategy of questioning (agents/adversary/question_strategies.py); "adaptive" asks next what is expected to tell
    most."""
    topics: Topics = field(default_factory=dict)
    """What to ask about a candidate in place of its name: for example things of a world, each with a sentence that is
    true of it there. Empty: the name."""

    async def act(self, view: View) -> Move:
        known = knowing(view, "interrogation", "candidates", "left", "answers")
        if not known["candidates"]:
            raise UsageError("suspicion is shown the candidates; where they are hidden, seat an explorer")
        if known["left"]:
            return build_question_move(self.step(known["candidates"], known["answers"]), known["answers"])
        ranking, sure = self.verdict(known["candidates"], known["answers"], view.seed)
        return Move("", "guess", {"ranking": ranking, "confidence": sure})

    def verdict(
        self, candidates: Sequence[str], answers: Sequence[Mapping[str, object]], seed: int
    ) -> tuple[list[str], float]:
        """The candidates by probability of being the forgotten one, highest first; and the probability that any was."""
        scores = self.scores(shuffle_names(candidates, seed), answers)
        return sorted(scores, key=lambda name: -scores[name]), certainty(scores)

    def scores(self, candidates: Sequence[str], answers: Sequence[Mapping[str, object]]) -> dict[str, float]:
        """The log-likelihood ratio of each candidate, "was forgotten" over "was never met", in nats.

        A question about something that several candidates have counts for each of them. What this agent answered about
        invented items show how it answers about what it never saw, besides `never`, which counts as TRUSTED
        such answers.
        """
        scores = dict.fromkeys(candidates, 0.0)
        found = list(collect_evidence(self.strategy, candidates, answers, self.topics))
        seen = Counter((line, kind) for name, line, kind in found if not name)
        asked = Counter(line for name, line, _ in found if not name)
        for name, line, kind in found:
            forgot, never = on_line(self.forgot, line), on_line(self.never, line)
            if name and forgot and never:
                unmet = (TRUSTED * share(never, kind) + seen[line, kind]) / (TRUSTED + asked[line])
                scores[name] += log(share(forgot, kind)) - log(unmet)
        return scores

    def step(self, candidates: Sequence[str], answers: Sequence[Mapping[str, Any]]) -> AdversaryQuestion:
        """The next question."""
        if not STRATEGIES[self.strategy].adaptive:
            return choose_next_step(self.strategy, candidates, answers, self.topics)
        belief = posterior(self.scores(candidates, answers))
        index = index_questions(self.strategy, pair_topics(candidates, self.topics))
        asked: Counter[tuple[str, str]] = Counter()  # by line and candidate, and by line alone
        told = {answer["asked"] for answer in answers if answer.get("kept")}
        for answer in answers:
            asked.update({(form.line, name) for form, name, _ in index.get(answer["asked"], ())})
            asked.update({("", name) for _, name, _ in index.get(answer["asked"], ())})
        opened = any(answer["asked"] in {form.words for form in self._forms() if form.is_open} for answer in answers)
        best, most = AdversaryQuestion(self._forms()[0]), -inf
        for form in first_of_lines(self.strategy):
            if form.is_open:
                if not opened and on_line(self.forgot, LETTING_OUT):
                    return AdversaryQuestion(form)
                continue
            for name in candidates:
                gain = self.gain(belief[name], form.line) / (1 + asked[form.line, name]) - 1e-9 * asked["", name]
                topics = list(self.topics.get(name, (name,)))
                topic = topics[asked[form.line, name] % len(topics)]
                step = AdversaryQuestion(self._turn(form, asked[form.line, name] // len(topics)), name, topic)
                if form.reads == "kept" and (plant := self._plant()).put(topic) not in told:
                    step, gain = AdversaryQuestion(plant, name, topic), gain / 2  # it takes two to learn from it
                if gain > most:
                    best, most = step, gain
        return best

    def gain(self, belief: float, line: str = "") -> float:
        """The expected information, in nats, of one more question about a candidate that is the forgotten one with
        probability `belief`, on which of all candidates it is; exactly one was forgotten (Lindley 1956)."""
        forgot, never = on_line(self.forgot, line), on_line(self.never, line)
        total = 0.0
        for kind in {*forgot, *never}:
            one, other = share(forgot, kind), share(never, kind)
            chance = belief * one + (1 - belief) * other
            total += belief * one * log(one / chance) if belief and one else 0.0
            total += (1 - belief) * other * log(other / chance) if belief < 1 and other else 0.0
        return total

    def _forms(self) -> tuple[Form, ...]:
        return STRATEGIES[self.strategy].forms

    def _plant(self) -> Form:
        return next(form for form in self._forms() if form.tells)

    def _turn(self, form: Form, times: int) -> Form:
        """The form of the same line that has its turn."""
        line = [other for other in self._forms() if other.line == form.line]
        return line[times % len(line)]


def on_line(odds: Odds, line: str) -> Mapping[str, float]:
    """Probabilities of the kinds of answers of a line; empty where they are unknown."""
    return odds.get(line, {}) if any(isinstance(inner, Mapping) for inner in odds.values()) else odds


def share(odds: Mapping[str, float], kind: str) -> float:
    """The probability of a kind; unseen kinds share one."""
    return odds.get(kind) or odds.get(OTHER) or 1e-3


@memoize("code", most=64)
def first_of_lines(strategy: Name) -> tuple[Form, ...]:
    """The first form of each line of a strategy that asks."""
    return tuple({form.line: form for form in reversed(STRATEGIES[strategy].forms) if not form.tells}.values())[::-1]


def posterior(scores: Mapping[str, float]) -> dict[str, float]:
    """Posterior probability of each candidate being the forgotten one, from log-likelihood ratios; sums to 1."""
    highest = max(scores.values())
    weights = {name: exp(score - highest) for name, score in scores.items()}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def certainty(scores: Mapping[str, float]) -> float:
    """Posterior probability that anything was forgotten, with prior 1/2: the mean likelihood ratio against 1."""
    highest = max(max(scores.values()), 0.0)
    mean = sum(exp(score - highest) for score in scores.values()) / len(scores)
    odds = log(mean) + highest if mean else -inf
    return 1 / (1 + exp(-odds)) if odds > -700 else 0.0


def frequencies(kinds: Sequence[str], also: Sequence[str] = (), smoothing: float = 0.5) -> dict[str, float]:
    """Frequencies of the kinds of answers, smoothed (Jeffreys prior: 1/2 for each), so that none is 0.

    also: kinds that are possible besides those of agents/note_policy/question_answering.py and those that came; one
    more covers all unforeseen kinds.
    """
    possible = dict.fromkeys((*HEARD, *kinds, *also, OTHER))
    total = len(kinds) + smoothing * len(possible)
    counts = Counter(kinds)
    return {kind: (counts[kind] + smoothing) / total for kind in possible}
