"""Parse thoughts marked by plain labels: `Thought: …`, `Here is my thought process: …`, `(Thinking: …)`."""

import re
from collections.abc import Collection

from arena.cache_register import memoize

OWN = r"(?:(?:inner|internal|private|hidden|silent|secret|unspoken)[ ]++)"
SURE = (
    rf"thought|thinking|(?:my[ ])?(?:thought|thinking)[ ]process|{OWN}(?:thoughts?|thinking|reasoning|monologue|"
    r"dialogue|voice|analysis|notes?|deliberation|strategy|reflections?)|scratch[ ]?pad|"
    r"思考过程|思考過程|思考|思路|推理|"
    r"(?:chain|train)[ ]of[ ]thoughts?|"
    r"here(?:['’]s|[ ]is)[ ]my[ ](?:thought[ ]process|thinking|thoughts|reasoning|internal[ ]reasoning)|monologue"
)
LESS = r"(?:my[ ])?(?:thoughts|reasoning|analysis|reflections?|rationale|deliberation|plan|strategy)"
WORDS = (
    r"回答|答复|回复|"
    r"here(?:['’]s|[ ]is)[ ]my[ ](?:response|answer|reply|message)|"
    r"(?:my[ ]|the[ ])?(?:(?:final|actual|public|spoken|verbal|outward)[ ]++)*+"
    r"(?:response|reply|message|speech|statement|utterance|say|said|dialogue|output)|(?:my[ ]|the[ ])?final[ ]answer"
)
HEADS = rf"{WORDS}|answer|message|move|decision|action"
ACTS = r"action(?:[ _]input)?|(?:final[ ]|my[ ])?(?:move|decision|choice)|observation"
LEAD = r"^[ \t]*+(?:[-•>]{1,3}[ \t]++)?(?:\#{1,6}[ \t]*+)?[*_]{0,3}[ \t]*+"
COLON = r"(?:[ ]\d{1,3})?[ \t]*+(?:[*_]{0,3}[ \t]*+[:：][*_]{0,3}|[*_]{1,3}[ \t]*+$)[ \t]*+"
ASIDE_TO = (
    r"(?:(?:thinks?|thinking|speaking|muttering|aside|quietly)[ ])?to[ ](?:my|your|him|her|it|them|one)sel(?:f|ves)"
)
DIRECTED = (  # `Seller (to himself): …`
    rf"[ ]?[(\[](?:{ASIDE_TO}|thinks?|thinking|thoughts?|internally|privately|silently|aside|"
    r"in[ ](?:his|her|its|their|my)[ ]head|inner[ ](?:voice|thoughts?|monologue))[)\]]"
)
RULE = r"[=~\-*_+]{2,40}"
ASIDE = re.compile(
    rf"[*_]{{0,2}}[(\[][*_]{{0,2}}(?:{SURE}|thinks?|aside|{ASIDE_TO})[*_]{{0,2}}[ ]?:"
    r"(?:[^()\[\]]|[(\[][^()\[\]]{0,99}[)\]]){0,999}+[)\]][*_]{0,2}"
    rf"|(?P<star>[*_]{{1,2}})(?:{SURE}|thinks?|{ASIDE_TO}|aside)[ ]?:[ ]?[^*_\s][^*_\n]{{0,999}}+(?P=star)",
    re.IGNORECASE,
)
STEMS = (
    "thought",
    "self)",
    "self:",
    "self]",
    "selves",
    "think",
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
    "inner",
    "internal",
    "private",
    "hidden",
    "silent",
    "secret",
    "unspoken",
    "aside",
    "head)",
    "思",
    "推理",
)  # without one of them no label of thoughts is there


def split_labels(text: str, seats: Collection[str] = (), cut: bool = False) -> tuple[str, str]:
    """The thought and the spoken text, by labels at the start of lines.

    A label of thoughts makes all text after it thought, up to a label of words, of an action, or of one of `seats`, or
    a line that begins with JSON, a tag or a fence. "Reasoning:" and the like are no such label unless one of words or
    of an action follows, or the text was `cut` off: arguments are spoken, too.
    """
    lower = text.lower()
    if not any(sign in text for sign in ":：#*=-") or not any(stem in lower for stem in STEMS):
        return "", text
    asides = [aside[0] for aside in ASIDE.finditer(text)]
    words = ASIDE.sub("", text) if asides else text
    found = list(_borders(frozenset(seats)).finditer(words))
    kinds = [(match.lastgroup or "").partition("_")[0] for match in found]
    sure = [at for at, kind in enumerate(kinds) if kind == "sure"]
    weak = kinds[:1] == ["less"] and not words[: found[0].start()].strip() and (cut or {"words", "acts"} & set(kinds))
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
    """Patterns of the start and the end of a thought; the kind is a group's name up to the underscore."""
    speakers = "".join(f"|{re.escape(seat).replace('_', '[ _-]')}" for seat in sorted(seats))
    directed = rf"(?:{speakers[1:]}){DIRECTED}{COLON}" if seats else "(?!)"
    ending, beginning = rf"end[ ](?:of[ ])?(?:{SURE}|{LESS})", r"(?:(?:begin|start)[ ](?:of[ ])?)?"
    return re.compile(
        rf"{LEAD}(?:(?P<sure>[(\[]?(?:{SURE}){COLON})|(?P<less>(?:{LESS}){COLON})|(?P<words>(?:{WORDS}){COLON})"
        rf"|(?P<sure_directed>{directed})|(?P<acts>(?:{ACTS}{speakers}){COLON}))"
        rf"|^[ \t]*+(?P<code>\{{|```|<[\w|｜/]|\[TOOL_CALLS|\[\w+\()"
        rf"|^[ \t]*+\#{{1,6}}[ \t]*+[*_]{{0,2}}(?:(?P<sure_head>{SURE})|(?P<less_head>{LESS})|(?P<words_head>{HEADS}))"
        rf"[*_]{{0,2}}[ \t]*+:?[ \t]*+$"
        rf"|^[ \t]*+{RULE}[ \t]*+(?:(?P<words_behind>{ending})|(?P<words_rule>{HEADS})"
        rf"|{beginning}(?:(?P<sure_rule>{SURE})|(?P<less_rule>{LESS})))[ \t]*+{RULE}[ \t]*+$",
        re.IGNORECASE | re.MULTILINE,
    )
