"""An episode told as it happens: who said what, what they did, what the rules refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console
from rich.text import Text

from arena.console.sanitize import inline
from arena.console.stdio import escape_text, get_width, show
from arena.episode import Turn
from arena.game import JSON, Message
from arena.text.message_escaping import escape_argument, escape_message

INDENT = 12  # columns before what is said: nothing said can pass for the beginning of a line
LEAST = 20  # columns for what is said, on however narrow a terminal
COLOURS = ("cyan", "yellow", "magenta", "green", "blue", "red")


class Transcript(Protocol):
    """What is needed of a game: its seats, and its messages up to a state (none where it keeps none)."""

    @property
    def seats(self) -> tuple[str, ...]: ...
    def watch(self, state: object) -> tuple[Message, ...]: ...


@dataclass(frozen=True, slots=True)
class Answers:
    """In place of a game whose code is not at hand: the transcript is the answers alone."""

    seats: tuple[str, ...]

    def watch(self, state: object) -> tuple[Message, ...]:
        return ()


@dataclass(slots=True)
class Narrator:
    """Prints what is new in a game's transcript; games that keep none are told by their turns."""

    console: Console
    game: Transcript
    told: int = 0
    pending: list[Turn] = field(default_factory=list)

    def turn(self, turn: Turn) -> None:
        """A new answer: a refusal is told at once, an accepted one with the state it leads to."""
        if turn.refused:
            self._line(turn.seat, f"refused: {turn.refused}", style="red")
        else:
            self.pending.append(turn)

    def state(self, state: object) -> None:
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
        self._line(
            message.sender + private,
            escape_message(message.text, message.literal),
            action_of(message.tool, message.args),
        )

    def _line(self, speaker: str, words: str, action: str = "", style: str = "") -> None:
        words, action, speaker = (escape_text(self.console, text) for text in (words, inline(action), inline(speaker)))
        head = f"{speaker:>{INDENT - 2}}  " if speaker else ""
        said, done = Text(words, style=style), Text(f"[{action}]" if action else "", style="bold")
        room = get_width(self.console)
        lines = self._lines(said, done, None if room is None else max(room - max(INDENT, len(head)), LEAST))
        line = Text(head, style=self._colour(speaker)) if speaker else Text()
        show(self.console, line.append_text(Text("\n" + " " * INDENT).join(lines)))

    def _lines(self, said: Text, done: Text, room: int | None) -> list[Text]:
        """Words, and the action behind them, in lines of at most `room` columns where there is such a limit."""
        whole = said + Text("  ") + done if done else said
        if room is None or (whole.cell_len <= room and "\n" not in whole.plain):
            return list(whole.split("\n", allow_blank=True))
        lines = list(said.wrap(self.console, room))
        if done and lines[-1].cell_len + 2 + done.cell_len <= room:
            lines[-1] = lines[-1] + Text("  ") + done
        elif done:
            lines += done.wrap(self.console, room)
        for line in lines:
            line.rstrip()
        return lines

    def _colour(self, speaker: str) -> str:
        seat = speaker.partition(" ")[0]
        return COLOURS[self.game.seats.index(seat) % len(COLOURS)] if seat in self.game.seats else "bold"


def action_of(tool: str, args: Mapping[str, JSON]) -> str:
    """An action in brief: `offer price=14`."""
    told = {key: escape_argument(value) for key, value in args.items()}
    short = {key: value for key, value in told.items() if isinstance(value, int | float | str) and len(str(value)) < 40}
    return " ".join([tool, *(f"{key}={_number(value)}" for key, value in short.items())]) if tool else ""


def _number(value: JSON) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
