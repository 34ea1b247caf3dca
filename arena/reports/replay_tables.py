"""Output of `arena verify` and `arena rescore`."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from arena.console.exit_codes import OVER, SOME_FAILED
from arena.console.stdio import print_json, say
from arena.replay.rescore import Rescoring
from arena.replay.verify import EpisodeVerdict
from arena.reports.output import rows
from arena.store.query_result import QueryResult

MOST = 20  # most lines of a table; beyond it only problems are listed


def print_verdicts(found: Sequence[EpisodeVerdict], as_json: bool) -> int:
    """Print the verdicts on stdout, for many episodes only those with findings; returns the exit code."""
    diverged = [verdict for verdict in found if verdict.divergence]
    unchecked = [verdict for verdict in found if verdict.unchecked]
    equal = len(found) - len(diverged) - len(unchecked)
    code = SOME_FAILED if equal < len(found) else OVER
    if as_json:
        print_json({"exit": code, "equal": equal, "diverged": len(diverged), "unchecked": len(unchecked),
                    "episodes": [asdict(verdict) for verdict in found]})  # fmt: skip
        return code
    shown = found if len(found) <= MOST else [v for v in found if v.divergence or v.prompt or v.notes]
    columns = ("episode", "status", "answers", "verdict", "step", "seat", "why", "recorded", "now")
    lines = []
    for verdict in shown:
        head = (verdict.episode, verdict.status, verdict.turns)
        if found_at := verdict.divergence:
            tail = ("diverges", found_at.step, found_at.seat, found_at.why, found_at.then, found_at.now)
        else:
            tail = ("not checked" if verdict.unchecked else "equal", None, "", "", "", "")
        lines.append((*head, *tail))
    if lines:
        rows(QueryResult(columns, tuple(lines)), keys=1)
    for verdict in shown:
        for note in (*verdict.notes, *([f"prompt differs: {verdict.prompt}"] if verdict.prompt else [])):
            say(f"{verdict.episode}: {note}")
    prompts = sum(verdict.prompts for verdict in found)
    said = (
        f"; {prompts} prompts compared, {sum(bool(v.prompt) for v in found)} episodes differ in one" if prompts else ""
    )
    say(f"{equal} of {len(found)} episodes lead to the same end today{said}")
    for reason in dict.fromkeys(verdict.unchecked for verdict in unchecked):
        say(f"not checked: {reason}")
    return code


def print_rescoring(done: Rescoring, diff: bool, as_json: bool) -> int:
    """Print the new scores: each payoff with `diff`, else means by seat; returns the exit code."""
    conflicts = [row for row in done.rows if row.stored == "conflict"]
    code = SOME_FAILED if conflicts or done.left_out else OVER
    if as_json:
        print_json({"exit": code, "scores": [asdict(row) for row in done.rows], "left_out": dict(done.left_out)})
        return code
    if diff:
        changed = [row for row in done.rows if row.old != row.new]
        lines = [
            (r.episode, r.seat, r.scorer, r.version, r.old, r.new, _subtract(r.new, r.old), r.stored) for r in changed
        ]
        rows(QueryResult(("episode", "seat", "scorer", "version", "old", "new", "change", "row"), tuple(lines)), keys=2)
    groups = dict.fromkeys((row.seat, row.scorer, row.version) for row in done.rows)
    sums = []
    for group in groups:
        own = [row for row in done.rows if (row.seat, row.scorer, row.version) == group]
        differ = sum(row.old != row.new for row in own)
        sums.append((*group, len(own), _mean(r.old for r in own), _mean(r.new for r in own), differ,
                     sum(row.stored == "added" for row in own)))  # fmt: skip
    rows(QueryResult(("seat", "scorer", "version", "episodes", "old", "new", "changed", "added"), tuple(sums)), keys=2)
    for episode, why in done.left_out.items():
        say(f"{episode} was left out: {why}")
    if conflicts:
        row = conflicts[0]
        said = f"{len(conflicts)} scores stand under {row.scorer} version {row.version} with another value and stay"
        advice = f"raise the version, or type --version {row.version + 1}"
        say(f"{said}, first that of {row.seat} in {row.episode}; {advice}", stderr=True)
    return code


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _subtract(new: float | None, old: float | None) -> float | None:
    return None if new is None or old is None else new - old
