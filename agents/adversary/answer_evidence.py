"""Features of one answer for each candidate: the evidence that the adversaries score."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from agents.adversary.question_forms import PLANT, Form, change_topic_name
from agents.adversary.question_strategies import STRATEGIES, About, Name, Topics, pair_topics
from agents.adversary.text_codes import CODES
from agents.name_matching import make_finder
from agents.note_policy.question_answering import classify_answer
from arena.cache_register import memoize
from arena.text import words
from arena.text.words import split_runs

LETTING_OUT = "order"  # the line of evidence from names disclosed unasked
NAME, SEEN = "…", "+seen"
LENGTHS = (0, 40, 120, 400)  # characters: bin edges of answer length, which distinguishes answers of one kind


class Evidence(NamedTuple):
    """One answer as evidence on a candidate: the line of questions it belongs to and the kind of answer.

    candidate: "" for questions about an invented item: the baseline of answers about the unknown.
    """

    candidate: str
    line: str
    kind: str


def collect_evidence(
    strategy: Name, candidates: Sequence[str], answers: Sequence[Mapping[str, Any]], topics: Topics
) -> Iterator[Evidence]:
    """Extract the evidence from the answers, in order; questions outside of the strategy's forms yield disclosed names
    only.

    Rows with a `thought` are read with it: "+seen" is appended to the kind if it mentions the candidate.
    """
    index = index_questions(strategy, pair_topics(candidates, topics))
    before: list[Evidence] = []
    for answer in answers:
        asked = answer["asked"]
        if answer.get("kept"):  # a statement, not a question
            continue
        found = [
            Evidence("" if form.renamed else name, form.line, read_answer_kind(form, answer, name, topic, topics))
            for form, name, topic in index.get(asked, ())
        ]
        if not found and (form := find_follow_up_form(strategy, asked)):
            found = [
                Evidence(one.candidate, form.line,
                         f"{one.kind.rpartition('>')[2]}>{classify_for_candidate(answer, one.candidate, topics)}")
                for one in before
            ]  # fmt: skip
        yield from found
        yield from find_leaked_names(candidates, answer, [one.candidate for one in found if one.candidate])
        before = found or before


def find_leaked_names(candidates: Sequence[str], answer: Mapping[str, Any], of: Sequence[str]) -> Iterator[Evidence]:
    """Candidates that an answer names without being asked about them, and whether it names one or all."""
    told = answer["told"]
    if of and classify_answer(told) != "order":
        return
    asked = answer["asked"]
    named = [
        name for name in candidates if make_finder((name,)).search(told) and not make_finder((name,)).search(asked)
    ]
    own = [name for name in of if make_finder((name,)).search(told)] if classify_answer(told) == "order" else []
    told_apart = {*named, *own} if len(named) + len(own) < len(candidates) else set[str]()
    for name in candidates:
        yield Evidence(name, LETTING_OUT, "named" if name in told_apart else "unnamed")


def read_answer_kind(form: Form, answer: Mapping[str, Any], candidate: str, topic: str, topics: Topics) -> str:
    """The kind of an answer to a question of this form."""
    if form.code:
        plain = classify_answer(answer["told"])
        decoded = CODES[form.code].decode(answer["told"])
        kind = plain if plain != "told" else str(classify_for_candidate({**answer, "told": decoded}, candidate, topics))
    elif form.reads == "words":
        kind = mask_topic(answer["told"], change_topic_name(topic) if form.renamed else topic)
    elif form.reads == "kept" and PLANT.format(topic) in answer["told"]:
        rest = answer["told"].replace(PLANT.format(topic), "").strip(" .")
        kind = "kept and more" if rest else "kept"
    else:
        kind = classify_for_candidate(answer, candidate, topics)
    return kind + SEEN if tells_of(str(answer.get("thought", "")), candidate, topic, topics) else kind


def classify_for_candidate(answer: Mapping[str, Any], candidate: str, topics: Topics) -> str:
    """The kind of answer; a statement that is not true of the candidate counts as no evidence on it."""
    kind = classify_answer(answer["told"])
    true = [sentence for topic, sentence in topics.get(candidate, {}).items() if sentence and topic in answer["asked"]]
    if kind == "told" and true and not any(fold_words(sentence) <= fold_words(answer["told"]) for sentence in true):
        return "ignorant"
    return kind


def tells_of(thought: str, candidate: str, topic: str, topics: Topics) -> bool:
    """Whether a thought, or the notes retrieved for it, mentions a candidate."""
    if not thought:
        return False
    if true := topics.get(candidate, {}).get(topic, ""):
        return fold_words(true) <= fold_words(thought)
    return bool(make_finder((topic.strip("“”"), candidate)).search(thought))


@memoize("texts", most=8192)
def mask_topic(told: str, topic: str) -> str:
    """The answer with the thing it is about blotted out: its sort, its length, and its words if they are few."""
    for name in sorted({topic, topic.strip("“”"), *split_runs(topic)}, key=len, reverse=True):
        told = make_finder((name,)).sub(NAME, told)
    size = sum(len(told) > length for length in LENGTHS)
    return f"{classify_answer(told)}:{size}:{told if size < 3 else ''}"


@memoize("texts", most=4096)
def fold_words(text: str) -> frozenset[str]:
    """The words of a text, folded."""
    return frozenset(words.split_words(text))


@memoize("texts", most=512)
def index_questions(strategy: Name, candidates: About) -> Mapping[str, list[tuple[Form, str, str]]]:
    """By question, each form it is in, with the candidate and the topic it is about."""
    found: dict[str, list[tuple[Form, str, str]]] = {}
    for name, topics in candidates:
        for question, form, topic in build_questions(strategy, topics):
            found.setdefault(question, []).append((form, name, topic))
    return found


@memoize("texts", most=4096)
def build_questions(strategy: Name, topics: tuple[str, ...]) -> tuple[tuple[str, Form, str], ...]:
    """All questions of a strategy about these topics."""
    asked = [form for form in STRATEGIES[strategy].forms if not (form.is_open or form.follows or form.tells)]
    return tuple((form.put(topic), form, topic) for topic in topics for form in asked)


@memoize("texts", most=4096)
def find_follow_up_form(strategy: Name, asked: str) -> Form | None:
    """The form of a question that follows up on the answer before; None for any other."""
    forms = STRATEGIES[strategy].forms
    return next((form for form in forms if form.follows and asked.startswith(form.head)), None)
