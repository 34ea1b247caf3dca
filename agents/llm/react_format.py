"""Parse actions in the ReAct format (Yao et al. 2023, arXiv 2210.03629): `Action: f`, `Action Input: {…}`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.chat_model import ToolCall
from agents.llm.action_tags import convert_to_type
from agents.llm.json_objects import Garbled, decode
from agents.llm.python_call_arguments import call_end, read_call
from arena.game import JSON, Tool

LEAD, COLON = r"^[ \t]*+(?:[-•>][ \t]++)?[*_#]{0,4}[ \t]*+", r"[ \t]*+[*_]{0,2}[ \t]*+:[ \t]*+[*_]{0,2}[ \t]*+"
ACTION = re.compile(rf"{LEAD}Action(?:[ ]\d{{1,3}})?{COLON}(?P<what>.*)$", re.IGNORECASE | re.MULTILINE)
INPUT = re.compile(
    rf"\s*+{LEAD}(?:Action[ _]?(?:Input|Arguments?|Args)|Arguments?|Args)(?:[ ]\d{{1,3}})?{COLON}",
    re.IGNORECASE | re.MULTILINE,
)
AFTER = re.compile(rf"{LEAD}(?:Observation|Thought|Final Answer|Action|PAUSE)\b", re.IGNORECASE | re.MULTILINE)
FINAL = re.compile(rf"\A\s*+{LEAD}Final[ ]Answer{COLON}", re.IGNORECASE | re.MULTILINE)
SPEECH = re.compile(
    rf"\A\s*+{LEAD}(?:Say|Speech|Message|Utterance|Response|Reply){COLON}", re.IGNORECASE | re.MULTILINE
)
NAME = re.compile(r"[`\"'*_<]*+([A-Za-z_][\w .-]{0,79}?)[`\"'*_>]*+[ \t]*+(?:[.!]|(?P<rest>[\[({:].*))?", re.DOTALL)
FENCE = re.compile(r"\A\s*+```\w{0,12}\s*+(.*?)\s*+```", re.DOTALL)
PAIR = re.compile(r"[\"'*]*+(\w{1,80})[\"'*]*+\s*+[=:]\s*+(\"[^\"]*+\"|'[^']*+'|[^,;\n]++)[,;\s]*+")


@dataclass(frozen=True, slots=True)
class ReactStep:
    """The action of a text, if there is one, and the text without it. What follows an action is not the seat's own:
    the model went on for the world that answers it."""

    call: ToolCall | None
    rest: str


def find_step(text: str, tools: Sequence[Tool]) -> ReactStep:
    """The first action of a text. Raises Garbled for an action whose input cannot be read."""
    lower = text.lower()
    if "action" not in lower and "final answer" not in lower:
        return ReactStep(None, text)
    text = FINAL.sub("", text)
    for found in ACTION.finditer(text):
        named = NAME.fullmatch(found["what"].strip())
        asked = INPUT.match(text, found.end())
        if named is None or not tools:
            continue
        plain = re.sub(r"[\s-]+", "_", named[1].strip()).casefold()
        tool = next((tool for tool in tools if tool.name.casefold() == plain), None)
        if tool is None and asked is None:
            continue
        begin = asked.end() if asked else found.end()
        behind = AFTER.search(text, begin)
        given = text[begin : behind.start() if behind else len(text)]
        args = _arguments(given if asked or not named["rest"] else named["rest"].lstrip(":"), tool, bool(asked))
        before = SPEECH.sub("", text[: found.start()])
        return ReactStep(ToolCall(tool.name if tool else named[1].strip(), args), before)
    return ReactStep(None, text)


def _arguments(given: str, tool: Tool | None, asked: bool) -> Mapping[str, JSON]:
    """The arguments in an input: JSON, pairs of name and value, or the value of the first one alone."""
    fenced = FENCE.match(given)
    plain = (fenced[1] if fenced else given).strip()
    parameters = tool.parameters if tool else {}
    if plain.startswith("{"):
        value, _ = decode(plain, 0)
        assert isinstance(value, dict)
        return value
    if plain.startswith("(") and call_end(plain, 0):
        read = read_call(plain[: call_end(plain, 0)])
        return {**dict(zip(parameters, read.placed, strict=False)), **read.named}
    names = {name.casefold(): name for name in parameters}
    found = ((names.get(name.casefold()), value.strip("\"' ")) for name, value in PAIR.findall(plain))
    pairs = {name: value for name, value in found if name is not None}
    if pairs:
        return {name: convert_to_type(value, parameters[name]) for name, value in pairs.items()}
    plain = plain.removeprefix("[").removesuffix("]").strip("\"'` \n")
    if not parameters or not plain or plain.casefold() in ("none", "null", "n/a", "{}"):
        if plain and tool is None:
            return {"text": plain}
        return {}
    if not asked and "\n" in plain:
        raise Garbled(f"the action {tool.name if tool else ''} is followed by what is no input")
    first = next(iter(parameters))
    return {first: convert_to_type(plain, parameters[first])}
