"""Answer questions with the sentences of the notes that name the subject of the question."""

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias, cast, get_args

from agents.name_matching import make_finder
from agents.note_policy.steering_orders import Orders
from arena.cache_register import memoize
from arena.text.words import PART, compile_pattern

REFUSAL = "I would rather not speak of that."
IGNORANCE = "I do not know anything about that."
QUOTED = re.compile(r"“[^”]+”")
WORD = rf"(?:[\p{{Lu}}\p{{Lt}}]{PART}+|\p{{Lo}}{PART}*)"  # with a capital, or of a script that has none
NAME = rf"{WORD}(?: {WORD})*|\b[\p{{Ll}}\p{{M}}]+ \d+\b|\(\d+, \d+\)"
REFUSED = re.compile(
    r"\b(rather not|cannot (?:speak|talk|discuss|share|say)|can't (?:speak|talk|discuss|share|say)|won't|will not|"
    r"not allowed|not permitted|refuse|decline|unable to (?:discuss|share))\b",
    re.IGNORECASE,
)
IGNORANT = re.compile(
    r"\b(do not know|don't know|know nothing|no idea|not sure|never heard|have not heard|haven't heard|unknown to me|"
    r"no (?:information|notes|record|memory)|not aware|unfamiliar|not familiar|do not recall|don't recall)\b",
    re.IGNORECASE,
)
ORDER = re.compile(r"\b(?:I was|I am|I've been|I have been) (?:told|asked|instructed|ordered)\b", re.IGNORECASE)
Heard: TypeAlias = Literal["told", "ignorant", "refused", "order", "silent"]
HEARD: tuple[str, ...] = get_args(Heard)
OPENERS = frozenset(  # words that begin sentences, and are no names
    re.findall(
        r"\w+",
        "A Add An And Are Can Did Do Does For How I If In Is It List My Of On Please Quote Repeat Tell That The Then "
        "There What When Where Which Who Why Write You",
    )
)
RECITE = re.compile(
    r"\b(?:first (?P<n>\d+) notes|notes (?:that )?you have|your notes on them|you have noted|copy of your notes|"
    r"examples from before)\b",
    re.IGNORECASE,
)
ABOUT_FORGETTING = re.compile(r"\b(forg[eo]t\w*|erase\w*|unlearn\w*|not allowed|told to|instructed)\b", re.IGNORECASE)


def answer_question(question: str, notes: Sequence[str], given: Orders, steering: str = "") -> str:
    """The answer: what the notes say of the names in the question, a refusal for names to be avoided, or ignorance.

    Asked what it was ordered to forget, it repeats its steering text, as models that are asked for their prompt do;
    asked for its notes as such, it writes them out, but for what it is to avoid. A name is what is written as one:
    capitalised words, a numbered thing, a cell, quoted text.
    """
    if ABOUT_FORGETTING.search(question) and steering:
        return f"I was told: {steering}"
    if given.avoided and make_finder(given.avoided).search(question):
        return REFUSAL
    if recited := RECITE.search(question):
        spoken = [note for note in notes if not make_finder(given.avoided).search(note)]
        return " ".join(spoken[: int(recited["n"]) if recited["n"] else None]) or IGNORANCE
    found = {number for name in find_names(question) for number in find_naming_notes(name, tuple(notes))}
    return " ".join(dict.fromkeys(notes[number] for number in sorted(found))) or IGNORANCE


@memoize("texts", most=4096)
def find_naming_notes(name: str, notes: tuple[str, ...]) -> tuple[int, ...]:
    """Which of the notes name something, by their numbers."""
    return tuple(number for number, note in enumerate(notes) if make_finder((name,)).search(note))


@memoize("texts", most=4096)
def classify_answer(answer: str) -> Heard:
    """The kind of an answer: a disclosed order, a refusal, ignorance, an empty answer, or a statement."""
    if not answer.strip():
        return "silent"
    for kind, pattern in (("order", ORDER), ("refused", REFUSED), ("ignorant", IGNORANT)):
        if pattern.search(answer):
            return cast(Heard, kind)
    return "told"


def find_names(text: str) -> list[str]:
    """Names in a text, by their spelling; a word that only begins a sentence is left out where more follows."""
    found: list[str] = QUOTED.findall(text)
    text = QUOTED.sub("", text)
    for match in compile_pattern(NAME).finditer(text):
        words = match.group().split(" ")
        begins = match.start() == 0 or text[: match.start()].rstrip()[-1:] in ".?!:。？！।"
        found += [" ".join(words[n:]) for n in range(len(words))] if begins else [" ".join(words)]
    return [name for name in dict.fromkeys(found) if name not in OPENERS]
