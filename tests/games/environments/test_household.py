"""The house, action by action."""

from collections import deque
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from game_driver import after, does
from random_walker import roam

from arena.engine.play import play
from arena.errors import IllegalMove
from arena.game import Move
from games.environments.base import Stay
from games.environments.household import HANDS, Household, HouseholdState
from games.environments.household_tasks import TASK_TYPES, HouseholdTask, tasks
from games.environments.household_world import APPLIANCES, KINDS, LAMP, OPENABLE, RECEPTACLES, build_house, get_kind

GAME = Household()
HOUSE = GAME.house


def go(receptacle: str) -> Move:
    return does("go_to", receptacle=receptacle)


def at(verb: str, name: str, receptacle: str) -> Move:
    return does(verb, object=name, receptacle=receptacle)


def state_with(task: HouseholdTask, **fields: Any) -> Stay[HouseholdState]:
    return Stay(HouseholdState(task, {**HOUSE.objects, **fields.pop("where", {})}, **fields))


def steps(state: Stay[HouseholdState], *moves: Move) -> Stay[HouseholdState]:
    for move in moves:
        state = after(GAME, state, {"agent": move})
    return state


def told(state: Stay[HouseholdState]) -> str:
    return state.log[-1].text


def test_a_clean_mug_in_a_cupboard_by_hand() -> None:
    state = state_with(HouseholdTask("clean", "mug", "cupboard"), where={"mug 1": "counter 1"})
    state = steps(state, go("counter 1"))
    assert told(state).startswith("You go to counter 1. On it you see ") and "mug 1" in told(state)
    state = steps(state, at("take", "mug 1", "counter 1"), go("sink 1"), at("clean", "mug 1", "sink 1"))
    assert told(state) == "You clean mug 1 with sink 1. It is clean now."
    state = steps(state, go("cupboard 2"))
    assert told(state) == "You go to cupboard 2. It is closed."
    with pytest.raises(IllegalMove, match=r"cupboard 2 is closed; possible now: .*open cupboard 2"):
        steps(state, at("put", "mug 1", "cupboard 2"))
    state = steps(state, does("open", receptacle="cupboard 2"), at("put", "mug 1", "cupboard 2"))
    assert GAME.to_act(state) == () and GAME.scores(state) == {"agent": 1.0}
    assert state.trajectory == (
        "go to counter 1", "take mug 1 from counter 1", "go to sink 1", "clean mug 1 with sink 1", "go to cupboard 2",
        "open cupboard 2", "put mug 1 in cupboard 2",
    )  # fmt: skip
    assert state.visited == ("counter 1", "mug 1", "sink 1", "cupboard 2")
    assert told(state) == "Over: the task is done (7 of 50 steps)."


def test_an_unclean_mug_is_not_enough_nor_is_another_kind_or_place() -> None:
    task = HouseholdTask("clean", "mug", "shelf")
    for name, end, done in (("mug 1", "shelf 1", True), ("mug 1", "table 1", False), ("plate 1", "shelf 1", False)):
        state = state_with(task, where={name: HANDS}, at=end, made={name: frozenset({"clean"})})
        assert GAME.is_done(steps(state, at("put", name, end)).here) is done
    unclean = state_with(task, where={"mug 1": HANDS}, at="shelf 1")
    assert not GAME.is_done(steps(unclean, at("put", "mug 1", "shelf 1")).here)


def test_heating_undoes_cooling_but_not_cleaning() -> None:
    state = state_with(HouseholdTask("heat", "apple", "table"), where={"apple 1": HANDS}, at="sink 1")
    state = steps(state, at("clean", "apple 1", "sink 1"), go("fridge 1"), at("cool", "apple 1", "fridge 1"))
    assert state.here.made["apple 1"] == {"clean", "cold"}
    state = steps(state, go("microwave 1"), at("heat", "apple 1", "microwave 1"))
    assert state.here.made["apple 1"] == {"clean", "hot"}
    state = steps(state, does("examine", object="apple 1"))
    assert told(state) == "You look closely at apple 1: clean and hot."


def test_a_book_is_looked_at_in_the_light_where_the_lamp_is() -> None:
    task, lamp = HouseholdTask("look", "book", None), HOUSE.objects[LAMP]
    lit = steps(state_with(task, where={"book 1": HANDS}, at=lamp, seen=frozenset({lamp})), does("use", object=LAMP))
    assert GAME.is_done(lit.here) and "In its light you look at book 1." in lit.log[-2].text
    unlit = steps(state_with(task, at=lamp, seen=frozenset({lamp})), does("use", object=LAMP))
    assert not GAME.is_done(unlit.here)
    away = state_with(task, where={"book 1": HANDS}, at="bed 1")
    with pytest.raises(IllegalMove, match="you cannot use lamp 1 here"):
        steps(away, does("use", object=LAMP))


def test_two_of_a_kind_have_to_be_in_one_receptacle() -> None:
    task = HouseholdTask("two", "fork", "drawer")
    apart = {"fork 1": "drawer 1", "fork 2": "drawer 2"}
    assert not GAME.is_done(state_with(task, where=apart).here)
    assert GAME.is_done(state_with(task, where={**apart, "fork 2": "drawer 1"}).here)


@pytest.mark.parametrize(
    ("move", "why"),
    [
        (at("take", "mug 1", "counter 1"), "you cannot take mug 1 from counter 1 here"),
        (at("take", "mug 9", "table 1"), "you are not at table 1"),
        (go("counter 1"), "you are at counter 1 already"),
        (at("put", "mug 1", "counter 1"), "cannot put mug 1 on counter 1"),
        (at("heat", "egg 1", "counter 1"), "cannot heat egg 1"),
        (does("open", receptacle="counter 1"), "cannot open counter 1"),
        (does("use", object="mug 1"), "cannot use mug 1"),
        (does("examine", object="the moon"), "cannot examine the moon"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_can(move: Move, why: str) -> None:
    state = state_with(
        HouseholdTask("place", "mug", "shelf"), at="counter 1", where={"mug 1": "bed 1", "egg 1": "counter 1"}
    )
    with pytest.raises(IllegalMove) as refused:
        steps(state, move)
    assert why in refused.value.why
    assert "take egg 1 from counter 1" in refused.value.why.partition("possible now: ")[2]


def test_hands_hold_one_thing_and_names_are_read_in_any_case() -> None:
    state = state_with(
        HouseholdTask("place", "mug", "shelf"), at="counter 1", where={"mug 1": "counter 1", "egg 1": "counter 1"}
    )
    state = steps(state, at("take", " Mug 1", "counter 1"))
    with pytest.raises(IllegalMove, match="your hands are full, you carry mug 1"):
        steps(state, at("take", "egg 1", "counter 1"))
    assert told(steps(state, does("inventory"))) == "You carry mug 1."


def test_what_is_seen_where_nobody_moved_it_is_learned_and_what_was_moved_is_not() -> None:
    state = steps(state_with(HouseholdTask("look", "pen", None)), go("table 1"))
    here = {event.lesson.text for event in state.events}
    assert here == {f"The {name} is on table 1." for name, where in HOUSE.objects.items() if where == "table 1"}
    moved = state_with(HouseholdTask("look", "pen", None), where={"mug 1": "bed 1"})
    lessons = [event.lesson for event in steps(moved, go("bed 1")).events]
    assert "mug 1" in told(steps(moved, go("bed 1"))) and "mug 1" not in [lesson.subject for lesson in lessons]


def test_the_view_does_not_change_with_what_is_in_closed_or_unvisited_places() -> None:
    task = HouseholdTask("place", "mug", "shelf")
    one = state_with(task, at="counter 1", seen=frozenset({"counter 1"}), where={"mug 1": "cupboard 1"})
    for elsewhere in ("fridge 1", "drawer 1", "bin 1"):
        other = replace(one, here=replace(one.here, where={**one.here.where, "mug 1": elsewhere}))
        assert GAME.view(one, "agent") == GAME.view(other, "agent")
    near = replace(one, here=replace(one.here, where={**one.here.where, "mug 1": "counter 1"}))
    assert GAME.view(one, "agent") != GAME.view(near, "agent")


def test_houses_have_every_kind_in_number_and_objects_where_their_kind_may_be() -> None:
    for world in range(40):
        house = build_house(world)
        for kind, (low, high) in RECEPTACLES.items():
            assert low <= len(house.of_kind(kind)) <= high
        assert 18 <= len(house.receptacles) <= 22
        for name, where in house.objects.items():
            assert name == LAMP or get_kind(where) in KINDS[get_kind(name)].found
        for kind in TASK_TYPES:
            assert len(tasks(house, [kind])) >= 5


@pytest.mark.parametrize("chore", TASK_TYPES)
def test_the_expert_does_every_kind_of_chore_within_the_cap(chore: str) -> None:
    for seed in range(40):
        episode = play({"name": "household", "world": 50 + seed, "chore": chore}, {}, seed)
        assert episode.scores == {"agent": 1.0} and episode.facts["task_type"] == chore


def fewest_by_search(game: Household, state: Stay[HouseholdState]) -> int:
    """The fewest steps to the end of a task, by breadth first through the game's own rules.

    Only actions on objects of the wanted kind, and places that have to do with it; looking is left out: it changes
    nothing.
    """
    task = state.here.task
    useful = {where for name, where in state.here.where.items() if get_kind(name) == task.object or name == LAMP}
    useful |= {r for r in game.house.receptacles if get_kind(r) == task.target}
    useful |= {f"{APPLIANCES[task.treatment]} 1"} if task.treatment else set()
    queue, known = deque([(state.here, 0)]), set[Any]()
    while queue:
        here, length = queue.popleft()
        if game.is_done(here):
            return length
        for tool, args in game.possible(here):
            name, place = str(args.get("object", "")), str(args.get("receptacle", ""))
            if tool in ("examine", "look", "inventory", "close") or (place and place not in useful):
                continue
            if name and get_kind(name) != task.object and name != LAMP:
                continue
            outcome = game.act(here, tool, args)
            assert outcome is not None
            moved = tuple(where for name, where in outcome.here.where.items() if get_kind(name) == task.object)
            key = (outcome.here.at, moved, tuple(outcome.here.made.items()), outcome.here.opened, outcome.here.lit)
            if key not in known:
                known.add(key)
                queue.append((outcome.here, length + 1))
    raise AssertionError("the task cannot be done")


@pytest.mark.parametrize("chore", TASK_TYPES)
def test_the_fewest_steps_are_what_a_search_through_the_rules_finds(chore: Any) -> None:
    for seed in range(6):
        game = Household(world=seed, chore=chore)
        state = game.start(Random(seed))
        assert game.optimal(state.here) == fewest_by_search(game, state), (seed, state.here.task)


def test_in_random_play_nothing_is_lost_and_one_thing_is_carried_at_most() -> None:
    for seed in range(20):
        here = roam(GAME, seed).here
        assert set(here.where) == set(HOUSE.objects)
        assert set(here.where.values()) <= {*HOUSE.receptacles, HANDS}
        assert list(here.where.values()).count(HANDS) <= 1
        assert all(get_kind(name) in OPENABLE for name in here.opened)
