"""An episode told as it happens: who said what, what they did, what the rules refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.text import Text

from arena.episode import Turn
from arena.game import JSON, Game, Message
from arena.terminal import printable

COLOURS = ("cyan", "yellow", "magenta", "green", "blue", "red")


@dataclass(slots=True)
class Narrator:
    """Prints what is new in a game's transcript; games that keep none are told by their turns."""

    console: Console
    game: Game[Any]
    told: int = 0
    pending: list[Turn] = field(default_factory=list)

    def turn(self, turn: Turn) -> None:
        """A new answer: a refusal is told at once, an accepted one with the state it leads to."""
        if turn.refused:
            self._line(turn.seat, f"refused: {turn.refused}", style="red")
        else:
            self.pending.append(turn)

    def state(self, state: Any) -> None:
        """A new state: tell the messages that were not told yet."""
        messages = self.game.watch(state)
        if not messages:
            messages = tuple(Message(t.seat, t.move.text, t.move.tool, t.move.args) for t in self.pending)
            self.told = 0
        for message in messages[self.told :]:
            self.message(message)
        self.told = len(messages)
        self.pending.clear()

    def message(self, message: Message) -> None:
        """One message as a line: speaker, action, words, and whom it is for."""
        if not message.sender:
            private = f" ({', '.join(message.to)} only)" if message.to else ""
            self._line("", f"— {message.text}{private}", style="bold" if not message.to else "dim")
            return
        private = f" → {', '.join(message.to)}" if message.to and message.to != (message.sender,) else ""
        self._line(message.sender + private, message.text, action_of(message.tool, message.args))

    def _line(self, speaker: str, words: str, action: str = "", style: str = "") -> None:
        line = Text()
        if speaker:
            line.append(f"{printable(speaker):>10}  ", style=self._colour(speaker))
        line.append(printable(words).replace("\n", "\n            "), style=style)
        if action:
            line.append(f"  [{printable(action)}]", style="bold")
        self.console.print(line, soft_wrap=not self.console.is_terminal)

    def _colour(self, speaker: str) -> str:
        seat = speaker.partition(" ")[0]
        return COLOURS[self.game.seats.index(seat) % len(COLOURS)] if seat in self.game.seats else "bold"


def action_of(tool: str, args: Mapping[str, JSON]) -> str:
    """An action in brief: `offer price=14`."""
    short = {key: value for key, value in args.items() if isinstance(value, int | float | str) and len(str(value)) < 40}
    return " ".join([tool, *(f"{key}={_number(value)}" for key, value in short.items())]) if tool else ""


def _number(value: JSON) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
