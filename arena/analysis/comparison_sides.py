"""Parse one side of a comparison and load its recorded episodes with their measures.

last, mwr4             the episodes of a run, by its id, an id prefix, or "last"
last:game.cost=6       those of its cells with these settings, separated by spaces, as the table of cells names them:
                       SEAT=AGENT, SEAT.PARAMETER=VALUE, game.PARAMETER=VALUE, and `buyer⇄seller` for the cells in which
                       these two are swapped
last:2                 those of its second cell
seller=boulware        those of all runs with these settings
boulware, last:linear  those in which this agent (or model) has a seat, measured from that seat
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from arena.analysis.episode_measures import Recorded, load_episodes, read_measures
from arena.analysis.identical_episodes import find_copies
from arena.analysis.measures import EpisodeMeasures
from arena.errors import BadRecord, UsageError, unknown
from arena.spec import dump_canonical
from arena.spec_syntax import parse_value
from arena.store.query import query
from arena.store.select_episodes import choose
from arena.store.store import Store

SWAP = "⇄"


@dataclass(frozen=True, slots=True)
class Observation:
    """One episode, seen from `seat`, or as a whole where that is "". `settings` leave out the seen seat's own."""

    episode: str
    seed: int
    seat: str
    status: str
    settings: Mapping[str, Any]
    measured: EpisodeMeasures | None


@dataclass(frozen=True, slots=True)
class ComparisonSide:
    """One side of a comparison; `agent` is the agent whose seat it is measured from, "" for whole episodes. `copies`:
    with the same settings, the episodes of all seeds are identical, answer by answer.
    """

    text: str
    agent: str
    observations: tuple[Observation, ...]
    copies: bool = False

    @property
    def statuses(self) -> Counter[str]:
        return Counter(observation.status for observation in self.observations)


@dataclass(frozen=True, slots=True)
class SideSelection:
    """A parsed side: a run's id or "", and the conditions on its episodes."""

    text: str
    run: str = ""
    cell: int | None = None
    swapped: tuple[str, str] | None = None
    conditions: tuple[tuple[str, str], ...] = ()
    agent: str = ""


def select_sides(db: str, a: str, b: str, game: str = "", costs: bool = False) -> tuple[ComparisonSide, ComparisonSide]:
    """The two sides, of one game. Raises UsageError for a text that matches nothing, for several games, and if no game
    is shared."""
    with Store.open(db, create=False) as store:
        choices = [_parse(store, db, text) for text in (a, b)]
    chosen = [_load_chosen(db, choice) for choice in choices]
    games = {str(episode.settings["game"]) for some in chosen for episode in some}
    game = _resolve_part(game, games) or _find_shared_game(chosen, choices)
    chosen = [[episode for episode in some if episode.settings["game"] == game] for some in chosen]
    for some, choice in zip(chosen, choices, strict=True):
        if not some:
            raise UsageError(f"{choice.text!r} names no episode of the game {game!r}; type: arena list episodes")
    agents = tuple(choice.agent for choice in choices)
    built = [_build_side(db, some, choice, agents, costs) for some, choice in zip(chosen, choices, strict=True)]
    seen = [{(one.episode, one.seat) for one in side.observations} for side in built]
    if seen[0] & seen[1]:
        shared = len(seen[0] & seen[1])
        raise UsageError(f"{a!r} and {b!r} share {shared} of their episodes; name two sides that are apart")
    return built[0], built[1]


def _parse(store: Store, db: str, text: str) -> SideSelection:
    names = {name for (name,) in query(db, "select agent from seat union select model from seat").rows if name}
    tokens = [_resolve_part(token, names) for token in text.split()]
    if not tokens:
        raise UsageError("a side of a comparison is a run, a run's cell, SEAT=AGENT, or an agent; got nothing")
    run, head = "", tokens[0]
    if head not in names and "=" not in head.partition(":")[0] and SWAP not in head:
        front, _, rest = head.partition(":")
        run, tokens = _find_run_id(store, front, names), [*filter(None, [rest]), *tokens[1:]]
    choice = SideSelection(text, run)
    for token in tokens:
        path, sign, value = token.partition("=")
        if token.isdigit() and run:
            choice = replace(choice, cell=int(token))
        elif SWAP in token:
            left, _, right = token.partition(SWAP)
            choice = replace(choice, swapped=(left, right))
        elif sign and token not in names:
            choice = replace(choice, conditions=(*choice.conditions, (path.removeprefix("seats."), value)))
        elif token in names:
            choice = replace(choice, agent=token)
        else:
            raise UsageError(unknown("agent or model on record", token, names))
    return choice


def _resolve_part(token: str, names: Collection[str]) -> str:
    """The recorded name of a part from a file: with its path if that is among the names, else `file:Thing`."""
    front, sign, name = token.rpartition("=")
    return token if name in names else front + sign + re.sub(r"^(?:.*/)?([\w-]+)\.py:", r"\1:", name)


def _find_run_id(store: Store, name: str, names: Iterable[str]) -> str:
    try:
        return choose(store, name)[0].id.rpartition(".")[0]
    except BadRecord as error:
        played = ", ".join(sorted(names))
        raise BadRecord(f"{error}; nor is {name!r} an agent or model on record ({played})") from None


def _load_chosen(db: str, choice: SideSelection) -> list[Recorded]:
    if choice.run:
        episodes = load_episodes(db, "e.run = ?", (choice.run,))
    elif choice.agent:
        seated = "e.id in (select s.episode from seat s where s.agent = ? or s.model = ?)"
        episodes = load_episodes(db, seated, (choice.agent, choice.agent))
    else:
        episodes = load_episodes(db)
    if choice.cell is not None or choice.swapped is not None:
        episodes = _select_cells(db, choice, episodes)
    for path, value in choice.conditions:
        matching = [episode for episode in episodes if _has_setting(episode, _swap_path(path, choice.swapped), value)]
        if not matching:
            raise UsageError(_explain_none(choice, path, value, episodes))
        episodes = matching
    return [episode for episode in episodes if not choice.agent or choice.agent in _collect_names(episode)]


def _select_cells(db: str, choice: SideSelection, episodes: Sequence[Recorded]) -> list[Recorded]:
    """The episodes of one cell, by its number, or of the cells in which two seats are swapped."""
    if not choice.run:
        raise UsageError(f"{choice.text!r}: say of which run, such as last:{choice.text}")
    (plan,) = query(db, "select plan from run where id = ?", (choice.run,)).rows[0]
    groups = json.loads(plan)["groups"]
    cells = [k for k, group in enumerate(groups) for _ in group["seeds"]]
    if choice.swapped is not None:
        wanted = {k for k in range(len(groups)) if _is_swap(groups, k, choice.swapped)}
        if not wanted:
            raise UsageError(f"in no cell of run {choice.run} have {SWAP.join(choice.swapped)} changed places")
    else:
        assert choice.cell is not None
        wanted = {choice.cell - 1}
        if not 1 <= choice.cell <= len(groups):
            raise UsageError(f"run {choice.run} has {len(groups)} cell(s), numbered from 1; got {choice.cell}")
    return [episode for episode in episodes if cells[episode.n - 1] in wanted]


def _is_swap(groups: Sequence[Any], k: int, seats: tuple[str, str]) -> bool:
    """Whether an earlier cell is equal but for these two seats, which have each other's agents."""
    left, right = seats
    own = groups[k]["seats"]
    if left not in own or right not in own:
        return False
    before = {**own, left: own[right], right: own[left]}
    return any(group["seats"] == before and group["game"] == groups[k]["game"] for group in groups[:k])


def _swap_path(path: str, swapped: tuple[str, str] | None) -> str:
    """The path of a cell label's setting after two seats are swapped."""
    seat, dot, rest = path.partition(".")
    if swapped is None or seat not in swapped:
        return path
    return f"{swapped[1] if seat == swapped[0] else swapped[0]}{dot}{rest}"


def _has_setting(episode: Recorded, path: str, text: str) -> bool:
    if path not in episode.settings:
        return False
    value, given = episode.settings[path], parse_value(text)
    return value == given or str(value) == text or text in episode.who.get(path, ())


def _explain_none(choice: SideSelection, path: str, value: str, episodes: Sequence[Recorded]) -> str:
    place = _swap_path(path, choice.swapped)
    there = list(dict.fromkeys(str(episode.settings[place]) for episode in episodes if place in episode.settings))
    if not there:
        paths = {path for episode in episodes for path in episode.settings}
        return f"{choice.text!r}: {unknown('setting on record', path, paths)}"
    return f"{choice.text!r}: no episode on record has {path}={value}; there are: {', '.join(there[:12])}"


def _collect_names(episode: Recorded) -> set[str]:
    return {name for names in episode.who.values() for name in names}


def _find_shared_game(chosen: Sequence[Sequence[Recorded]], choices: Sequence[SideSelection]) -> str:
    games = [{str(episode.settings["game"]) for episode in some} for some in chosen]
    both = sorted(games[0] & games[1])
    if len(both) == 1:
        return both[0]
    told = " and ".join(f"{c.text!r} has {', '.join(sorted(g))}" for c, g in zip(choices, games, strict=True))
    if not both:
        raise UsageError(f"nothing in common to compare: the games differ ({told})")
    raise UsageError(f"both sides have episodes of several games; add --game {both[0]} (or {', '.join(both[1:])})")


def _build_side(
    db: str, episodes: Sequence[Recorded], choice: SideSelection, agents: Sequence[str], costs: bool
) -> ComparisonSide:
    measured = read_measures(db, episodes, costs)
    seen: list[Observation] = []
    for episode in episodes:
        found = measured.get(episode.id)
        if not choice.agent:
            seen.append(Observation(episode.id, episode.seed, "", episode.status, episode.settings, found))
            continue
        for seat in (seat for seat, names in episode.who.items() if choice.agent in names):
            settings, own = _collect_settings(episode, seat, agents), _drop_seat_name(found, seat, episode.who)
            seen.append(Observation(episode.id, episode.seed, seat, episode.status, settings, own))
    finished = ((dump_canonical([one.seat, one.settings]), one.seed, one.episode) for one in seen if one.measured)
    same = find_copies(db, finished)
    return ComparisonSide(choice.text, choice.agent, tuple(seen), bool(same) and all(same.values()))


def _collect_settings(episode: Recorded, seat: str, agents: Sequence[str]) -> dict[str, Any]:
    """Settings of an episode other than the seat's own. A rival that is one of the two compared agents counts as the
    same for both.
    """
    met = {other for other, names in episode.who.items() if other != seat and set(names) & set(agents)}
    around = {p: v for p, v in episode.settings.items() if p.partition(".")[0] not in {seat, *met}}
    return around | dict.fromkeys(met, "one of the two")


def _drop_seat_name(measured: EpisodeMeasures | None, seat: str, seats: Iterable[str]) -> EpisodeMeasures | None:
    """Measures renamed from the seat's view: its own without the seat's name, those of the other seats dropped."""
    if measured is None:
        return None
    others = set(seats) - {seat}
    new = {name: name.removesuffix(f".{seat}") for name in measured.values if name.rpartition(".")[2] not in others}
    return EpisodeMeasures(
        {new[name]: value for name, value in measured.values.items() if name in new},
        frozenset(new[name] for name in measured.shares if name in new),
        frozenset(new[name] for name in measured.aside if name in new),
        measured.empty,
        {spelled: name for spelled, name in measured.also.items() if new.get(name) == name},
    )
