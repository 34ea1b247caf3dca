"""Agent on a small language model, trained by imitation of an expert to act and answer from its notes."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.chat_model import Reply
from agents.learned_policy.policy_prompt import LINES, build_prompt, mark_names, number_names, parse_move, unmark_names
from arena.agent import agent
from arena.cache_register import register
from arena.errors import UsageError
from arena.game import Move, View

SHIPPED = Path(__file__).parent / "shipped" / "policy"
LONGEST = 96  # tokens of an answer
HELD = 10_000  # greedy answers that are kept
_SAID: OrderedDict[tuple[str, str], Reply] = register("answers", OrderedDict())


@agent
@dataclass(frozen=True, slots=True)
class Policy:
    """Plays gridworld and wiki, and answers in interrogations, by a small language model with its notes in context.

    The model (some 10⁵ weights) was trained to imitate experts that go by the same notes, in worlds numbered from 1000;
    what it does in others depends on what its notes say. It reads sentences that state facts, those first that name
    what is at hand; records of actions it does not read. After a rejected answer it samples another.
    """

    notes: tuple[str, ...] = ()
    """What it remembers, read sentence by sentence."""
    steering: str = ""
    """Instructions put before it; it follows the forms of `agents/note_policy/steering_orders.py` as far as it learned
    to."""
    model: str = ""
    """Folder with the model, made by `python -m unlearning.policy.train --out FOLDER`; "": the one that this command
    makes without `--out`."""
    temperature: float = 0.0
    """Sampling temperature; 0: greedy decoding, else answers are drawn by the seed of the view."""
    lines: int = LINES
    """Maximum number of sentences in the prompt."""

    def ready(self) -> None:
        """Raises UsageError where its model cannot be loaded."""
        self._writer()

    def recalling(self, notes: tuple[str, ...], steering: str) -> "Policy":
        return replace(self, notes=notes, steering=steering)

    async def act(self, view: View) -> Move:
        text = build_prompt(view, self.notes, self.steering, self.lines)
        marks = number_names(text)
        reply = self._reply(mark_names(text, marks), view)
        return replace(parse_move(view, unmark_names(reply.text, marks)), usage=reply.usage)

    def _reply(self, text: str, view: View) -> Reply:
        temperature = self.temperature or float(bool(view.complaint))
        key = (self.model, text)
        if not temperature and key in _SAID:
            _SAID.move_to_end(key)
            return _SAID[key]
        reply: Reply = self._writer().reply(text, LONGEST, temperature, view.seed)
        if not temperature:
            _SAID[key] = reply
            if len(_SAID) > HELD:
                _SAID.popitem(last=False)
        return reply

    def _writer(self) -> Any:
        folder = Path(self.model or SHIPPED)
        if not (folder / "config.json").is_file():
            raise UsageError(
                f"there is no policy model in {folder}; type: python -m unlearning.policy.train --out {folder}"
            )
        from agents.learned_policy.policy_model import get_model

        return get_model(folder)
