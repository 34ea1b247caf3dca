"""Data type of an estimate with its interval."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and the interval that covers what it estimates with probability `level`.

    `n` counts independent observations. `low` and `high` are None for fewer than two.
    """

    value: float
    low: float | None
    high: float | None
    level: float
    n: int
    method: str

    @property
    def half_width(self) -> float | None:
        """Half of the interval's width."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2
