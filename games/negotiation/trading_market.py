"""State of a market: holdings, open offers, and completed trades."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from arena.game import Message, Move

Bundle: TypeAlias = tuple[int, ...]  # how many of each good


@dataclass(frozen=True, slots=True)
class Swap:
    """What `maker` offers to `to`: it would give one bundle and get another."""

    maker: str
    to: str
    give: Bundle
    get: Bundle


@dataclass(frozen=True, slots=True)
class Market:
    """State of a match. `private` holds what a good is worth to a seat, and what it holds at the start.

    `shown` are the holdings at the start where they are open to all; `change` is what each seat has more of since, or
    less. `offers` stand until their makers' next turns.
    """

    private: Mapping[str, Mapping[str, tuple[float, ...]]]
    shown: Mapping[str, Bundle] | None
    change: Mapping[str, Bundle]
    offers: tuple[Swap, ...] = ()
    trades: tuple[Swap, ...] = ()
    moves: tuple[tuple[str, Move], ...] = ()
    passes: int = 0
    ended: str = ""
    log: tuple[Message, ...] = ()

    def values(self, seat: str) -> tuple[float, ...]:
        return self.private[seat]["values"]

    def first(self, seat: str) -> Bundle:
        """What a seat held at the start."""
        return self.shown[seat] if self.shown is not None else tuple(map(int, self.private[seat]["start"]))

    def holds(self, seat: str) -> Bundle:
        return tuple(k + more for k, more in zip(self.first(seat), self.change[seat], strict=True))


def worth(bundle: Bundle, values: tuple[float, ...]) -> float:
    """What a bundle is worth to who values one of each good so."""
    return sum(k * value for k, value in zip(bundle, values, strict=True))
