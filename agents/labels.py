"""Thoughts that are marked by labels in plain words: `Thought: …`, `Here is my thought process: …`, `(Thinking: …)`."""

import re
from collections.abc import Collection

from arena.caches import memoize

OWN = r"(?:(?:inner|internal|private|hidden|silent|secret|unspoken)[ ]++)"
SURE = (
    rf"thought|thinking|(?:my[ ])?(?:thought|thinking)[ ]process|{OWN}(?:thoughts?|thinking|reasoning|monologue|"
    r"dialogue|voice|analysis|notes?|deliberation|strategy|reflections?)|scratch[ ]?pad|"
    r"(?:chain|train)[ ]of[ ]thoughts?|"
    r"here(?:['’]s|[ ]is)[ ]my[ ](?:thought[ ]process|thinking|thoughts|reasoning|internal[ ]reasoning)|monologue"
)
LESS = r"(?:my[ ])?(?:thoughts|reasoning|analysis|reflections?|rationale|deliberation|plan|strategy)"
WORDS = (
    r"here(?:['’]s|[ ]is)[ ]my[ ](?:response|answer|reply|message)|"
    r"(?:my[ ]|the[ ])?(?:(?:final|actual|public|spoken|verbal|outward)[ ]++)*+"
    r"(?:response|reply|message|speech|statement|utterance|say|said|dialogue|output)|(?:my[ ]|the[ ])?final[ ]answer"
)
ACTS = r"action(?:[ _]input)?|(?:final[ ]|my[ ])?(?:move|decision|choice)|observation"
LEAD = r"^[ \t]*+(?:[-•>]{1,3}[ \t]++)?(?:\#{1,6}[ \t]*+)?[*_]{0,3}[ \t]*+"
COLON = r"[ \t]*+(?:[*_]{0,3}[ \t]*+:[*_]{0,3}|[*_]{1,3}[ \t]*+$)[ \t]*+"
ASIDE = re.compile(
    rf"[(\[][*_]{{0,2}}(?:{SURE}|aside|to myself)[*_]{{0,2}}[ ]?:"
    r"(?:[^()\[\]]|[(\[][^()\[\]]{0,99}[)\]]){0,999}+[)\]]",
    re.IGNORECASE,
)
STEMS = (
    "thought",
    "thinking",
    "myself",
    "reasoning",
    "analysis",
    "scratch",
    "monologue",
    "dialogue",
    "reflection",
    "rationale",
    "deliberation",
    "strategy",
    "plan",
    "inner ",
    "internal ",
    "private ",
    "hidden ",
    "silent ",
    "secret ",
    "unspoken ",
    "aside",
)  # without one of them no label of thoughts is there


def split_labels(text: str, seats: Collection[str] = ()) -> tuple[str, str]:
    """The thought and the words of a text, by labels at the beginning of its lines.

    A label of thoughts makes all behind it thought, up to a label of words, of an action, or of one of `seats`, or a
    line that begins with JSON, a tag or a fence. "Reasoning:" and the like are no such label unless one of words or of
    an action follows: arguments are spoken, too.
    """
    lower = text.lower()
    if not any(sign in text for sign in ":#*") or not any(stem in lower for stem in STEMS):
        return "", text
    asides = ASIDE.findall(text)
    words = ASIDE.sub("", text) if asides else text
    found = list(_borders(frozenset(seats)).finditer(words))
    kinds = [(match.lastgroup or "").removesuffix("_head") for match in found]
    sure = [at for at, kind in enumerate(kinds) if kind == "sure"]
    weak = kinds[:1] == ["less"] and not words[: found[0].start()].strip() and {"words", "acts"} & set(kinds)
    if not sure and not weak:
        return "\n".join(asides), words
    last = max((at for at, kind in enumerate(kinds) if kind in ("words", "acts")), default=-1)
    thoughts, end, thinking = list(asides), 0, False
    kept: list[str] = []
    for at, (match, kind) in enumerate(zip(found, kinds, strict=True)):
        if (kind == "less" and not thinking and not weak) or (kind == "code" and at < last):
            continue
        (thoughts if thinking else kept).append(words[end : match.start()])
        thinking = kind in ("sure", "less")
        end = match.end() if kind in ("sure", "less", "words") else match.start()
    (thoughts if thinking else kept).append(words[end:])
    return "\n".join(filter(None, map(str.strip, thoughts))), "".join(kept)


@memoize("texts", most=1_000)
def _borders(seats: frozenset[str]) -> re.Pattern[str]:
    """Where a thought begins, and where one that began ends."""
    speakers = "".join(f"|{re.escape(seat).replace('_', '[ _-]')}" for seat in sorted(seats))
    return re.compile(
        rf"{LEAD}(?:(?P<sure>[(\[]?(?:{SURE}){COLON})|(?P<less>(?:{LESS}){COLON})|(?P<words>(?:{WORDS}){COLON})"
        rf"|(?P<acts>(?:{ACTS}{speakers}){COLON}))|^[ \t]*+(?P<code>\{{|```|<[\w|｜/]|\[TOOL_CALLS|\[\w+\()"
        rf"|^\#{{1,6}}[ \t]*+[*_]{{0,2}}(?:(?P<sure_head>{SURE})|(?P<words_head>{WORDS}))[*_]{{0,2}}[ \t]*+$",
        re.IGNORECASE | re.MULTILINE,
    )
