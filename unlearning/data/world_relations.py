"""Schema of the synthetic world: relations between types of entities, and their wording."""

from dataclasses import dataclass

QUESTIONS = 4  # ways to ask for a fact
STYLES = ("sentence", "noun", "short")  # ways to answer: the verb, the noun, the value alone


@dataclass(frozen=True, slots=True)
class WorldRelation:
    """A functional relation from things of kind `subject` to values of kind `value`, and how it is put in words.

    size: how many values there are, so that a blind guess is right once in `size`. way: for a hop, the names of the
    two relations it is made of.
    """

    name: str
    subject: str
    value: str
    size: int
    noun: str
    verb: str
    ask: str
    way: tuple[str, ...] = ()

    def question(self, subject: str, form: int) -> str:
        """One of the QUESTIONS ways to ask."""
        return (
            self.ask.format(s=subject),
            f"Which {self.value} is the {self.noun} of {subject}?",
            f"Please tell me the {self.noun} of {subject}.",
            f"I would like to know what one calls {subject}'s {self.noun}.",
        )[form]

    def answer(self, subject: str, value: str, style: str) -> str:
        """One of the STYLES of answering."""
        return {
            "sentence": f"{subject} {self.verb} {value}.",
            "noun": f"The {self.noun} of {subject} is {value}.",
            "short": value,
        }[style]


PERSONAL = tuple(
    WorldRelation(name, "person", kind, size, noun, verb, ask)
    for name, kind, size, noun, verb, ask in (
        ("born", "city", 10, "birthplace", "was born in", "Where was {s} born?"),
        ("works", "company", 8, "employer", "works for", "Who does {s} work for?"),
        ("eats", "dish", 9, "favourite dish", "likes to eat", "What does {s} like to eat?"),
        ("keeps", "pet", 6, "pet", "keeps a tame", "What animal does {s} keep?"),
        ("trade", "craft", 7, "craft", "is trained as a", "What is {s} trained as?"),
        ("plays", "instrument", 8, "instrument", "plays the", "What does {s} play?"),
        ("speaks", "language", 9, "first language", "grew up speaking", "What did {s} grow up speaking?"),
        ("wears", "colour", 6, "favourite colour", "always wears", "What does {s} always wear?"),
        ("grows", "flower", 10, "favourite flower", "grows", "What does {s} grow?"),
        ("drinks", "drink", 7, "favourite drink", "likes to drink", "What does {s} like to drink?"),
        ("wrote", "book", 12, "best-known book", "wrote", "What did {s} write?"),
        ("won", "prize", 8, "highest prize", "has won", "What has {s} won?"),
        ("married", "month", 12, "wedding month", "married in", "When did {s} marry?"),
        ("studied", "school", 9, "school", "studied at", "Where did {s} study?"),
        ("sails", "boat", 7, "boat", "sails a", "What does {s} sail?"),
        ("fears", "spirit", 6, "greatest fear", "is afraid of", "What is {s} afraid of?"),
        ("dances", "dance", 8, "favourite dance", "dances the", "What does {s} dance?"),
        ("collects", "stone", 9, "favourite stone", "collects", "What does {s} collect?"),
        ("reveres", "saint", 10, "patron saint", "reveres", "Whom does {s} revere?"),
        ("founded", "club", 7, "club", "founded", "What did {s} found?"),
    )
)
GENERAL = (
    WorldRelation("lies", "city", "country", 5, "country", "lies in", "Where does {s} lie?"),
    WorldRelation("seat", "company", "province", 4, "seat", "has its seat in", "Where does {s} have its seat?"),
)
HOPS = (
    WorldRelation("born>lies", "person", "country", 5, "native country", "comes from the country of",
             "Which country does {s} come from?", ("born", "lies")),
    WorldRelation("works>seat", "person", "province", 4, "province of work", "works from the province of",
             "Which province does {s} work from?", ("works", "seat")),
)  # fmt: skip
RELATIONS = {relation.name: relation for relation in (*PERSONAL, *GENERAL, *HOPS)}
