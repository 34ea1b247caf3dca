"""Progress of a run: counters and speeds, shown on stderr as a live table, plain lines or JSON lines."""

import os
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal, TypeAlias

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from arena.console.log_output import is_log_shown
from arena.console.stdio import Screen, escape_text, print_event, say, to_json
from arena.episode import Turn
from arena.store.store import Pending

LINES = 20  # most progress lines of a run, and failures reported one by one
REASONS = 5  # failure reasons in the summary
WINDOW = 30.0  # window in seconds over which speeds are measured
SAMPLE = 0.5  # seconds between two samples
Shown: TypeAlias = Literal["auto", "plain", "none"]
Gauge: TypeAlias = Callable[[], list[tuple[str, int, int]]]  # endpoint, calls in flight, limit


@dataclass(slots=True)
class Tally:
    """Counters of a run of `total` episodes, of which `before` were done at its start."""

    total: int
    before: int = 0
    halting: Callable[[], bool] = lambda: False
    aim: Callable[[], str] = str
    began: float = field(default_factory=monotonic)
    ended: Counter[str] = field(default_factory=Counter)
    open: int = 0
    answers: int = 0
    calls: int = 0
    tokens: int = 0
    uncounted: int = 0
    usd: float = 0.0
    unpriced: int = 0
    endpoints: list[tuple[str, int, int]] = field(default_factory=list)
    samples: deque[tuple[float, int, int, int]] = field(default_factory=deque)
    latest: dict[str, tuple[int, set[tuple[str, int]]]] = field(default_factory=dict)

    def start(self, _: Pending) -> None:
        """Count an episode that starts."""
        self.open += 1

    def turn(self, pending: Pending, turn: Turn) -> None:
        """Count an answer of a seat; one that is reported again, because the rules refused it, counts once."""
        step, told = self.latest.get(pending.id, (-1, set()))
        if step != turn.step:
            _, told = self.latest[pending.id] = turn.step, set()
        if turn.refused and (turn.seat, turn.attempt) in told:
            return
        told.add((turn.seat, turn.attempt))
        self.answers += 1
        for call in turn.move.usage.calls:
            self.calls += 1
            used = call.used
            self.tokens += sum(part or 0 for part in used)
            self.uncounted += None in used
            self.usd += call.usd or 0.0
            self.unpriced += call.usd is None

    def leave(self, pending: Pending) -> None:
        """An episode is no longer being played: its slot is free."""
        self.open -= 1
        self.latest.pop(pending.id, None)

    def end(self, status: str) -> None:
        """Count how an episode ended, or that it was left open."""
        self.ended[status] += 1

    @property
    def done(self) -> int:
        """Number of episodes that need no more play."""
        return self.before + sum(self.ended[status] for status in ("over", "forfeit", "error"))

    def sample(self, gauge: Gauge | None = None) -> None:
        """Sample the clock and the endpoints, at most every `SAMPLE` seconds."""
        now = monotonic()
        if not self.samples or now - self.samples[-1][0] >= SAMPLE:
            self.samples.append((now, self.done, self.answers, self.calls))
            self.endpoints = gauge() if gauge is not None else []
            while now - self.samples[0][0] > WINDOW and len(self.samples) > 2:
                self.samples.popleft()

    def speeds(self) -> tuple[float, float, float]:
        """Recent episodes, answers and calls per second."""
        since = self.samples[0] if self.samples else (self.began, self.before, 0, 0)
        seconds = max(monotonic() - since[0], 1e-3)
        now = (self.done, self.answers, self.calls)
        return tuple((n - m) / seconds for n, m in zip(now, since[1:], strict=True))  # type: ignore[return-value]

    def estimate_time_left(self) -> float | None:
        """Estimated seconds to the end at the pace so far; None before the first episode has ended."""
        played = 0 if self.aim() else self.done - self.before  # a stopping rule has no known end
        return (monotonic() - self.began) / played * (self.total - self.done) if played else None

    def numbers(self) -> dict[str, Any]:
        """All counters; `tokens` excludes `unknown_token_calls`, `usd` is None if the price of a call is unknown, times
        are in seconds.
        """
        _, answers, calls = self.speeds()
        left = self.estimate_time_left()
        return {
            "matches": self.total, "done": self.done, "failed": self.ended["error"], "cut": self.ended["cut"],
            "in_flight": self.open, "answers": self.answers, "calls": self.calls,
            "answers_per_second": round(answers, 2), "calls_per_second": round(calls, 2),
            "tokens": self.tokens, "unknown_token_calls": self.uncounted,
            "usd": None if self.unpriced else round(self.usd, 6), "seconds": round(monotonic() - self.began, 3),
            "left": None if left is None else round(left, 1),
            "endpoints": [{"at": name, "under_way": now, "width": width} for name, now, width in self.endpoints],
        }  # fmt: skip

    def line(self) -> str:
        """The counters as one line of text."""
        _, answers, calls = self.speeds()
        left = self.estimate_time_left()
        told = [f"{self.done} of {self.total} episodes done", f"{self.ended['error']} failed"]
        told += [f"{self.ended['cut']} cut"] * bool(self.ended["cut"]) + [f"{self.open} in flight"] * bool(self.open)
        told += [f"{_format_speed(calls)} calls/s"] if self.calls else [f"{_format_speed(answers)} answers/s"]
        if self.calls:
            told += [format_tokens(self.tokens, self.uncounted), format_dollars(self.usd, self.unpriced)]
        told += [f"{name} {now}/{width} calls under way" for name, now, width in self.endpoints]
        told += [self.aim()] * bool(self.aim())
        return ", ".join(
            [*told, *([f"{_format_time(left)} left"] if left is not None and self.done < self.total else [])]
        )


@dataclass(slots=True)
class Progress:
    """Shows a tally as it changes: `shown` "auto" is a live display on a terminal, else plain lines; `records` makes
    every line a JSON object with `event`. Failures are reported one by one, up to `LINES`."""

    tally: Tally
    shown: Shown = "auto"
    records: bool = False
    gauge: Gauge | None = None
    console: Console = field(default_factory=lambda: Screen(stderr=True))
    told: int = 0
    failures: int = 0
    live: Live | None = None

    def display(self) -> AbstractContextManager[Any]:
        """Context manager that shows the live display, on a terminal."""
        drawn = self.console.is_terminal and not is_log_shown()
        if self.shown != "auto" or self.records or not drawn or self.tally.total < 2:
            return nullcontext()
        self.live = Live(
            get_renderable=self._table, console=self.console, refresh_per_second=4, transient=True,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        return self.live

    def update(self) -> None:
        """The counters changed: take a sample, and print a line after each twentieth of the run."""
        self.tally.sample(self.gauge)
        part = self.tally.done * LINES // max(self.tally.total, 1)
        if self.live is None and self.tally.total > 1 and part > self.told:
            self.told = part
            self.say("progress", self.tally.line(), **self.tally.numbers())

    def fail(self, episode: str, why: str) -> None:
        """Report that an episode failed."""
        self.failures += 1
        if self.failures <= LINES:
            self.say("failed", f"episode {episode}: {why}", episode=episode, error=why)
        if self.failures == LINES + 1:
            self.say("failed", "more episodes failed; their reasons are on record")

    def summarise(self, errors: Sequence[str], run: str) -> None:
        """Print why episodes failed, most frequent reasons first, if failures were not shown as they happened.

        `errors` are texts "EPISODE: REASON".
        """
        reasons = Counter(error.partition(": ")[2] for error in errors)
        for reason, number in reasons.most_common(REASONS):
            told = f"{number} episode{'s' * (number > 1)} failed: {reason}"
            self.tell("failed", told, episodes=number, error=reason)
        if left := sum(reasons.values()) - sum(number for _, number in reasons.most_common(REASONS)):
            other = len(reasons) - REASONS
            told = f"{left} more failed for {other} other reason{'s' * (other > 1)}; all of them: arena show {run}"
            self.tell("failed", told, episodes=left)

    def say(self, event: str, line: str, **record: object) -> None:
        """Print one line: text, or a JSON object."""
        if self.shown == "none" and not (self.records and event in ("launch", "done")):
            return
        self.tell(event, line, **record)

    def tell(self, event: str, line: str, **record: object) -> None:
        """Print one line whatever `shown` is."""
        if self.records:
            print_event(event, **record, text=line)
        else:
            say(line, self.console)

    def interrupt(self) -> None:
        """Report that the run was asked to stop. Called from a signal handler, so it bypasses all buffers."""
        line = "stopping after the answers in flight; press Ctrl-C again to leave at once"
        if self.shown != "none":
            with suppress(OSError):
                text = to_json({"event": "stopping", "text": line}, None, "ascii") if self.records else f"\n{line}"
                os.write(2, f"{text}\n".encode())

    def _table(self) -> Group:
        tally = self.tally
        bar = ProgressBar(total=max(tally.total, 1), completed=tally.done, width=40)
        state = "  stopping after the answers in flight" if tally.halting() else ""
        return Group(bar, *Text(escape_text(self.console, tally.line() + state)).wrap(self.console, self.console.width))


def format_dollars(usd: float, unpriced: int) -> str:
    """Format dollars; calls of unknown price are named and not counted as 0."""
    known = f"${usd:.4f}" if usd else "$0"
    return f"{known} and {unpriced} calls of unknown price" if unpriced else known


def format_tokens(tokens: int, uncounted: int) -> str:
    """Format tokens; calls with an unknown number of tokens are counted beside them."""
    return f"{_shorten_number(tokens)} tokens" + (f" and {uncounted} calls not counted" if uncounted else "")


def _format_speed(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _shorten_number(number: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= size:
            return f"{number / (1e3 if unit == 'k' else size):.3g}{unit}"
    return f"{number:g}"


def _format_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
