"""What the commands print: tables of rows, an episode told again, the sum of a run."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from arena.errors import UsageError, unknown
from arena.exits import CODES
from arena.fork_table import forks
from arena.narrator import Narrator
from arena.place import Place
from arena.play import replay
from arena.registry import FOLDERS, broken, entries
from arena.roster import games
from arena.spec import build
from arena.sql import Table, query
from arena.terminal import printable

SCORES = "select seat, avg(value) as score from scores where recorded = 1 and {} group by seat order by seat"
MOST = 20  # failures of a run that are told
PARTS = {f"{kind}s": kind for kind in FOLDERS}
ROUND_COLUMNS = "round, deal, price, ended, accepted_by, buyer_surplus, seller_surplus, messages, tokens, usd"


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def rows(table: Table, as_json: bool = False, title: str = "", console: Console | None = None) -> None:
    """A table for people, or a list of objects."""
    if as_json:
        print_json([dict(zip(table.columns, row, strict=True)) for row in table.rows])
        return
    grid = Grid(title=title or None, title_justify="left")
    for number, column in enumerate(table.columns):
        numeric = all(isinstance(row[number], int | float) or row[number] is None for row in table.rows)
        grid.add_column(printable(column), justify="right" if numeric and table.rows else "left")
    for row in table.rows:
        grid.add_row(*(cell(value) for value in row))
    console = console or Console(highlight=False)
    if console.is_terminal:
        console.print(grid)
    else:
        console.print(_plain(table, title), markup=False, soft_wrap=True)


def cell(value: Any) -> str:
    """A value as a person reads it: NULL is a dash, numbers are short, text is safe to print."""
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else printable(str(value))


def listing(what: str, db: str, limit: int, as_json: bool) -> None:
    """Parts by kind with the first line of their documentation, or recorded runs and episodes, newest first."""
    if what in PARTS:
        kind = PARTS[what]
        parts = tuple((entry.name, entry.about) for entry in entries(kind).values())
        rows(games() if kind == "game" else Table(("name", "about"), parts), as_json)
        for path, why in broken(kind).items():
            Console(stderr=True).print(f"cannot be read: {path}: {why}", markup=False)
    elif what in ("runs", "episodes"):
        rows(query(db, f"select * from {what} order by id desc limit {int(limit)}"), as_json)
    else:
        raise UsageError(unknown("list", what, [*PARTS, "runs", "episodes"]))


def retell(identifier: str, db: str, as_json: bool) -> None:
    """A recorded episode: its transcript, or the whole record as JSON; of a run of several, what it came to."""
    from arena.store import Store

    with Store.open(db, create=False) as store:
        if run := _of_several(db, identifier):
            _tell_run(run, db, as_json)
            return
        episode = store.episode(identifier)
    if as_json:
        from arena.episode import to_json

        print_json(json.loads(to_json(episode)))
        return
    console = Console(highlight=False)
    game = build("game", episode.match.game, "game")
    narrator = Narrator(console, game)
    replay(game, episode.turns, episode.match, narrator.turn, narrator.state)
    console.print(
        f"\nepisode {episode.id}: {episode.status}{' by ' + episode.blame if episode.blame else ''}", markup=False
    )
    if episode.error:
        console.print(printable(episode.error), markup=False)
    _rounds(db, f"episode = '{episode.id}'", console)
    rows(query(db, SCORES.format(f"episode = '{episode.id}'")), title="Scores", console=console)


def _of_several(db: str, identifier: str) -> str:
    """The run of that id, or the only one whose id begins so, if it has several episodes; else ""."""
    if "." in identifier or identifier == "last":
        return ""
    found = query(db, "select id from run where substr(id, 1, ?) = ?", (len(identifier), identifier)).rows
    ids = [id for (id,) in found if id == identifier or len(found) == 1]
    episodes = query(db, "select count(*) from episode where run = ?", (ids[0],)).rows[0][0] if ids else 0
    return ids[0] if episodes > 1 else ""


def _tell_run(run: str, db: str, as_json: bool) -> None:
    """What a recorded run came to, and why some of its episodes failed."""
    died = query(db, "select id, error from episode where run = ? and status = 'error' order by n", (run,)).rows
    errors = [f"{id}: {error.strip().rpartition(chr(10))[2]}" for id, error in died]
    status = query(db, "select status from run where id = ?", (run,)).rows[0][0]
    console = Console(highlight=False)
    episode_tables(db, run, as_json, CODES.get(status), errors, console)
    for error in [] if as_json else errors[:MOST]:
        console.print(f"episode {printable(error)}", markup=False, soft_wrap=True)


def episode_tables(
    db: str, run: str, as_json: bool, code: int | None, errors: Sequence[str], console: Console,
    more: Mapping[str, Any] = {},
) -> None:  # fmt: skip
    """The sum of a run: its rounds (means over episodes where there are several), its scores, and where to look."""
    episodes = query(db, f"select * from episodes where run = '{run}' order by n")
    if as_json:
        listed = [dict(zip(episodes.columns, row, strict=True)) for row in episodes.rows]
        scores = f"select episode, seat, value from scores where recorded = 1 and run = '{run}' order by seat"
        rounds = f"select episode, {ROUND_COLUMNS} from rounds where run = '{run}' order by round"
        payoffs, played = _by_episode(query(db, scores)), _by_episode(query(db, rounds))
        for item in listed:
            item["scores"] = {row["seat"]: row["value"] for row in payoffs.get(item["id"], ())}
            item["rounds"] = played.get(item["id"], [])
        table = query(db, f"select * from forks where run = '{run}' order by length(episode), episode, seat")
        forked = {"forks": [dict(zip(table.columns, row, strict=True)) for row in table.rows]} if table.rows else {}
        head = {"run": run, "db": str(Place.of(db)), "exit": code, "errors": list(errors)}
        print_json({**head, "episodes": listed, **forked, **more})
        return
    ids, statuses = ([row[episodes.columns.index(name)] for row in episodes.rows] for name in ("id", "status"))
    if len(ids) == 1:
        _rounds(db, f"episode = '{ids[0]}'", console)
    else:
        means = (
            "round, count(*) as episodes, avg(deal) as deal_rate, avg(price) as price, avg(buyer_surplus) as "
            "buyer_surplus, avg(seller_surplus) as seller_surplus, sum(tokens) as tokens, sum(usd) as usd"
        )
        table = query(db, f"select {means} from rounds where run = '{run}' group by round order by round")
        if table.rows:
            rows(table, title="Rounds (means over episodes; surplus counts no-deals as 0)", console=console)
    rows(query(db, SCORES.format(f"run = '{run}'")), title="Scores", console=console)
    if (beside := forks(db, run)).rows:
        rows(beside, title="Forks", console=console)
    last = ids[-1] if ids else "last"
    ended = ", ".join(f"{number} {status}" for status, number in Counter(statuses).items())
    console.print(f"episode {last}: {ended[2:]}" if len(ids) == 1 else f"run {run}: {ended}", markup=False)
    console.print(f"  arena show {last}", markup=False)
    console.print(f"  arena sql \"select * from transcript where episode = '{last}'\"", markup=False, soft_wrap=True)


def _by_episode(table: Table) -> dict[str, list[dict[str, Any]]]:
    """The rows of a table as objects, by its first column."""
    found: dict[str, list[dict[str, Any]]] = {}
    for episode, *row in table.rows:
        found.setdefault(episode, []).append(dict(zip(table.columns[1:], row, strict=True)))
    return found


def _rounds(db: str, where: str, console: Console) -> None:
    table = query(db, f"select {ROUND_COLUMNS} from rounds where {where} order by round")
    if table.rows:
        shown = tuple((*row[:1], "yes" if row[1] else "no", *row[2:-1], _dollars(row[-1])) for row in table.rows)
        rows(Table(table.columns, shown), title="Rounds", console=console)


def _dollars(usd: float | None) -> str:
    return "unknown" if usd is None else f"{usd:.4f}" if usd else "0"


def _plain(table: Table, title: str) -> str:
    lines = [[*table.columns], *([cell(value) for value in row] for row in table.rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(table.columns))]
    text = ["  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([f"{title}:"] * bool(title) + text)
