"""Print standings as tables or JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from arena.console.stdio import Screen, say
from arena.ratings.standings import Standing, Standings
from arena.reports.output import rows
from arena.store.query_result import QueryResult

WIDEST = 4  # most seats with a column each for mean scores; for more the mean over all


def print_standings(listed: Sequence[Standings], console: Console | None = None) -> None:
    """Print one table for each game, with exclusions and notes."""
    console = console or Screen()
    for number, standings in enumerate(listed):
        if number:
            say("", console)
        if standings.rows:
            rows(_build_table(standings), title=_format_title(standings), console=console, keys=1)
        if standings.left_out:
            reasons = ", ".join(f"{count} {why}" for why, count in sorted(standings.left_out.items()))
            told = f"left out of wins and ratings: {reasons} (episodes of {standings.game})"
            say(told, console)
        for note in standings.notes:
            say(f"note: {note}", console)


def build_standings_json(listed: Sequence[Standings]) -> list[dict[str, Any]]:
    """Standings as plain data in full precision; the rating of a player without meetings is null."""
    return [asdict(standings) for standings in listed]


def _format_title(standings: Standings) -> str:
    rule, several = standings.rule, "s" * (standings.seeds != 1)
    model = "Bradley–Terry" if rule.model == "bt" else "OpenSkill"
    met = f"{standings.meetings} meetings on {standings.seeds} seed{several}"
    return f"Standings in {standings.game} ({met}; {model} with {100 * rule.level:g} % intervals)"


def _build_table(standings: Standings) -> QueryResult:
    several_groups = len({row.rating.group for row in standings.rows if row.rating}) > 1
    noted = any(row.rating and row.rating.note for row in standings.rows)
    seats = standings.seats if len(standings.seats) <= WIDEST else ()
    columns = ["agent", "rating", "low", "high", *["group"] * several_groups, "won", "drawn", "lost", "episodes"]
    columns += [*(seats or ["score"]), "forfeits", "errors", *["note"] * noted]
    lines = []
    for row in standings.rows:
        means = [row.scores.get(seat) for seat in seats] or [row.score]
        line = [row.player, *_format_rating(row), *[row.rating.group if row.rating else None] * several_groups]
        line += [row.won, row.drawn, row.lost, row.episodes, *map(_round_number, means), row.forfeits, row.errors]
        lines.append((*line, *[row.rating.note if row.rating else ""] * noted))
    return QueryResult(tuple(columns), tuple(lines))


def _format_rating(row: Standing) -> list[float | None]:
    if row.rating is None:
        return [None, None, None]
    return [_round_number(value) for value in (row.rating.rating, row.rating.low, row.rating.high)]


def _round_number(value: float | None) -> float | None:
    """Four digits of a large number, two decimals of a small one."""
    return None if value is None else round(value, 0 if abs(value) >= 100 else 2)
