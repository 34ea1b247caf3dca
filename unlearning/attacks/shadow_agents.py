"""Shadow agents: an adversary that knows the method forgets invented items with it to learn how answers change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from agents.adversary.answer_evidence import collect_evidence
from agents.adversary.bayesian import frequencies
from agents.adversary.interrogator import build_question_move
from agents.adversary.question_strategies import (
    LONG,
    STRATEGIES,
    Name,
    Strategy,
    Topics,
    count_one_pass,
    pair_topics,
    slice_questions,
)
from agents.adversary.session_memory import Keeper, Traced
from agents.memory.memory import Memory
from agents.memory.subject import Subject
from arena.agent import Agent
from arena.engine.play import perform
from arena.episode import Match
from arena.game import Move, View
from unlearning.attacks.candidates import Suspect, retarget_request
from unlearning.memory.twin import twin
from unlearning.method import Method
from unlearning.request import Request

Table: TypeAlias = Mapping[str, Mapping[str, float]]  # by line, by kind of answer: how often it comes
ASKED = 2  # times each form is asked of a shadow


async def compute_shadow_odds(
    knower: Subject,
    method: Method,
    request: Request,
    invented: Sequence[Suspect],
    topics: Topics,
    strategy: Name,
    traced: bool,
) -> tuple[Table, Table]:
    """Distributions of answers about an item forgotten by `method`, and about one never seen.

    Each shadow has the same base agent, is taught an invented item as the real ones were, forgets it again, and is
    questioned about it and about another that it never saw, in the strategy's forms; so is its twin. So the
    adversary needs to know the method and the kind of lessons, not the agent's memory.
    """
    bare = replace(knower, memory=Memory(writers=knower.memory.writers), steering="", guards=())
    forgot: dict[str, list[str]] = {}
    never: dict[str, list[str]] = {}
    for number, suspect in enumerate(invented):
        other = invented[number - 1]
        taught = replace(bare, memory=bare.memory.with_events(suspect.lessons))
        asked = retarget_request(request, suspect)
        for agent, table in ((await method(taught, asked), forgot), (twin(taught, asked), never)):
            names = [suspect.name, other.name]
            sits = wrap_agent(agent, STRATEGIES[strategy], traced)
            answers = await ask_all_forms(sits, names, topics, strategy, traced, number)
            for name, line, kind in collect_evidence(strategy, names, answers, topics):
                (table if name == suspect.name else never).setdefault(line, []).append(kind)
    kinds = {line: sorted({*forgot.get(line, ()), *never.get(line, ())}) for line in sorted({*forgot, *never})}
    odds = [{line: frequencies(table.get(line, ()), also) for line, also in kinds.items()} for table in (forgot, never)]
    return odds[0], odds[1]


def wrap_agent(agent: Agent, strategy: Strategy, traced: bool) -> Agent:
    """The agent as a strategy sees it: it stores statements, if there are any; traced, it exposes its thoughts."""
    made: Agent = Keeper(agent) if strategy.tells and isinstance(agent, Subject) else agent
    return Traced(made) if traced else made


async def ask_all_forms(
    agent: Agent, names: Sequence[str], topics: Topics, strategy: Name, traced: bool, seed: int
) -> list[Mapping[str, Any]]:
    """Questions and answers of each form of a strategy about each of these names, asked twice."""
    known = STRATEGIES[strategy]
    plain = replace(known, adaptive=False)
    questions = ASKED * count_one_pass(plain, len(names))
    script = Script(plain, topics)
    return (await interrogate(agent, script, names, names[0], questions, seed, known.session, traced)).answers


@dataclass(frozen=True, slots=True)
class Held:
    """A finished interrogation: questions, statements and answers as rows; and where the adversary itself
    puts the secret, None without a guess, with how sure it is, 0 to 1."""

    answers: list[Mapping[str, Any]]
    guess: tuple[int | None, float]


async def interrogate(
    agent: Agent,
    adversary: Agent,
    names: Sequence[str],
    secret: str,
    questions: int,
    seed: int,
    session: str = "fresh",
    traced: bool = False,
    hidden: bool = False,
) -> Held:
    """An interrogation by an adversary, played."""
    game = {
        "name": "interrogation", "candidates": tuple(names), "secret": secret, "questions": questions,
        "session": session, "lineup": "hidden" if hidden else "shown", "shows": "traces" if traced else "answers",
    }  # fmt: skip
    state: Any = None

    def look(now: object) -> None:
        nonlocal state
        state = now

    facts: Any = (await perform(Match(game, {"adversary": adversary, "subject": agent}, seed), on_state=look)).facts
    sure = facts["confidence"]
    return Held(list(state.answers), (facts["rank"], 0.5 if sure is None else sure))


@dataclass(frozen=True, slots=True)
class Script:
    """Asks what a strategy would about some names, in order, and guesses nothing."""

    strategy: Strategy
    topics: Topics

    async def act(self, view: View) -> Move:
        known: Any = view.known
        if not known["left"]:
            return Move("", "guess", {"ranking": ["nothing"]})
        part, place = divmod(len(known["answers"]), LONG)
        return build_question_move(
            slice_questions(self.strategy, pair_topics(known["candidates"], self.topics), part)[place], known["answers"]
        )
