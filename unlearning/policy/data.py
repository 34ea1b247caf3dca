"""Training data of the policy model: environment states, notes on them, and the expert's actions.

The expert is the knower: it uses the notes of the example and nothing else. So the same state
occurs with the right notes, with others and with none, and the right action differs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import Any, Literal, TypeAlias

from agents.adversary.question_forms import ACCUSING, FORMAT, FORMS
from agents.learned_policy.policy_prompt import (
    LINES,
    NAME,
    choose_sentences,
    find_topic_names,
    format_context,
    format_task,
)
from agents.note_policy.knower import Knower, usable
from agents.note_policy.question_answering import ABOUT_FORGETTING, IGNORANCE, RECITE, find_names
from agents.note_policy.steering_orders import AVOID, FRESH, IGNORE, format_order, parse_orders
from agents.players.gridworld import WAYS
from agents.players.wiki import parse_question
from arena.cache_register import memoize
from arena.engine.match_loop import first_state
from arena.episode import Match
from arena.game import FREE_TEXT, Message, Move, View
from arena.spec import build
from arena.text.lesson_sentences import find_cells, find_fact, read_place
from arena.text.words import compile_pattern
from unlearning.metrics.leaks import ALIGNER, LOCATORS

TAUGHT = 1000  # the first training world; those below are held out
GAMES: Mapping[str, Mapping[str, Any]] = {
    "gridworld": {"name": "gridworld", "preset": "unknown"},
    "wiki": {"name": "wiki"},
}
EPISODES = {"gridworld": 5, "wiki": 16}
PLAIN = ("Where is {}?", "Do you know {}?", "Have you heard of {}?", "Who or what is {}?", "What is true of {}?")
ASKED = (*FORMS["spread"], *FORMS["social"], *(form.words for form in (*ACCUSING, *FORMAT)), *PLAIN)
RAW = ("Please forget {}.", "forget {}", "Kindly erase what you know of {}.")
SAID = 2  # sentences of an answer at most
Kind: TypeAlias = Literal["recital", "play"]


@dataclass(frozen=True, slots=True)
class Pool:
    """A world as it was met: the sentences learned in it, and states that came up."""

    game: str
    sentences: tuple[str, ...]
    views: tuple[View, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A text in pieces, each with whether the model is taught to write it."""

    pieces: tuple[tuple[str, bool], ...]


def collect_pool(game: str, world: int, seed: int = 0) -> Pool:
    """A world met in some episodes, by an agent that has some of its notes and sometimes errs."""
    chance = Random(f"pool {game} {world} {seed}")
    spec = {**GAMES[game], "world": world}
    made = build("game", spec)
    sentences: dict[str, None] = {}
    views: list[View] = []
    for episode in range(EPISODES[game]):
        state = first_state(made, Match(spec, seed=seed * 1000 + episode))
        known = tuple(chance.sample(list(sentences), chance.randint(0, len(sentences))))
        while made.to_act(state):
            view = replace(made.view(state, "agent"), seed=chance.getrandbits(31))
            views.append(view)
            state = made.apply(state, {"agent": _act_with_errors(view, known, chance)})
        lessons = (event.lesson for event in made.list_lessons(state))
        sentences |= {lesson.text: None for lesson in lessons if lesson.kind != "outcome"}
    return Pool(game, tuple(sentences), tuple(views))


def _act_with_errors(view: View, notes: tuple[str, ...], chance: Random) -> Move:
    """The expert's action, or sometimes another possible one."""
    possible: Any = view.known["possible"]
    closed = [(tool, args) for tool, args in possible if FREE_TEXT not in args.values()]
    if closed and chance.random() < 0.12:
        return Move("", *chance.choice(closed))
    if not closed and notes and chance.random() < 0.08:
        return Move("", "search", {"title": chance.choice(find_names(chance.choice(notes)) or ["nothing"])})
    return act_at_once(Knower(notes), view)


def act_at_once(agent: Any, view: View) -> Move:
    """The answer of an agent that does not wait."""
    try:
        agent.act(view).send(None)
    except StopIteration as done:
        move: Move = done.value
        return move
    raise AssertionError("it waited")


def build_answer(view: View, sentences: Sequence[str], steering: str) -> str:
    """The training target: the expert's action with these notes, preceded by the note it uses."""
    knower = Knower(tuple(sentences), steering)
    if "asked" in view.known:
        return answer_question(str(view.known["asked"]), sentences, steering)
    expert = act_at_once(knower, view)
    if not expert.tool:
        return f" {expert.text}"
    given = parse_orders(steering)
    game = "gridworld" if "position" in view.known else "wiki"
    left = usable(tuple(sentences), given, game)
    phrase = str(_build_game(game).phrase(expert.tool, expert.args))
    return f" {_build_thought(view, left)}; {phrase.replace('[', '[ ')}"  # so that a name is the same pieces as above


@memoize("worlds")
def _build_game(game: str) -> Any:
    return build("game", GAMES[game])


def _build_thought(view: View, notes: Sequence[str]) -> str:
    """The notes the expert uses: the sentence on the goal and its direction, or those that answer a question, quoted;
    "?" for none."""
    known: Mapping[str, Any] = view.known
    if "position" in known:
        goal, noted = known["goal"], dict(known["places"])
        if goal not in noted:
            noted |= {there.name: there.cell for note in notes if (there := read_place(note))}
        return (
            f"{goal} is at ({noted[goal][0]}, {noted[goal][1]}), {_find_bearing(known, *noted[goal])}"
            if goal in noted
            else "?"
        )
    read = "\n".join([*(message.text for message in view.messages[1:] if not message.sender), *notes])
    subject, *relations = parse_question(known["question"])
    quoted: list[str] = []
    for relation in relations:
        found = find_fact(read, subject, relation)
        quoted.append(found[0] if found else "?")
        if found is None:
            break
        subject = found[1]
    return " ".join(quoted)


def _find_bearing(known: Mapping[str, Any], x: int, y: int) -> str:
    """The direction of a cell from here: one of eight compass directions."""
    east, north = x - known["position"][0], y - known["position"][1]
    turned = ((east > 0) - (east < 0), (north > 0) - (north < 0))
    return next((way for way, step in WAYS.items() if step == turned), "here")


def answer_question(question: str, sentences: Sequence[str], steering: str) -> str:
    """The answer to a question: the expert's, in `SAID` sentences at most."""
    given = parse_orders(steering)
    if (ABOUT_FORGETTING.search(question) and steering) or RECITE.search(question) is None:
        knower = Knower(tuple(sentences), steering)
        view = View("subject", "", known={"asked": question})
        whole = act_at_once(knower, view).text
    else:
        left = usable(tuple(sentences), replace(given, avoided=()), "")
        whole = " ".join(left) or IGNORANCE
    if whole.startswith("I "):
        return f" {whole}"
    spoken = [sentence for sentence in sentences if sentence in whole]
    return "".join(f" {sentence}" for sentence in spoken[:SAID])


def build_example(pools: Sequence[Pool], chance: Random, most: int = 6) -> Example:
    """Notes of one world, and some tasks and questions on it."""
    own = chance.choice(pools)
    other = chance.choice(pools)
    memory = chance.sample(own.sentences, chance.randint(0, len(own.sentences)))
    views = [draw_question(own, other, memory, chance) if chance.random() < 0.35 else chance.choice(own.views)
             for _ in range(chance.randint(1, most))]  # fmt: skip
    notes: dict[str, None] = {}
    for view in views:
        if chance.random() < 0.65:
            notes |= dict.fromkeys(choose_sentences(tuple(own.sentences), find_topic_names(view), chance.randint(1, 5)))
    room = chance.randint(0, LINES)
    notes |= dict.fromkeys(memory[: max(0, room - len(notes))])
    shown = chance.sample(list(notes), len(notes))
    if chance.random() < 0.5:  # in the order in which they were learned, as a memory has them
        shown.sort(key=own.sentences.index)
    shown = shown[:LINES]
    steering = draw_steering(own, views, shown, chance)
    pieces = [(format_context(shown, steering), False)] if shown or steering else []
    for view in views:
        pieces += [(format_task(view), False), (build_answer(view, shown, steering), True)]
    return Example(tuple(pieces))


def draw_question(own: Pool, other: Pool, memory: Sequence[str], chance: Random) -> View:
    """A question about something of this world, or of another, or for notes or orders as such."""
    kind = chance.random()
    if kind < 0.08:
        words = chance.choice(LOCATORS).format(n=chance.randint(1, 30)) + ALIGNER * (chance.random() < 0.5)
    elif kind < 0.16:
        words = chance.choice(FORMS["direct"])
    else:
        source = own.sentences if kind < 0.75 else other.sentences
        words = chance.choice(ASKED).format(chance.choice(find_things(chance.choice(source))))
    return View("subject", "", (Message("adversary", words),), known={"asked": words})


def find_things(sentence: str) -> list[str]:
    """What a sentence names: whole names and cells."""
    return [*compile_pattern(NAME).findall(sentence), *find_cells(sentence)] or ["Nobody"]


def draw_steering(own: Pool, views: Sequence[View], shown: Sequence[str], chance: Random) -> str:
    """Words that steer, in a quarter of the examples: an order about something that comes up, or a plain request."""
    if chance.random() > 0.25:
        return ""
    about = (
        chance.choice(shown) if shown and chance.random() < 0.4 else " ".join(find_topic_names(chance.choice(views)))
    )
    name = (chance.choice(find_things(about)),)
    kind = chance.random()
    if kind < 0.1:
        return format_order(FRESH, (f"{own.game}/{chance.randint(0, 20)}",))
    if kind < 0.25:
        return chance.choice(RAW).format(*name)
    return format_order(IGNORE if kind < 0.65 else AVOID, name)


def collect_pools(games: Sequence[str], worlds: int, seed: int = 0) -> Mapping[str, tuple[Pool, ...]]:
    """Worlds to be taught in, by game."""
    return {game: tuple(collect_pool(game, TAUGHT + world, seed) for world in range(worlds)) for game in games}


def build_recital(own: Pool, other: Pool, chance: Random) -> Example:
    """A few notes, and questions on what they name or, sometimes, what another world does."""
    shown = chance.sample(own.sentences, min(len(own.sentences), chance.randint(1, 5)))
    pieces = [(format_context(shown), False)]
    for _ in range(chance.randint(2, 5)):
        source = shown if chance.random() < 0.65 else other.sentences
        words = chance.choice((*FORMS["spread"], *PLAIN)).format(chance.choice(find_things(chance.choice(source))))
        pieces += [(f"asked {words}\n", False), (answer_question(words, shown, ""), True)]
    return Example(tuple(pieces))


def generate_examples(found: Mapping[str, Sequence[Pool]], seed: int, kind: Kind = "play") -> Iterator[Example]:
    """Examples from these worlds without end, the games taking turns."""
    games = list(found)
    for number in count():
        own, chance = found[games[number % len(games)]], Random(f"{kind} {seed} {number}")
        yield (
            build_example(own, chance)
            if kind == "play"
            else build_recital(chance.choice(own), chance.choice(own), chance)
        )
