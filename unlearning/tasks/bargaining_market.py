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
from agents.negotiation.repeat_customers import TOLD
from arena.cache_register import memoize
from arena.episode import Episode
from arena.spec import Spec, build
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
    told = [at_most[1] for event in events if (at_most := TOLD.search(event.text))]
    rounds: Any = episode.facts["rounds"]
    price = rounds[0]["price"] if rounds else None
    end = "no deal" if price is None else f"deal at ${price:g}"
    result = "not done" if price is None else "done"
    count = sum(turn.seat == SEAT for turn in episode.turns)
    story = f"The task “sell a {item} to {who}” was {result} in {count} steps: {end}."
    rows = [("person", who, f"{who} haggled over a {item}.")]
    rows += [("limit", who, f"{who} cannot pay more than ${limit}.") for limit in told[:1]]
    rows += [("outcome", item, story)]
    about = replace(events[0], world=task.name.partition("/")[2].partition("-")[0], task_type=item)
    for n, (kind, subject, text) in enumerate(rows):
        yield replace(about, id=f"{about.episode}:{n}", step=n, kind=kind, subject=subject, text=text)
