"""Sanitize untrusted text for printing: on any terminal, in any encoding."""

INVISIBLE = (  # invisible or reordering characters: soft hyphen, zero-width space, direction marks
    *(0xAD, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, 0xFEFF),  # … and the byte order mark
    *range(0x202A, 0x202F),  # embeddings and overrides of direction
    *range(0x2060, 0x2070),  # word joiner, invisible operators, isolates, deprecated format characters
    *range(0xFFF9, 0xFFFC),  # interlinear annotation
    *range(0x1D173, 0x1D17B),  # musical format characters
    *range(0xE0000, 0xE0080),  # tags: a whole hidden ASCII alphabet
)
CONTROLS = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}  # ESC becomes the picture ␛
DELETE = {0x7F: 0x2421}
UPPER = dict.fromkeys(range(0x80, 0xA0), 0xFFFD)  # C1: 0x9B alone starts a sequence, as ESC [ does
MARKED = {code: f"<U+{code:04X}>" for code in INVISIBLE}
BREAKS = {0x2028: "\n", 0x2029: "\n"}
SURROGATES = dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)  # surrogates cannot be encoded, so printing them raises
TABLE: dict[int, int | str] = {**CONTROLS, **DELETE, **UPPER, **MARKED, **BREAKS, **SURROGATES}
INLINE = {ord("\n"): "␊", ord("\t"): "␉"}
PLAINER = {  # replacements for characters that the encoding lacks; others become escapes such as \u6f22
    **{"–": "-", "—": "-", "−": "-", "━": "-", "‐": "-", "·": ".", "…": "...", "→": "->", "←": "<-", "⇄": "<->"},
    **{"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "✓": "ok:", "✗": "x", "±": "+-", "×": "x", "≤": "<="},
    **{"≥": ">=", "€": "EUR", "£": "GBP", "⚠": "!", "\ufffd": "?", "\N{NO-BREAK SPACE}": " "},
    **{chr(0x2400 + code): f"^{chr(0x40 + code)}" for code in range(0x20)},
    "␡": "^?",
}


def printable(text: str) -> str:
    """The text without terminal control: control characters become visible, newlines and tabs stay."""
    return text.replace("\r\n", "\n").translate(TABLE)


def inline(text: str) -> str:
    """The same in one line: newlines and tabs become visible, too."""
    return printable(text).translate(INLINE)


def encodable(text: str, encoding: str) -> str:
    """The text with characters that `encoding` lacks replaced: `->` for an arrow, else an escape with the code point.

    An encoding that Python does not know counts as ASCII.
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_plainer(character, encoding) for character in text)
    except LookupError:
        return encodable(text, "ascii")
    return text


def _plainer(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return PLAINER.get(character) or character.encode("ascii", "backslashreplace").decode("ascii")
    return character
