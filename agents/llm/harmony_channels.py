"""Parse the channels of the harmony format (gpt-oss): analysis, final, and called actions.

With its special tokens a reply reads `<|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final
<|message|>…`; servers and decoders that drop them leave `analysis…assistantfinal…`. Both are read.
Source of the format: https://cookbook.openai.com/articles/openai-harmony.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(r"<\|(?:start|channel|message|constrain|end|return|call)\|>")
BORDER = re.compile(r"<\|(start|end|return|call)\|>|(?=<\|channel\|>)")
CHANNEL = re.compile(r"<\|channel\|>\s*+(\w*)")
STARTS = re.compile(r"\s*+(?:analysis|commentary|final)")
TO = re.compile(r"\bto=([\w.:-]{1,80})")
ROLE = re.compile(r"\s*+(?!to=)([\w.-]+)")
BARE = re.compile(  # the same after the special tokens were dropped: names are joined to the text around them
    r"(?:assistant|\A\s*+(?:assistant)?)(?P<name>analysis|commentary|final)(?P<to>\s*+to=[\w.:-]{1,80})?"
    r"(?P<type>\s*+(?:json|code)(?=\s*+[{\[\"]))?"
)
GLUED = re.compile(
    r"assistant(?:final|commentary|analysis)|\A\s*+analysis(?=[^\W_])|\A\s*+(?:commentary|final)(?=[A-Z{<])"
    r"|\A\s*+commentary\s*+to="
)


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """A message of a reply: its channel ("" without one), its recipient ("" for all), its content."""

    channel: str
    to: str
    body: str


def split_channels(text: str, opened: bool = False) -> tuple[str, str] | None:
    """The thought and the words of a reply in channels; None for a reply that has none.

    Calls stay in the words, as `<function=NAME>ARGUMENTS</function>`. What another role says afterwards is left out.
    `opened`: the prompt began the first message, an analysis.
    """
    if "<|" in text and TOKEN.search(text):
        parts = list(_split_marked(text, opened))
    elif may_have_channels(text) and GLUED.search(text):
        parts = list(_split_unmarked(text))
    else:
        return None
    final = any(part.channel == "final" for part in parts)
    thoughts: list[str] = []
    words: list[str] = []
    for part in parts:
        if part.to and (part.channel == "commentary" or part.to.startswith("functions.")):
            words.append(f"<function={part.to.removeprefix('functions.')}>{part.body.strip()}</function>")
        elif part.channel == "final" or (not final and part.channel in ("", "commentary")):
            words.append(part.body)
        else:
            thoughts.append(part.body)
    return "\n".join(thoughts), "\n".join(words)


def may_have_channels(text: str) -> bool:
    """Whether a text has a word without which there are no channels whose special tokens were dropped."""
    return "assistant" in text or STARTS.match(text) is not None


def is_channel_token(token: str) -> bool:
    """Whether a token alone is one of the format's special tokens."""
    return TOKEN.fullmatch(token) is not None


def _split_marked(text: str, opened: bool) -> Iterator[ChannelMessage]:
    """The assistant's messages by the special tokens; those of other roles, and what follows them, are left out."""
    pending, border, end = "", "", 0
    for found in (*BORDER.finditer(text), None):
        piece, begun = text[end : found.start() if found else len(text)], border
        if found:
            border, end = found[1] or "channel", found.end()
        header, message, body = piece.partition("<|message|>")
        if not message and (begun == "start" or header.startswith("<|channel|>") or header.strip() == "assistant"):
            pending = header
            continue
        header, body = (pending + header, body) if message else ("", piece)
        role, channel, to = ROLE.match(header), CHANNEL.search(header), TO.search(header)
        if role and role[1] != "assistant":
            return
        name = channel[1].casefold() if channel else "analysis" if opened and not begun else ""
        if body.strip():
            yield ChannelMessage(name, to[1] if to else "", body)
        pending = ""


def _split_unmarked(text: str) -> Iterator[ChannelMessage]:
    """The messages where the special tokens were dropped."""
    found = list(BARE.finditer(text))
    if found and (lead := text[: found[0].start()]).strip():
        yield ChannelMessage("analysis", "", lead)  # its own header was part of the prompt
    for at, match in enumerate(found):
        stop = found[at + 1].start() if at + 1 < len(found) else len(text)
        yield ChannelMessage(match["name"], (match["to"] or "").strip().removeprefix("to="), text[match.end() : stop])
