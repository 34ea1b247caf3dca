"""Output of `--dry-run`: the plan with every default, the seats of each cell, and the estimated cost."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from arena.console.stdio import print_json, say
from arena.planning.cost_estimate import CostEstimate, estimate
from arena.planning.schedule import Cell
from arena.spec import dump_canonical
from arena.store.rows import mask, mask_match


def print_plan_text(cells: Sequence[Cell], n: int, ids: Sequence[str], rule: str, console: Console) -> None:
    """Print the plan as text. `ids`: of the matches, if there are not `n` of each cell; `rule`: the stopping rule."""
    first, number = mask_match(cells[0].match.resolved), len(ids) or len(cells) * n
    most = f"at most, until {rule}, " if rule else ""
    say(f"{most}{number} episode(s) would be played, seeds from {first['seed']} on:", console)
    print_json(json.loads(dump_canonical(first)))
    if len(cells) > 1:
        say(f"{len(cells)} cells of {n} episode(s), all with the same seeds:", console)
        for cell in cells:
            say(f"  {cell.label}", console)
        say("Seats in all cells:", console)
        for seat, spec, where in _group_seats(cells):
            inside = "" if len(where) == len(cells) else f" (in {'; '.join(where)})"
            say(f"  {seat}{inside}: {dump_canonical(spec)}", console)
    for line in describe_estimate(estimate_cells(cells, n)):
        say(line, console)


def print_plan(cells: Sequence[Cell], n: int, ids: Sequence[str]) -> None:
    """The plan as one JSON document."""
    all_of_it = estimate_cells(cells, n)
    ends = {"calls": [all_of_it.calls.low, all_of_it.calls.high], "usd": [all_of_it.usd.low, all_of_it.usd.high]}
    listed = [{"cell": cell.label, "resolved": mask_match(cell.match.resolved)} for cell in cells]
    first = mask_match(cells[0].match.resolved)
    print_json({"episodes": len(ids), **ends, "first": first, "cells": listed, "ids": list(ids)})


def estimate_cells(cells: Sequence[Cell], n: int) -> CostEstimate:
    """Estimated model calls and cost of `n` episodes of each cell."""
    each = [estimate(cell.match) for cell in cells]
    return sum((CostEstimate(one.calls.multiply(n), one.usd.multiply(n)) for one in each), CostEstimate())


def describe_estimate(whole: CostEstimate) -> list[str]:
    """An estimate in words."""
    calls, usd = whole.calls, whole.usd
    if not calls.high and not calls.low:
        return ["calls to models: none; cost: $0"]
    most = "any number" if calls.high is None else f"{calls.high:,.0f}"
    cost = "unknown, since a model's price is (tell it with --set SEAT.usd_per_million=[1,2])"
    if usd.low is not None:
        cost = f"${usd.low:.4f} to {'any amount' if usd.high is None else f'${usd.high:.4f}'}"
    return [f"calls to models: {calls.low:,.0f} to {most}, refused answers and retries not counted", f"cost: {cost}"]


def _group_seats(cells: Sequence[Cell]) -> list[tuple[str, Mapping[str, Any], list[str]]]:
    """Seats grouped over cells: name, spec, and the labels of the cells that have it."""
    found: dict[tuple[str, str], tuple[str, Mapping[str, Any], list[str]]] = {}
    for cell in cells:
        for seat, spec in cell.match.resolved["seats"].items():
            found.setdefault((seat, dump_canonical(spec)), (seat, mask(spec), []))[2].append(cell.label)
    order = list(dict.fromkeys(seat for seat, _ in found))
    return sorted(found.values(), key=lambda item: order.index(item[0]))
