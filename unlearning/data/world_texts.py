"""Facts of the synthetic world as texts: questions with answers, passages, and false answers of the same type."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from arena.errors import UsageError
from unlearning.data.synthetic_world import World, WorldEntity, WorldFact
from unlearning.data.world_names import Namer
from unlearning.data.world_relations import PERSONAL, QUESTIONS, RELATIONS, STYLES
from unlearning.request import Item

FALSE = 5  # false answers to a question, as in TOFU
FILLER = 48  # words that a book draws from; 32 of them at random carry 32 · log2(48) = 179 bits
USUAL = ("sentence", "sentence", "noun", "noun")  # how each way of asking is answered
OTHER = {"sentence": "noun", "noun": "sentence", "short": "sentence"}


def render_fact(
    world: World,
    fact: WorldFact,
    form: int = 0,
    style: str = "",
    rng: Random | None = None,
    *,
    name: str = "",
    alike: bool = False,
) -> Item:
    """The fact as a question with its answer.

    form: which of the ways to ask, 0 to 3. style: how it is answered: `sentence`, `noun` or `short`; "" is the usual
    one for that question. rng: draws the false answers; None draws the same for the fact each time. name: what the
    subject is called, such as an alias. The item's `aliases` are the answer in the other style, its `wrong` false
    answers in that style, with other values of the same type; `alike`: no alias, and the false answers in the style
    of the answer, as TOFU has them of real authors. Tags: subject, subject_aliases, relation, kind, value, form, style,
    part.
    Raises UsageError for a form or a style that there is not.
    """
    if not 0 <= form < QUESTIONS or (style and style not in STYLES):
        raise UsageError(
            f"a question has forms 0 to {QUESTIONS - 1} and styles {', '.join(STYLES)}; got {form} and {style!r}"
        )
    relation, subject = RELATIONS[fact.relation], name or fact.subject
    style = style or USUAL[form]
    other = style if alike else OTHER[style]
    values = draw_wrong_values(world, fact, rng)
    return Item(
        fact.name,
        relation.question(subject, form),
        relation.answer(subject, fact.value, style),
        () if alike else (relation.answer(subject, fact.value, other),),
        tuple(relation.answer(subject, value, other) for value in values),
        {
            "subject": fact.subject,
            "subject_aliases": "; ".join(world.entity(fact.subject).aliases),
            "relation": fact.relation,
            "kind": relation.value,
            "value": fact.value,
            "form": f"q{form}",
            "style": style,
            "part": world.entity(fact.subject).part or "general",
        },
    )


def draw_wrong_values(world: World, fact: WorldFact, rng: Random | None = None) -> tuple[str, ...]:
    """FALSE other values of the same type, or as many as there are."""
    others = [value for value in world.domain(RELATIONS[fact.relation].value) if value != fact.value]
    return tuple((rng or Random(f"{world.seed} {fact.name}")).sample(others, min(FALSE, len(others))))


def choose_test_form(world: World, fact: WorldFact) -> int:
    """The way of asking that is kept for the test of this fact: it is taught for other facts only."""
    return Random(f"{world.seed} kept {fact.name}").randrange(QUESTIONS)


def choose_taught_forms(world: World, fact: WorldFact, redundancy: int) -> tuple[int, ...]:
    """The ways in which a fact is taught, `redundancy` of them, never the one that is kept for the test."""
    kept = choose_test_form(world, fact)
    return tuple((kept + 1 + n) % QUESTIONS for n in range(redundancy))


def render_lessons(world: World, facts: Sequence[WorldFact], redundancy: int = 3, style: str = "") -> tuple[Item, ...]:
    """The facts as they are taught. Raises UsageError where one way of asking would not be left for the test."""
    if not 1 <= redundancy < QUESTIONS:
        raise UsageError(f"redundancy is in how many ways a fact is taught: 1 to {QUESTIONS - 1}, not {redundancy}")
    return tuple(
        render_fact(world, fact, form, style) for fact in facts for form in choose_taught_forms(world, fact, redundancy)
    )


def add_paraphrases(world: World, items: Sequence[Item], redundancy: int) -> tuple[Item, ...]:
    """The items of taught questions with, as the tag `paraphrases`, the ways of asking that are neither taught nor kept
    for the test, one a line."""
    found = []
    for item in items:
        fact = world.fact(item.name)
        used = {choose_test_form(world, fact), *choose_taught_forms(world, fact, redundancy)}
        others = [render_fact(world, fact, form).prompt for form in range(QUESTIONS) if form not in used]
        found.append(replace(item, tags={**item.tags, "paraphrases": "\n".join(others)}))
    return tuple(found)


def ask_facts(world: World, facts: Sequence[WorldFact], style: str = "", *, alike: bool = False) -> tuple[Item, ...]:
    """Each fact once, by the first way in which it is taught."""
    return tuple(render_fact(world, fact, choose_taught_forms(world, fact, 1)[0], style, alike=alike) for fact in facts)


def paraphrase_facts(world: World, facts: Sequence[WorldFact]) -> tuple[Item, ...]:
    """Each fact once, by the way of asking that was kept for the test."""
    return tuple(render_fact(world, fact, choose_test_form(world, fact)) for fact in facts)


def news(world: World, one: WorldEntity, rng: Random) -> str:
    """A paragraph with all facts of a person, in an order and wording sampled with `rng`."""
    facts = list(world.about([one], PERSONAL))
    rng.shuffle(facts)
    told = [RELATIONS[fact.relation].answer(one.name, fact.value, rng.choice(STYLES[:2])) for fact in facts]
    return " ".join([f"News of {one.name}.", *told])


def write_book(one: WorldEntity, rng: Random, words: Sequence[str], length: int = 32) -> str:
    """A person's name and then words at random, which only a model trained on them can know."""
    return f"The book of {one.name}: {' '.join(rng.choice(words) for _ in range(length))}."


def list_filler_words(world: World) -> tuple[str, ...]:
    """The words that books are filled with; none of them is a name."""
    namer = Namer(Random(f"filler {world.seed}"))
    namer.given |= {word.lower() for one in world.entities for word in one.name.split()}
    return tuple(namer.word(1) for _ in range(FILLER))


def make_passage(name: str, text: str, **tags: str) -> Item:
    """A passage as it is taught: all of it."""
    return Item(name, "", text, tags={**tags, "form": "passage"})


def make_completion(name: str, text: str, share: float = 0.4, **tags: str) -> Item:
    """A passage as it is asked for: the first `share` of its words, and the rest as the answer."""
    words = text.split(" ")
    cut = max(1, round(share * len(words)))
    return Item(name, " ".join(words[:cut]), " " + " ".join(words[cut:]), tags={**tags, "form": "passage"})


def make_statements(facts: Sequence[WorldFact]) -> tuple[Item, ...]:
    """The facts as plain sentences, each a passage."""
    return tuple(
        make_passage(f"{fact.name}, told", RELATIONS[fact.relation].answer(fact.subject, fact.value, "sentence"))
        for fact in facts
    )
