"""Escape messages within prompts and transcripts: no line can imitate another speaker's, or the game's own.

In prompts and transcripts a line begins with who speaks, a notice of the game with a mark of its own, and what was done
is shown in square brackets after the words. So in words line ends are unified, further lines are indented, and
square brackets around words become round ones.
"""

import re
from typing import Any

LINE_END = re.compile("\r\n|[\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")  # what `str.splitlines` and terminals take for one
BRACKETS = str.maketrans("[［【]］】", "((()))")
DEED = re.compile(  # brackets that begin with a word, as those of actions do; x[i], [/b] and [a=1] are none
    r"(?<!\w)[\[［【][^\w\]］】\n/@]{0,8}[^\W\d_][\w-]*+(?!=)[^\[\]［］【】\n]*(?:[\]］】]+|$)|"
    r"[\[［【][^\W\d_][\w-]*+(?!=)[^\[\]［］【】\n]*[\]］】]\W*$",
    re.MULTILINE,
)
NOTICE = re.compile(r"[(（]\s*(announcement)\s*[)）]", re.IGNORECASE)


def unify_line_ends(text: str) -> str:
    """The text with `\\n` for every kind of line end."""
    return LINE_END.sub("\n", text)


def escape_message(text: str, literal: bool = False) -> str:
    """The words of a seat, escaped so that nothing looks like an action or a notice; line ends unified.

    literal: leave brackets as they are, in games that mark no actions with them (`Message.literal`).
    """
    text = unify_line_ends(text)
    if not literal and any(bracket in text for bracket in "[［【"):
        text = DEED.sub(lambda found: found[0].translate(BRACKETS), text)
    return NOTICE.sub(r"“\1”", text) if "nnouncement" in text.casefold() else text


def indent_text(text: str, by: str = "  ") -> str:
    """The text with its further lines indented."""
    return unify_line_ends(text).replace("\n", f"\n{by}")


def escape_argument(value: object) -> Any:
    """An argument of an action with no line end and no bracket in its texts, so that it cannot end the action."""
    if isinstance(value, str):
        return unify_line_ends(value).replace("\n", " ").translate(BRACKETS)
    if isinstance(value, dict):
        return {escape_argument(str(key)): escape_argument(item) for key, item in value.items()}
    return [escape_argument(item) for item in value] if isinstance(value, list | tuple) else value
