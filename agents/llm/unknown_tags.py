"""Passages in tags of unknown names, such as `<notes>…</notes>` or `<思考>…</思考>`, next to text outside of tags."""

import re
from collections.abc import Collection

TAG = re.compile(r"<(?P<ends>/?)(?P<name>[^\W\d_][\w:. -]{0,39}?)(?P<more>\s[^<>=]{1,40}=[^<>]{0,200})?>")
SHOWN = re.compile(  # names of tags whose content is shown as it is
    r"a|abbr|b|big|blockquote|br|center|cite|code|dd|del|div|dl|dt|em|emph|font|footer|h[1-6]|head|header|hr|html|i|ins|"
    r"kbd|latex|li|mark|math|ol|p|pre|q|quote|s|samp|section|small|span|strike|strong|su[bp]|svg|t(?:able|body|d|h|head|r|t)|"
    r"u|ul|var|xml",
    re.IGNORECASE,
)
SPOKEN = re.compile(
    r"(?!(?:self|inner|internal|hidden|secret)[_ .-])(?:[\w-]+[_ .-])?"
    r"(?:say|said|speech|speak|talk|message|msg|reply|response|respond|answer|output|result|text|"
    r"content|final|solution|conclusion|utterance|statement|argument|dialogue|chat|public|words|greeting|proposal|"
    r"move|action|act|choice|decision|play|turn)s?(?:[_ .-][\w-]+)?",
    re.IGNORECASE,
)  # names of tags with speech or actions
CALLED = re.compile(r"tool|function|invoke|call|param|arg|mcp", re.IGNORECASE)
ENDED = re.compile(r"[.!?…。！？>*\"”)\]]\s*\Z")
NEAR = 60  # characters before a tag in which the end of a sentence is looked for


def split_unknown_tags(text: str, own: Collection[str] = ()) -> tuple[str, str]:
    """The passages between tags of no known name, which are none of what is said, and the text without them.

    Passages start at the start of a line or after a sentence. Tags that show or say something, those of calls,
    and `own` names are left as they are; so is a text without words outside of its passages. Time is linear.
    """
    if "</" not in text:
        return "", text
    tags = [tag for tag in TAG.finditer(text) if not _is_known(tag["name"], own)]
    ends: dict[str, list[int]] = {}
    for at, tag in reversed(list(enumerate(tags))):
        if tag["ends"]:
            ends.setdefault(tag["name"].casefold(), []).append(at)
    kept: list[str] = []
    passages: list[str] = []
    end = 0
    for at, tag in enumerate(tags):
        if tag["ends"] or tag.start() < end or not _begins(text, tag.start()):
            continue
        left = ends.get(tag["name"].casefold(), [])
        while left and left[-1] < at:
            left.pop()
        if left:
            last = tags[left[-1]]
            kept.append(text[end : tag.start()])
            passages.append(text[tag.end() : last.start()].strip())
            end = last.end()
    rest = "".join([*kept, text[end:]])
    return ("\n".join(passages), rest) if passages and rest.strip() else ("", text)


def _is_known(name: str, own: Collection[str]) -> bool:
    if name.casefold() in own or SHOWN.fullmatch(name) or SPOKEN.fullmatch(name):
        return True
    return CALLED.search(name) is not None


def _begins(text: str, at: int) -> bool:
    """Whether a line begins here, or a sentence has ended."""
    near = text[max(0, at - NEAR) : at]
    return not near.rpartition("\n")[2].strip() or ENDED.search(near) is not None
