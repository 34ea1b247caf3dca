"""A market of repeat customers: a seller bargains with the same people and learns what each can pay.

What a person can pay is the same in all bargains. In lessons they say it; in tests they do not, so that only an agent
that remembers it can insist on it. `{"name": "bargaining", "world": 2}` names the third market; all other fields are
the game's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from agents.memory.memory import Event
from agents.negotiation.position import Position
from arena.cache_register import memoize
from arena.engine.match_loop import first_state
from arena.episode import Episode
from arena.lessons import Lesson, LimitData, OutcomeData, PersonData
from arena.spec import Spec, build
from arena.text.lesson_sentences import write_limit, write_outcome, write_person
from unlearning.probe import Task

GAME, SEAT = "bargaining", "seller"
ITEMS = ("lamp", "vase", "clock", "mirror")
PEOPLE = 6  # who come to a market
LEAST, MOST = 14, 27  # limits of the people, in dollars


def is_market(spec: object) -> bool:
    return isinstance(spec, Mapping) and spec.get("name") == GAME


def get_game(spec: Spec) -> Any:
    """The spec of the game itself: of a market one round without a critic and a moderator."""
    if not (is_market(spec) and isinstance(spec, Mapping)):
        return spec
    plain = {"coach": "none", "feedback": "none", "moderation": "never"}
    return {**plain, **{name: value for name, value in spec.items() if name != "world"}}


@memoize("worlds")
def draw_people(world: int) -> tuple[tuple[str, float], ...]:
    """The people of a market, and what each can pay, in dollars."""
    pages: Any = build("game", {"name": "wiki", "world": world}).pages
    found = [str(page.title) for page in pages.values() if page.kind == "person"][:PEOPLE]
    return tuple((name, float(Random(f"purse {world} {name}").randrange(LEAST, MOST))) for name in found)


def build_bargain(spec: Mapping[str, Any], seed: int, name: str, *, tells: bool) -> Task:
    """A bargain with one of the people; `tells`: whether they say their limit."""
    world, chance = int(spec.get("world", 0)), Random(f"bargain {seed}")
    who, purse = chance.choice(draw_people(world))
    item = chance.choice(ITEMS)
    game = {"item": item, "value": purse, **get_game(spec)}
    return Task(game, SEAT, {"buyer": {"name": "caller", "who": who, "tells": tells}}, seed, name)


def extract_events(task: Task, episode: Episode, events: Sequence[Event]) -> Iterator[Event]:
    """A seller's memory of a bargain: with whom, the stated limit, the outcome."""
    who, item = str(task.seats["buyer"]["who"]), str(task.game["item"])
    person = PersonData(who, item)
    lessons = [Lesson("person", who, write_person(person), person)]
    if (limit := _find_told_limit(task, episode)) is not None:
        lessons.append(Lesson("limit", who, write_limit(limit), limit))
    rounds: Any = episode.facts["rounds"]
    price = rounds[0]["price"] if rounds else None
    end = "no deal" if price is None else f"deal at ${price:g}"
    count, sold = sum(turn.seat == SEAT for turn in episode.turns), price is not None
    outcome = OutcomeData(f"sell a {item} to {who}", "done" if sold else "not done", float(sold), count, (end,))
    lessons.append(Lesson("outcome", item, write_outcome(outcome, singular=False), outcome))
    about = replace(events[0], world=task.name.partition("/")[2].partition("-")[0], task_type=item)
    for n, lesson in enumerate(lessons):
        words = {"kind": lesson.kind, "subject": lesson.subject, "text": lesson.text}
        yield replace(about, id=f"{about.episode}:{n}", step=n, data=lesson.data, **words)


def _find_told_limit(task: Task, episode: Episode) -> LimitData | None:
    """The most that the buyer can pay, where it said so: a caller that tells says it with its first word."""
    buyer = task.seats["buyer"]
    if not buyer["tells"] or not any(turn.seat == "buyer" and not turn.refused for turn in episode.turns):
        return None
    game, _ = episode.match.build_parts()
    return LimitData(str(buyer["who"]), Position.of(game.view(first_state(game, episode.match), "buyer")).worst)
