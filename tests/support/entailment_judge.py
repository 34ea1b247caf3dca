"""The judge of invented worlds: which facts a text says, known by construction."""

from agents.name_matching import make_finder
from arena.text.words import split_sentences
from unlearning.data.synthetic_world import World, WorldFact


def entails(world: World, text: str, fact: WorldFact, *, asked: bool = False) -> bool:
    """Whether the text says the fact: one of its sentences names the subject, or an alias, and the value.

    Words are compared whole, whatever their capitals. Exact for texts of this world, as each kind of value belongs
    to one relation. asked: the question named the subject already, so the value is enough.
    """
    one = world.entity(fact.subject)
    called = [word for name in (one.name, *one.aliases) for word in (name, *name.split()) if not word.endswith(".")]
    value, subject = make_finder((fact.value,)), make_finder(tuple(called))
    told = [sentence for line in text.splitlines() for sentence in split_sentences(line) if value.search(sentence)]
    return any(asked or subject.search(sentence) for sentence in told)
