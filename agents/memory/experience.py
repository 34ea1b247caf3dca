"""Convert experience to memory events: what an environment says was learned, or what a seat saw of a game."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from agents.memory.memory import Event
from arena.engine.play import replay
from arena.episode import Episode, Match
from arena.lessons import LessonEvent, TeachingGame
from arena.text.lesson_sentences import read_lesson


def collect_events(
    episode: Episode, match: Match, seat: str, *, id: str = "", user: str = "", state: Any = None
) -> tuple[Event, ...]:
    """The events of an episode, as `seat` knows them.

    A game that teaches lists its lessons itself, an environment without that names them in its fact `events`; of other
    games each message that the seat could read is one, and the outcome. `id` names the episode; "" takes the id of the
    match. `state` is the last one of the episode; None has a teaching game replayed to find it.
    """
    name = id or match.id
    game, _ = match.build_parts()
    about = Event(
        name,
        "",
        episode=name,
        environment=str(match.resolved["game"]["name"]),
        world=str(episode.facts.get("world", "")),
        task_type=str(episode.facts.get("task_type", "")),
        user=user,
    )
    told = episode.facts.get("events")
    rows: Iterable[Mapping[str, Any]]
    if isinstance(game, TeachingGame):
        rows = map(_convert_lesson, game.list_lessons(replay(game, episode.turns, match) if state is None else state))
    elif isinstance(told, list | tuple):
        rows = map(_read_told_event, told)
    else:
        rows = _read_messages(episode, match, game, seat)
    return tuple(replace(about, id=f"{name}:{n}", **row) for n, row in enumerate(rows))


def _convert_lesson(event: LessonEvent) -> Mapping[str, Any]:
    lesson = event.lesson
    return {"text": lesson.text, "kind": lesson.kind, "subject": lesson.subject, "step": event.step,
            "data": lesson.data}  # fmt: skip


def _read_told_event(row: Any) -> Mapping[str, Any]:
    """A lesson of which a game has put down the words alone."""
    told = {"text": row["text"], "kind": row["kind"], "subject": row["subject"], "step": row["step"]}
    return {**told, "data": read_lesson(row["kind"], row["subject"], row["text"])}


def _read_messages(episode: Episode, match: Match, game: Any, seat: str) -> Iterator[Mapping[str, Any]]:
    state = replay(game, episode.turns, match)
    told = game.watch(state) or game.view(state, seat).messages  # a game may show spectators nothing
    for step, message in enumerate(message for message in told if message.reaches(seat)):
        text = f"{message.sender} said: {message.text}" if message.sender else message.text
        yield {"text": text, "kind": "message", "subject": message.sender, "step": step}
    scores = ", ".join(f"{who} {value:g}" for who, value in episode.scores.items() if value is not None)
    yield {"text": f"It ended with scores {scores or 'for nobody'}.", "kind": "outcome", "subject": "", "step": -1}
