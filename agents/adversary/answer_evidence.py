"""What an answer says of each candidate: the evidence that an adversary reasons from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from agents.adversary.question_forms import PLANT, Form, renamed
from agents.adversary.question_strategies import STRATEGIES, About, Name, Topics, about
from agents.adversary.text_codes import CODES
from agents.name_matching import naming
from agents.note_policy.question_answering import heard
from arena.cache_register import memoize
from arena.text import words as text_words
from arena.text.words import runs

LETTING_OUT = "order"  # the line of whatever lets a candidate's name out unasked
NAME, SEEN = "…", "+seen"
LENGTHS = (0, 40, 120, 400)  # characters; by how long an answer is, kinds of the same sort differ


class Evidence(NamedTuple):
    """An answer as it counts for a candidate: on which line it was asked, and of what kind the answer was.

    candidate: "" where it was asked about a thing that nobody has: what an answer about the unknown is like.
    """

    candidate: str
    line: str
    kind: str


def evidence(
    strategy: Name, candidates: Sequence[str], answers: Sequence[Mapping[str, Any]], topics: Topics
) -> Iterator[Evidence]:
    """The evidence in the answers, in their order; of a question in no form of the strategy only names that it let out.

    Rows with a `thought` are read with it: "+seen" stands behind the kind where it tells of the candidate.
    """
    index = indexed(strategy, about(candidates, topics))
    before: list[Evidence] = []
    for answer in answers:
        asked = answer["asked"]
        if answer.get("kept"):  # it was told, not asked
            continue
        found = [
            Evidence("" if form.renamed else name, form.line, read(form, answer, name, topic, topics))
            for form, name, topic in index.get(asked, ())
        ]
        if not found and (form := following(strategy, asked)):
            found = [
                Evidence(one.candidate, form.line,
                         f"{one.kind.rpartition('>')[2]}>{understood(answer, one.candidate, topics)}")
                for one in before
            ]  # fmt: skip
        yield from found
        yield from let_out(candidates, answer, [one.candidate for one in found if one.candidate])
        before = found or before


def let_out(candidates: Sequence[str], answer: Mapping[str, Any], of: Sequence[str]) -> Iterator[Evidence]:
    """What an answer lets out of others than it was asked about: whether it names them, alone or with all."""
    told = answer["told"]
    if of and heard(told) != "order":
        return
    asked = answer["asked"]
    named = [name for name in candidates if naming((name,)).search(told) and not naming((name,)).search(asked)]
    own = [name for name in of if naming((name,)).search(told)] if heard(told) == "order" else []
    told_apart = {*named, *own} if len(named) + len(own) < len(candidates) else set[str]()
    for name in candidates:
        yield Evidence(name, LETTING_OUT, "named" if name in told_apart else "unnamed")


def read(form: Form, answer: Mapping[str, Any], candidate: str, topic: str, topics: Topics) -> str:
    """The kind of an answer to a question of this form."""
    if form.code:
        plain = heard(answer["told"])
        decoded = CODES[form.code].decode(answer["told"])
        kind = plain if plain != "told" else str(understood({**answer, "told": decoded}, candidate, topics))
    elif form.reads == "words":
        kind = masked(answer["told"], renamed(topic) if form.renamed else topic)
    elif form.reads == "kept" and PLANT.format(topic) in answer["told"]:
        rest = answer["told"].replace(PLANT.format(topic), "").strip(" .")
        kind = "kept and more" if rest else "kept"
    else:
        kind = understood(answer, candidate, topics)
    return kind + SEEN if tells_of(str(answer.get("thought", "")), candidate, topic, topics) else kind


def understood(answer: Mapping[str, Any], candidate: str, topics: Topics) -> str:
    """What kind of answer it was; one that tells something else than is true of the candidate tells nothing of it."""
    kind = heard(answer["told"])
    true = [sentence for topic, sentence in topics.get(candidate, {}).items() if sentence and topic in answer["asked"]]
    if kind == "told" and true and not any(words(sentence) <= words(answer["told"]) for sentence in true):
        return "ignorant"
    return kind


def tells_of(thought: str, candidate: str, topic: str, topics: Topics) -> bool:
    """Whether a thought, or what was looked up for it, tells of a candidate."""
    if not thought:
        return False
    if true := topics.get(candidate, {}).get(topic, ""):
        return words(true) <= words(thought)
    return bool(naming((topic.strip("“”"), candidate)).search(thought))


@memoize("texts", most=8192)
def masked(told: str, topic: str) -> str:
    """The answer with the thing it is about blotted out: its sort, its length, and its words if they are few."""
    for name in sorted({topic, topic.strip("“”"), *runs(topic)}, key=len, reverse=True):
        told = naming((name,)).sub(NAME, told)
    size = sum(len(told) > length for length in LENGTHS)
    return f"{heard(told)}:{size}:{told if size < 3 else ''}"


@memoize("texts", most=4096)
def words(text: str) -> frozenset[str]:
    """The words of a text, folded."""
    return frozenset(text_words.words(text))


@memoize("texts", most=512)
def indexed(strategy: Name, candidates: About) -> Mapping[str, list[tuple[Form, str, str]]]:
    """By question, each form it is in, with the candidate and the topic it is about."""
    found: dict[str, list[tuple[Form, str, str]]] = {}
    for name, topics in candidates:
        for question, form, topic in put_about(strategy, topics):
            found.setdefault(question, []).append((form, name, topic))
    return found


@memoize("texts", most=4096)
def put_about(strategy: Name, topics: tuple[str, ...]) -> tuple[tuple[str, Form, str], ...]:
    """All questions of a strategy about these topics."""
    asked = [form for form in STRATEGIES[strategy].forms if not (form.is_open or form.follows or form.tells)]
    return tuple((form.put(topic), form, topic) for topic in topics for form in asked)


@memoize("texts", most=4096)
def following(strategy: Name, asked: str) -> Form | None:
    """The form of a question that follows up on the answer before; None for any other."""
    forms = STRATEGIES[strategy].forms
    return next((form for form in forms if form.follows and asked.startswith(form.head)), None)
