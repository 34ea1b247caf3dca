"""Texts that every database holds: without NUL and lone surrogates."""

import re

UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with what a database cannot hold replaced by U+FFFD."""
    return text if text.isascii() and "\0" not in text else UNSTORABLE.sub("\ufffd", text)
