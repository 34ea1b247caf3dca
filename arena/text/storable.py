"""Clean texts for storage: NUL and lone surrogates are replaced."""

import re

UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with characters that databases refuse replaced by U+FFFD."""
    return text if text.isascii() and "\0" not in text else UNSTORABLE.sub("\ufffd", text)
