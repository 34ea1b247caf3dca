"""How models mark what they think and what they do: one table for all tests that read replies.

`THOUGHTS` wrap a thought before words, `CUT` is a thought cut off at the token limit, `CALLS` write an action into the
text, `CLEAR` and `UNCLEAR` put a move into a sentence. `MESSAGES` (chat completions) and `BLOCKS` (Anthropic) are
bodies in which the server sets the thought apart. `drawn` is one reply in a form drawn at random, as the fake server
takes it.
"""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

Wrap = Callable[[str, str], str]
Write = Callable[[str, Mapping[str, Any]], str]


def tagged(begin: str, end: str, between: str = "\n\n") -> Wrap:
    """A thought between two marks, the words behind."""
    return lambda thought, words: f"{begin}{thought}{end}{between}{words}"


def named(name: str) -> Wrap:
    return tagged(f"<{name}>\n", f"\n</{name}>")


HARMONY = "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>"

THOUGHTS: Mapping[str, Wrap] = {
    **{name: named(name) for name in ("think", "thinking", "thought", "reasoning", "scratchpad", "THINK", "Thinking")},
    **{name: named(name) for name in ("seed:think", "antml:thinking", "inner_monologue", "chain-of-thought", "cot")},
    **{name: named(name) for name in ("reflection", "internal_thoughts", "thinking_process", "longcat_think")},
    **{name: named(name) for name in ("analysis", "plan", "self-reflection", "my_reasoning", "deliberation")},
    "attributes": tagged('<think effort="high" id=3>', "</think>"),
    "spaces": tagged("< think >", "< /think >"),
    "magistral": tagged("[THINK]", "[/THINK]"),
    "brackets": tagged("[thinking]\n", "\n[/thinking]\n"),
    "kimi": tagged("◁think▷", "◁/think▷"),
    "open-thinker": lambda thought, words: (
        f"<|begin_of_thought|>{thought}<|end_of_thought|>\n<|begin_of_solution|>{words}<|end_of_solution|>"
    ),
    "command": lambda thought, words: (
        f"<|START_THINKING|>{thought}<|END_THINKING|><|START_RESPONSE|>{words}<|END_RESPONSE|>"
    ),
    "apertus": tagged("<|inner_prefix|>", "<|inner_suffix|>"),
    "bars": tagged("<|think|>", "<|/think|>"),
    "gemma": tagged("<|channel>thought\n", "<channel|>"),
    "medgemma": tagged("<unused94>thought\n", "<unused95>"),
    "s1": tagged("<|im_start|>think\n", "\n<|im_start|>answer\n", ""),
    "harmony": lambda thought, words: HARMONY.format(thought, words),
    "harmony, tokens dropped": lambda thought, words: f"analysis{thought}assistantfinal{words}",
    "harmony, two analyses": lambda thought, words: HARMONY.format(
        f"{thought}<|end|><|start|>assistant<|channel|>analysis<|message|>Once more.", words
    ),
    "harmony, begun by the prompt": lambda thought, words: (
        f"{thought}<|end|><|start|>assistant<|channel|>final<|message|>{words}"
    ),
    "begun by the prompt": lambda thought, words: f"{thought}\n</think>\n\n{words}",
    "begun by the prompt, magistral": lambda thought, words: f"{thought}[/THINK]{words}",
    "begun by the prompt, and again": lambda thought, words: f"Well.\n<think>{thought}</think>\n</think>\n{words}",
    "nested": lambda thought, words: f"<think>Hm. <think>So.</think> {thought}</think>{words}",
    "nested, of two kinds": lambda thought, words: f"<think>Hm. <scratchpad>8+4</scratchpad> {thought}</think>{words}",
    "seed, with a budget": lambda thought, words: (
        f"<seed:think>Hm.<seed:cot_budget_reflect>9 left</seed:cot_budget_reflect>{thought}</seed:think>{words}"
    ),
    "closed by another": lambda thought, words: f"<think>{thought}</thinking>{words}",
    "several": lambda thought, words: f"<think>Hm.</think>\n{words}\n<think>{thought}</think>",
    "behind": lambda thought, words: f"{words}\n<think>{thought}",
    "response tag": lambda thought, words: f"<think>{thought}</think><response>{words}</response>",
    "answer tag": lambda thought, words: f"<think>{thought}</think>\n<answer>\n{words}\n</answer>",
    "escaped": tagged("&lt;think&gt;", "&lt;/think&gt;"),
    "comment": tagged("<!-- ", " -->"),
    "details": tagged('<details type="reasoning" done="true">\n<summary>Thought for 3 s</summary>\n', "\n</details>\n"),
    "fence": tagged("```thinking\n", "\n```"),
    "granite": tagged("Here is my thought process:\n", "\n\nHere is my response:\n", ""),
    "granite, short": tagged("Here's my thought process: ", "\nHere's my response: ", ""),
    "react": tagged("Thought: ", "\nFinal Answer: ", ""),
    "bold labels": tagged("**Thinking:** ", "\n\n**Response:** ", ""),
    "headings": tagged("## Thought process\n", "\n\n## Response\n", ""),
    "monologue": tagged("Internal monologue: ", "\nSpeech: ", ""),
    "aside": tagged("(Thought: ", ") ", ""),
    **{name: named(name) for name in ("notes", "note_to_self", "working", "思考", "denken", "réflexion", "Self talk")},
    "unknown, behind": lambda thought, words: f"{words} <notes>{thought}</notes>",
    "unknown, with attributes": tagged('<memo kind="private">', "</memo>"),
    "double brackets": tagged("[[think]]", "[[/think]]"),
    "braces": tagged("{think}", "{/think}"),
    "bars alone": tagged("|think|", "|/think|"),
    "backslashes": tagged(r"\<think\>", r"\</think\>"),
    "closed by a backslash": tagged("<think>", "<\\think>"),
    "closed with a blank": tagged("<think>", "</ think>"),
    "minicpm": tagged("<|thought_start|>\n", "\n<|thought_end|>\n"),
    "rules": tagged("=== Thinking ===\n", "\n=== Response ===\n", ""),
    "rules, ended": tagged("---THINKING---\n", "\n---END THINKING---\n", ""),
    "headings, less": tagged("### Reasoning\n", "\n### Response\n", ""),
    "headings, answer": tagged("## Thinking\n\n", "\n\n## Answer\n\n", ""),
    "numbered": tagged("Thought 1: ", "\nFinal Answer: ", ""),
    "stars": tagged("*thinks: ", "*\n", ""),
    "to itself": tagged("*(thinking to myself: ", ")*\n", ""),
    "chinese": tagged("思考：", "\n回答：", ""),
}

CUT: Mapping[str, Callable[[str], str]] = {
    **{name: lambda thought, name=name: f"<{name}>{thought}" for name in ("think", "reasoning", "seed:think", "plan")},
    "magistral": lambda thought: f"[THINK]{thought}",
    "kimi": lambda thought: f"◁think▷{thought}",
    "command": lambda thought: f"<|START_THINKING|>{thought}",
    "harmony": lambda thought: f"<|channel|>analysis<|message|>{thought}",
    "harmony, tokens dropped": lambda thought: f"analysis{thought}",
    "nested": lambda thought: f"<think>Hm. <think>So.</think> {thought}",
    "gemma": lambda thought: f"<|channel>thought\n{thought}",
    "fence": lambda thought: f"```thinking\n{thought}",
    "granite": lambda thought: f"Here is my thought process:\n{thought}",
    "react": lambda thought: f"Thought: {thought}",
    "reasoning": lambda thought: f"Reasoning: {thought}",
    "heading": lambda thought: f"## Thinking\n{thought}",
    "double brackets": lambda thought: f"[[think]]{thought}",
}  # type: ignore[dict-item]


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def called(tool: str, args: Mapping[str, Any], table: str = "arguments") -> str:
    return dumped({"name": tool, table: dict(args)})


def parameters(args: Mapping[str, Any], begin: str, end: str) -> str:
    return "\n".join(begin.format(name) + _text(value) + end for name, value in args.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else dumped(value)


def python(tool: str, args: Mapping[str, Any]) -> str:
    return f"{tool}({', '.join(f'{name}={value!r}' for name, value in args.items())})"


def _deepseek(tool: str, inner: str) -> str:
    return (
        f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>{tool}<｜tool▁sep｜>{inner}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
    )


def _invoked(tool: str, args: Mapping[str, Any], space: str = "") -> str:
    inner = parameters(args, f'<{space}parameter name="{{}}">', f"</{space}parameter>")
    return f'<{space}invoke name="{tool}">\n{inner}\n</{space}invoke>'


def _coded(tool: str, args: Mapping[str, Any]) -> str:
    inner = parameters(args, "<parameter={}>\n", "\n</parameter>")
    return f"<function={tool}>\n{inner}\n</function>"


def _keyed(tool: str, args: Mapping[str, Any]) -> str:
    inner = parameters(args, "<arg_key>{}</arg_key>\n<arg_value>", "</arg_value>")
    return f"<tool_call>{tool}\n{inner}\n</tool_call>"


def _tagged(tool: str, args: Mapping[str, Any]) -> str:
    inner = "".join(f"<{name}>{_text(value)}</{name}>" for name, value in args.items())
    return f"<{tool}>{inner}</{tool}>" if args else f"<{tool}/>"


CALLS: Mapping[str, Write] = {
    "hermes": lambda tool, args: f"<tool_call>\n{called(tool, args)}\n</tool_call>",
    "hermes, cut": lambda tool, args: f"<tool_call>\n{called(tool, args)}\n",
    "hermes, encoded twice": lambda tool, args: (
        f"<tool_call>{dumped({'name': tool, 'arguments': dumped(dict(args))})}</tool_call>"
    ),
    "qwen-coder": lambda tool, args: f"<tool_call>\n{_coded(tool, args)}\n</tool_call>",
    "qwen-coder, bare": _coded,
    "llama": lambda tool, args: f"<function={tool}>{dumped(dict(args))}</function>",
    "llama, python tag": lambda tool, args: f"<|python_tag|>{called(tool, args, 'parameters')}<|eom_id|>",
    "llama, json": lambda tool, args: dumped({"type": "function", "name": tool, "parameters": dict(args)}),
    "llama 4": lambda tool, args: f"<|python_start|>[{python(tool, args)}]<|python_end|>",
    "mistral": lambda tool, args: f"[TOOL_CALLS]{tool}{dumped(dict(args))}",
    "mistral, list": lambda tool, args: f"[TOOL_CALLS][{called(tool, args)}]",
    "mistral, args": lambda tool, args: f"[TOOL_CALLS]{tool}[ARGS]{dumped(dict(args))}",
    "mistral, id": lambda tool, args: f"[TOOL_CALLS]{tool}[CALL_ID]a1B2c3D4e[ARGS]{dumped(dict(args))}",
    "mistral, tokens dropped": lambda tool, args: f"{tool}{dumped(dict(args))}",
    "deepseek": lambda tool, args: _deepseek("function", f"{tool}\n```json\n{dumped(dict(args))}\n```"),
    "deepseek 3.1": lambda tool, args: _deepseek(tool, dumped(dict(args))),
    "deepseek 3.2": lambda tool, args: (
        f"<｜DSML｜function_calls>\n{_invoked(tool, args, '｜DSML｜')}\n</｜DSML｜function_calls>"
    ),
    "glm": _keyed,
    "glm 4": lambda tool, args: f"{tool}\n{dumped(dict(args))}",
    "kimi": lambda tool, args: (
        f"<|tool_calls_section_begin|><|tool_call_begin|>functions.{tool}:0<|tool_call_argument_begin|>"
        f"{dumped(dict(args))}<|tool_call_end|><|tool_calls_section_end|>"
    ),
    "granite": lambda tool, args: f"<|tool_call|>[{called(tool, args)}]",
    "granite, code": lambda tool, args: f"<function_call> {called(tool, args)}",
    "phi": lambda tool, args: f"<|tool_call|>[{called(tool, args)}]<|/tool_call|>",
    "claude": lambda tool, args: f"<function_calls>\n{_invoked(tool, args)}\n</function_calls>",
    "claude, spaced": lambda tool, args: f"<function_calls>{_invoked(tool, args, 'antml:')}</function_calls>",
    "claude, bare": _invoked,
    "minimax": lambda tool, args: f"<minimax:tool_call>\n{_invoked(tool, args)}\n</minimax:tool_call>",
    "seed": lambda tool, args: f"<seed:tool_call>\n{_coded(tool, args)}\n</seed:tool_call>",
    "step": lambda tool, args: (
        f"<｜tool_calls_begin｜><｜tool_call_begin｜>function<｜tool_sep｜>{_invoked(tool, args, 'steptml:')}"
        "<｜tool_call_end｜><｜tool_calls_end｜>"
    ),
    "nemotron": lambda tool, args: f"<TOOLCALL>[{called(tool, args)}]</TOOLCALL>",
    "command": lambda tool, args: (
        "<|START_ACTION|>\n"
        f"[{dumped({'tool_call_id': '0', 'tool_name': tool, 'parameters': dict(args)})}]\n<|END_ACTION|>"
    ),
    "intern": lambda tool, args: f"<|action_start|><|plugin|>{called(tool, args, 'parameters')}<|action_end|>",
    "lm studio": lambda tool, args: f"[TOOL_REQUEST]{called(tool, args)}[END_TOOL_REQUEST]",
    "functionary": lambda tool, args: f">>>{tool}\n{dumped(dict(args))}",
    "harmony": lambda tool, args: (
        f"<|channel|>commentary to=functions.{tool} <|constrain|>json<|message|>{dumped(dict(args))}<|call|>"
    ),
    "harmony, tokens dropped": lambda tool, args: f"commentary to=functions.{tool} json{dumped(dict(args))}",
    "python": lambda tool, args: f"[{python(tool, args)}]",
    "python, fenced": lambda tool, args: f"```python\n{python(tool, args)}\n```",
    "gemma": lambda tool, args: f"```tool_code\nprint({python(tool, args)})\n```",
    "lfm": lambda tool, args: f"<|tool_call_start|>[{python(tool, args)}]<|tool_call_end|>",
    "olmo": lambda tool, args: f"<function_calls>\n{python(tool, args)}\n</function_calls>",
    "react": lambda tool, args: f"Action: {tool}\nAction Input: {dumped(dict(args))}",
    "react, bold": lambda tool, args: f"**Action:** {tool}\n**Action Input:** {dumped(dict(args))}",
    "react, going on": lambda tool, args: (
        f"Action: {tool}\nAction Input: {dumped(dict(args))}\nObservation: Done.\nThought: And now?"
    ),
    "langchain": lambda tool, args: f"Action:\n```json\n{dumped({'action': tool, 'action_input': dict(args)})}\n```",
    "fenced": lambda tool, args: f"```json\n{called(tool, args)}\n```",
    "fenced list": lambda tool, args: f"```json\n[{called(tool, args)}]\n```",
    "openai": lambda tool, args: dumped(
        {"tool_calls": [{"id": "a", "type": "function", "function": {"name": tool, "arguments": dumped(dict(args))}}]}
    ),
    "python, assigned": lambda tool, args: f"result = {python(tool, args)}",
    "python, assigned and fenced": lambda tool, args: f"```python\nresult = {python(tool, args)}\nprint(result)\n```",
    "python, awaited": lambda tool, args: f"await {python(tool, args)}",
    "python, quoted": lambda tool, args: f"`{python(tool, args)}`",
    "python, bold": lambda tool, args: f"**{python(tool, args)}**",
    "python, arrow": lambda tool, args: f"→ {python(tool, args)}",
    "python, bare": python,
    "action tag": lambda tool, args: f"<action>{python(tool, args)}</action>",
    "action tag, json": lambda tool, args: f"<action>{dumped({'action': tool, **args})}</action>",
    "llama, older": lambda tool, args: f"<function={tool}({dumped(dict(args))})</function>",
    "llama, glued": lambda tool, args: f"<function={tool}{dumped(dict(args))}></function>",
    "llama, twice": lambda tool, args: f"{called(tool, args, 'parameters')}; {called(tool, args, 'parameters')}",
    "apertus": lambda tool, args: f"<|tools_prefix|>[{dumped({tool: dict(args)})}]<|tools_suffix|>",
    "smol": lambda tool, args: f"Action:\n{called(tool, args)}<end_action>",
    "functools": lambda tool, args: f"functools[{called(tool, args)}]",
    "longcat": lambda tool, args: _keyed(tool, args).replace("arg_", "longcat_arg_").replace("tool_", "longcat_tool_"),
    "tool uses": lambda tool, args: dumped(
        {"tool_uses": [{"recipient_name": f"functions.{tool}", "parameters": dict(args)}]}
    ),
    "at": lambda tool, args: f"@{tool} {dumped(dict(args))}",
    "react, numbered": lambda tool, args: f"Action 2: {tool}\nAction Input 2: {dumped(dict(args))}",
    "react, arguments": lambda tool, args: f"Action: {tool}\nArguments: {dumped(dict(args))}",
    "ours, json": lambda tool, args: dumped({"action": tool, **args}),
    "ours, tag": _tagged,
}

UNREAD: tuple[str, ...] = (  # marked as calls, and not to be read: refused, never spoken
    "<start_function_call>call:offer{price:12}<end_function_call>",
    "<|tool_call>call:offer{price:12}<tool_call|>",
    "<tool_call><name>offer</name><arguments>{}</arguments></tool_call>",
    "<function>offer</function>",
    "<tool_call>I would offer 12</tool_call>",
    "[TOOL_CALLS] offer twelve",
    '<tool_call>{"name": "offer", "arguments": {"pri',
    "<|python_tag|>offer.call(price=",
    "<function=offer>price: 12</function>",
    "[offer(price=twelve)]",
    '<|recipient|>offer<|content|>{"price": 12}',
    "And so offer(price=12), my friend.",
    '<action name="offer"><price>12</price></action>',
    '<tool name="offer"><price>12</price></tool>',
    "<tool_call>\nname: offer\narguments: {price: 12}\n</tool_call>",
    "<tool_call>\n{'name': 'offer', 'arguments': {'price': 12}}\n</tool_call>",
)

CLEAR: tuple[str, ...] = (
    *("{}", "[{}]", "{}!", "{}.", "**{}**", '"{}"', "“{}”", "`{}`", "({})", "<{}>", "```\n{}\n```", "{}<|im_end|>"),
    *(r"\boxed{{{}}}", r"$\boxed{{\text{{{}}}}}$", r"\(\boxed{{{}}}\)", "<answer>{}</answer>", "<move> {} </move>"),
    *("Move: {}", "My move: {}", "**Move:** {}", "**Move: {}**", "Final answer: **{}**", "Action: {}", "Move → {}"),
    *("I choose to {}.", "I choose {}.", "I will {}!", "I'll go with {}.", "I’ll {}", "I have decided to {}."),
    *("Okay, I'll {}.", "I'm going to {}.", "My move is {}.", "The answer is {}.", "Let's {}.", "{} it is."),
    *('{{"move": "{}"}}', '{{"action": "{}!"}}', '{{"choice": "{}"}}', "<think>Hm.</think>\n\n[{}]"),
    '<tool_call>{{"name": "make_move", "arguments": {{"move": "{}"}}}}</tool_call>',
    "Thought: hm.\nAction: {}",
    *(
        "{},",
        "{};",
        "{}…",
        "{} :)",
        "{} 🎲",
        "{} (final)",
        "I would {}.",
        "I'd {}.",
        "I'll just {}",
        "I think I will {}.",
    ),
    *("Yes, {}.", "OK: {}", "So my answer is {}", "[Action] {}", "Move - {}", "Choose: {}", "### Move\n{}"),
    *("I have the king.\n\n**Move: {}**", "Fun.\nSo be it.\n[{}]", "It is good.\n\\boxed{{{}}}"),
)

UNCLEAR: tuple[str, ...] = (  # of a move: "not bet, check" must never be read as bet
    *("not {}", "Not {0}, {1}.", "I will not {}.", "I choose not to {}.", "Don't {}!", "{0} or {1}", "{}?", "!{}"),
    *("~~{}~~", "I would never {}.", "Anything but {}.", "{0}. No, wait: {1}.", "Move: not {}", "No {}", "Avoid: {}"),
    *("I refuse to {}.", "My move is not {}.", "Should I {0}? No: {1}.", "If you {0}, I {1}.", "{0}\n{1}"),
    *("Move: {0}\nMove: {1}", "I reject: {}", r"It is not \boxed{{{}}}", '{{"avoid": "{}"}}', "<think>{}</think>"),
    *("Thought: {}", "I expect a {} from you.", "I rule out [{}]", "-{}, +{}", "I can't {}", "You will {}."),
    '<tool_call>{{"name": "avoid", "arguments": {{"move": "{}"}}}}</tool_call>',
    *(
        "I would never do this:\n[{}]",
        "{0}\nMove: {1}",
        "[{0}]\n[{1}]",
        "Move: {0}?\nMove: {1}",
        "Do not play\n\\boxed{{{}}}",
    ),
    *("Hm, {0}, then {1}", "[{0}] or\n[{1}]", "{0}, {1}", "{0}…{1}"),
)

MESSAGES: Mapping[str, Callable[[str, str], dict[str, Any]]] = {
    "reasoning_content": lambda thought, words: {"content": words, "reasoning_content": thought},
    "reasoning": lambda thought, words: {"content": words, "reasoning": thought},
    "reasoning_details": lambda thought, words: {
        "content": words,
        "reasoning_details": [{"type": "reasoning.text", "text": thought}],
    },
    "thinking": lambda thought, words: {"content": words, "thinking": thought},
    "thinking_blocks": lambda thought, words: {
        "content": words,
        "thinking_blocks": [{"type": "thinking", "thinking": thought, "signature": "x"}],
    },
    "magistral parts": lambda thought, words: {
        "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": thought}]},
            {"type": "text", "text": words},
        ]
    },
    "reasoning parts": lambda thought, words: {
        "content": [{"type": "reasoning", "text": thought}, {"type": "output_text", "text": words}]
    },
    "summary parts": lambda thought, words: {
        "content": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": thought}]},
            {"type": "text", "text": words},
        ]
    },
    "flagged parts": lambda thought, words: {"content": [{"text": thought, "thought": True}, {"text": words}]},
}

BLOCKS: Mapping[str, Callable[[str, str], list[dict[str, Any]]]] = {
    "thinking": lambda thought, words: [
        {"type": "thinking", "thinking": thought, "signature": "x"},
        {"type": "text", "text": words},
    ],
    "redacted": lambda thought, words: [
        {"type": "redacted_thinking", "data": thought},
        {"type": "text", "text": words},
    ],
    "interleaved": lambda thought, words: [
        {"type": "thinking", "thinking": "Hm.", "signature": "x"},
        {"type": "text", "text": words},
        {"type": "thinking", "thinking": thought, "signature": "y"},
    ],
}


def drawn(
    rng: Random, thought: str, words: str, tool: str = "", args: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A reply that thinks, speaks and perhaps acts, in forms drawn at random: what a fake server's `reply` returns."""
    deed = CALLS[rng.choice(sorted(CALLS))](tool, args or {}) if tool else ""
    said = f"{words}\n{deed}".strip() if deed else words
    if rng.random() < 0.3:
        message, blocks = MESSAGES[rng.choice(sorted(MESSAGES))], BLOCKS[rng.choice(sorted(BLOCKS))]
        return {"text": said, "message": message(thought, said), "blocks": blocks(thought, said)}
    return {"text": THOUGHTS[rng.choice(sorted(THOUGHTS))](thought, said)}
