"""One `arena play` or `arena run` at the terminal: start or resume a run, show progress, print a summary."""

import asyncio
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from arena.analysis.identical_episodes import describe_copies, find_copied_cells
from arena.cli.dry_run import print_plan, print_plan_text
from arena.cli.progress import Gauge, Progress, Shown, Tally
from arena.cli.signals import stopping
from arena.console.exit_codes import CUT, ENOUGH, INTERRUPTED, OVER, SOME_FAILED, STATUS
from arena.console.notices import NOTICE
from arena.console.stdio import Screen, mark_recorded, say
from arena.console.transcript import Narrator
from arena.engine.budget import Budget, Halt
from arena.episode import Episode, Match, Turn
from arena.errors import ArenaError, Halted
from arena.extras import missing
from arena.planning.cost_estimate import check_prices, find_dearest_calls
from arena.planning.plan import Plan, schedule_matches
from arena.planning.schedule import Cell
from arena.ratings.standings import compute_standings
from arena.redaction import redact
from arena.reports.output import episode_tables, rows
from arena.reports.ratings_tables import build_standings_json, print_standings
from arena.runner.backend import Backend, check_backend, open_backend
from arena.runner.resume import refuse_changed, sum_spending
from arena.runner.run import Watcher, run
from arena.spec import check_ready, dump_canonical
from arena.store.location import DatabaseLocation
from arena.store.query import query
from arena.store.store import Pending, Run, Store

if TYPE_CHECKING:
    from arena.planning.sequential_stopping import SequentialMonitor


@dataclass(frozen=True, slots=True)
class How:
    """How a plan is recorded and reported, apart from what is played.

    An unfinished run of the same matches is resumed unless `again`; with `retry_errors`, failed episodes are resumed,
    too. `command` is recorded with a new run.
    """

    db: str
    json: bool = False
    quiet: bool = False
    progress: Shown = "auto"
    retry_errors: bool = False
    again: bool = False
    backend: str = "here"
    command: str = field(default_factory=lambda: " ".join(sys.argv[1:]))


@dataclass(slots=True)
class Session:
    """Plays a plan and reports it: text on stdout, progress on stderr; or one JSON document, and JSON lines on stderr.

    `cells` and `matches` are the plan's unless given; `prepare` is called with the run before it is played and returns
    the run to play; `origin` is the episode that is forked.
    """

    plan: Plan
    how: How
    cells: tuple[Cell, ...] = ()
    matches: tuple[Match, ...] = ()
    halt: Halt = field(default_factory=Halt)
    tally: Tally = field(default_factory=lambda: Tally(0))
    errors: list[str] = field(default_factory=list)
    why_cut: str = ""
    watch: "SequentialMonitor | None" = None
    origin: str = ""
    prepare: Callable[[Run, Store], Run] = lambda record, store: record

    def __post_init__(self) -> None:
        self.cells = self.cells or self.plan.cells()
        self.watch = make_monitor(self.plan, self.cells)
        aim = self.watch.line if self.watch is not None else str
        number = len(self.matches) or len(self.cells) * self.plan.n
        self.tally = Tally(number, halting=lambda: self.halt.on, aim=aim)

    @property
    def out(self) -> Console:
        return Screen(stderr=self.how.json)

    def print_dry_run(self) -> int:
        """Print the resolved plan and what it would ask of models; play nothing, record nothing."""
        matches = self.matches or (schedule_matches(self.cells, self.plan.n) if self.how.json else ())
        ids = [match.id for match in matches]
        if self.how.json:
            print_plan(self.cells, self.plan.n, ids)
        else:
            print_plan_text(
                self.cells, self.plan.n, ids, str(self.watch.rule) if self.watch is not None else "", self.out
            )
        return OVER

    def play(self) -> int:
        """Play everything that is not recorded yet; returns the exit code."""
        self.matches = self.matches or schedule_matches(self.cells, self.plan.n)
        distinct = {dump_canonical(spec): (cell, seat) for cell in self.cells
                    for seat, spec in cell.match.resolved["seats"].items()}  # fmt: skip
        for cell, seat in distinct.values():
            check_backend(self.how.backend, cell.match.resolved["seats"][seat]["name"])
            check_ready(cell.match.build_parts()[1][seat])
        if self.plan.usd is not None or self.plan.usd_seats:
            check_prices(self.cells, self.plan.usd, self.plan.usd_seats)
        store = Store.open(self.how.db)
        mark_recorded()
        try:
            if not self.how.again:
                refuse_changed(store, self.matches, self.how.command, self.origin)
            how = self.how
            record = store.begin(self.matches, how.command, how.retry_errors, how.again, self.origin)
            return self._play(self.prepare(record, store), store)
        finally:
            store.close()

    def _play(self, record: Run, store: Store) -> int:
        self.tally.before = record.done
        shown: Shown = "none" if self.how.quiet else self.how.progress
        progress = Progress(self.tally, shown, self.how.json, make_gauge())
        self._launch(record, progress)
        left = False
        if self.watch is not None:
            self.watch.recall(self.how.db, record.id, (item.n for item in record.pending))
        pending, record = deque(self._order_pending(record)), replace(record, pending=())  # frees played episodes
        try:
            with open_backend(self.how.backend) as backend, stopping(self.halt, progress.interrupt), progress.display():
                asyncio.run(self._run(record.id, pending, store, progress, backend))
        except KeyboardInterrupt:
            left = True
        return self._sum_up(record.id, store, progress, left)

    def _order_pending(self, record: Run) -> Sequence[Pending]:
        """The pending matches in the order of the plan; in a tournament by seed, so that a cut leaves it balanced."""
        by_seed = self.plan.tournament is not None
        return sorted(record.pending, key=lambda item: item.match.seed) if by_seed else record.pending

    def _launch(self, record: Run, progress: Progress) -> None:
        goes_on = f"run {record.id} goes on: {record.done} of {len(self.matches)} episodes are done"
        if self.how.json or record.resumed:
            place = str(DatabaseLocation.of(self.how.db))  # a URL without its password
            numbers = {"run": record.id, "db": place, "pid": os.getpid(), "resumed": record.resumed}
            cells = [cell.label for cell in self.cells]
            progress.say("launch", goes_on if record.resumed else f"run {record.id} begins", **numbers,
                         matches=len(self.matches), done=record.done, cells=cells)  # fmt: skip

    async def _run(
        self, run_id: str, pending: deque[Pending], store: Store, progress: Progress, backend: Backend
    ) -> None:
        plan, budget = self.plan, None
        NOTICE.set(lambda line: progress.say("notice", line))
        if plan.usd is not None or plan.usd_seats:
            before = sum_spending(store, run_id, lambda: find_dearest_calls(cell.match for cell in self.cells))
            budget = Budget.of(plan.usd, plan.usd_seats, before)
        options: dict[str, Any] = {"halt": self.halt, "budget": budget, "backend": backend}
        options["watcher"] = self._watcher(progress)
        options |= {"at_once": plan.at_once, "retries": plan.retries}
        async for item, result in run(_pop_wanted(pending, self.watch), store, **options):
            self._count(item, result, progress)
        self.why_cut = budget.gone if budget is not None else ""

    def _watcher(self, progress: Progress) -> Watcher:
        """A watcher that counts events; a single match without a human player is also narrated as it is played."""
        person = any(seat["name"] == "human" for seat in self.matches[0].resolved["seats"].values())
        silent = len(self.matches) > 1 or self.how.quiet or self.how.json or person or self.how.backend != "here"
        narrator = None if silent else Narrator(self.out, self.matches[0].build_parts()[0])

        def turn(item: Pending, turn: Turn) -> None:
            self.tally.turn(item, turn)
            progress.update()
            if narrator is not None:
                narrator.turn(turn)

        def state(_: Pending, state: object) -> None:
            if narrator is not None:
                narrator.state(state)

        return Watcher(self.tally.start, turn, state, self.tally.leave)

    def _count(self, pending: Pending, result: Episode | Exception, progress: Progress) -> None:
        if isinstance(result, Episode):
            self.tally.end(result.status)
            if self.watch is not None and result.status != "cut":
                self.watch.take(pending.n, result.scores, result.facts)
        elif isinstance(result, Halted):
            self.tally.end("open")
        else:
            self.tally.end("error")
            if self.watch is not None:
                self.watch.fail(pending.n)
            reason = redact(str(result) if isinstance(result, ArenaError) else f"{type(result).__name__}: {result}")
            self.errors.append(f"{pending.id}: {reason}")
            progress.fail(pending.id, reason)
        progress.update()

    def _sum_up(self, run_id: str, store: Store, progress: Progress, left: bool) -> int:
        failed, cut = self.tally.ended["error"], bool(self.tally.ended["cut"] or self.why_cut)
        code = INTERRUPTED if self.halt.on else CUT if cut else SOME_FAILED if failed else OVER
        enough = self.watch is not None and self.watch.narrow and code in (OVER, SOME_FAILED)
        status = ENOUGH if enough and self.tally.done < self.tally.total else STATUS[code]
        if not left:
            listed = compute_standings(self.how.db, [run_id]) if self.plan.tournament is not None else ()
            more: dict[str, Any] = {"standings": build_standings_json(listed)} if listed else {}
            more |= {"until": self.watch.records()} if self.watch is not None else {}
            episode_tables(self.how.db, run_id, self.how.json, code, self.errors, self.out, more)
            if listed and not self.how.json:
                print_standings(listed, self.out)
            self._compare(run_id)
            if copied := self._find_copied_cells(run_id):
                told = describe_copies(copied, len(self.cells), self._draws())
                progress.say("notice", told) if self.how.json else say(told, self.out)
            if self.watch is not None and not self.how.json:
                rows(self.watch.table(), title=f"Until {self.watch.rule}", console=self.out, keys=1)
        if progress.shown == "none":
            progress.summarise(self.errors, run_id)
        line = {CUT: self.why_cut, INTERRUPTED: "all answers are recorded; the same command goes on where this one "
                "stopped"}.get(code, "")  # fmt: skip
        if line or self.how.json:
            ended = {"until": self.watch.records()} if self.watch is not None else {}
            progress.tell("done", line, run=run_id, status=status, exit=code, **self.tally.numbers(), **ended)
        store.end(run_id, status)  # last: an interrupted summary is printed again by the same command
        return code

    def _find_copied_cells(self, run_id: str) -> Mapping[str, int]:
        """The cells whose episodes are duplicates, and how many episodes each has."""
        if self.plan.n < 2 or self.origin or self.plan.tournament is not None:
            return {}
        return find_copied_cells(self.how.db, run_id, self.plan.n, [cell.label for cell in self.cells])

    def _draws(self) -> bool:
        """Whether the game draws its values by a parameter `spread`, which is not set."""
        return any(cell.match.resolved["game"].get("spread") == 0 for cell in self.cells)

    def _compare(self, run_id: str) -> None:
        """Print the mean scores of the cells side by side."""
        if len(self.cells) == 1 or self.how.json or self.plan.tournament is not None:
            return
        labels = " ".join(f"when {n} then '{cell.label.replace(chr(39), chr(39) * 2)}'" for n, cell in
                          enumerate(self.cells))  # fmt: skip
        table = query(
            self.how.db,
            f"select case (n - 1) / {self.plan.n} {labels} end as cell, seat, count(value) as episodes, avg(value) as "
            f"score from scores join episode on episode.id = scores.episode where scores.run = '{run_id}' and "
            f"recorded = 1 group by (n - 1) / {self.plan.n}, seat having count(value) > 0 order by seat, min(n)",
        )
        rows(table, title="Cells", console=self.out, keys=1)


def make_gauge() -> Gauge | None:
    """Make a function that reports the load of each endpoint, if agents with endpoints are loaded."""
    return getattr(sys.modules.get("agents.api.rate_limits"), "list_widths", None)


def make_monitor(plan: Plan, cells: Sequence[Cell]) -> "SequentialMonitor | None":
    """The monitor of the plan's rule `until`, or None without one. Raises MissingExtra."""
    if plan.until is None:
        return None
    try:
        from arena.planning.sequential_stopping import SequentialMonitor
    except ModuleNotFoundError as error:
        raise missing("--until", error) from error
    return SequentialMonitor.over(plan.until, cells, plan.n)


def _pop_wanted(pending: deque[Pending], watch: "SequentialMonitor | None" = None) -> Iterator[Pending]:
    """Yield the pending matches that the stopping rule still wants, one by one, removing them from the list."""
    while pending:
        item = pending.popleft()
        if watch is None or watch.wants(item.n):
            yield item
