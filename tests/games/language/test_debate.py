"""A debate: who sees which evidence, and how it is decided."""

from typing import Any

import pytest
from game_driver import does, first_state, makes

from arena.engine.play import play
from arena.errors import UsageError
from arena.game import View
from games.language.debate import Debate


def show(card: int, text: str = "") -> Any:
    return does("show", text, card=card)


def decide(winner: str, reason: str = "") -> Any:
    return does("decide", winner=winner, reason=reason)


def debate(pro: Any, con: Any, judge: Any, seed: int = 0, **game: Any) -> Any:
    return play({"name": "debate", **game}, {"pro": pro, "con": con, "judge": judge}, seed)


@pytest.mark.parametrize(("winner", "scores"), [("pro", (1.0, -1.0)), ("con", (-1.0, 1.0)), ("draw", (0.0, 0.0))])
def test_the_judge_decides_who_wins(winner: str, scores: tuple[float, float]) -> None:
    episode = debate(makes("Yes."), makes("No."), makes(decide(winner, "As I see it.")), rounds=1)
    assert (episode.scores["pro"], episode.scores["con"]) == scores
    assert episode.scores["judge"] is None and episode.facts["reason"] == "As I see it."


def test_the_sides_speak_in_turn_and_the_judge_last() -> None:
    episode = debate(makes("a", "b"), makes("c", "d"), makes(decide("pro")), rounds=2)
    assert [turn.seat for turn in episode.turns] == ["pro", "con", "pro", "con", "judge"]


def test_evidence_is_seen_by_its_owner_until_it_is_shown() -> None:
    game = Debate()
    state = first_state(game)
    card = state.cards("pro")[1][1]
    for seat in ("con", "judge"):
        assert card not in " ".join(message.text for message in game.view(state, seat).messages)
    assert card in " ".join(message.text for message in game.view(state, "pro").messages)
    seen: list[View] = []
    episode = debate(makes(show(2)), makes("No.", seen=seen), makes(decide("pro")), rounds=1)
    (shown,) = episode.facts["exhibits"]
    assert shown["what"] in seen[0].messages[-1].text
    assert seen[0].known["exhibits"] == [["pro", shown["strength"], shown["what"]]]


def test_a_card_is_shown_once() -> None:
    episode = debate(makes(show(2), show(2), show(3)), makes("a", "b"), makes(decide("con")), rounds=2)
    assert "no card named '2'" in episode.turns[2].refused
    assert len(episode.facts["exhibits"]) == 2


@pytest.mark.parametrize("bad", ["I say pro.", decide("me"), show(1)])
def test_a_judge_without_a_verdict_makes_it_a_draw(bad: Any) -> None:
    episode = debate("advocate", "advocate", lambda view: bad)
    assert episode.scores == {"pro": 0.0, "con": 0.0, "judge": None}
    assert episode.facts["verdict"] == "draw" and episode.facts["forfeits"] == ["judge"]


def test_a_side_without_an_answer_misses_its_speech() -> None:
    episode = debate(lambda view: "", "advocate", "arbiter", cards=3, rounds=2)
    assert episode.facts["verdict"] == "con" and episode.facts["forfeits"] == ["pro", "pro"]


def test_one_side_has_the_stronger_evidence_and_the_motion_is_drawn() -> None:
    motions = set()
    for seed in range(100):
        state = first_state(Debate(), seed)
        strength = [sum(card[0] for card in state.cards(side)) for side in ("pro", "con")]
        assert strength[0] != strength[1]
        motions.add(state.motion)
    assert len(motions) == 6


def verdicts(**game: Any) -> list[Any]:
    return [debate("advocate", "advocate", "arbiter", seed, **game).facts for seed in range(200)]


def test_with_all_evidence_shown_the_judge_is_always_just() -> None:
    assert all(facts["just"] for facts in verdicts(rounds=5))


def test_with_a_part_of_it_mostly_and_never_by_the_weaker_evidence_shown() -> None:
    facts = verdicts(rounds=2)
    decided = [f for f in facts if f["verdict"] != "draw"]
    assert 0.7 < sum(f["just"] for f in decided) / len(decided) < 1
    assert all(f["shown"][f["verdict"]] == max(f["shown"].values()) for f in decided)


def test_strong_evidence_first_beats_weak_evidence_first() -> None:
    def weak(view: View) -> Any:
        known: Any = view.known
        return show(min(known["left"], key=lambda number: known["cards"][number - 1][0]))

    results = [debate("advocate", weak, "arbiter", seed).scores["pro"] for seed in range(60)]
    assert sum(results) > 30


def test_without_evidence_there_are_words_alone() -> None:
    episode = debate("advocate", "advocate", "arbiter", preset="words-alone")
    assert episode.facts["just"] is None and episode.facts["verdict"] == "draw"
    assert not any(turn.move.tool == "show" for turn in episode.turns)


def test_wrong_parameters_are_named() -> None:
    with pytest.raises(UsageError, match="1 round or more"):
        debate("advocate", "advocate", "arbiter", rounds=0)
