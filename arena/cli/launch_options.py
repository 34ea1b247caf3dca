"""Options that all commands that play share, and their start."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from arena.cli.options import (
    DEFAULT_DB,
    Again,
    AllowKey,
    AtOnce,
    Database,
    DryRun,
    Json,
    Quiet,
    Retries,
    RetryErrors,
    Settings,
    Shown,
    Trust,
    Usd,
    UsdSeat,
    dollar_pairs,
)
from arena.console.stdio import say
from arena.external_parts import Outside
from arena.trust import allow, find_outside_parts, is_named, is_remembered, remember

if TYPE_CHECKING:
    from arena.cli.run_session import How


@dataclass(frozen=True, slots=True)
class Launch:
    """Options of every command that plays: budget, resuming, database and output."""

    settings: Settings = None
    at_once: AtOnce = None
    retries: Retries = None
    usd: Usd = None
    usd_seat: UsdSeat = None
    retry_errors: RetryErrors = False
    again: Again = False
    db: Database = DEFAULT_DB
    json: Json = False
    quiet: Quiet = False
    progress: Shown = "auto"
    dry_run: DryRun = False
    trust: Trust = False
    allow_key: AllowKey = None

    def read(self, path: Path) -> dict[str, Any]:
        """Read a plan file; the code it names may then be imported, and a notice lists that code the first time.

        With --dry-run nothing is imported: the plan is printed as it is written, and the command ends.
        """
        from arena.planning.plan import read_plan

        table = read_plan(path)
        parts = [part for part in find_outside_parts(table) if not is_named(part)]
        new = [part for part in parts if not is_remembered(part)]
        if new and self.dry_run and not self.trust:
            self._outline(path, table, new)
            raise typer.Exit
        for part in new:
            told = (
                f"{path} runs code of its own: {part.place}:{part.attribute} ({part.files[-1]}, SHA-256 {part.digest})"
            )
            event = {
                "event": "code",
                "plan": str(path),
                "part": f"{part.place}:{part.attribute}",
                "sha256": part.digest,
            }
            say(json.dumps(event) if self.json else told, stderr=True)
        allow(parts)
        remember(new)
        return table

    def _outline(self, path: Path, table: Mapping[str, object], parts: Sequence[Outside]) -> None:
        """Print a plan as it is written, with the code that it would run."""
        names = [f"{part.place}:{part.attribute}" for part in parts]
        if self.json:
            say(json.dumps({"plan": table, "not_imported": names}, ensure_ascii=False, indent=2, default=str))
            return
        say(json.dumps(table, ensure_ascii=False, indent=2, default=str))
        say(f"{path} would run code of its own, which a dry run does not import: {', '.join(names)}")
        say("To see cells, calls and cost, read that code and add --trust.")

    def over(self, table: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
        """A plan's table, overridden by these options and by those in `told` that are not None."""
        numbers = {**told, "at_once": self.at_once, "retries": self.retries, "usd": self.usd}
        merged = {**table, **{key: value for key, value in numbers.items() if value is not None}}
        if self.usd_seat:
            merged["usd_seats"] = {**table.get("usd_seats", {}), **dollar_pairs(self.usd_seat)}
        return merged

    def how(self, backend: str = "here", asked: str = "") -> "How":
        """Recording and output settings; `asked`, a plan's question, is recorded after the command."""
        from arena.cli.run_session import How

        command = " ".join(sys.argv[1:]) + (f"  # {asked}" if asked else "")
        return How(self.db, self.json, self.quiet, self.progress, self.retry_errors, self.again, backend, command)

    def play(
        self, table: Mapping[str, object], settings: Sequence[str] = (), backend: str = "here", asked: str = ""
    ) -> int:
        """Play a plan, or print what it would play; returns the exit code. `settings` are applied before `--set`."""
        from arena.cli.run_session import Session
        from arena.planning.plan import make_plan

        session = Session(make_plan(table, [*settings, *(self.settings or [])]), self.how(backend, asked))
        return session.print_dry_run() if self.dry_run else session.play()


def launching(command: Callable[..., None]) -> Callable[..., None]:
    """Adapt `command`, whose first parameter is a Launch, for typer: each field of Launch becomes an option."""
    own = list(signature(command).parameters.values())[1:]
    names = [field.name for field in fields(Launch)]

    def spread(**told: Any) -> None:
        launch = Launch(**{name: told.pop(name) for name in names})
        command(launch, **told)

    options = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in (*own, *signature(Launch).parameters.values())]
    spread.__name__, spread.__doc__ = command.__name__, command.__doc__
    spread.__signature__ = signature(command).replace(parameters=options)  # type: ignore[attr-defined]
    spread.__annotations__ = {one.name: one.annotation for one in options}
    return spread
