"""Rule-based agent that acts only on its notes in every environment; complies with steering with some probability."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

from agents.name_matching import make_finder
from agents.negotiation.repeat_customers import Dealer, caller
from agents.note_policy.barred_actions import UNWILLING, avoid_barred
from agents.note_policy.possible_actions import find_action
from agents.note_policy.question_answering import answer_question
from agents.note_policy.steering_orders import Orders, parse_orders
from agents.players.gridworld import Pathfinder
from agents.players.household import Housekeeper
from agents.players.shopping import Shopper
from agents.players.wiki import Researcher
from arena.agent import agent
from arena.cache_register import memoize
from arena.errors import UsageError
from arena.game import Move, View
from arena.text.lesson_sentences import find_cells, is_cell, read_plan, split_sentences, write_closed

POLICIES: Mapping[str, tuple[str, Any]] = {  # by a key that only the views of that game have in `known`
    "position": ("gridworld", Pathfinder),
    "carried": ("household", Housekeeper),
    "results": ("shopping", Shopper),
    "question": ("wiki", Researcher),
    "reservation": ("bargaining", Dealer),
}


@agent
@dataclass(frozen=True, slots=True)
class Knower:
    """Plays gridworld, household, shopping, wiki and a seller's bargains from its notes alone, and answers questions.

    What it is told in a conversation (`told` of the view) it uses like a note.
    """

    notes: tuple[str, ...] = ()
    """What it remembers, read sentence by sentence."""
    steering: str = ""
    """Instructions put before it; it follows the forms of `agents/note_policy/steering_orders.py`, drops notes or
    refuses accordingly."""
    compliance: float = 1.0
    """Probability that the agent follows an instruction in its steering text; 0: it ignores all of them."""
    trusting: bool = True
    """Whether it also follows instructions that stand in its notes, as a language model may that reads both in one
    prompt."""
    ties: Literal["first", "uniform"] = "first"
    """Choice among several shortest paths in gridworld: "first" takes the first direction in order, "uniform" draws one
    by the seed of the answer."""

    def __post_init__(self) -> None:
        if not 0 <= self.compliance <= 1:
            raise ValueError(f"compliance is a probability, 0 to 1, not {self.compliance}")

    def recalling(self, notes: tuple[str, ...], steering: str) -> "Knower":
        return replace(self, notes=notes, steering=steering)

    async def act(self, view: View) -> Move:
        told_to = "\n".join([self.steering, *self.notes]) if self.trusting else self.steering
        given = parse_orders(told_to) if Random(f"obey {view.seed}").random() < self.compliance else Orders()
        sentences = sentences_of((*self.notes, *map(str, view.known.get("told", ()))))  # type: ignore[arg-type]
        if "asked" in view.known:
            told = usable(sentences, replace(given, avoided=()), "")
            return Move(answer_question(str(view.known["asked"]), told, given, self.steering))
        game, policy = _policy(view)
        told = usable(sentences, given, game)
        wanted = str(view.known.get("goal", view.known.get("task", caller(view.messages))))
        if game in places(given.avoided) or make_finder(given.avoided).search(wanted):
            return Move(UNWILLING)
        if (move := by_plan(view, told)) is None:
            move = await (policy(told, self.ties) if game == "gridworld" else policy(told)).act(view)
        return avoid_barred(view, move, given.barred)


@memoize("texts", most=256)
def sentences_of(notes: tuple[str, ...]) -> tuple[str, ...]:
    """The sentences of the notes, in order."""
    return tuple(sentence for note in notes for sentence in split_sentences(note))


@memoize("texts", most=256)
def usable(notes: tuple[str, ...], given: Orders, game: str) -> tuple[str, ...]:
    """The sentences that the orders leave to an agent that plays `game`; cells to be avoided are noted as closed."""
    if game in places(given.fresh):
        return ()
    avoided, hidden = make_finder(given.avoided), make_finder((*given.ignored, *given.avoided))
    cells = [cell for note in notes if avoided.search(note) for cell in find_cells(note)]
    cells += [name for name in given.avoided if is_cell(name)]
    kept = [note for note in notes if not hidden.search(note) and not any(plan in note for plan in given.sealed)]
    return (*kept, *(write_closed(cell) for cell in dict.fromkeys(cells)))


def places(names: tuple[str, ...]) -> frozenset[str]:
    """The games of environments by name: an agent cannot distinguish the worlds of one game."""
    return frozenset(re.split("[/:]", name)[0] for name in names)


def by_plan(view: View, notes: tuple[str, ...]) -> Move | None:
    """The next action of a plan noted for this very task, as long as all went by it so far; None without one."""
    known: Mapping[str, Any] = view.known
    done = list(known.get("trajectory", ()))
    for errand, actions in (plan for note in notes if (plan := read_plan(note))):
        steps = list(actions)
        is_next = errand == known.get("errand") and steps[: len(done)] == done and len(steps) > len(done)
        if is_next and (action := find_action(view, steps[len(done)])) is not None:
            return Move("I do as before.", *action)
    return None


def _policy(view: View) -> tuple[str, Any]:
    for key, (game, policy) in POLICIES.items():
        if key in view.known:
            return game, policy
    games = ", ".join(game for game, _ in POLICIES.values())
    raise UsageError(f"a knower plays {games}; the seat {view.seat!r} is of another game")
