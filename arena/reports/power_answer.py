"""Question and answer of `arena power`."""

from dataclasses import dataclass
from typing import Any

from arena.errors import UsageError
from arena.stats.power import (
    episodes_for_means,
    episodes_for_shares,
    power_of_means,
    power_of_shares,
    smallest_change,
    spread_of_share,
)


@dataclass(frozen=True, slots=True)
class PowerQuestion:
    """A `change` (in points around `at` percent, or in the unit of `sd`), or `n` episodes, or both.

    `correlation` is None for two independent arms.
    """

    change: float | None
    at: float | None
    sd: float | None
    n: int | None
    correlation: float | None
    power: float
    level: float


@dataclass(frozen=True, slots=True)
class PowerAnswer:
    """A sentence, and its numbers."""

    text: str
    record: dict[str, Any]


def answer(asked: PowerQuestion) -> PowerAnswer:
    """The episodes needed for a change; the power of `n` episodes; or the smallest change that they detect. Raises
    UsageError.
    """
    if (asked.at is None) == (asked.sd is None):
        raise UsageError("say one of --at RATE (percent, for shares such as deals) and --sd DEVIATION (for means)")
    if asked.change is None and asked.n is None:
        raise UsageError("say --change, what is to be seen, or -n, how many episodes there are")
    if asked.n is not None and asked.n < 2:
        raise UsageError(f"-n is 2 or more, got {asked.n}")
    if asked.sd is not None and not asked.sd > 0:
        raise UsageError(f"--sd is above 0, got {asked.sd}")
    if asked.change is None:
        return _smallest(asked)
    return _episodes(asked) if asked.n is None else _power(asked)


def _episodes(asked: PowerQuestion) -> PowerAnswer:
    assert asked.change is not None
    sizes: dict[str, Any] = {"power": asked.power, "level": asked.level, "correlation": asked.correlation}
    if asked.at is not None:
        n = episodes_for_shares(asked.change / 100, asked.at / 100, **sizes)
    else:
        assert asked.sd is not None
        n = episodes_for_means(asked.change, asked.sd, **sizes)
    whole = f"{n:,} {_each(asked)}" + f" ({2 * n:,} episodes)"
    return PowerAnswer(f"{_what(asked)} {whole}, at {_rates(asked)}", {**_data(asked), "episodes": n})


def _power(asked: PowerQuestion) -> PowerAnswer:
    assert asked.change is not None and asked.n is not None
    sizes: dict[str, Any] = {"level": asked.level, "correlation": asked.correlation}
    if asked.at is not None:
        found = power_of_shares(asked.n, asked.change / 100, asked.at / 100, **sizes)
    else:
        assert asked.sd is not None
        found = power_of_means(asked.n, asked.change, asked.sd, **sizes)
    text = f"{asked.n:,} {_each(asked)} find a change of {_change(asked, asked.change)} with {100 * found:.1f} % power"
    return PowerAnswer(f"{text}, at {100 * asked.level:g} % confidence", {**_data(asked), "power": found})


def _smallest(asked: PowerQuestion) -> PowerAnswer:
    assert asked.n is not None
    sizes: dict[str, Any] = {"power": asked.power, "level": asked.level, "correlation": asked.correlation}
    if asked.at is not None:
        found = 100 * smallest_change(asked.n, spread_of_share(asked.at / 100), **sizes)
        if found / 2 > min(asked.at, 100 - asked.at):
            raise UsageError(f"{asked.n} episodes see no change around {asked.at:g} % with that power; play more")
    else:
        assert asked.sd is not None
        found = smallest_change(asked.n, asked.sd, **sizes)
    seen = f"{asked.n:,} {_each(asked)} see a change of {_change(asked, found)} or more"
    return PowerAnswer(f"{seen}, at {_rates(asked)}", {**_data(asked), "change": found})


def _what(asked: PowerQuestion) -> str:
    assert asked.change is not None
    return f"to see a change of {_change(asked, asked.change)} takes"


def _change(asked: PowerQuestion, change: float) -> str:
    if asked.at is not None:
        return f"{change:.3g} points around {asked.at:g} %"
    return f"{change:.3g} beside a standard deviation of {asked.sd:g}"


def _each(asked: PowerQuestion) -> str:
    if asked.correlation is None:
        return "episodes of each side"
    return f"pairs with a correlation of {asked.correlation:g}"


def _rates(asked: PowerQuestion) -> str:
    return f"{100 * asked.power:g} % power and {100 * asked.level:g} % confidence"


def _data(asked: PowerQuestion) -> dict[str, Any]:
    return {"change": asked.change, "at": asked.at, "sd": asked.sd, "episodes": asked.n, "power": asked.power,
            "level": asked.level, "correlation": asked.correlation}  # fmt: skip
