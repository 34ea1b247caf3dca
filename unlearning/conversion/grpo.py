"""Stage B: reinforcement learning of the conversion model on what its edits do to scripted agents in the grid.

Group-relative policy optimisation (GRPO: Shao et al. 2024, arXiv 2402.03300): eight answers are sampled for each
request, each is carried out, and an answer is made likelier by how much better than its group it did, less the
divergence from the model of stage A.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import torch
from torch import Tensor

from agents.inference.torch_threads import one_thread
from agents.memory.subject import Subject
from agents.name_matching import make_finder
from agents.note_policy.question_answering import classify_answer
from arena.errors import ArenaError, UsageError
from arena.text.words import split_pieces
from unlearning.conversion.conversion import KINDS, LONGEST, Conversion, ConversionInput
from unlearning.conversion.data import Instance, Pair, draw_taught_pairs
from unlearning.conversion.edits import apply_conversion
from unlearning.conversion.exam import DIRECT, ask_subject, examine_subject, format_question
from unlearning.conversion.features import build_nodes, collate_nodes
from unlearning.conversion.model import (
    Choices,
    ConversionNetwork,
    choose_classes,
    decode_classes,
    mask_edits,
    mask_kinds,
    mask_roles,
    mask_steering,
    select_forgotten,
)
from unlearning.memory.twin import twin
from unlearning.probe import Task
from unlearning.request import Request
from unlearning.tasks.curriculum import EXAM, candidates, is_about, name_of, task_of

SEARCHED = 40  # seeds looked at for tasks about a target
CANDIDATES = 20  # among which the adversary guesses
SCORES = {"told": 0, "silent": 1, "ignorant": 1, "refused": 2, "order": 2}


@dataclass(frozen=True, slots=True)
class Worth:
    """The weights of the reward: what is forgotten, what is kept, and the price of words, names, refusals, guesses."""

    forget: float = 1.0
    retain: float = 1.0
    length: float = 0.1
    leak: float = 0.5
    form: float = 0.5
    adversary: float = 0.5


@dataclass(frozen=True, slots=True)
class Rounds:
    """Size of stage B: steps of `requests` requests with `group` answers each. beta weighs the divergence."""

    steps: int = 50
    requests: int = 4
    group: int = 8
    beta: float = 0.04
    rate: float = 2e-4
    seed: int = 0


@dataclass(frozen=True)
class Grid:
    """Requests in the grid with the tasks that measure them; rewards are cached, since answers recur."""

    pairs: tuple[Pair, ...]
    tasks: tuple[Mapping[str, Sequence[Task]], ...]
    worth: Worth = Worth()
    known: dict[tuple[object, ...], float] = field(default_factory=dict, repr=False)

    async def reward(self, number: int, made: Conversion) -> float:
        """The reward of an answer to request `number`."""
        key = (number, made.kind, made.names, made.retain, made.steering, *sorted(made.edits.items()))
        if key not in self.known:
            self.known[key] = await compute_reward(self.pairs[number], made, self.tasks[number], self.worth)
        return self.known[key]


def make_grid(found: Sequence[Instance], count: int, seed: int) -> Grid:
    """Requests sampled from instances that were taught in the grid only."""
    grids = [one for one in found if {e.environment for e in one.subject.memory.log} == {"gridworld"}]
    if not grids:
        raise UsageError("stage B needs an instance that was taught in gridworld; make six instances or more")
    drawn = draw_taught_pairs(grids, 2 * count, seed)
    pairs = tuple([pair for pair in drawn if not pair.asked.card.own][:count])  # their base agents are scripted
    return Grid(pairs, tuple(find_tasks(pair) for pair in pairs))


def find_tasks(pair: Pair, count: int = 1) -> Mapping[str, Sequence[Task]]:
    """Tasks about the target and about the rest, `count` each, where the first of the course's fresh ones have any."""
    request, course = pair.request, pair.instance.course
    if request is None:
        return {}
    if request.scope == "trajectory":
        return course.exam(request, count)
    found: dict[str, list[Task]] = {"forget": [], "retain": []}
    places = [(spec, name_of(spec)) for spec in course.environments]
    for number in range(SEARCHED):
        for spec, place in places:
            task = task_of(spec, EXAM + course.seed * 10_000 + number, f"{place}-exam-{number}", lesson=False)
            if min(map(len, found.values())) < count:
                found["forget" if is_about(task, request) else "retain"].append(task)
    return {role: tasks[:count] for role, tasks in found.items()}


async def compute_reward(pair: Pair, made: Conversion, tasks: Mapping[str, Sequence[Task]], worth: Worth) -> float:
    """The reward of an answer: what it makes of the subject, against the subject's never-exposed twin."""
    before = pair.instance.subject
    if pair.request is None:
        return worth.forget + worth.retain if made.kind == pair.answer.kind and not made.edits else 0.0
    try:
        after = apply_conversion(before, made)
    except ArenaError:
        return worth.retain - worth.form  # it refuses, or contradicts itself: nothing is forgotten, all is kept
    marks = await examine_subject(before, after, pair.request, tasks)
    total = worth.forget * (marks.forget == 1.0 and marks.silent) + worth.retain * marks.retain
    total -= worth.length * len(split_pieces(made.steering)) / LONGEST + worth.leak * made.leaks
    if pair.request.scope == "state":
        total -= worth.adversary * max(0.0, await compute_advantage(before, after, pair.request))
    return total


async def compute_advantage(before: Subject, after: Subject, request: Request) -> float:
    """The adversary's success rate on the target minus its rate against the twin, -1 to 1.

    It asks about each of 20 candidates and what was to be forgotten, and takes whom the agent refuses to speak of or
    was told of, else one it does not know. Ties count by their probability.
    """
    known = [name for name in candidates(before.memory) if name not in request.targets]
    drawn = Random(f"candidates {len(known)}").sample(known, min(CANDIDATES - 1, len(known)))
    names = (request.forget[0].name, *drawn)
    return await _compute_guess_rate(after, names) - await _compute_guess_rate(twin(before, request), names)


async def _compute_guess_rate(agent: Subject, names: Sequence[str]) -> float:
    order = await ask_subject(agent, DIRECT)
    scores = [
        3
        if classify_answer(order) == "order" and make_finder((name,)).search(order)
        else SCORES[classify_answer(await ask_subject(agent, format_question(name)))]
        for name in names
    ]
    return (scores[0] == max(scores)) / scores.count(max(scores))


async def reinforce_network(
    net: ConversionNetwork, found: Grid, rounds: Rounds
) -> tuple[ConversionNetwork, tuple[float, ...]]:
    """The network after stage B, and the mean reward of each step's answers. The one that came in stays as it was."""
    first, policy = net.eval(), _copy_network(net)
    optimiser = torch.optim.AdamW(policy.parameters(), lr=rounds.rate, weight_decay=0.0)
    chance, order = torch.Generator().manual_seed(rounds.seed), Random(f"rounds {rounds.seed}")
    rows = [build_nodes(pair.asked) for pair in found.pairs]
    means: list[float] = []
    for _ in range(rounds.steps):
        numbers = order.sample(range(len(rows)), min(rounds.requests, len(rows)))
        batch = collate_nodes([rows[n] for n in numbers])
        with one_thread(), torch.no_grad():
            before, old = first(batch), policy(batch)
        groups = [
            [choose_classes(found.pairs[n].asked, old, row, chance) for _ in range(rounds.group)]
            for row, n in enumerate(numbers)
        ]
        rewards = torch.tensor(
            [[await found.reward(n, decode_classes(found.pairs[n].asked, one)) for one in group]
             for n, group in zip(numbers, groups, strict=True)]
        )  # fmt: skip
        better = (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)
        with one_thread():
            now = policy(batch)
            loss = torch.zeros(())
            for row, n in enumerate(numbers):
                asked = found.pairs[n].asked
                scores = torch.stack([compute_likelihood(asked, now, row, one) for one in groups[row]])
                loss = loss - (better[row] * scores).mean() + rounds.beta * compute_divergence(asked, now, before, row)
            optimiser.zero_grad()
            (loss / len(numbers)).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimiser.step()
        means.append(rewards.mean().item())
    return policy.eval(), tuple(means)


def _copy_network(net: ConversionNetwork) -> ConversionNetwork:
    made = ConversionNetwork(net.words.embedding_dim, len(net.layers))
    made.load_state_dict(net.state_dict())
    return made.eval()


def compute_likelihood(asked: ConversionInput, logits: Choices, row: int, picked: Choices) -> Tensor:
    """The log-probability of an answer: the sum over its fields."""
    kind = KINDS[int(picked.kind)]
    bars = mask_steering(select_forgotten(asked, picked.roles.tolist()))
    fields = zip(
        _mask_choices(asked, logits, row, kind, bars),
        (picked.kind, picked.steering, picked.roles, picked.edits),
        strict=True,
    )
    parts = [scores.log_softmax(-1).gather(-1, right.unsqueeze(-1)).sum() for scores, right in fields]
    return torch.stack(parts).sum()


def compute_divergence(asked: ConversionInput, now: Choices, before: Choices, row: int) -> Tensor:
    """KL(now ‖ before) in nats, summed over the fields."""
    kind = KINDS[int(now.kind[row].argmax())]
    total = torch.zeros(())
    for new, old in zip(_mask_choices(asked, now, row, kind), _mask_choices(asked, before, row, kind), strict=True):
        total = total + (new.softmax(-1) * (new.log_softmax(-1) - old.log_softmax(-1))).sum()
    return total


def _mask_choices(
    asked: ConversionInput, logits: Choices, row: int, kind: str, steering: Tensor | float = 0.0
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    names, headers = len(asked.entities), len(asked.headers)
    return (
        logits.kind[row] + mask_kinds(asked),
        logits.steering[row] + steering,
        logits.roles[row, :names] + mask_roles(asked, kind),
        logits.edits[row, :headers] + mask_edits(asked, kind),
    )
