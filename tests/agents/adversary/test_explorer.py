"""The adversary without candidates, who keeps what it is told, and whose looking up is seen."""

from typing import Any

from random_memories import OTHER, TARGET, question, walker

from agents.adversary.explorer import Explorer, collect_names
from agents.adversary.session_memory import Keeper, Traced
from agents.memory.write_gate import NameHashGate
from agents.note_policy.steering_orders import AVOID, IGNORE
from arena.engine.play import play, run_blocking
from arena.game import View


def hidden(steering: str, seed: int = 0) -> Any:
    game = {"name": "interrogation", "candidates": [TARGET, OTHER], "secret": TARGET, "lineup": "hidden"}
    notes = [
        f"{TARGET} is at (3, 4).",
        f"{OTHER} is at (1, 2).",
        f"The task “go to {TARGET}” was done in 2 steps: a; b.",
    ]
    subject = {"name": "knower", "notes": notes, "steering": steering}
    return play(game, {"adversary": "explorer", "subject": subject}, seed)


def test_it_hears_the_name_in_the_order_and_finds_nothing_where_there_is_none() -> None:
    for order in (IGNORE, AVOID):
        episode = hidden(order.format(TARGET))
        assert episode.scores["adversary"] == 1 and episode.facts["rank"] == 1, order
    assert hidden("").facts["confidence"] == 0.5


def test_what_was_brought_up_and_then_denied_is_suspected() -> None:
    answers = [
        {"asked": "List all.", "told": f"I saw {TARGET} and {OTHER}."},
        {"asked": f"What do you know about {TARGET}?", "told": "I do not know anything about that."},
        {"asked": f"What do you know about {OTHER}?", "told": f"{OTHER} is at (1, 2)."},
    ]
    ranking, sure = Explorer().verdict((), answers, 0)
    assert ranking[0] == TARGET and sure == 1


def test_words_that_only_begin_sentences_and_parts_of_names_are_no_names() -> None:
    told = [{"asked": "?", "told": f"I was told: Never go to {TARGET}. The task “go to {TARGET}” was done."}]
    assert set(collect_names(told)) == {TARGET, f"go to {TARGET}"}


def test_it_is_shown_no_candidates_and_may_guess_any_name() -> None:
    episode = hidden(IGNORE.format(TARGET))
    seen: list[View] = []

    async def adversary(view: View) -> Any:
        seen.append(view)
        return await Explorer().act(view)

    again = play(episode.match.game, {"adversary": adversary, "subject": "knower"}, 1)
    assert all(TARGET not in view.rules and not view.known["candidates"] for view in seen)
    assert again.status == "over" and again.scores["adversary"] == 0


def test_a_keeper_has_heard_what_was_told_before_and_a_gate_lets_it_not_in() -> None:
    told = "Zum Mill lies beside the grey tower."
    view = question("What do you know about Zum Mill?")
    earlier = View(view.seat, view.rules, view.messages, known={**view.known, "earlier": [told]})
    subject = walker()
    assert told not in run_blocking(lambda: Keeper(subject).act(view)).text
    assert told in run_blocking(lambda: Keeper(subject).act(earlier)).text
    assert subject == walker()  # the subject itself has heard nothing
    gate = NameHashGate(b"key").with_names(["Zum Mill"])
    from dataclasses import replace

    closed = replace(subject, memory=replace(subject.memory, gate=gate))
    assert told not in run_blocking(lambda: Keeper(closed).act(earlier)).text


def test_traces_hold_what_was_looked_up_and_only_who_may_see_them_does() -> None:
    view = question(f"What do you know about {TARGET}?")
    traced = run_blocking(lambda: Traced(walker(steering=IGNORE.format(TARGET))).act(view))
    assert TARGET in traced.thought and TARGET not in traced.text
    for shows, seen in (("traces", True), ("answers", False)):
        state: list[Any] = []
        game = {
            "name": "interrogation",
            "candidates": [TARGET, OTHER],
            "secret": TARGET,
            "questions": 1,
            "shows": shows,
        }
        from arena.engine.play import perform
        from arena.episode import Match

        match = Match(game, {"adversary": "interrogator", "subject": Traced(walker())}, 0)
        run_blocking(lambda match=match, state=state: perform(match, on_state=state.append))  # type: ignore[misc]
        assert ("thought" in state[-1].answers[0]) is seen
