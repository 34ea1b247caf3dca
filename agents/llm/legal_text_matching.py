"""Match a reply to a legal text if it is unambiguous: `bet`, `[bet]`, `**Bet!**`, `Move: bet`, `I will bet.`

The whole of what was said has to be one such form, or its last line one with a label (`Move: …`, `[bet]`). A text in
which a move is only mentioned ("not bet, check") means none: a refused answer is asked for again, a misread one is
played.
"""

import re
from collections.abc import Iterator, Sequence

PAIRS = {"[": "]", "(": ")", "{": "}", "<": ">", "“": "”", "‘": "’", "„": "“", "«": "»", "‹": "›", "「": "」",
         "『": "』", "【": "】", "$": "$", "_": "_", "”": "”", "’": "’"}  # fmt: skip
LOOSE = " \n\t\"'`*"  # stripped from both ends, in pairs or not
TAIL = re.compile(r"(?:[\s.!。！,;…:\U00002600-\U000027BF\U0001F000-\U0001FAFF\ufe0f]|:-?[)D])+\Z")
MOST = 200  # lines before the one that is the move
DEEPEST = 8  # forms within forms
THING = r"(?:move|action|answer|choice|decision|response|play|reply|output|selection)"
VERB = r"(?:choose|decide[ ]on|pick|select|play|take|say|go[ ](?:with|for)|opt[ ]for|make[ ]the[ ]move)"
WILL = (
    r"(?:[ ](?:will|shall|would|now|hereby|"
    r"(?:choose|decide|elect|opt|want|would[ ]like|am[ ]going|have[ ](?:decided|chosen))[ ]to)"
    r"|['’](?:ll|d(?:[ ]like[ ]to)?|m[ ]going[ ]to|ve[ ](?:decided|chosen)[ ]to))"
)
LABELLED = re.compile(  # a last line labelled as the move
    rf"[*_#> ]*(?:(?:my|the|your|final|chosen|so)[ ])*(?:{THING}|final)[*_ ]*[:：=→].*"
    r"|[$*_> ]*\\(?:boxed|fbox|\[).*|[*_`]*\[[^\[\]]{1,80}\][*_`.!]*",
    re.IGNORECASE,
)
DENIES = re.compile(
    r"\b(?:not|never|no|nor|avoid|refuse|reject|against|instead|rather than|worst|wrong)\b|n['’]t\b|\b(?:or|and)\W*\Z",
    re.I,
)
FORMS = tuple(
    re.compile(form, re.IGNORECASE | re.DOTALL)
    for form in (
        r"```\w{0,12}\n(.*?)\n?```",
        r"\\(?:boxed|fbox|text|textbf|mathbf|mathrm|texttt)\s*+\{(.*)\}",
        r"\\[(\[](.*)\\[)\]]",
        rf"<(?:{THING}|final|say|b|strong|code)>(.*)</\w+>",
        rf"(?:(?:my|the|your|final|chosen|selected|next)[ ])*+(?:{THING}|final)[*_]{{0,3}}\s*+"
        r"(?:[:：=]|-{1,2}>|→|⇒)[*_]{0,3}(.*)",
        rf"(?:(?:my|the|final|chosen|selected|next)[ ])*+{THING}[ ](?:is|will[ ]be)\b(?:[ ]to\b)?:?(.*)",
        rf"(?:(?:ok|okay|alright|well|then|so)[, ]{{1,2}})?(?:i[ ]think[ ])?i"
        rf"(?:{WILL}(?:[ ](?:just|simply))?(?:[ ]{VERB})?|[ ]{VERB})\b(?:[ ]to\b)?:?(.*)",
        r"(?:(?:ok|okay|alright|well|then|so)[, ]{1,2})?(?:let['’]?s|let[ ](?:us|me))[ ](?:play[ ]|go[ ]with[ ])?(.*)",
        rf"(.*)[ ](?:it[ ]is|is[ ]my[ ](?:final[ ])?{THING}|please)",
        rf"(?:so[, ]{{1,2}}|(?:yes|okay|ok)[,:!. ]{{1,2}}|\[{THING}\][ ]?:?)(?!\d)(.*)",
        rf"\#{{1,6}}[ ]++(?:(?:my|final)[ ])?{THING}[ ]*\n+(.*)",
        rf"(?:\#{{1,6}}[ ]++|{THING}[ ]-[ ]|(?:choose|chosen|select|selected|play|played|turn|make)[:：])(?!\d)(.*)",
        rf"\[{THING}\](.*)\[/{THING}\]",
        r"(.*)\((?:final|final[ ]answer)\)",
        r"(?:[-•>][ ]++|/)(?!\d)(.*)",
        r"(.*)\(\)",
        r"<(\w+)[ ]?/>",
    )
)


def match_legal_text(text: str, legal: Sequence[str]) -> str:
    """The one legal text that `text` is in a clear form; else `text` as it is."""
    if not legal or text in legal:
        return text
    return _match_whole(text, legal) or _match_last_line(text, legal) or text


def _match_whole(text: str, legal: Sequence[str]) -> str:
    """The legal text that the whole of `text` is a form of; "" where it is none."""
    for form in _generate_forms(text):
        for plain in (str.casefold, _normalize):
            meant = [move for move in legal if plain(move) == plain(form)]
            if len(meant) == 1:
                return meant[0]
    return ""


def _match_last_line(text: str, legal: Sequence[str]) -> str:
    """The move of a last line that is labelled as one, where no other line is, or names another, or denies it."""
    *before, last = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    if not before or len(before) > MOST or LABELLED.fullmatch(last) is None or DENIES.search(before[-1]):
        return ""
    if any(LABELLED.fullmatch(line) or _match_whole(line, legal) for line in before):
        return ""
    return _match_whole(last, legal)


def _generate_forms(text: str) -> Iterator[str]:
    """The text without the wrapping of a move (brackets, quotes, …), one layer after the other."""
    for _ in range(DEEPEST):
        bare = text.strip(LOOSE)
        bare = TAIL.sub("", bare[:200]).strip(LOOSE) if len(bare) <= 200 else bare
        yield bare
        found = next((match for form in FORMS if (match := form.fullmatch(text.strip()) or form.fullmatch(bare))), None)
        if found is not None:
            text = found[1]
        elif len(bare) > 2 and PAIRS.get(bare[0]) == bare[-1]:
            text = bare[1:-1]
        else:
            return


def _normalize(text: str) -> str:
    """Words parted by blanks, hyphens or underscores alike; signs before numbers stay."""
    return re.sub(r"(?<=[^\W\d_])[\s_-]+(?=[^\W\d_])", " ", text.casefold())
