"""Prompt format of the policy model: relevant notes, then the task in one line; the model writes one action.

    Vellorik Mill is at (3, 4).                         notes, a sentence each
    order Act as if you had never learned of …          what steers it, if anything does
    seen Vellorik Mill is at (3, 4).                    what was seen in this episode
   walk to Vellorik Mill at (5, 4) around ③#⓪… beyond ②⓪④①
    Vellorik Mill is at (3, 4); go west                 the output: the note it uses, and its action

Names are shown to it as numbers that hold in one prompt alone ("<7> is at (3, 4)."), as Hermann et al. 2015 (Teaching
Machines to Read and Comprehend) number entities: it cannot know a name from anywhere else, and can read and say any.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from agents.name_matching import make_finder
from agents.note_policy.knower import sentences_of
from agents.note_policy.possible_actions import find_action
from agents.note_policy.question_answering import OPENERS, find_names
from agents.players.gridworld import WAYS
from arena.cache_register import memoize
from arena.errors import UsageError
from arena.game import Move, View
from arena.lessons import PlaceData
from arena.text.lesson_sentences import is_story, write_place
from arena.text.words import CAPITAL, PART, compile_pattern

LINES = 10  # notes that are put before the model, as it was taught with
TITLE = re.compile(r"^(?:“[^”]+”: |\(\d+ of \d+\) )")
MORE = re.compile(r" \(\d+ more sentences?\)$")
NEW, BEEN, SHUT = "⓪①②③④⑤⑥⑦⑧", "⓿❶❷❸❹❺❻❼❽", "#"  # a cell by how many cells around it are unseen
MARKS = 64  # distinct names in one prompt
MARK = re.compile(r"<(\d+)>")
COMMON = OPENERS | {"Act", "Answer", "French", "Have", "Here", "JSON", "Kindly", "Never", "Return", "Similar",
                    "Translate", "Treat", "Were"}  # fmt: skip
NAME = rf"(?:The )?(?!(?:{'|'.join(sorted(COMMON))})\b){CAPITAL}{PART}*(?: {CAPITAL}{PART}*)*"
Known = Mapping[str, Any]


def number_names(text: str, numbers: Iterable[int] = range(MARKS)) -> Mapping[str, str]:
    """A mark for each name in a text: the numbers in the order of the names; those beyond stay as they are."""
    names = dict.fromkeys(compile_pattern(NAME).findall(text))
    return {name: f"<{number}>" for name, number in zip(names, numbers, strict=False)}


def mark_names(text: str, marks: Mapping[str, str]) -> str:
    """The text with its names as marks; what looks like one already is written otherwise."""
    plain = MARK.sub(r"‹\1›", text)
    return str(compile_pattern(NAME).sub(lambda found: marks.get(found[0], found[0]), plain))


def unmark_names(text: str, marks: Mapping[str, str]) -> str:
    """The text with names in place of their marks; a mark of no name stays."""
    names = {sign: name for name, sign in marks.items()}
    return MARK.sub(lambda found: names.get(found[0], found[0]), text)


def build_prompt(view: View, notes: Sequence[str], steering: str = "", lines: int = LINES) -> str:
    """The whole text before the answer. Raises UsageError for a view of a game that it was not taught."""
    told = tuple(map(str, view.known.get("told", ())))  # type: ignore[arg-type]
    return format_context(
        choose_sentences(sentences_of((*notes, *told)), find_topic_names(view), lines), steering
    ) + format_task(view)


def format_context(sentences: Sequence[str], steering: str = "") -> str:
    """Notes and orders as lines."""
    orders = f" order {' '.join(steering.split())}\n" if steering.strip() else ""
    return "".join(f" {sentence}\n" for sentence in sentences) + orders


def find_topic_names(view: View) -> tuple[str, ...]:
    """The names that notes are looked up by: those in the question, or in the task."""
    known: Known = view.known
    said = view.messages[-1].text if view.messages else ""
    return tuple(find_names(str(known.get("asked") or known.get("task") or said)))


@memoize("texts", most=4096)
def choose_sentences(sentences: tuple[str, ...], names: tuple[str, ...], most: int = LINES) -> tuple[str, ...]:
    """The sentences that bear most on these names, in their order, each once, `most` at most.

    First those that name one, then those that share a name with these, then the latest.
    """
    kept = [sentence for sentence in dict.fromkeys(sentences) if not is_story(sentence)]  # it goes by facts alone
    if len(kept) <= most:
        return tuple(kept)
    near = _find_naming(kept, names)
    far = _find_naming(kept, [name for number in sorted(near) for name in find_names(kept[number])]) - near
    order = [*sorted(near), *sorted(far), *reversed(range(len(kept)))]
    return tuple(kept[number] for number in sorted(list(dict.fromkeys(order))[:most]))


def _find_naming(sentences: Sequence[str], names: Sequence[str]) -> set[int]:
    wanted = make_finder(tuple(dict.fromkeys(names)))
    return {number for number, sentence in enumerate(sentences) if wanted.search(sentence)}


def format_task(view: View) -> str:
    """The query: what was seen in the episode so far, a line each, then the task with the current position."""
    known: Known = view.known
    for key, (_, write) in BLOCKS.items():
        if key in known:
            return write(view)
    if set(known) <= {"told"} and view.messages and not view.tools:
        return f"asked {_join_lines(view.messages[-1].text)}\n"
    games = ", ".join(game for game, _ in BLOCKS.values())
    raise UsageError(f"a policy was taught {games}; the seat {view.seat!r} is of another game")


def format_walk(view: View) -> str:
    """Gridworld: the goal, the cell, the eight cells around, and how much is unseen beyond to each of four sides."""
    known: Known = view.known
    (x, y), size, goal = known["position"], int(known["size"]), str(known["goal"])
    met, shut = {tuple(cell) for cell in known["met"]}, {tuple(cell) for cell in known["blocked"]}
    cells = {(c, r) for c in range(1, size + 1) for r in range(1, size + 1)}
    been = _trace_path((x, y), known["trajectory"])

    def sign(cell: tuple[int, int]) -> str:
        if cell in shut or cell not in cells:
            return SHUT
        unseen = sum((cell[0] + e, cell[1] + n) in cells - met for e, n in WAYS.values())
        return (BEEN if cell in been else NEW)[unseen]

    around = "".join(sign((x + e, y + n)) for e, n in WAYS.values())
    dark = cells - met
    quarters = [sum((c - x) * e + (r - y) * n > 0 for c, r in dark) for e, n in list(WAYS.values())[:4]]
    beyond = "".join(NEW[min(8, -(-16 * count // size**2))] for count in quarters)
    seen = known["places"].get(goal)
    told = f" seen {write_place(PlaceData(goal, (seen[0], seen[1])))}\n" if seen else ""
    return f"{told}walk to {goal} at ({x}, {y}) around {around} beyond {beyond}\n"


def _trace_path(here: tuple[int, int], trajectory: Sequence[str]) -> set[tuple[int, int]]:
    """The cells that were entered, from where the way ended and its actions."""
    x, y = here
    cells = {here}
    for action in reversed(trajectory):
        east, north = WAYS[str(action).removeprefix("go ")]
        x, y = x - east, y - north
        cells.add((x, y))
    return cells


def format_search(view: View) -> str:
    """Wiki: the sentences read so far, the question, the open page."""
    read = [MORE.sub("", TITLE.sub("", message.text)) for message in view.messages[1:] if not message.sender]
    told = "".join(f" seen {_join_lines(sentence)}\n" for sentence in dict.fromkeys(sentences_of(tuple(read))))
    return f"{told}find {_join_lines(str(view.known['question']))} on {view.known['page'] or 'no page'}\n"


def format_question(view: View) -> str:
    """Interrogation: the question."""
    return f"asked {_join_lines(str(view.known['asked']))}\n"


BLOCKS: Mapping[str, tuple[str, Callable[[View], str]]] = {  # by a key that only the views of that game have in `known`
    "asked": ("interrogation", format_question),
    "position": ("gridworld", format_walk),
    "question": ("wiki", format_search),
}


def parse_move(view: View, said: str) -> Move:
    """The move that an answer means: words to a question, else the possible action that it names; else mere words."""
    said = said.strip()
    thought, _, text = said.rpartition("; ")
    if (action := find_action(view, text)) is not None:
        tool, args = action
        return Move("", tool, {k: v.strip() if isinstance(v, str) else v for k, v in args.items()}, thought)
    return Move(said)


def _join_lines(text: str) -> str:
    return " ".join(text.split())
