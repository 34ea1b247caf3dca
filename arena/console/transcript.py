"""Print an episode as it is played: messages, actions, and refused moves."""

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

INDENT = 12  # indent of messages: no message can imitate the start of a line
LEAST = 20  # least columns for a message, on any terminal
COLOURS = ("cyan", "yellow", "magenta", "green", "blue", "red")


class Transcript(Protocol):
    """The part of a game that the narrator needs: its seats, and the messages up to a state."""

    @property
    def seats(self) -> tuple[str, ...]: ...
    def watch(self, state: object) -> tuple[Message, ...]: ...


@dataclass(frozen=True, slots=True)
class Answers:
    """Stands in for a game whose code is not loaded: the transcript is the answers alone."""

    seats: tuple[str, ...]

    def watch(self, state: object) -> tuple[Message, ...]:
        return ()


@dataclass(slots=True)
class Narrator:
    """Prints new messages of a game's transcript; games without one are shown by their turns."""

    console: Console
    game: Transcript
    told: int = 0
    pending: list[Turn] = field(default_factory=list)

    def turn(self, turn: Turn) -> None:
        """Handle a new answer: a refusal is printed at once, an accepted one with the state it leads to."""
        if turn.refused:
            self._line(turn.seat, f"refused: {turn.refused}", style="red")
        else:
            self.pending.append(turn)

    def state(self, state: object) -> None:
        """Handle a new state: print the messages that are new."""
        messages = self.game.watch(state)
        if not messages:
            messages = tuple(Message(t.seat, t.move.text, t.move.tool, t.move.args) for t in self.pending)
            self.told = 0
        for message in messages[self.told :]:
            self.message(message)
        self.told = len(messages)
        self.pending.clear()

    def message(self, message: Message) -> None:
        """Print one message: speaker, action, words, and recipients."""
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
        """The words, then the action, in lines of at most `room` columns if there is a limit."""
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
    """Short form of an action: `offer price=14`."""
    told = {key: escape_argument(value) for key, value in args.items()}
    short = {key: value for key, value in told.items() if isinstance(value, int | float | str) and len(str(value)) < 40}
    return " ".join([tool, *(f"{key}={_number(value)}" for key, value in short.items())]) if tool else ""


def _number(value: JSON) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
