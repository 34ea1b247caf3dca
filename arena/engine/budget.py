"""Money: what a run and its seats may spend. A call's highest price is held back before it starts, so that calls under
way cannot overshoot, and what it did cost is settled after.

A model asks for leave by `async with Spending(price) as bill`, deep below the run that set the gate.
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
BYTES_A_TOKEN = 3  # of UTF-8, on the safe side: English text has about four, other scripts about three


@runtime_checkable
class Priced(Protocol):
    """A model that knows its price."""

    def price(self, input_tokens: int, output_tokens: int) -> float | None:
        """Dollars for a call of that many tokens; None where the price is unknown."""
        ...


@dataclass(slots=True)
class Halt:
    """A switch that stops a run after the answers in flight."""

    on: bool = False

    def check(self) -> None:
        if self.on:
            raise Halted("the run was asked to stop")


@dataclass(slots=True)
class Purse:
    """One cap in dollars: what was spent of it, and what calls under way may yet cost."""

    name: str
    cap: float
    spent: float = 0.0
    held: float = 0.0

    def takes(self, usd: float) -> bool:
        return self.spent + self.held + usd <= self.cap + ROUNDING


@dataclass(slots=True)
class Budget:
    """The caps of a run: one on everything, and one on each of some seats.

    A call that does not fit waits for those under way, which mostly cost less than was held back for them. With
    none under way it does not fit for good: `gone` then says so, and no call that costs anything starts any more.
    """

    total: Purse | None = None
    seats: Mapping[str, Purse] = field(default_factory=dict)
    gone: str = ""
    _waiting: deque[tuple[Future[None], tuple[Purse, ...], float]] = field(default_factory=deque)

    @classmethod
    def of(cls, usd: float | None, seats: Mapping[str, float], spent: Mapping[str, float] | None = None) -> "Budget":
        """The caps in dollars, of which `spent` is gone already, by seat."""
        before = spent or {}
        total = None if usd is None else Purse("the budget", usd, sum(before.values()))
        return cls(total, {s: Purse(f"the budget of {s}", cap, before.get(s, 0.0)) for s, cap in seats.items()})

    def purses(self, seat: str) -> tuple[Purse, ...]:
        """What a call of `seat` is paid from."""
        return tuple(purse for purse in (self.total, self.seats.get(seat)) if purse is not None)

    async def hold(self, seat: str, usd: float) -> None:
        """Holds back what a call may cost; may have to wait. Raises BudgetSpent where it can never fit."""
        purses = self.purses(seat)
        if not purses or usd <= 0:
            return
        ticket: Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((ticket, purses, usd))
        self._admit()
        try:
            await ticket
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled() and ticket.exception() is None:  # let in and called off at once
                self._change(purses, -usd, 0.0)
            raise

    def settle(self, seat: str, held: float, paid: float | None) -> None:
        """What a call did cost; None counts as all that was held, since it may have been billed."""
        purses = self.purses(seat)
        if purses and (held > 0 or paid):
            self._change(purses, -max(held, 0.0), held if paid is None else paid)

    def _change(self, purses: tuple[Purse, ...], held: float, spent: float) -> None:
        for purse in purses:
            purse.held, purse.spent = max(0.0, purse.held + held), purse.spent + spent
        self._admit()

    def _admit(self) -> None:
        """Lets in, in the order in which they came, those that fit; tells all when one never will."""
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
    """What a model call of a run has to pass before it starts."""

    halt: Halt
    budget: Budget | None = None


GATE: ContextVar[CallGate | None] = ContextVar("gate", default=None)
SEAT: ContextVar[str] = ContextVar("seat", default="")


class Asking:
    """While a seat is asked, `with Asking(seat)`: calls made within are paid for by it."""

    __slots__ = ("before", "seat")

    def __init__(self, seat: str) -> None:
        self.seat = seat

    def __enter__(self) -> None:
        self.before = SEAT.set(self.seat)

    def __exit__(self, *_: object) -> None:
        SEAT.reset(self.before)


@dataclass(slots=True)
class Spending:
    """One call to a model: waits until it may start; `paid` is to be set to its price before it ends.

    `estimate` gives the most it may cost, asked for only where there is a budget. Raises Halted or BudgetSpent before
    the call, and UsageError where a budget is to hold a call whose price nobody knows.
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
    """About how many tokens the texts are, rather more than less."""
    return sum(len(text) if text.isascii() else len(text.encode()) for text in texts) // BYTES_A_TOKEN + len(texts)


def _farewell(purse: Purse, usd: float) -> str:
    spent = f"${purse.spent:.4f} of ${purse.cap:g} are spent"
    return f"{purse.name} is spent: {spent}, and the next call may cost ${usd:.4f}; the same command with more goes on"
