"""Line-ups: names nobody ever met look like those that were met."""

from dataclasses import replace
from random import Random

import pytest
from random_memories import NAMES, about, remembers, walk

from arena.errors import UsageError
from arena.lessons import OutcomeData
from unlearning.attacks.candidates import build_topics, find_candidates, find_strangers, retarget_request
from unlearning.memory.decoy_names import decoys


@pytest.mark.parametrize("names", [NAMES, ("mug 2", "bowl 1"), ("Plellen",), ("Siduskul Nuvolthet teapot in enamel",)])
def test_decoys_have_the_form_of_the_names_and_are_none_of_them(names: tuple[str, ...]) -> None:
    made = decoys(names, 50, Random(3))
    assert len(set(made)) == 50 and not set(made) & set(names) and made == decoys(names, 50, Random(3))
    tails = {name.partition(" ")[2] for name in names}
    assert all(name.partition(" ")[2] in tails for name in made)
    assert all(name[0].isupper() == names[0][0].isupper() for name in made)


async def test_states_stand_among_names_of_their_form_each_with_lessons_of_its_own() -> None:
    memory, request = remembers(walk()), about(NAMES[0])
    near = await find_candidates(memory, request)
    assert {suspect.name for suspect in near} == set(NAMES)
    far = await find_strangers(memory, request, near, 9, Random(1))
    assert len({suspect.name for suspect in far}) == 9 and not {s.name for s in far} & set(NAMES)
    assert all(suspect.name in suspect.lessons[0].text for suspect in far)
    assert build_topics([*near, *far])[far[0].name] == {far[0].name: ""}
    assert retarget_request(request, far[0]).targets == (far[0].name,)


async def test_trajectories_stand_among_errands_that_were_never_run() -> None:
    memory, request = remembers(walk()), about("walk-0", scope="trajectory")
    near = await find_candidates(memory, request)
    assert len(near) == 3 and {suspect.item.name for suspect in near} == {"walk-0", "walk-1", "walk-2"}
    assert near[0].item.aliases == ("go north; go west",)
    far = await find_strangers(memory, request, near, 5, Random(1))
    done = {event.data.errand for event in memory.log if isinstance(event.data, OutcomeData)}
    assert len({s.name for s in far} - done) == 5 and all(f"“{s.name}”" in s.lessons[0].text for s in far)
    retold = [suspect.lessons[0].data for suspect in far]
    assert [data.errand for data in retold if isinstance(data, OutcomeData)] == [suspect.name for suspect in far]


async def test_worlds_stand_among_worlds_of_their_game_with_things_that_are_in_them() -> None:
    memory, request = remembers(walk()), about("gridworld/0", scope="environment")
    near = await find_candidates(memory, request)
    far = await find_strangers(memory, request, near, 3, Random(1))
    assert [suspect.name for suspect in near] == ["gridworld/0"]
    assert all(suspect.name.startswith("gridworld/") and len(suspect.topics) >= 2 for suspect in [*near, *far])
    assert {event.world for event in far[0].lessons} == {far[0].name.rpartition("/")[2]}


async def test_what_several_worlds_have_is_told_apart_by_what_is_true_there() -> None:
    houses = about("household/0", scope="environment")
    memory = remembers([])
    events = [replace(event, environment="household") for event in walk()]
    near = await find_candidates(remembers(events), houses)
    far = await find_strangers(memory, houses, near, 4, Random(2))
    told = build_topics([*near, *far])
    shared = [true for topics in told.values() for true in topics.values() if true]
    assert shared and all(" is " in true for true in shared)


async def test_a_line_up_that_cannot_be_filled_says_so() -> None:
    empty = remembers([])
    with pytest.raises(UsageError, match="nothing was learned"):
        await find_candidates(empty, about("walk-0", scope="trajectory"))
    memory, request = remembers(walk()), about("walk-0", scope="trajectory")
    near = await find_candidates(memory, request)
    with pytest.raises(UsageError, match="take a lower k"):
        await find_strangers(memory, request, near, 5000, Random(0))
