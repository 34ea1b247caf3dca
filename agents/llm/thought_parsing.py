"""Separate thoughts from spoken text in a reply: the single place that knows how models mark their thoughts.

Marks are tags in many brackets (`<think>`, `[THINK]`, `◁think▷`, `<|begin_of_thought|>`, `<seed:think>`,
`<scratchpad>`), fenced blocks, the channels of the harmony format (`agents/llm/harmony_channels.py`), and labels at the
start of a line (`Thought: …`, `Here is my thought process: …`: `agents/llm/labelled_thoughts.py`). What is doubtful
is thought: speech taken for thought costs a retry, a thought that is spoken costs the game.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from agents.llm.harmony_channels import is_channel_token, may_have_channels, split_channels
from agents.llm.labelled_thoughts import split_labels
from agents.llm.unknown_tags import split_unknown_tags

CORE = (
    r"think(?:ing|s)?|thoughts?|reason(?:s|ing)?|scratch[ _-]?pad|(?:mono|dia)logue|cot|chain[ _-]of[ _-]thoughts?|"
    r"reflect(?:ions?|ing)?|deliberat(?:ions?|ing|e)|ponder(?:ing)?|ruminat(?:ions?|ing|e)|introspect(?:ion)?|"
    r"contemplat(?:ions?|ing|e)|rationale|brainstorm(?:ing)?|cogitat(?:ions?|e)|musings?"
)
LESS = r"analysis|plan|planning|strategy|considerations?|assessment|evaluation|critique|private|hidden|internal|inner"
BEFORE = (
    r"(?:(?:inner|internal|private|hidden|secret|silent|my|self|deep|long|longcat|quick|fast|ant|model|assistant|"
    r"agent|step[ _-]by[ _-]step)[ _-]?)?"
)
BEHIND = (
    r"(?:[ _-]?(?:process|steps?|block|section|content|trace|phase|chain|mode|fast|budget[ _-]reflect|on|\d{1,2}))?"
)
NAME = rf"(?P<name>{BEFORE}(?:{CORE}|{LESS}){BEHIND})"
EDGE = r"(?P<edge>(?:begin|start|end)[ _▁]?(?:of[ _▁])?[ _▁]?)?"
LEFT = r"(?P<left>\\?<{1,2}[|｜]?|&lt;|[◁⟨【＜]|\[{1,2}|\{{1,2}|\|)"
RIGHT = r"(?P<right>[|｜]?\\?>{1,2}|&gt;|[▷⟩】＞]|\]{1,2}|\}{1,2}|\|)"
TAIL = r"(?P<tail>[ _▁](?:start|begin|prefix|end|suffix))?"
MARK = re.compile(
    rf"(?P<tag>{LEFT}(?=[ ]?[/\\]?[ ]?[|｜]?[a-z])[ ]?(?P<slash>[/\\]?)[ ]?[|｜]?{EDGE}(?:[\w.-]{{1,24}}:)?{NAME}{TAIL}"
    rf"(?P<attributes>\s[^<>\[\]]{{0,300}})?(?P<void>/?){RIGHT})"
    r"|(?P<gemma><\|channel>\s{0,3}thought\b|<unused94>\s{0,3}thought\b)|(?P<gemma_end><channel\|>|<unused95>)"
    r"|(?P<role><\|im_start\|>\s{0,3}think\b)|(?P<role_end><\|im_start\|>\s{0,3}(?:answer|assistant)\b)"
    r"|(?P<comment><!--)|(?P<comment_end>-->)"
    r"|(?P<details><details\b[^<>]{0,200}\breasoning\b[^<>]{0,200}>)|(?P<details_end></details>)"
    rf"|(?P<fence>(?:```|~~~)[ \t]?(?:{CORE})[ \t]*+$)|(?P<fence_end>(?:```|~~~)[ \t]*+$)",
    re.IGNORECASE | re.MULTILINE,
)
SURE = re.compile(rf"{BEFORE}(?:{CORE}){BEHIND}", re.IGNORECASE)
CLOSED = {"[": "]", "{": "}", "|": "|", "◁": "▷", "⟨": "⟩", "【": "】", "＜": "＞", "<": ">", "\\": ">", "&": ";"}
BRACKETED = re.compile(r"think(?:ing)?|thoughts?|reasoning|scratch[ _-]?pad|cot|(?:inner|internal)[ _-]monologue", re.I)
SETTING = re.compile(r"(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'=]+))*\s*")
BEGIN = re.compile(  # where a mark may begin
    r"[<\[{|◁⟨【＜](?=[<\[{|｜ ]{0,2}[/\\]?[ ]?[|｜]?[a-z])|\\<|<(?=!--)|<(?=channel|[|]channel)|&lt;|```|~~~|-->",
    re.IGNORECASE,
)
SIGN = re.compile(r"[<\[{|◁⟨【＜~&`:：#*]|==|--")  # without one there is no mark and no label
QUOTES = "`\"'“”‘’"
WRAPPED = re.compile(  # how some models wrap the text after their thoughts
    r"\s*+<\|?(?:start_|begin_of_)?(response|solution|answer|output)\|?>(.*?)(?:<\|?(?:/|end_|end_of_)\1\|?>\s*+)?",
    re.IGNORECASE | re.DOTALL,
)
ANALYSIS = re.compile(r"<\|channel\|>\s*analysis\s*<\|message\|>(?=[^<]*\Z)")
DEEPEST = 4  # rounds of removing nested thoughts
TAILED = 200  # characters at the end of a prompt in which an opened thought is searched for
INDENT = 40  # characters before a mark that starts a line, at most
TOKEN = r"<[|｜](?![^|｜]*(?:tool|call|action|function|python|plugin|channel|think|thought))[\w▁./:-]{1,40}[|｜]>"
ENDED = re.compile(
    rf"(?:\s*+(?:{TOKEN}|</s>|<(?:end_of_turn|eos|end_action)>))++\s*+\Z"
)  # where a server leaves them in
BEGUN = re.compile(
    r"\A\s*+(?:<[|｜]im_start[|｜]>\s*+assistant\b|<[|｜](?:assistant|model|bot|start_response|begin_of_solution)[|｜]>)",
    re.IGNORECASE,
)
PROMPTED = ""  # the name of a thought that the prompt began


@dataclass(frozen=True, slots=True)
class ThoughtMark:
    """A mark where a thought begins or ends. `sure`: it is one even without its counterpart."""

    name: str
    start: int
    stop: int
    ends: bool
    sure: bool = True
    alone: bool = True  # whether its end counts where nothing began
    void: bool = False  # whether it marks an empty thought


def split_thought(
    text: str, *, opened: bool = False, cut: bool = False, own: Collection[str] = (), seats: Collection[str] = ()
) -> tuple[str, str]:
    """The thought and the words of a text, both stripped.

    opened: the prompt already began a thought, so that the text begins inside it. cut: the text was cut off, so that
    a thought that does not end is no slip. own: names of tags that are the game's. seats: labels that begin words.
    An end without a start makes all text before it thought, a start without an end all text after it.
    """
    if not opened and not SIGN.search(text) and not may_have_channels(text):
        return "", text.strip()
    names = {name.casefold() for name in own}
    thoughts: list[str] = []
    for _ in range(DEEPEST):
        found, text = _split_once(text, opened, cut, names, seats)
        thoughts.append(found)
        opened = False
        whole = WRAPPED.fullmatch(text) if any(thoughts) else None
        if whole is not None and whole[1].casefold() not in names:
            text = whole[2]
        elif not found:
            break
    return "".join(thoughts).strip(), BEGUN.sub("", ENDED.sub("", text)).strip()


def ends_prompted(text: str) -> bool:
    """Whether a text ends a thought that it did not begin, so that the prompt must have done so."""
    first = next((mark for mark in _find_marks(text, frozenset()) if mark.sure), None)
    return first is not None and first.ends and first.alone


def find_closing_mark(prompt: str, said: str = "") -> str:
    """The mark that closes the thought that a prompt leaves open after `said`, its last line; "" where it leaves none
    open."""
    line = said.strip()
    at = prompt.rfind(line) if line else -1
    mark = _find_open_mark(prompt[at + len(line) :]) if at >= 0 else None
    if mark is None:  # the line is unknown, or is itself part of the end
        tail = prompt[-TAILED:]
        mark = _find_open_mark(tail)
        if mark is None or tail[mark.stop :].strip():
            return ""
        return _find_counterpart(tail[mark.start : mark.stop])
    return _find_counterpart(prompt[at + len(line) :][mark.start : mark.stop])


def is_thought(name: str) -> bool:
    """Whether a name, of a tag or a key, means thoughts in any position."""
    return SURE.fullmatch(name) is not None


def is_mark(token: str) -> bool:
    """Whether a token alone is a mark of a thought or of a channel."""
    alone = ("<|channel>", "<unused94>", "<|im_start|>")  # the name follows them, in words
    return token in alone or MARK.fullmatch(token) is not None or is_channel_token(token)


def _split_once(text: str, opened: bool, cut: bool, own: Collection[str], seats: Collection[str]) -> tuple[str, str]:
    """Thought and words by channels, then tags, then labels; what one of them dropped may have hidden another."""
    channels = split_channels(text, opened)
    aside, text = channels if channels is not None else ("", text)
    inside, text = _split_tags(text, opened and channels is None, cut, own)
    labelled, text = split_labels(text, seats, cut)
    unknown, text = split_unknown_tags(text, {*own, *map(str.casefold, seats)})
    return "".join([aside, inside, labelled, unknown]), text


def _find_open_mark(text: str) -> ThoughtMark | None:
    """The mark of the thought that is still open at the end of a part of a prompt."""
    if found := ANALYSIS.search(text):
        return ThoughtMark("analysis", *found.span(), ends=False)
    left: list[ThoughtMark] = []
    for mark in _find_marks(text, frozenset()):
        if mark.ends:
            left = left[:-1]
        elif mark.sure:
            left.append(mark)
    return left[-1] if left else None


def _find_counterpart(text: str) -> str:
    """The counterpart of a mark that begins a thought."""
    if ANALYSIS.fullmatch(text):
        return "<|end|><|start|>assistant<|channel|>final<|message|>"
    found = MARK.fullmatch(text)
    if found is None or found["gemma"]:
        return "<unused95>" if "unused" in text else "<channel|>"
    if found["details"]:
        return "</details>"
    if found["fence"]:
        return f"\n{text.strip()[:3]}\n"
    if found["edge"] or found["tail"]:
        return re.sub("begin|start", lambda m: "END" if m[0].isupper() else "end", text, count=1, flags=re.IGNORECASE)
    bare = text.replace(found["attributes"] or "\0", "")
    return bare.replace(found["left"], f"{found['left']}/", 1)


def _find_marks(text: str, own: Collection[str]) -> Iterator[ThoughtMark]:
    """The marks of a text in order; mentions in quotes and the game's own tags are none."""
    end = 0
    for sign in BEGIN.finditer(text):
        found = MARK.match(text, sign.start())
        if found is None or found.start() < end:
            continue
        end = found.end()
        if found["tag"]:
            if mark := _parse_tag(text, found, own):
                yield mark
            continue
        if (found["fence"] or found["fence_end"]) and not _is_at_line_start(text, found.start()):
            continue
        kind = (found.lastgroup or "").removesuffix("_end")
        yield ThoughtMark(kind, *found.span(), found.lastgroup != kind, alone=kind == "gemma")


def _parse_tag(text: str, found: re.Match[str], own: Collection[str]) -> ThoughtMark | None:
    """The mark that a tag is; None where it is another tag, or only spoken of."""
    start, stop, name = found.start(), found.end(), found["name"]
    if CLOSED[found["left"][0]] != found["right"][-1] or name.casefold() in own:
        return None
    quoted = start > 0 and text[start - 1] in QUOTES and text[stop : stop + 1] and text[stop] in QUOTES
    side = (found["edge"] or found["tail"] or "").casefold()
    void = bool(found["void"])
    ends = void or bool(found["slash"]) or "end" in side or "suffix" in side
    if quoted:
        return None
    plain = re.sub(r"[\W_]+", "", name.casefold())
    at_start = _is_at_line_start(text, start)
    known = SURE.fullmatch(name) is not None
    if found["left"][0] in "[{|":
        if not BRACKETED.fullmatch(name) or found["attributes"]:
            return None
        first = at_start and start < INDENT and "\n" not in text[:start]
        return ThoughtMark(plain, start, stop, ends, name.isupper() or first)
    sure = at_start or (known and SETTING.fullmatch(found["attributes"] or "") is not None)
    return ThoughtMark(plain, start, stop, ends, sure, known and not void, void)


def _is_at_line_start(text: str, at: int) -> bool:
    """Whether only blanks precede a position in its line."""
    near = text[max(0, at - INDENT) : at]
    return not near.rpartition("\n")[2].strip() and ("\n" in near or at < INDENT)


def _split_tags(text: str, opened: bool, cut: bool, own: Collection[str]) -> tuple[str, str]:
    """Thought and spoken text, by the pieces between marks."""
    marks = list(_find_marks(text, own))
    left = Counter(mark.name for mark in marks if mark.ends)
    inside = [PROMPTED] if opened else []
    pieces: list[tuple[bool, str]] = []
    end = before = 0  # after the last mark; pieces before an end without a start
    for mark in marks:
        left[mark.name] -= mark.ends
        after = _after(mark, inside, left, cut, begun=bool(text[end : mark.start].strip() or pieces))
        if after is None:
            continue
        pieces.append((bool(inside), text[end : mark.start]))
        if mark.ends and not inside and not mark.void:
            before = len(pieces)
        inside, end = after, mark.stop
    pieces.append((bool(inside), text[end:]))
    thoughts = [piece for at, (thought, piece) in enumerate(pieces) if thought or at < before]
    words = [piece for at, (thought, piece) in enumerate(pieces) if not thought and at >= before]
    return "".join(thoughts), "".join(words)


def _after(mark: ThoughtMark, inside: list[str], left: Counter[str], cut: bool, begun: bool) -> list[str] | None:
    """The thoughts that are open after a mark, outermost first; None where it marks nothing.

    left: how many ends of each name are still to come.
    """
    around = inside.count(mark.name) + inside.count(PROMPTED)
    if mark.ends:
        if not inside:
            return [] if mark.alone or mark.void else None
        if mark.name in inside:
            return inside[: len(inside) - 1 - inside[::-1].index(mark.name)]
        if not mark.alone or left[inside[-1]] > 0:
            return None  # the right end is still to come
        return inside[: inside.index(PROMPTED)] if PROMPTED in inside else []
    if not inside:
        return [mark.name] if mark.sure or left[mark.name] > 0 else None
    if inside == [PROMPTED] and not begun:
        return [mark.name]  # written once more by the model
    if cut or left[mark.name] > around:
        return [*inside, mark.name]
    return None
