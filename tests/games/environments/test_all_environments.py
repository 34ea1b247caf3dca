"""What all environments promise: they end, they are fair, they say what was learned, and a world outlives a task."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest
from game_driver import does, first_state
from random_walker import ANY, roam

from arena.engine.move_validation import well_formed
from arena.engine.play import play
from arena.episode import Episode
from arena.errors import IllegalMove, UsageError
from arena.game import Game, Move
from arena.registry import find
from arena.spec import build
from arena.text.lesson_sentences import read_lesson

NAMES = ("gridworld", "household", "shopping", "wiki")
IDLE = {  # an action that is always possible and never ends a task
    "household": does("look"), "shopping": does("search", query="teapot"), "wiki": does("search", title="nowhere"),
}  # fmt: skip
SAMPLE = {  # every how many seeds all actions are tried
    "gridworld": 10, "household": 20, "shopping": 20, "wiki": 10,
}  # fmt: skip


def solve(name: str, seed: int, notes: tuple[str, ...] = (), **fields: Any) -> Episode:
    """An episode with the game's own cast, with notes from before."""
    game: Any = build("game", {"name": name, **fields})
    return play(game, {"agent": {"name": game.cast["agent"], "notes": notes}}, seed)


def facts(episode: Episode) -> Mapping[str, Any]:
    return episode.facts


def texts(episode: Episode, *kinds: str) -> tuple[str, ...]:
    return tuple(event["text"] for event in facts(episode)["events"] if event["kind"] in kinds)


def filled(action: Any) -> Move:
    tool, args = action
    return Move(tool=tool, args={key: "some words" if value == ANY else value for key, value in args.items()})


def hold(game: Any, state: Any) -> None:
    """What is true of the end of every episode."""
    low, high = game.bounds()
    found = game.facts(state)
    assert low <= game.scores(state)["agent"] <= high
    assert found["success"] == (game.scores(state)["agent"] == 1)
    assert found["steps"] == len(found["trajectory"]) + found["lost"] <= game.cap == game.most_answers["agent"]
    assert game.is_done(state.here) or found["steps"] == game.cap
    assert not found["success"] or found["steps"] >= found["optimal"], "nobody does it in fewer steps than the fewest"
    assert all(0 <= event["step"] <= found["steps"] and event["text"] for event in found["events"])
    assert len({event["text"] for event in found["events"]}) == len(found["events"]), "learned once"
    json.dumps(found, allow_nan=False)
    lessons = game.list_lessons(state)
    assert [event.row() for event in lessons] == found["events"]
    for lesson in (event.lesson for event in lessons):
        assert lesson.data is not None and lesson.data == read_lesson(lesson.kind, lesson.subject, lesson.text)
        assert all(word in lesson.text for word in list_words(lesson.data)), "data says nothing that the words do not"


def list_words(data: Any) -> list[str]:
    """All texts of a lesson's data but codes of ours."""
    if isinstance(data, tuple):
        return [word for item in data for word in list_words(item)]
    if isinstance(data, bool | int | float | str):
        return [data] if isinstance(data, str) else []
    values = [getattr(data, key) for key in data.__dataclass_fields__ if key not in ("result", "relation")]
    return [word for value in values for word in list_words(value)]


@pytest.mark.few(1)
@pytest.mark.parametrize("name", NAMES)
def test_random_episodes_end_within_bounds_and_what_is_said_to_be_possible_is(name: str) -> None:
    for seed in range(100):
        game: Any = build("game", {"name": name, "world": seed % 7})

        def look(state: Any, game: Any = game, all_of_them: bool = seed % SAMPLE[name] == 0) -> None:
            assert game.scores(state) == {"agent": None}, "no score before the end"
            view = game.view(state, "agent")
            for action in view.known["possible"] if all_of_them else ():
                game.apply(state, {"agent": well_formed(view, filled(action))})

        hold(game, roam(game, seed, look=look))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_so_they_do_ten_thousand_times(name: str) -> None:
    for seed in range(10_000):
        game: Any = build("game", {"name": name, "world": seed % 50})
        hold(game, roam(game, seed))


@pytest.mark.few(2)
@pytest.mark.parametrize("name", NAMES)
def test_the_expert_solves_two_hundred_tasks_in_forty_worlds_without_a_refusal(name: str) -> None:
    for seed in range(200):
        episode = solve(name, seed, world=seed % 40)
        assert episode.scores == {"agent": 1.0}, (seed, facts(episode)["task"])
        assert not any(turn.refused for turn in episode.turns)


@pytest.mark.parametrize("name", NAMES)
def test_worlds_differ_tasks_differ_and_a_world_stays_the_same_for_all_tasks(name: str) -> None:
    tasks = {facts(solve(name, seed))["task"] for seed in range(12)}
    assert len(tasks) > 3
    one, other = (build("game", {"name": name, "world": world}) for world in (0, 1))
    assert len({one.view(first_state(one, seed), "agent").rules for seed in range(5)}) == 1
    first, second = (texts(solve(name, 3, world=world), "place", "object", "product", "fact") for world in (0, 1))
    assert first and second and first != second
    assert one.start(Random(5)) == one.start(Random(5)) != other.start(Random(5))


@pytest.mark.parametrize("name", IDLE)
def test_the_cap_ends_an_episode_with_a_result_and_a_last_event(name: str) -> None:
    episode = play({"name": name, "cap": 4}, {"agent": lambda view: IDLE[name]})
    assert episode.status == "over" and episode.scores == {"agent": 0.0}
    assert (facts(episode)["steps"], facts(episode)["success"], len(episode.turns)) == (4, False, 4)
    assert facts(episode)["events"][-1]["kind"] == "outcome"
    assert "was not done in 4 steps" in facts(episode)["events"][-1]["text"]


@pytest.mark.parametrize("name", NAMES)
def test_words_alone_are_refused_and_a_seat_out_of_patience_loses_the_step(name: str) -> None:
    episode = play({"name": name, "cap": 2}, {"agent": lambda view: "I would rather talk."})
    assert episode.status == "over" and facts(episode)["lost"] == facts(episode)["steps"] == 2
    assert len(episode.turns) == 6 and all("possible now" in turn.refused for turn in episode.turns)
    assert facts(episode)["trajectory"] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_trajectory_is_told_in_words_and_states_by_name(name: str) -> None:
    found = facts(solve(name, 2))
    assert found["steps"] == len(found["trajectory"]) and all(isinstance(act, str) for act in found["trajectory"])
    assert found["visited"] and found["task_type"] and found["world"] == 0
    story = found["events"][-1]
    assert story["kind"] == "outcome" and story["subject"] == found["task_type"]
    assert "; ".join(found["trajectory"]) in story["text"] and found["task"] in story["text"]


MEMORABLE: Mapping[str, tuple[tuple[str, ...], Callable[[int], dict[str, Any]]]] = {
    "gridworld": (("place", "blocked"), lambda seed: {"preset": "unknown"}),
    "household": (("object", "empty"), lambda seed: {}),
    "shopping": (("product", "features"), lambda seed: {}),
    "wiki": (("fact",), lambda seed: {}),
}


@pytest.mark.parametrize("name", NAMES)
def test_events_kept_as_notes_save_steps_on_the_same_task_and_do_no_harm_in_another_world(name: str) -> None:
    kinds, fields = MEMORABLE[name]
    novice = again = abroad = elsewhere = 0
    for seed in range(25):
        first = solve(name, seed, world=1, **fields(seed))
        notes = texts(first, *kinds)
        novice += facts(first)["steps"]
        again += facts(solve(name, seed, notes, world=1, **fields(seed)))["steps"]
        lost = solve(name, seed, (*notes, "The moon is made of cheese."), world=2, **fields(seed))
        assert lost.scores == {"agent": 1.0}, "wrong notes cost steps, not the task"
        abroad += facts(lost)["steps"]
        elsewhere += facts(solve(name, seed, world=2, **fields(seed)))["steps"]
    assert again < 0.9 * novice
    assert abroad <= 2 * elsewhere


@pytest.mark.parametrize("name", NAMES)
def test_wrong_parameters_are_named(name: str) -> None:
    with pytest.raises(UsageError, match="cap"):
        build("game", {"name": name, "cap": 0})
    assert issubclass(find("game", name)[0], Game)


def test_an_expert_at_the_wrong_table_says_so() -> None:
    for name, other in zip(NAMES, NAMES[1:] + NAMES[:1], strict=True):
        with pytest.raises(UsageError, match=f"no seat of {name}"):
            play(other, {"agent": build("game", name).cast["agent"]})


def test_an_unknown_tool_is_refused_with_near_misses() -> None:
    game: Any = build("game", "household")
    view = game.view(first_state(game), "agent")
    with pytest.raises(IllegalMove, match="did you mean go_to"):
        well_formed(view, does("goto", receptacle="shelf 1"))
