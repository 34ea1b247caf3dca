"""Output of the commands: tables, transcripts, and run summaries."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from arena.console.exit_codes import CODES, OVER, SOME_FAILED
from arena.console.sanitize import inline, printable
from arena.console.stdio import (
    Screen,
    build_objects,
    escape_text,
    get_width,
    print_csv,
    print_json,
    print_objects,
    say,
    show,
)
from arena.console.table_layout import compute_width, render_lines
from arena.console.transcript import Answers, Narrator
from arena.engine.play import replay
from arena.episode import Episode
from arena.errors import UntrustedPart, UsageError
from arena.game import Game
from arena.reports.fork_table import forks
from arena.spec import build
from arena.store.location import DatabaseLocation
from arena.store.query import query
from arena.store.query_result import QueryLimits, QueryResult

SCORES = "select seat, avg(value) as score from scores where recorded = 1 and {} group by seat order by seat"
SHOWN_ROWS = 1000  # most rows of a query result in text
SHOWN_BYTES = 16 << 20  # of it, for people
DOCUMENT_BYTES = 1 << 30  # of it, in CSV or JSON
MOST = 20  # most failures shown in a run summary
ROUND_COLUMNS = "round, deal, price, ended, accepted_by, buyer_surplus, seller_surplus, messages, tokens, usd"


def rows(
    table: QueryResult, as_json: bool = False, title: str = "", console: Console | None = None, *, as_csv: bool = False,
    wide: bool = False, first: Sequence[str] = (), keys: int = 0,
) -> None:  # fmt: skip
    """Print a table as text, as a list of objects, or as CSV.

    If a terminal has no room for all columns, the text shows those of `first`, if given; else several tables with the
    first `keys` columns each, or, without `keys`, each row as a paragraph. `wide`: all columns, each row on one line.
    """
    if as_json and as_csv:
        raise UsageError("--json and --csv are two forms of the same; type one of them")
    if as_json:
        print_objects(table.columns, table.rows)
        return
    if as_csv:
        print_csv(table.columns, table.rows)
        return
    console = console or Screen()
    width = None if wide else get_width(console)
    shown = inline if width is None else _in_paragraphs
    names = [escape_text(console, inline(name)) for name in table.columns]
    cells = [[escape_text(console, shown(cell(value))) for value in row] for row in table.rows]
    left_out = bool(first) and width is not None and compute_width(names, cells) > width
    if left_out:
        kept = [table.columns.index(name) for name in first]
        names, cells = [names[k] for k in kept], [[row[k] for k in kept] for row in cells]
    lines = render_lines(names, cells, width, keys)
    if title:
        say(f"{title}:", console, "bold")
    show(console, Text("\n").join(Text(line.text, "bold" if line.head else "") for line in lines))
    if not table.rows and width is not None:
        say("(no rows)", console, "dim")
    if left_out:
        say(f"({len(table.columns) - len(first)} more columns: --wide, --csv or --json)", console, "dim")


def answer(db: str, question: str, timeout: float, limit: int | None, as_json: bool, as_csv: bool, wide: bool) -> int:
    """Print the result of an SQL query; returns the exit code: that of a failure if a document is truncated.

    timeout: seconds, 0 for no limit. limit: rows, 0 for all, None for the default of the format.
    """
    document = as_json or as_csv
    most = (None if document else SHOWN_ROWS) if limit is None else limit or None
    found = query(db, question, limits=QueryLimits(timeout or None, most, DOCUMENT_BYTES if document else SHOWN_BYTES))
    rows(found, as_json, as_csv=as_csv, wide=wide)
    if found.cut:
        say(f"({found.cut}; for more add --limit ROWS, for all --limit 0 --csv)", stderr=True)
    return SOME_FAILED if found.cut and document and limit is None else OVER


def _in_paragraphs(text: str) -> str:
    """A value for a terminal: newlines are kept, tabs become visible."""
    return "\n".join(map(inline, printable(text).split("\n")))


def cell(value: object) -> str:
    """A value as text: NULL is a dash, numbers are shortened."""
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def retell(identifier: str, db: str, as_json: bool) -> None:
    """Print a recorded episode: its transcript, or the whole record as JSON; for a run of several, its summary."""
    from arena.store.store import Store

    with Store.open(db, create=False) as store:
        if run := _of_several(db, identifier):
            _tell_run(run, db, as_json)
            return
        episode = store.episode(identifier)
    if as_json:
        from arena.episode import to_json

        print_json(json.loads(to_json(episode)))
        return
    console = Screen()
    try:
        game = build(Game, episode.match.game, "game")
    except UntrustedPart as error:
        _tell_answers(episode, console)
        say(f"\nWithout the game's own notices: {error}", console)
    else:
        narrator = Narrator(console, game)
        replay(game, episode.turns, episode.match, narrator.turn, narrator.state)
    say(f"\nepisode {episode.id}: {episode.status}{' by ' + episode.blame if episode.blame else ''}", console)
    if episode.error:
        say(episode.error, console)
    _rounds(db, f"episode = '{episode.id}'", console)
    rows(query(db, SCORES.format(f"episode = '{episode.id}'")), title="Scores", console=console)


def _tell_answers(episode: Episode, console: Console) -> None:
    """Print the recorded answers one by one, for a game whose code may not be run."""
    narrator = Narrator(console, Answers(tuple(episode.match.seats)))
    for turn in episode.turns:
        narrator.turn(turn)
        narrator.state(None)


def _of_several(db: str, identifier: str) -> str:
    """The id of the run with that id or unique prefix, if it has several episodes; else ""."""
    if "." in identifier or identifier == "last":
        return ""
    found = query(db, "select id from run where substr(id, 1, ?) = ?", (len(identifier), identifier)).rows
    ids = [id for (id,) in found if id == identifier or len(found) == 1]
    episodes = query(db, "select count(*) from episode where run = ?", (ids[0],)).rows[0][0] if ids else 0
    return ids[0] if episodes > 1 else ""


def _tell_run(run: str, db: str, as_json: bool) -> None:
    """Print the summary of a recorded run, with the reasons of failed episodes."""
    died = query(db, "select id, error from episode where run = ? and status = 'error' order by n", (run,)).rows
    errors = [f"{id}: {error.strip().rpartition(chr(10))[2]}" for id, error in died]
    status = query(db, "select status from run where id = ?", (run,)).rows[0][0]
    console = Screen()
    episode_tables(db, run, as_json, CODES.get(status), errors, console)
    for error in [] if as_json else errors[:MOST]:
        say(f"episode {error}", console)


def episode_tables(
    db: str, run: str, as_json: bool, code: int | None, errors: Sequence[str], console: Console,
    more: Mapping[str, object] | None = None,
) -> None:  # fmt: skip
    """Print the summary of a run: its rounds (means over several episodes), its scores, and commands for details."""
    episodes = query(db, f"select * from episodes where run = '{run}' order by n")
    if as_json:
        listed = build_objects(episodes.columns, episodes.rows)
        scores = f"select episode, seat, value from scores where recorded = 1 and run = '{run}' order by seat"
        rounds = f"select episode, {ROUND_COLUMNS} from rounds where run = '{run}' order by round"
        payoffs, played = _by_episode(query(db, scores)), _by_episode(query(db, rounds))
        for item in listed:
            item["scores"] = {row["seat"]: row["value"] for row in payoffs.get(item["id"], ())}
            item["rounds"] = played.get(item["id"], [])
        table = query(db, f"select * from forks where run = '{run}' order by length(episode), episode, seat")
        forked = {"forks": build_objects(table.columns, table.rows)} if table.rows else {}
        head = {"run": run, "db": str(DatabaseLocation.of(db)), "exit": code, "errors": list(errors)}
        print_json({**head, "episodes": listed, **forked, **(more or {})})
        return
    ids, statuses = ([row[episodes.columns.index(name)] for row in episodes.rows] for name in ("id", "status"))
    if len(ids) == 1:
        _rounds(db, f"episode = '{ids[0]}'", console)
    else:
        means = (
            "round, count(*) as episodes, avg(deal) as deal_rate, avg(price) as price, avg(buyer_surplus) as "
            "buyer_surplus, avg(seller_surplus) as seller_surplus, "
            "case when count(*) = count(tokens) then sum(tokens) end as tokens, "
            "case when count(*) = count(usd) then sum(usd) end as usd"
        )
        table = query(db, f"select {means} from rounds where run = '{run}' group by round order by round")
        if table.rows:
            rows(table, title="Rounds (means over episodes; surplus counts no-deals as 0)", console=console, keys=1)
    rows(query(db, SCORES.format(f"run = '{run}'")), title="Scores", console=console)
    if (beside := forks(db, run)).rows:
        rows(beside, title="Forks", console=console, keys=1)
    last = ids[-1] if ids else "last"
    ended = ", ".join(f"{number} {status}" for status, number in Counter(statuses).items())
    say(f"episode {last}: {ended[2:]}" if len(ids) == 1 else f"run {run}: {ended}", console)
    say(f"  arena show {last}", console)
    say(f"  arena sql \"select * from transcript where episode = '{last}'\"", console)


def _by_episode(table: QueryResult) -> dict[str, list[dict[str, Any]]]:
    """The rows of a table as objects, grouped by the first column."""
    found: dict[str, list[dict[str, Any]]] = {}
    for episode, *row in table.rows:
        found.setdefault(episode, []).append(dict(zip(table.columns[1:], row, strict=True)))
    return found


def _rounds(db: str, where: str, console: Console) -> None:
    table = query(db, f"select {ROUND_COLUMNS} from rounds where {where} order by round")
    if table.rows:
        shown = tuple((*row[:1], "yes" if row[1] else "no", *row[2:-1], _dollars(row[-1])) for row in table.rows)
        rows(QueryResult(table.columns, shown), title="Rounds", console=console, keys=1)
        deals, ended = table.columns.index("deal"), table.columns.index("ended")
        if not any(row[deals] for row in table.rows):
            say(_why_no_deal([str(row[ended]) for row in table.rows]), console)


def _why_no_deal(ended: Sequence[str]) -> str:
    """Why rounds ended without a deal, in words."""
    told = {"turns": "nobody accepted until the turns were used up (game.turns allows more)"}
    counts = Counter(told.get(how, f"ended by {how}") for how in ended)
    return f"no deal in {len(ended)} round(s): " + "; ".join(f"{why}, {n}×" for why, n in counts.items())


def _dollars(usd: float | None) -> str:
    return "unknown" if usd is None else f"{usd:.4f}" if usd else "0"
