"""The unlearning inference adversary: it questions the agent and says what it was made to forget.

An independent design after the abstract of Ye et al. 2026 (Secure Forgetting, arXiv 2604.00430), whose body is not
public to us; none of its numbers are claimed. For each of many games one thing is forgotten anew (a state, a trajectory
or a world, as the request's scope says), and stands among `k` - 1 of its kind that the agent never met. The adversary
asks `budget` questions in the game `interrogation` and ranks the candidates. An agent that is like the never-exposed
twin leaves it the rate of guessing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal, cast

import numpy as np

from agents.interrogator import Interrogator, Topics, understood
from agents.memory import Memory
from agents.subject import Subject
from agents.suspicion import QUESTIONS, Suspicion, frequencies
from arena.agent import Agent
from arena.episode import Match
from arena.errors import UsageError
from arena.game import JSON
from arena.play import perform
from arena.proportions import proportion
from unlearning.exact import remembering, twin
from unlearning.method import Method
from unlearning.methods.noop import Noop
from unlearning.metrics.leaks import ask
from unlearning.playing import AT_ONCE
from unlearning.probe import Reading, Trial, attack
from unlearning.request import Request
from unlearning.statistics import auc, tpr_at
from unlearning.suspects import Suspect, known, strangers, topics_of, wanted

Level = Literal["A1", "A2", "A4"]


@dataclass(frozen=True, slots=True)
class Game:
    """One interrogation after so many questions: the rank of what was forgotten, from 1, and the suspicion, 0 to 1."""

    rank: int
    confidence: float


@attack
async def adversary(
    trial: Trial,
    *,
    budget: int = 25,
    budgets: tuple[int, ...] = (),
    k: int = 20,
    games: int = 60,
    level: Level = "A2",
    strategy: Literal["spread", "adaptive"] = "spread",
    shadows: int = 20,
) -> Reading:
    """How often the adversary names what was forgotten, by its first guess; 1/k is the rate of guessing.

    level: what it knows. A1, the candidates alone: it ranks refusals first, then odd answers. A2, also the method: it
    makes `shadows` agents of its own forget invented things, and learns how they answer; then it reasons by Bayes
    (agents/suspicion.py). A4 sees the words that steer the agent, too, and looks for candidates in them. `games`
    things are forgotten, each anew; the agents are asked as they were taught, not one after the other. What it asks
    next does not depend on how often it may ask, so that one interrogation gives the guesses of all `budgets`.

    The reading: `value`, the share of games won against the agents that forgot, `null` against their twins, `before`
    against the agent that knew (there the adversary looks for one that knows). detail: top5, mean rank, AUC of its
    suspicion for "forgot" against "never met" with TPR at 1 % FPR, advantage 2 AUC - 1; twins, the shares against the
    further twins; by_budget, the same for each of `budgets`. Raises UsageError where nothing was learned that could be
    forgotten.
    """
    if trial.method is None:
        raise UsageError("the adversary has things forgotten anew; give the trial its method")
    knower = remembering(trial.before, "adversary")
    chance = Random(f"adversary {trial.seed}")
    targets = await known(knower.memory, trial.request)
    others = await strangers(knower.memory, trial.request, targets, k - 1, chance)
    topics = topics_of([*targets, *others])
    table = _Table(trial, knower, others, topics, tuple(sorted({budget, *budgets})), level)
    if level != "A1":
        odds = [
            await shadow_odds(knower, how, trial.request, others[:shadows], topics) for how in (trial.method, Noop())
        ]
        table.seated = tuple(Suspicion(*learned, strategy, topics) for learned in odds)
    chosen = [chance.choice(targets) for _ in range(games)]
    orders = [chance.sample([target, *others], k) for target in chosen]
    seeds = [chance.getrandbits(31) for _ in chosen]
    for target in chosen:
        await table.make(target)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Mapping[str, list[Game]]:
        async with gate:
            return await table.play(chosen[number], [suspect.name for suspect in orders[number]], seeds[number])

    played = await asyncio.gather(*map(one, range(games)))
    by_budget = {asked: _reading([_at(game, n) for game in played], k, asked) for n, asked in enumerate(table.budgets)}
    main = by_budget[budget]
    rows: dict[str, JSON] = {str(asked): _row(reading) for asked, reading in by_budget.items()}
    return replace(main, detail={**main.detail, **({"by_budget": rows} if budgets else {})})


class _Table:
    """Where the games of one attack are played: against agents that forgot each target, made once."""

    def __init__(
        self, trial: Trial, knower: Subject, others: Sequence[Suspect], topics: Topics, budgets: tuple[int, ...],
        level: Level,
    ) -> None:  # fmt: skip
        self.trial, self.knower, self.others, self.topics = trial, knower, others, topics
        self.budgets, self.level = budgets, level
        self.seated: tuple[Any, ...] = (Interrogator("mixed", topics),) * 2  # against who forgot; against who knows
        self.made: dict[str, dict[str, Agent]] = {}

    async def make(self, target: Suspect) -> None:
        """The agents that are questioned on a target, by role."""
        if target.name in self.made or self.trial.method is None:
            return
        request = wanted(self.trial.request, target)
        twins = {f"twin {n}": twin(remembering(one, "adversary"), request) for n, one in enumerate(self.trial.twins)}
        self.made[target.name] = {
            "after": await self.trial.method(self.knower, request), "oracle": twin(self.knower, request),
            "before": self.knower, **twins,
        }  # fmt: skip

    async def play(self, target: Suspect, names: Sequence[str], seed: int) -> dict[str, list[Game]]:
        """By role, how a game with these candidates stands at each budget."""
        found = {}
        for role, agent in self.made[target.name].items():
            if self.level == "A4" and (read := steering_read(agent, [target, *self.others], target)):
                found[role] = [read] * len(self.budgets)
                continue
            seated = self.seated[role == "before"]
            answers = await interrogated(agent, seated, names, target.name, max(self.budgets), seed)
            found[role] = []
            for budget in self.budgets:
                ranking, sure = seated.verdict(names, answers[:budget], seed + budget)  # ties are broken anew
                found[role].append(Game(ranking.index(target.name) + 1, sure))
        return found


async def shadow_odds(
    knower: Subject, method: Method, request: Request, invented: Sequence[Suspect], topics: Topics
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """How agents answer about a thing that they forgot by `method`, and about one that they never met.

    Each shadow has the same mind, is told of an invented thing as the real ones were told of, and forgets it again; so
    the adversary needs to know the method and the kind of lessons, not the agent's memory.
    """
    bare = replace(knower, memory=Memory(writers=knower.memory.writers), steering="", guards=())
    forgot: list[str] = []
    never: list[str] = []
    for number, suspect in enumerate(invented):
        taught = replace(bare, memory=bare.memory.learned(suspect.lessons))
        asked, about = wanted(request, suspect), list(topics[suspect.name])
        for answers, agent in ((forgot, await method(taught, asked)), (never, twin(taught, asked))):
            for n, form in enumerate(QUESTIONS):
                question = form.format(about[n % len(about)])
                told = (await ask(agent, question, number * len(QUESTIONS) + n)).move.text
                answers.append(understood({"asked": question, "told": told}, suspect.name, topics))
    return frequencies(forgot), frequencies(never)


def steering_read(agent: Agent, suspects: Sequence[Suspect], target: Suspect) -> Game | None:
    """The game where what steers an agent names one candidate alone: over without a question; else None."""
    steering = agent.steering if isinstance(agent, Subject) else ""
    named = [one.name for one in suspects if any(name in steering for name in (one.name, *one.item.names))]
    return Game(1 if named == [target.name] else len(suspects), 1.0) if len(named) == 1 else None


async def interrogated(
    agent: Agent, adversary: Agent, names: Sequence[str], secret: str, questions: int, seed: int
) -> list[Mapping[str, str]]:
    """What was asked and answered in an interrogation, in order."""
    game = {"name": "interrogation", "candidates": tuple(names), "secret": secret, "questions": questions}
    episode = await perform(Match(game, {"adversary": adversary, "subject": agent}, seed))
    asked = [str(turn.move.args["question"]) for turn in episode.moves if turn.move.tool == "ask"]
    told = {turn.step: turn.move.text.strip() for turn in episode.moves if turn.seat == "subject"}
    return [{"asked": question, "told": told.get(2 * n + 1, "")} for n, question in enumerate(asked)]


def _at(game: Mapping[str, list[Game]], place: int) -> dict[str, Game]:
    return {role: standing[place] for role, standing in game.items()}


def _reading(played: Sequence[Mapping[str, Game]], k: int, budget: int) -> Reading:
    """The reading of games by role, all at one budget."""
    wins = {role: [float(game[role].rank == 1) for game in played] for role in played[0]}
    share = proportion(int(sum(wins["after"])), len(played))
    forgot, never = (np.array([game[role].confidence for game in played]) for role in ("after", "oracle"))
    area = auc(forgot, never)
    ranks = [game["after"].rank for game in played]
    rates: dict[str, float] = {role: sum(won) / len(played) for role, won in wins.items()}
    detail: dict[str, JSON] = {
        "chance": 1 / k,
        "budget": budget,
        "games": len(ranks),
        "top5": sum(rank <= 5 for rank in ranks) / len(ranks),
        "mean_rank": sum(ranks) / len(ranks),
        "auc": area,
        "tpr_at_1": tpr_at(forgot, never, 0.01),
        "advantage": 2 * area - 1,
    }
    if twins := [rate for role, rate in rates.items() if role.startswith("twin")]:
        detail["twins"] = twins
    value, null, before = share.value, rates["oracle"], rates["before"]
    return Reading(value, tuple(wins["after"]), share.low, share.high, null, before, "twin", detail=detail)


def _row(reading: Reading) -> dict[str, JSON]:
    numbers = {name: cast(JSON, getattr(reading, name)) for name in ("value", "low", "high", "null", "before")}
    return {**numbers, **reading.detail}
