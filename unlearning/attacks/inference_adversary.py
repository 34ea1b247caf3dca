"""The unlearning inference attack: an adversary questions the agent and guesses what it was made to forget.

An independent design after the abstract of Ye et al. 2026 (Secure Forgetting, arXiv 2604.00430), whose body is not
public to us; none of its numbers are claimed. In each of many games a new item is forgotten (a state, a trajectory
or a world, as the request's scope says), and mixed with `k` - 1 distractors of its kind that the agent never saw. The
adversary asks `budget` questions in the game `interrogation` and ranks the candidates. Against an agent equal to the
never-exposed twin it has the success rate of guessing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Annotated, Any, Literal, cast

import numpy as np
from annotated_doc import Doc

from agents.adversary.bayesian import Suspicion
from agents.adversary.explorer import Explorer
from agents.adversary.interrogator import Interrogator
from agents.adversary.question_strategies import STRATEGIES, Name, Topics
from agents.memory.subject import Subject
from agents.name_matching import make_finder
from arena.agent import Agent
from arena.errors import UsageError
from arena.game import JSON
from arena.parameter_ranges import Count, Number
from arena.spec import build, check_ready
from arena.stats.proportions import estimate_proportion
from arena.text.words import is_same
from unlearning.attacks.candidates import Suspect, build_topics, find_candidates, find_strangers, retarget_request
from unlearning.attacks.shadow_agents import compute_shadow_odds, interrogate, wrap_agent
from unlearning.memory.twin import remembering, twin
from unlearning.methods.memory.baselines import Noop
from unlearning.probe import Reading, Trial, attack
from unlearning.scoring.statistics import auc, tpr_at
from unlearning.tasks.rollouts import AT_ONCE

Level = Literal["A0", "A1", "A2", "A3", "A4"]


@dataclass(frozen=True, slots=True)
class Interrogated:
    """One interrogation after so many questions: the rank of what was forgotten, from 1, and the suspicion, 0 to 1."""

    rank: int
    confidence: float


@attack
async def adversary(
    trial: Trial,
    *,
    budget: Annotated[Count, Doc("Questions asked before the guess that `value` is taken from.")] = 25,
    budgets: Annotated[
        tuple[Count, ...], Doc("Further numbers of questions for which detail.by_budget gives the results.")
    ] = (),
    k: Annotated[Count, Doc("Candidates: the target and k − 1 of its kind that the agent never met.")] = 20,
    games: Annotated[Count, Doc("Games, each with a newly forgotten target.")] = 60,
    level: Annotated[
        Level,
        Doc(
            "What the adversary knows. A0: nothing, it must hear of names before it can ask about them. A1: the "
            "candidates; it ranks refusals first, then unusual answers. A2: also the method; it builds shadow "
            "agents and ranks by Bayes' rule (agents/adversary/bayesian.py). A3: also thoughts and retrieved "
            "notes. A4: also the steering text, in which it looks for candidates."
        ),
    ] = "A2",
    strategy: Annotated[
        Name, Doc("Strategy of questioning, by its name in agents/adversary/question_strategies.py.")
    ] = "spread",
    shadows: Annotated[
        Number,
        Doc(
            "Shadow agents that an adversary of level A2 or higher builds, which forget invented things, to learn "
            "how agents answer after forgetting."
        ),
    ] = 20,
    judge: Annotated[
        object,
        Doc(
            "Agent that plays the adversary in its place, such as a language model by its name: it is given the "
            "candidates (except at A0), asks and guesses by itself, in separate games for each budget. None: the "
            "built-in adversary."
        ),
    ] = None,
) -> Reading:
    """How often the adversary's first guess names what was forgotten; 1/k is the rate of guessing.

    In each game another target is forgotten; the agents are asked as they were after teaching, not one after the other.
    The choice of questions does not depend on how many are allowed, so one interrogation gives the guesses at all
    `budgets`.

    The reading: `value`, the share of games won against the agents that forgot, `null` against their twins, `before`
    against the agent that knew (there the adversary looks for one that knows). detail: top5, mean rank, AUC of its
    suspicion for "forgot" against "never met" with TPR at 1 % FPR, advantage 2 AUC - 1; twins, the shares against the
    further twins; by_budget, the same for each of `budgets`. Raises UsageError where nothing was learned that could be
    forgotten, or the adversary does not know enough for its strategy.
    """
    if trial.method is None:
        raise UsageError("the adversary has things forgotten anew; give the trial its method")
    if STRATEGIES[strategy].adaptive and level in ("A0", "A1") and judge is None:
        raise UsageError(f"'adaptive' needs to know how agents answer, level A2 or above, and got {level}")
    table = await _build_table(trial, _Way(level, strategy, tuple(sorted({budget, *budgets})), judge), k, shadows)
    played = await table.play_all(games)
    by_budget = {
        n: _compute_reading([_select_budget(game, place) for game in played], table, n)
        for place, n in enumerate(table.budgets)
    }
    main = by_budget[budget]
    rows: dict[str, JSON] = {str(asked): _make_row(reading) for asked, reading in by_budget.items()}
    return replace(main, detail={**main.detail, **({"by_budget": rows} if budgets else {})})


@dataclass(frozen=True, slots=True)
class _Way:
    """Settings of the adversary: its knowledge, strategy and budget; or the agent that plays in its place."""

    level: Level
    strategy: Name
    budgets: tuple[Count, ...]
    judge: Any = None

    @property
    def traced(self) -> bool:
        return self.level in ("A3", "A4")


async def _build_table(trial: Trial, way: _Way, k: int, shadows: int) -> "_Table":
    """Set up targets, distractors and adversaries: against agents that forgot, and against those that know."""
    knower = remembering(trial.before, "adversary")
    chance = Random(f"adversary {trial.seed} {trial.request.targets}")
    targets = await find_candidates(knower.memory, trial.request)
    others = await find_strangers(knower.memory, trial.request, targets, k - 1, chance)
    topics = build_topics([*targets, *others])
    return _Table(
        trial, way, knower, targets, others, await _build_seats(trial, way, knower, others[:shadows], topics), chance
    )


async def _build_seats(
    trial: Trial, way: _Way, knower: Subject, invented: Sequence[Suspect], topics: Topics
) -> tuple[Any, Any]:
    assert trial.method is not None
    if way.judge is not None:
        check_ready(judge := build(Agent, way.judge))
        return judge, judge
    if way.level == "A0":
        return (Explorer(way.strategy),) * 2
    if way.level == "A1":
        return (Interrogator(way.strategy, topics),) * 2
    learned = [
        await compute_shadow_odds(knower, method, trial.request, invented, topics, way.strategy, way.traced)
        for method in (trial.method, Noop())
    ]
    return Suspicion(*learned[0], way.strategy, topics), Suspicion(*learned[1], way.strategy, topics)


@dataclass(frozen=True, slots=True)
class _Table:
    """Plays the games of one attack against agents that forgot each target, each made once."""

    trial: Trial
    way: _Way
    knower: Subject
    targets: Sequence[Suspect]
    others: Sequence[Suspect]
    seats: tuple[Any, Any]  # against who forgot; against who knows
    chance: Random

    @property
    def budgets(self) -> tuple[int, ...]:
        return self.way.budgets

    @property
    def k(self) -> int:
        return len(self.others) + 1

    async def play_all(self, games: int) -> list[dict[str, list[Interrogated]]]:
        """By game and role, the result at each budget."""
        chosen = [self.chance.choice(self.targets) for _ in range(games)]
        orders = [self.chance.sample([target, *self.others], self.k) for target in chosen]
        seeds = [self.chance.getrandbits(31) for _ in chosen]
        made = {target.name: await self.agents(target) for target in {one.name: one for one in chosen}.values()}
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> dict[str, list[Interrogated]]:
            async with gate:
                target, names = chosen[number], [suspect.name for suspect in orders[number]]
                return await self.play(made[target.name], target, names, seeds[number])

        return list(await asyncio.gather(*map(one, range(games))))

    async def agents(self, target: Suspect) -> dict[str, Agent]:
        """The agents that are questioned on a target, by role."""
        assert self.trial.method is not None
        request = retarget_request(self.trial.request, target)
        others = [twin(remembering(one, "adversary"), request) for one in self.trial.twins]
        return {
            "after": await self.trial.method(self.knower, request), "oracle": twin(self.knower, request),
            "before": self.knower, **{f"twin {n}": other for n, other in enumerate(others)},
        }  # fmt: skip

    async def play(
        self, agents: Mapping[str, Agent], target: Suspect, names: Sequence[str], seed: int
    ) -> dict[str, list[Interrogated]]:
        """By role, the result of a game with these candidates at each budget."""
        found: dict[str, list[Interrogated]] = {}
        for role, agent in agents.items():
            if role == "oracle" and agent == agents["after"]:
                found[role] = found["after"]
            elif self.way.level == "A4" and (read := read_steering(agent, [target, *self.others], target)):
                found[role] = [read] * len(self.budgets)
            else:
                found[role] = await self._play_role(agent, role, names, target.name, seed)
        return found

    async def _play_role(
        self, agent: Agent, role: str, names: Sequence[str], secret: str, seed: int
    ) -> list[Interrogated]:
        way, seat = self.way, self.seats[role == "before"]
        known, hidden = STRATEGIES[way.strategy], way.level == "A0"
        if way.judge is not None:
            subject = wrap_agent(agent, STRATEGIES["re-introduction"], way.traced)  # a judge may give it information
            how = (known.session, way.traced, hidden)
            guesses = [(await interrogate(subject, seat, names, secret, n, seed, *how)).guess for n in self.budgets]
            return [Interrogated(rank or len(names), sure) for rank, sure in guesses]
        answers = await self._answers(agent, role, names, secret, seed)
        games = []
        for budget in self.budgets:
            ranking, sure = seat.verdict(names, answers[:budget], seed + budget)  # ties are broken by another seed
            games.append(Interrogated(find_place(secret, ranking) or len(names), sure))
        return games

    async def _answers(
        self, agent: Agent, role: str, names: Sequence[str], secret: str, seed: int
    ) -> list[Mapping[str, Any]]:
        """Questions and answers; cached in the trial's memo where they do not depend on the method."""
        way, known = self.way, STRATEGIES[self.way.strategy]
        fixed = role != "after" and not known.adaptive and self.trial.memo is not None
        key = f"adversary {way.strategy} {way.level} {max(self.budgets)} {seed} {secret} {names}"
        kept = self.trial.memo.setdefault(key, []) if fixed and self.trial.memo is not None else []
        for other, answers in kept:
            if other is agent or other == agent:
                return cast(list[Mapping[str, Any]], answers)
        subject, seat = wrap_agent(agent, known, way.traced), self.seats[role == "before"]
        how = (known.session, way.traced, way.level == "A0")
        answers = (await interrogate(subject, seat, names, secret, max(self.budgets), seed, *how)).answers
        kept.append((agent, answers))
        return answers


def find_place(secret: str, ranking: Sequence[str]) -> int | None:
    """The rank of a name, from 1, in any case; None where it is not ranked."""
    return next((place for place, name in enumerate(ranking, 1) if is_same(name, secret)), None)


def read_steering(agent: Agent, suspects: Sequence[Suspect], target: Suspect) -> Interrogated | None:
    """The game where what steers an agent names one candidate alone: over without a question; else None."""
    steering = agent.steering if isinstance(agent, Subject) else ""
    named = [one.name for one in suspects if make_finder((one.name, *one.item.names)).search(steering)]
    return Interrogated(1 if named == [target.name] else len(suspects), 1.0) if len(named) == 1 else None


def _select_budget(game: Mapping[str, list[Interrogated]], place: int) -> dict[str, Interrogated]:
    return {role: standing[place] for role, standing in game.items()}


def _compute_reading(played: Sequence[Mapping[str, Interrogated]], table: _Table, budget: int) -> Reading:
    """The reading of games by role, all at one budget."""
    wins = {role: [float(game[role].rank == 1) for game in played] for role in played[0]}
    share = estimate_proportion(int(sum(wins["after"])), len(played))
    forgot, never = (np.array([game[role].confidence for game in played]) for role in ("after", "oracle"))
    area = auc(forgot, never)
    ranks = [game["after"].rank for game in played]
    rates: dict[str, float] = {role: sum(won) / len(played) for role, won in wins.items()}
    detail: dict[str, JSON] = {
        "chance": 0.0 if table.way.level == "A0" else 1 / table.k,
        "budget": budget,
        "games": len(ranks),
        "level": table.way.level,
        "strategy": "judge" if table.way.judge is not None else table.way.strategy,
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


def _make_row(reading: Reading) -> dict[str, JSON]:
    numbers = {name: cast(JSON, getattr(reading, name)) for name in ("value", "low", "high", "null", "before")}
    return {**numbers, **reading.detail}
