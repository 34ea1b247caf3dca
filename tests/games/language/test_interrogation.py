"""The rules of interrogations: questions, tasks, guesses, and what nobody sees."""

from random import Random
from typing import Any

import pytest

from arena.engine.move_validation import well_formed
from arena.engine.play import play
from arena.errors import BadPart, IllegalMove
from arena.game import Message, Move, View
from arena.spec import build
from games.language.interrogation import NOTHING, Inquiry, Interrogation

NAMES = ("Alm", "Bor", "Cen")
GAME = Interrogation(NAMES, "Bor", questions=2)


def moved(state: Inquiry, move: Move, game: Interrogation = GAME) -> Inquiry:
    seat = game.to_act(state)[0]
    return game.apply(state, {seat: well_formed(game.view(state, seat), move)})


def ask(words: str) -> Move:
    return Move("", "ask", {"question": words})


def guess(*names: str, **more: Any) -> Move:
    return Move("", "guess", {"ranking": list(names), **more})


def asked(*pairs: tuple[str, str], game: Interrogation = GAME) -> Inquiry:
    state = game.start(Random(0))
    for question, answer in pairs:
        state = moved(moved(state, ask(question), game), Move(answer), game)
    return state


def test_a_question_is_answered_and_both_see_of_it_what_they_may() -> None:
    state = moved(GAME.start(Random(0)), ask("What of Bor?"))
    assert GAME.to_act(state) == ("subject",)
    view = GAME.view(state, "subject")
    assert view.known == {"asked": "What of Bor?"} and view.messages == (Message("adversary", "What of Bor?"),)
    state = moved(state, Move("Nothing."))
    known = GAME.view(state, "adversary").known
    assert known["answers"] == [{"asked": "What of Bor?", "told": "Nothing."}] and known["left"] == 1


def test_the_secret_stands_in_no_view() -> None:
    for secret in (*NAMES, NOTHING):
        game = Interrogation(NAMES, secret, questions=2)
        state = game.start(Random(0))
        views = [game.view(state, seat) for seat in game.seats]
        assert views == [GAME.view(GAME.start(Random(0)), seat) for seat in GAME.seats]


@pytest.mark.parametrize(("session", "seen"), [("fresh", 1), ("chat", 3)])
def test_a_subject_sees_earlier_questions_in_a_chat_alone(session: Any, seen: int) -> None:
    game = Interrogation(NAMES, "Bor", session=session)
    state = moved(asked(("One?", "Yes."), game=game), ask("Two?"), game)
    view = game.view(state, "subject")
    assert len(view.messages) == seen and len(view.own) == (session == "chat")
    assert view.messages[-1].text == "Two?"


def test_after_the_last_question_only_a_guess_is_left() -> None:
    state = asked(("One?", "Yes."), ("Two?", "No."))
    assert [tool.name for tool in GAME.view(state, "adversary").tools] == ["guess"]
    with pytest.raises(IllegalMove, match="no questions are left"):
        GAME.apply(state, {"adversary": Move("and three?")})
    over = moved(state, guess("Bor", "Alm", confidence=0.9))
    assert GAME.to_act(over) == () and GAME.scores(over) == {"adversary": 1.0, "subject": 0.0}
    assert GAME.facts(over)["rank"] == 1 and GAME.facts(over)["confidence"] == 0.9
    assert GAME.watch(over)[-1].text == "I think Bor was forgotten."


def test_a_wrong_guess_leaves_the_point_to_the_subject_and_an_unranked_secret_has_no_rank() -> None:
    over = moved(GAME.start(Random(0)), guess("Alm", NOTHING))
    assert GAME.scores(over) == {"adversary": 0.0, "subject": 1.0} and GAME.facts(over)["rank"] is None
    assert GAME.facts(moved(GAME.start(Random(0)), guess("Alm", "Cen", "Bor")))["rank"] == 3


def test_that_nothing_was_forgotten_can_be_right() -> None:
    game = Interrogation(NAMES, NOTHING)
    assert game.scores(moved(game.start(Random(0)), guess(NOTHING), game))["adversary"] == 1


@pytest.mark.parametrize(
    ("move", "says"),
    [
        (ask("  "), "a question has words"),
        (guess(), "a ranking has"),
        (guess("Bor", "Bor"), "each once"),
        (guess("Zed"), "a ranking has candidates"),
    ],
)
def test_moves_that_are_none(move: Move, says: str) -> None:
    with pytest.raises(IllegalMove, match=says):
        moved(GAME.start(Random(0)), move)


def test_a_subject_that_says_nothing_usable_has_said_nothing_and_an_adversary_makes_no_guess() -> None:
    state = GAME.forfeit(moved(GAME.start(Random(0)), ask("One?")), "subject")
    assert state.answers[0]["told"] == "" and GAME.to_act(state) == ("adversary",)
    over = GAME.forfeit(state, "adversary")
    assert GAME.to_act(over) == () and GAME.scores(over) == {"adversary": 0.0, "subject": 1.0}
    assert GAME.watch(over)[-1].text == "I cannot say."


def test_a_task_is_set_by_number_and_watched() -> None:
    game = Interrogation(NAMES, "Bor", environment="gridworld")

    async def adversary(view: View) -> Move:
        answers: Any = view.known["answers"]
        return Move("", "task", {"number": 7}) if len(answers) < 2 else guess("Bor")

    episode = play(game, {"adversary": adversary, "subject": "pathfinder"}, 3)
    tasks = [turn for turn in episode.moves if turn.move.tool == "task"]
    assert len(tasks) == 2 and episode.scores["adversary"] == 1
    state: Any = game.start(Random(0))
    state = moved(state, Move("", "task", {"number": 7}), game)
    inner = build("game", "gridworld").start(Random(7))
    assert game.view(state, "subject").messages == build("game", "gridworld").view(inner, "agent").messages
    failed = state
    while game.to_act(failed) == ("subject",):
        failed = game.forfeit(failed, "subject")
    row = failed.answers[0]
    assert row["number"] == 7 and row["success"] is False and row["asked"] == "task 7"


@pytest.mark.parametrize(
    "wrong",
    [{"questions": 0}, {"drawn": 1}, {"candidates": ["Alm"]}, {"candidates": ["Alm", "Alm"]}, {"secret": "Zed"},
     {"candidates": ["Alm", "Bor"], "secret": "Zed"}, {"environment": "kuhn"}],
)  # fmt: skip
def test_games_that_are_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadPart):
        build("game", {"name": "interrogation", **wrong})


def test_candidates_and_secret_are_drawn_where_none_are_given() -> None:
    game = Interrogation(drawn=5)
    states = [game.start(Random(seed)) for seed in range(40)]
    assert all(len(set(state.candidates)) == 5 and state.secret in state.candidates for state in states)
    assert len({state.candidates.index(state.secret) for state in states}) == 5
