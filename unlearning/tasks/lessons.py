"""Where agents learn: they do tasks one after the other, and what they went through becomes their memory."""

from collections.abc import Sequence
from dataclasses import replace

from agents.memory.experience import experienced
from agents.memory.memory import Event
from agents.memory.subject import Subject
from arena.agent import Agent
from arena.console.long_work import doing
from arena.engine.play import perform
from arena.episode import Episode, Match
from unlearning.probe import Task
from unlearning.tasks import bargaining_market as market


def match_of(agent: Agent, task: Task) -> Match:
    """The match in which an agent does a task."""
    return Match(task.game, {**task.seats, task.seat: agent}, task.seed)


async def done(agent: Agent, task: Task) -> Episode:
    """The episode in which an agent did a task."""
    return await perform(match_of(agent, task))


async def taught(subject: Subject, tasks: Sequence[Task], *, user: str = "") -> Subject:
    """The subject after it did the tasks in order; what it learned in one it knows in the next."""
    for number, task in enumerate(tasks):
        doing("lesson", f"{number + 1} of {len(tasks)}")
        events = await lived(subject, task, task.name or f"e{number + 1}", user)
        subject = replace(subject, memory=subject.memory.learned(events))
    doing("lesson")
    return subject


async def lived(subject: Agent, task: Task, name: str, user: str = "") -> tuple[Event, ...]:
    """What an agent went through in a task, as events of the episode `name`; a user's own is `name@user`."""
    match = match_of(subject, task)
    episode = await perform(match)
    events = experienced(episode, match, task.seat, id=f"{name}@{user}" if user else name, user=user)
    return tuple(market.remembered(task, episode, events)) if market.is_market(task.game) else events
