"""The wiki: pages, questions, and answers."""

from dataclasses import replace
from typing import Any

import pytest
from game_driver import after, does, first_state

from arena.engine.play import play
from arena.errors import IllegalMove
from arena.game import Move
from games.environments.base import Stay
from games.environments.wiki import Wiki, WikiState, find_similar_titles, index_titles, normalize_answer
from games.environments.wiki_world import ASKED, HOPS, questions, write_wiki

GAME = Wiki(cap=20)
PAGES = GAME.pages
FIRM = next(page for page in PAGES.values() if page.kind == "firm")


def search(title: str) -> Move:
    return does("search", title=title)


def lookup(words: str) -> Move:
    return does("lookup", words=words)


def finish(answer: str) -> Move:
    return does("finish", answer=answer)


def steps(state: Stay[WikiState], *moves: Move) -> Stay[WikiState]:
    for move in moves:
        state = after(GAME, state, {"agent": move})
    return state


def told(state: Stay[WikiState]) -> str:
    return state.log[-1].text


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("The  Vellorik Press.", "vellorik press"), ("a floating market", "Floating Market!"), ("1871", "1871."),
        ("“", ""), ("An Orchard", "orchard"), ("4,200", "4200"),
    ],
)  # fmt: skip
def test_answers_are_compared_without_case_punctuation_and_articles(given: str, right: str) -> None:
    assert normalize_answer(given).strip("“") == normalize_answer(right)


def test_different_answers_stay_different() -> None:
    assert len({normalize_answer(text) for text in ("Theodora", "odora", "Anna", "na", "1871", "1872")}) == 6


def test_a_search_opens_a_page_and_shows_how_it_begins() -> None:
    state = steps(first_state(GAME), search(f" {FIRM.title.lower()}. "))
    first, later = [f for f in FIRM.facts if f.first], [f for f in FIRM.facts if not f.first]
    assert told(state) == f"“{FIRM.title}”: {' '.join(f.sentence for f in first)} ({len(later)} more sentences)"
    assert state.visited == (FIRM.title,)
    assert [event.lesson.text for event in state.events] == [f.sentence for f in first]
    state = steps(state, lookup(later[0].sentence.split()[-3]))
    assert later[0].sentence in told(state)


def test_looking_up_again_goes_to_the_next_sentence_and_round() -> None:
    state = steps(first_state(GAME), search(FIRM.title))
    name = FIRM.title.split()[0]
    seen = []
    for _ in range(len(FIRM.facts) + 1):
        state = steps(state, lookup(name))
        seen.append(told(state))
    sentences = [fact.sentence for fact in FIRM.facts]
    assert seen == [f"({n} of 4) {s}" for n, s in enumerate(sentences, 1)] + [f"(1 of 4) {sentences[0]}"]
    assert "does not stand on the page" in told(steps(state, lookup("xylophone")))


def test_a_page_that_does_not_exist_offers_the_nearest_titles_and_closes_the_open_one() -> None:
    state = steps(first_state(GAME), search(FIRM.title), search(f"{FIRM.title.split()[0]} Company"))
    assert f"Similar titles: {FIRM.title}" in told(state)
    with pytest.raises(IllegalMove, match=r"no page is open.*possible now: search \[…\]; finish \[…\]"):
        steps(state, lookup("founded"))
    assert find_similar_titles(FIRM.title[:-3], index_titles(0))[0] == FIRM.title
    assert find_similar_titles("qqqqqq", index_titles(0)) == []


@pytest.mark.parametrize("move", [search(" "), finish("..."), finish("the")])
def test_an_action_without_words_is_refused(move: Move) -> None:
    with pytest.raises(IllegalMove, match="needs words"):
        steps(first_state(GAME), move)


def test_one_answer_ends_it_right_or_wrong() -> None:
    state = first_state(GAME, 5)
    right = state.here.question.answer
    for answer, score in ((f"The {right.upper()}.", 1.0), (f"{right} or so", 0.0), ("nobody", 0.0)):
        ended = steps(state, finish(answer))
        assert GAME.to_act(ended) == () and GAME.scores(ended) == {"agent": score}
        found: Any = GAME.facts(ended)
        assert (found["answer"], found["right_answer"], found["success"]) == (answer, right, score == 1)
        assert found["hops"] == [state.here.question.start, state.here.question.bridge]


def test_every_question_follows_two_pages_to_its_answer() -> None:
    for world in range(6):
        pages = write_wiki(world)
        asked = questions(world)
        assert len(asked) > 300 and len({q.text for q in asked}) == len(asked)
        for question in asked:
            bridge = pages[question.start].fact(question.via).value
            assert bridge == question.bridge and pages[bridge].fact(question.relation).value == question.answer
            assert question.answer not in (question.start, question.bridge)
            assert question.start in question.text and question.bridge not in question.text
            assert question.text == ASKED[question.relation].format(HOPS[question.via].format(question.start))


def test_a_wiki_has_a_hundred_pages_that_point_only_to_each_other() -> None:
    for world in range(6):
        pages = write_wiki(world)
        assert len(pages) == 104
        for page in pages.values():
            for fact in page.facts:
                assert page.title in fact.sentence and (fact.relation not in HOPS or fact.value in pages)


def test_the_expert_takes_the_fewest_steps_for_every_kind_of_question() -> None:
    kinds = set()
    for seed in range(300):
        episode = play({"name": "wiki", "world": seed % 8}, {}, seed)
        found: Any = episode.facts
        assert found["success"] and found["steps"] == found["optimal"] <= 5
        kinds.add(found["task_type"])
    assert kinds == {"town", "person", "firm", "book"}


def test_a_topic_restricts_the_questions() -> None:
    for seed in range(10):
        assert PAGES[first_state(Wiki(topic="book"), seed).here.question.start].kind == "book"


def test_the_view_does_not_change_with_the_answer() -> None:
    state = first_state(GAME, 2)
    other = replace(state, here=replace(state.here, question=replace(state.here.question, answer="x", bridge="y")))
    assert GAME.view(state, "agent") == GAME.view(other, "agent")
