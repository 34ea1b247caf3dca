"""Teach agents: they play tasks one after the other, and their experience becomes their memory."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agents.memory.experience import collect_events
from agents.memory.memory import Event
from agents.memory.subject import Subject
from arena.agent import Agent
from arena.console.long_work import doing
from arena.engine.play import perform
from arena.episode import Episode, Match
from unlearning.probe import Task
from unlearning.tasks import bargaining_market


def build_match(agent: Agent, task: Task) -> Match:
    """The match in which an agent does a task."""
    return Match(task.game, {**task.seats, task.seat: agent}, task.seed)


async def run_task(agent: Agent, task: Task) -> Episode:
    """The episode in which an agent did a task."""
    return await perform(build_match(agent, task))


async def teach_tasks(subject: Subject, tasks: Sequence[Task], *, user: str = "") -> Subject:
    """The subject after the tasks, in order; it uses what it learned in one in the next."""
    for number, task in enumerate(tasks):
        doing("lesson", f"{number + 1} of {len(tasks)}")
        events = await record_task(subject, task, task.name or f"e{number + 1}", user)
        subject = replace(subject, memory=subject.memory.with_events(events))
    doing("lesson")
    return subject


async def record_task(subject: Agent, task: Task, name: str, user: str = "") -> tuple[Event, ...]:
    """An agent's experience in a task, as events of the episode `name`; a user's own is `name@user`."""
    match = build_match(subject, task)
    states = deque[Any](maxlen=1)
    episode = await perform(match, on_state=states.append)
    own = f"{name}@{user}" if user else name
    events = collect_events(episode, match, task.seat, id=own, user=user, state=states[-1] if states else None)
    return (
        tuple(bargaining_market.extract_events(task, episode, events))
        if bargaining_market.is_market(task.game)
        else events
    )
