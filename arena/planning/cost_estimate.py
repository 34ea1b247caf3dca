"""Estimate the model calls and the cost of a plan before it is played; detect unknown prices.

The lower estimate is measured: each match is played once with the game's default agents in the models' places, while
the prompts of the models are built and counted, but not sent. The upper one is computed: as many answers as the game
allows, each of `max_tokens`, each prompt grown by all earlier answers. Refused answers and retries are not included.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from arena.agent import Agent
from arena.engine.budget import Priced, tokens
from arena.engine.match_loop import MatchLoop, first_state
from arena.engine.play import run_blocking
from arena.episode import Match
from arena.errors import UsageError
from arena.game import Game, Move, View
from arena.planning.schedule import Cell
from arena.spec import build, describe, find_parts

PERSON = "human"


@dataclass(frozen=True, slots=True)
class Range:
    """Lower and upper estimate; None if unknown."""

    low: float | None = 0.0
    high: float | None = 0.0

    def __add__(self, other: "Range") -> "Range":
        return Range(_add_known(self.low, other.low), _add_known(self.high, other.high))

    def multiply(self, n: int) -> "Range":
        return Range(*(None if end is None else end * n for end in (self.low, self.high)))


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """Estimated model calls and dollars."""

    calls: Range = Range()
    usd: Range = Range()

    def __add__(self, other: "CostEstimate") -> "CostEstimate":
        return CostEstimate(self.calls + other.calls, self.usd + other.usd)


class Noted(Exception):
    """Raised after a prompt was counted, in place of sending it."""


@dataclass(frozen=True, slots=True)
class PromptMeter:
    """Replaces a model: records the tokens of each prompt and the most new ones, and never answers."""

    native_tools: bool
    asked: list[tuple[int, int]]

    async def chat(self, messages: Sequence[Any], tools: Sequence[Any] = (), sampling: Any = None) -> Any:
        offered = [f"{tool.name} {tool.about} {tool.parameters}" for tool in tools]
        self.asked.append((tokens(*(line.text for line in messages), *offered), getattr(sampling, "max_tokens", 0)))
        raise Noted


@dataclass(frozen=True, slots=True)
class Understudy:
    """Lets an agent build its prompt, then answers with the default agent."""

    agent: Agent
    cast: Agent
    said: list[int] = field(default_factory=list)

    async def act(self, view: View) -> Move:
        try:
            await self.agent.act(view)
        except Noted:
            pass
        move = await self.cast.act(view)
        self.said.append(tokens(move.text, str(dict(move.args))))
        return move


def find_models(agent: object) -> Iterator[Any]:
    """The models that an agent uses; of a model that wraps another, the outermost that knows its price."""
    for model in find_parts(agent, "model").values():
        inner = list(find_models(model))
        yield from inner if inner and not isinstance(model, Priced) else [model]
    for other in find_parts(agent, "agent").values():
        yield from find_models(other)


def has_known_price(model: object) -> bool:
    """Whether the price of a model's calls is known."""
    return isinstance(model, Priced) and model.price(1000, 1000) is not None


def check_prices(cells: Sequence[Cell], usd: float | None, seats: Mapping[str, float]) -> None:
    """Raise UsageError if there is a budget and a model's price is unknown; the message says how to set it."""
    for cell in cells:
        for seat, agent in cell.match.build_parts()[1].items():
            if usd is None and seat not in seats:
                continue
            for model in find_models(agent):
                if not has_known_price(model):
                    option = "--usd" if usd is not None else "--usd-seat"
                    raise UsageError(
                        f"{option} needs the price of {describe(model)['name']} ({seat}), and it is unknown; tell it, "
                        "in dollars per million tokens read and written: "
                        f"--set {_find_price_path(cell.match, seat)}=[1,2]"
                    )


def estimate(match: Match) -> CostEstimate:
    """Estimated model calls and cost of one episode."""
    game, rehearsed = _measure_prompts(match)
    total = CostEstimate()
    for seat, (model, asked, said) in rehearsed.items():
        low = [(prompt, words) for (prompt, _), words in zip(asked, said, strict=False)]
        total += _estimate_cost(model, low, _find_longest(asked, game.most_answers, seat))
    return total


def find_dearest_calls(matches: Iterable[Match]) -> dict[str, float]:
    """The highest price of one call of each seat over all matches, in dollars, if known."""
    dearest: dict[str, float] = {}
    for match in matches:
        game, rehearsed = _measure_prompts(match)
        for seat, (model, asked, _) in rehearsed.items():
            prompt, new = max((read for read, _ in asked), default=0), max((new for _, new in asked), default=0)
            answers = sum((game.most_answers or {}).values()) or len(asked)
            price = _compute_price(model, [(prompt + new * answers, new, 1)])
            dearest[seat] = max(dearest.get(seat, 0.0), price or 0.0)
    return dearest


def _measure_prompts(match: Match) -> tuple[Game, dict[str, tuple[Any, list[tuple[int, int]], list[int]]]]:
    """The game, and for each seat with a model: the model, the tokens of its prompts and the most new ones, and the
    tokens answered in its place.
    """
    game, agents = match.build_parts()
    asked: dict[str, list[tuple[int, int]]] = {seat: [] for seat in agents}
    table: dict[str, Agent] = {}
    for seat, agent in agents.items():
        if next(find_models(agent), None) is not None:
            cast = build(Agent, game.cast[seat], f"seats.{seat}")
            table[seat] = Understudy(_add_meters(agent, asked[seat]), cast)
        else:
            person = describe(agent)["name"] == PERSON
            table[seat] = build(Agent, game.cast[seat]) if person else agent
    if any(isinstance(agent, Understudy) for agent in table.values()):
        run_blocking(lambda: _rehearse(game, table, match, asked))
    return game, {
        seat: (next(find_models(agents[seat])), asked[seat], understudy.said)
        for seat, understudy in table.items()
        if isinstance(understudy, Understudy)
    }


async def _rehearse(
    game: Game, table: Mapping[str, Agent], match: Match, asked: Mapping[str, Sequence[tuple[int, int]]]
) -> None:
    """Play the match with the stand-ins; models that were not asked build one prompt of their first view."""
    await MatchLoop(game, table, match).run()
    for seat, agent in table.items():
        if isinstance(agent, Understudy) and not asked[seat]:
            try:
                await agent.agent.act(replace(game.view(first_state(game, match), seat), seats=game.seats))
            except Noted:
                pass


def _find_longest(
    asked: Sequence[tuple[int, int]], most: Mapping[str, int] | None, seat: str
) -> tuple[int, int, int] | None:
    """Calls, prompt tokens and new tokens per call (means) in the longest match; None without a limit."""
    if most is None:
        return None
    n, everybody = most.get(seat, 0), sum(most.values())
    first, new = asked[0] if asked else (0, 0)
    return n, first + new * everybody * (n - 1) // (2 * n) if n else 0, new


def _estimate_cost(model: object, low: Sequence[tuple[int, int]], high: tuple[int, int, int] | None) -> CostEstimate:
    """The estimate from (input, output) tokens of the lower case, and calls, input and output tokens of the upper."""
    least = _compute_price(model, [(read, wrote, 1) for read, wrote in low])
    if high is None:
        return CostEstimate(Range(len(low), None), Range(least, None))
    calls, read, wrote = high
    return CostEstimate(
        Range(len(low), max(calls, len(low))), Range(least, _compute_price(model, [(read, wrote, calls)]))
    )


def _compute_price(model: Any, calls: Sequence[tuple[int, int, int]]) -> float | None:
    if not has_known_price(model):
        return None
    return float(sum(model.price(read, wrote) * times for read, wrote, times in calls))


def _add_meters(agent: Any, asked: list[tuple[int, int]]) -> Any:
    """The agent with each of its models replaced by a meter."""
    own = {
        name: PromptMeter(getattr(model, "native_tools", False), asked)
        for name, model in find_parts(agent, "model").items()
    }
    others = {name: _add_meters(inner, asked) for name, inner in find_parts(agent, "agent").items()}
    return replace(agent, **own, **others)


def _find_price_path(match: Match, seat: str) -> str:
    """The path of the setting that sets the price of a seat's model."""
    spec = match.seats.get(seat, "")
    name = spec.get("name", "") if isinstance(spec, Mapping) else spec
    short = isinstance(name, str) and ("/" in name or ":" in name)
    return f"{seat}.usd_per_million" if short else f"{seat}.model.usd_per_million"


def _add_known(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left + right
