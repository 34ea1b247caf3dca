"""Candidate set of the inference attack: items an agent can forget, and distractors of their kind it never saw."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from agents.memory.experience import collect_events
from agents.memory.memory import Event, Memory
from arena.agent import Agent
from arena.engine.match_loop import first_state
from arena.engine.play import perform
from arena.episode import Match
from arena.errors import UsageError
from arena.game import Game
from arena.lessons import OutcomeData, change_texts
from arena.spec import build
from unlearning.memory.decoy_names import decoys
from unlearning.memory.influence_set import is_within
from unlearning.request import Item, Request
from unlearning.tasks.bargaining_market import build_bargain, is_market
from unlearning.tasks.lessons import record_task

WALKS, TOPICS = 8, 8  # episodes of an expert in a world, and things of it that are asked about
STRANGE = range(10_000, 1_000_000)  # numbers of worlds that no lesson is given in
SELLER = "linear"  # who meets the people of a market
SEARCHED = 2_000  # seeds looked at for errands


@dataclass(frozen=True, slots=True)
class Suspect:
    """Something that may have been forgotten.

    name: what the adversary calls it. item: what a request for it names. topics: what can be asked about it, with a
    sentence that is true of that for this suspect, or "". lessons: events that name it. is_world: they are in it.
    """

    name: str
    item: Item
    topics: Mapping[str, str]
    lessons: tuple[Event, ...] = ()
    is_world: bool = False


async def find_candidates(memory: Memory, request: Request) -> list[Suspect]:
    """Items of the memory of the same kind as the request's targets: states of their kinds, errands done once, worlds.

    Raises UsageError where there is nothing of the kind.
    """
    if request.scope == "environment":
        found = [await _build_world_suspect(*place) for place in _list_worlds(memory, request)]
    elif request.scope == "trajectory":
        found = [
            _build_errand_suspect(event, outcome, outcome.errand, event.episode)
            for event, outcome in _find_single_outcomes(memory)
        ]
    else:
        found = [Suspect(name, Item(name), {name: ""}) for name in find_similar_names(memory, request)]
    if not found:
        raise UsageError(f"adversary: nothing was learned that a {request.scope} could be; there is nothing to find")
    return found


async def find_strangers(
    memory: Memory, request: Request, near: Sequence[Suspect], n: int, chance: Random
) -> list[Suspect]:
    """`n` things like those, none of which the memory has anything of. Raises UsageError where there are fewer."""
    if request.scope == "environment":
        games = sorted({suspect.name.rpartition("/")[0] for suspect in near})
        return [await _build_world_suspect(games[k % len(games)], str(chance.choice(STRANGE))) for k in range(n)]
    forms = [event for event in memory.log if event.subject and event.subject in event.text]
    if request.scope == "trajectory":
        outcomes = list(_find_single_outcomes(memory))
        names = _find_new_errands(memory, n, chance)
        pairs = [(name, *outcomes[k % len(outcomes)]) for k, name in enumerate(names)]
        return [
            _build_errand_suspect(
                _retell_event(event, outcome.errand, name, f"shadow-{k}"), outcome, name, f"shadow-{k}"
            )
            for k, (name, event, outcome) in enumerate(pairs)
        ]
    if not forms:
        raise UsageError("adversary: no event names its subject; there is nothing to make shadows of")
    made = []
    for k, name in enumerate(decoys([suspect.name for suspect in near], n, chance)):
        form = forms[k % len(forms)]
        told = (
            _retell_event(form, form.subject, name, f"shadow-{k}"),
            _retell_event(form, form.subject, f"{name} Hall", f"shadow-{k}"),
        )
        made.append(Suspect(name, Item(name), {name: ""}, told))
    return made


def build_topics(suspects: Sequence[Suspect]) -> dict[str, dict[str, str]]:
    """The topics to ask about each candidate; a topic shared by several comes with a sentence true of this one."""
    times = Counter(topic for suspect in suspects for topic in suspect.topics)
    told: dict[str, dict[str, str]] = {}
    for suspect in suspects:
        where = f" in {suspect.name}" if suspect.is_world else ""
        told[suspect.name] = {
            f"{topic}{where}": true if times[topic] > 1 else "" for topic, true in suspect.topics.items()
        }
    return told


def retarget_request(request: Request, suspect: Suspect) -> Request:
    """The request, for this suspect in place of its targets."""
    note = f"forget {suspect.item.name}" if request.note else ""
    return replace(request, forget=(suspect.item,), retain=(), note=note)


def find_similar_names(memory: Memory, request: Request) -> list[str]:
    """The names in memory that are like a request's targets: subjects of events of the same kinds."""
    kinds = {event.kind for event in memory.log if event.subject in request.targets}
    found = {e.subject for e in memory.log if e.subject and (e.kind in kinds or not kinds) and e.kind != "outcome"}
    return sorted(name for name in found if name[0].isalpha())


def _list_worlds(memory: Memory, request: Request) -> list[tuple[str, str]]:
    """The worlds in memory of the games that the request is about, as (game, number)."""
    asked = {event.environment for event in memory.log for name in request.targets if is_within(event, name)}
    return sorted({(event.environment, event.world) for event in memory.log if event.environment in asked})


async def _build_world_suspect(game: str, world: str) -> Suspect:
    """A world as one knows it who has its simulator: what an expert meets in it."""
    name, events = f"{game}/{world}", list[Event]()
    spec = {"name": game, "world": int(world)}
    for seed in range(WALKS):
        episode = f"{name}-shadow-{seed}"
        if is_market(spec):
            events += await record_task(build(Agent, SELLER), build_bargain(spec, seed, episode, tells=True), episode)
            continue
        match = Match(spec, seed=seed)
        walk = await perform(match)
        events += collect_events(walk, match, walk.turns[0].seat, id=episode)
    things = [event for event in events if event.kind not in ("outcome", "blocked", "empty") and event.subject]
    times = Counter(event.subject for event in things if event.subject[0].isalpha())
    told = {event.subject: event.text for event in reversed(things)}
    topics = {subject: told[subject] for subject, _ in times.most_common(TOPICS)}
    return Suspect(name, Item(name), topics, tuple(events), True)


def _list_outcomes(memory: Memory) -> list[tuple[Event, OutcomeData]]:
    return [(event, event.data) for event in memory.log if isinstance(event.data, OutcomeData)]


def _find_single_outcomes(memory: Memory) -> Iterator[tuple[Event, OutcomeData]]:
    """The outcomes of errands that stand once in memory, so that forgetting the episode is forgetting the errand."""
    outcomes = _list_outcomes(memory)
    times = Counter(outcome.errand for _, outcome in outcomes)
    return ((event, outcome) for event, outcome in outcomes if times[outcome.errand] == 1)


def _build_errand_suspect(event: Event, outcome: OutcomeData, errand: str, episode: str) -> Suspect:
    aliases = (outcome.route,) if len(outcome.actions) > 1 else ()
    return Suspect(errand, Item(episode, aliases=aliases), {f"“{errand}”": ""}, (event,))


def _find_new_errands(memory: Memory, n: int, chance: Random) -> list[str]:
    """Errands in the same worlds that the memory knows nothing of, as their games put them."""
    done = {outcome.errand for _, outcome in _list_outcomes(memory)}
    places = sorted({(event.environment, event.world) for event, _ in _find_single_outcomes(memory)})
    found: dict[str, None] = {}
    for seed in range(first := chance.choice(STRANGE), first + SEARCHED):
        game, world = places[seed % len(places)]
        errand = _read_errand({"name": game, "world": int(world)}, seed)
        found |= {errand: None} if errand not in done else {}
        if len(found) == n:
            return list(found)
    raise UsageError(f"adversary: {n} errands that were never run are more than the {len(found)} found; take a lower k")


def _read_errand(spec: Mapping[str, object], seed: int) -> str:
    game = build(Game, spec)
    return str(game.view(first_state(game, Match(spec, seed=seed)), game.seats[0]).known["errand"])


def _retell_event(form: Event, old: str, new: str, episode: str) -> Event:
    """An event in the words of another, about something else; its data says the same."""
    subject = new if form.subject == old else form.subject
    data = None if form.data is None else change_texts(form.data, lambda text: text.replace(old, new))
    told = replace(form, text=form.text.replace(old, new), subject=subject, data=data)
    return replace(told, id=f"{episode}:{new}", episode=episode)
