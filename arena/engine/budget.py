"""Budget of a run and its seats. The highest price of a call is reserved before it starts, so that calls in flight
cannot overspend; the actual price is settled after it.

A model reserves by `async with Spending(price) as bill`; the gate of the run is found through a context variable.
"""

import asyncio
from asyncio import Future
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from arena.errors import BudgetSpent, Halted, UsageError

ROUNDING = 1e-9  # dollars; sums of small prices are not exact
BYTES_A_TOKEN = 3  # UTF-8 bytes per token, a low estimate: English has about four, other scripts about three


@runtime_checkable
class Priced(Protocol):
    """A model that knows the price of its calls."""

    def price(self, input_tokens: int, output_tokens: int) -> float | None:
        """Price in dollars of a call with that many tokens; None if unknown."""
        ...


@dataclass(slots=True)
class Halt:
    """A switch that stops a run once the calls in flight have ended."""

    on: bool = False

    def check(self) -> None:
        if self.on:
            raise Halted("the run was asked to stop")


@dataclass(slots=True)
class Purse:
    """One cap in dollars: the amount spent, and the amount reserved for calls in flight."""

    name: str
    cap: float
    spent: float = 0.0
    held: float = 0.0

    def takes(self, usd: float) -> bool:
        return self.spent + self.held + usd <= self.cap + ROUNDING


@dataclass(slots=True)
class Budget:
    """Caps of a run: one on the total, and one on each of some seats.

    A call that does not fit waits for the calls in flight, which mostly cost less than was reserved. If none is in
    flight the budget is exhausted: `gone` is set, and no further paid call starts.
    """

    total: Purse | None = None
    seats: Mapping[str, Purse] = field(default_factory=dict)
    gone: str = ""
    _waiting: deque[tuple[Future[None], tuple[Purse, ...], float]] = field(default_factory=deque)

    @classmethod
    def of(cls, usd: float | None, seats: Mapping[str, float], spent: Mapping[str, float] | None = None) -> "Budget":
        """Make a budget from caps in dollars, of which `spent`, by seat, is already used."""
        before = spent or {}
        total = None if usd is None else Purse("the budget", usd, sum(before.values()))
        return cls(total, {s: Purse(f"the budget of {s}", cap, before.get(s, 0.0)) for s, cap in seats.items()})

    def purses(self, seat: str) -> tuple[Purse, ...]:
        """The caps that apply to a call of `seat`."""
        return tuple(purse for purse in (self.total, self.seats.get(seat)) if purse is not None)

    async def hold(self, seat: str, usd: float) -> None:
        """Reserve the highest price of a call; waits if it does not fit yet. Raises BudgetSpent if it can never fit."""
        purses = self.purses(seat)
        if not purses or usd <= 0:
            return
        ticket: Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((ticket, purses, usd))
        self._admit()
        try:
            await ticket
        except asyncio.CancelledError:
            if (
                ticket.done() and not ticket.cancelled() and ticket.exception() is None
            ):  # admitted and cancelled at once
                self._change(purses, -usd, 0.0)
            raise

    def settle(self, seat: str, held: float, paid: float | None) -> None:
        """Replace a reservation by the actual price; None counts as the reserved amount, since the call may have been
        billed.
        """
        purses = self.purses(seat)
        if purses and (held > 0 or paid):
            self._change(purses, -max(held, 0.0), held if paid is None else paid)

    def _change(self, purses: tuple[Purse, ...], held: float, spent: float) -> None:
        for purse in purses:
            purse.held, purse.spent = max(0.0, purse.held + held), purse.spent + spent
        self._admit()

    def _admit(self) -> None:
        """Admit waiting calls that fit, in order of arrival; wakes all when one can never fit."""
        while self._waiting:
            ticket, purses, usd = self._waiting[0]
            if not ticket.done():
                short = [purse for purse in purses if not purse.takes(usd)]
                if short and not self.gone:
                    if any(purse.held > ROUNDING for purse in short):
                        return
                    self.gone = _farewell(short[0], usd)
                if self.gone:
                    ticket.set_exception(BudgetSpent(self.gone))
                else:
                    for purse in purses:
                        purse.held += usd
                    ticket.set_result(None)
            self._waiting.popleft()


@dataclass(frozen=True, slots=True)
class CallGate:
    """The checks that a model call of a run passes before it starts: halt and budget."""

    halt: Halt
    budget: Budget | None = None


GATE: ContextVar[CallGate | None] = ContextVar("gate", default=None)
SEAT: ContextVar[str] = ContextVar("seat", default="")


class Asking:
    """Context manager while a seat is asked, `with Asking(seat)`: calls made within are charged to it."""

    __slots__ = ("before", "seat")

    def __init__(self, seat: str) -> None:
        self.seat = seat

    def __enter__(self) -> None:
        self.before = SEAT.set(self.seat)

    def __exit__(self, *_: object) -> None:
        SEAT.reset(self.before)


@dataclass(slots=True)
class Spending:
    """Context manager of one model call: waits until it may start; set `paid` to its price before it ends.

    `estimate` gives the most it may cost, asked for only where there is a budget. Raises Halted or BudgetSpent before
    the call, and UsageError if there is a budget and the price of the call is unknown.
    """

    estimate: Callable[[], float | None]
    paid: float | None = None
    held: float = 0.0

    async def __aenter__(self) -> "Spending":
        gate = GATE.get()
        if gate is None:
            return self
        gate.halt.check()
        if gate.budget is not None and gate.budget.purses(SEAT.get()):
            price = self.estimate()
            if price is None:
                raise UsageError(
                    f"the price of a call of {SEAT.get() or 'a model'} is unknown; a budget cannot hold it"
                )
            await gate.budget.hold(SEAT.get(), price)
            self.held = price
            if gate.halt.on:
                gate.budget.settle(SEAT.get(), price, 0.0)
                gate.halt.check()
        return self

    async def __aexit__(self, *_: object) -> None:
        gate = GATE.get()
        if gate is not None and gate.budget is not None:
            gate.budget.settle(SEAT.get(), self.held, self.paid)


def tokens(*texts: str) -> int:
    """Estimated number of tokens of the texts, rather too high than too low."""
    return sum(len(text) if text.isascii() else len(text.encode()) for text in texts) // BYTES_A_TOKEN + len(texts)


def _farewell(purse: Purse, usd: float) -> str:
    spent = f"${purse.spent:.4f} of ${purse.cap:g} are spent"
    return f"{purse.name} is spent: {spent}, and the next call may cost ${usd:.4f}; the same command with more goes on"
