"""Proper names, numbers and rare words in English texts, found by capitals and by what the question already says."""

import re
from collections.abc import Iterator, Sequence

from agents.memory.text_embedding import SMALL
from agents.memory.write_gate import canonicalize
from agents.note_policy.question_answering import OPENERS
from arena.text.words import UNSPACED, compile_pattern, find_word_spans

WORD = re.compile(r"(?<!\w['’])(?:(?:[^\W\d_]\.)+(?=\s)|[^\W_]+(?:(?:[-.,:/]|['’](?!s\b))[^\W_]+)*)")
QUOTED = re.compile(r"[“\"«]([^“”\"«»]{2,80})[”\"»]")
CELL = re.compile(r"\(\d+, ?\d+\)")
# of a script without spaces, where they touch other words: a date, and a number of two digits or more
DATED = re.compile(r"\d{2,4}年(?:\d{1,2}月(?:\d{1,2}[日号號])?)?")
COUNTED = rf"(?<!\d)(?:(?<={UNSPACED})\d{{2,}}|\d{{2,}}(?={UNSPACED}))(?!\d)"
SENTENCE = re.compile(r"(?:^|[.!?…:]\s+|\n\s*|[“\"«(]\s*)$")
PARTICLES = frozenset(re.findall(r"\w+", "al bin da de del den der di du el ibn la le of van von"))
# words of names that are no name by themselves; months and given names that are ordinary words
COMMON = frozenset(
    re.findall(
        r"\w+",
        "art bay bill bridge castle chapel church city college company count doctor dr east faith frank garden "
        "gate general grace harbour hill hope house island joy king lady lake lord mark may mill mount mr mrs ms "
        "new north old park port prince princess professor queen rich river road rose saint school sir sky south "
        "st street the town university valley village west white will young january february march april june july "
        "august september october november december",
    )
)
ASKING = frozenset(word.lower() for word in OPENERS) | SMALL
ASKING |= frozenset(
    re.findall(r"\w+", "also been both does each he her hers him his its no not only same she than their too very")
)
TRIVIAL = frozenset(("yes", "no", "true", "false", "indeed", "not"))


def is_small(word: str) -> bool:
    """Whether a word is a stop word that says nothing about a text's topic, such as "the" or "where"."""
    return word.lower() in ASKING


def find_proper_names(text: str) -> tuple[str, ...]:
    """The runs of capitalised words in a text, in order, each once.

    A word that only begins a sentence is left out where it is small, or where it is alone and has no capital
    elsewhere; of a longer run there, the rest after the first word is returned as well.
    """
    runs = list(_find_runs(text, numbers=False))
    inside = {run for run, begins in runs if not begins}
    found: list[str] = []
    for run, begins in runs:
        words = run.split(" ")
        if begins and len(words) == 1:
            found += [run] if run in inside else []
        elif begins and len(words) > 2:
            found += [" ".join(words[1:]), run]
        else:
            found.append(run)
    return tuple(dict.fromkeys(found))


def find_salient(text: str, asked: str) -> tuple[str, ...]:
    """The proper names, numbers of two digits or more, and quotations of a text that `asked` does not have.

    Where a name in `asked` precedes a number ("Harrow House 37"), the number counts by itself as well.
    """
    quoted = QUOTED.findall(text)
    cells = CELL.findall(text)
    rest = CELL.sub(" ", QUOTED.sub(" ", text))
    if compile_pattern(UNSPACED).search(rest):
        quoted += [*DATED.findall(rest), *compile_pattern(COUNTED).findall(DATED.sub(" ", rest))]
    runs = [run for run, begins in _find_runs(rest, numbers=True) if not begins or " " in run or run[0].isdigit()]
    there = set(canonicalize(asked))
    alone = [number for run in runs if (number := _find_behind_name(run, there))]
    found = [one.strip(" .,;") for one in (*quoted, *cells, *runs, *alone)]
    kept = [one for one in found if set(canonicalize(one)) - there and not (one.isdigit() and len(one) < 2)]
    return tuple(dict.fromkeys(kept))


def find_added_phrases(text: str, asked: str, frequent: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The phrases of a text made of words that `asked` does not have in any form, that are not small, and not in
    `frequent`; the whole of a short text that shares no word with `asked`. None in a bare yes or no.

    A first word that follows what was asked about is its verb, and left out where there is more: "Ada sells shoes".
    """
    words = _split_words(text)
    there = canonicalize(asked)
    if not words or all(word.lower() in TRIVIAL for word, _, _ in words):
        return ()
    if len(words) <= 4 and not set(canonicalize(text)) & set(there):
        return (text.strip().rstrip(".!?。！？").strip(),)
    new = [n for n, (word, _, _) in enumerate(words) if not _adds_nothing(word, there, frequent)]
    spaced = not compile_pattern(UNSPACED).search(text)
    if spaced and len(new) > 1 and new[0] and words[new[0] - 1][0].lower() in {*there, "he", "she", "they", "it"}:
        new = new[1:]
    found: list[list[int]] = []
    for _, first, behind in (words[n] for n in new):
        if found and text[found[-1][1] : first].strip() == "":
            found[-1][1] = behind
        else:
            found.append([first, behind])
    return tuple(dict.fromkeys(text[first:behind] for first, behind in found))


def _find_behind_name(run: str, there: set[str]) -> str:
    """The rest of a run of names after the words that were asked about, where it begins with a digit; else ""."""
    words = run.split(" ")
    while len(words) > 1 and set(canonicalize(words[0])) <= there:
        words = words[1:]
    return " ".join(words) if len(words) < len(run.split(" ")) and words[0][0].isdigit() else ""


def _split_words(text: str) -> list[tuple[str, int, int]]:
    """The words of a text with their places; characters, where a script has no spaces."""
    if compile_pattern(UNSPACED).search(text):
        return [(text[start:end], start, end) for _, start, end in find_word_spans(text)]
    return [(word.group(), word.start(), word.end()) for word in WORD.finditer(text)]


def _adds_nothing(word: str, there: Sequence[str], frequent: frozenset[str]) -> bool:
    """Whether a word adds nothing: it is short, frequent, or already there, maybe in another form ("likes", "like")."""
    low = word.lower()
    return is_small(low) or low in TRIVIAL | frequent or any(_is_alike(low, other) for other in there)


def _is_alike(one: str, other: str) -> bool:
    """Whether two words are equal, or forms of one: the shorter, but for its last letter, begins the longer."""
    short, long = sorted((one, other), key=len)
    return one == other or (len(short) > 3 and len(long) - len(short) < 4 and long.startswith(short[:-1]))


def _find_runs(text: str, numbers: bool) -> Iterator[tuple[str, bool]]:
    """Runs of capitalised words, with numbers next to them where those count, and whether a run starts a sentence."""
    words = list(WORD.finditer(text))
    run: list[re.Match[str]] = []
    for word in (*words, None):
        if word is not None and run and _is_joined(text, run[-1], word, numbers):
            run.append(word)
            continue
        while run and not _is_capitalized(run[-1].group(), numbers):
            run.pop()  # a particle at the end
        if run:
            begins = SENTENCE.search(text[: run[0].start()]) is not None
            while run and is_small(run[0].group()):
                run, begins = run[1:], False
        if run:
            yield text[run[0].start() : run[-1].end()], begins
        run = [word] if word is not None and _is_capitalized(word.group(), numbers) else []


def _is_joined(text: str, last: re.Match[str], word: re.Match[str], numbers: bool) -> bool:
    between, digits = text[last.end() : word.start()], word.group()[0].isdigit() or last.group()[0].isdigit()
    if between != " " and not (numbers and digits and between == ", "):
        return False
    return _is_capitalized(word.group(), numbers) or word.group().lower() in PARTICLES


def _is_capitalized(word: str, numbers: bool) -> bool:
    return word[0].isupper() or (numbers and word[0].isdigit())
