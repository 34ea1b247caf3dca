"""Text of others made safe to print."""

CONTROLS = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}  # ESC becomes the picture ␛
DELETE = {0x7F: 0x2421}
UPPER = dict.fromkeys(range(0x80, 0xA0), 0xFFFD)  # C1: 0x9B alone starts a sequence, as ESC [ does
BIDI = {code: f"<U+{code:04X}>" for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
BREAKS = {0x2028: "\n", 0x2029: "\n"}
SURROGATES = dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)  # they cannot be encoded, so printing them raises
TABLE: dict[int, int | str] = {**CONTROLS, **DELETE, **UPPER, **BIDI, **BREAKS, **SURROGATES}


def printable(text: str) -> str:
    """The text with nothing in it that a terminal obeys: controls become visible, newlines and tabs stay."""
    return text.replace("\r\n", "\n").translate(TABLE)
