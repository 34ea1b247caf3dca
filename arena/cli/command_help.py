"""Typer command classes: flags shown without a value in help, and old command spellings that are still accepted.

Every command takes `-v`.
"""

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup

from arena.console.log_output import show_log
from arena.console.stdio import say

VERBOSE = "Show the log on stderr: retries, waits, loaded weights, resumed work, …; -vv shows more."
TYPED = "arena.verbosity"  # context key: how often -v was given, before and after the command name
Respell: TypeAlias = Callable[[Sequence[str]], list[str] | None]  # today's spelling of the words; None: unchanged


class Command(TyperCommand):
    """A command whose flags are shown in its help without a value."""

    def get_params(self, ctx: Any) -> list[Any]:
        return plain_flags([*super().get_params(ctx), *_find_verbose_option(ctx)])


class CommandGroup(TyperGroup):
    """A group of such commands, some of which had other names before: an old spelling still runs, and the new one is
    printed on stderr.
    """

    respellings: ClassVar[Sequence[Respell]] = ()

    def get_params(self, ctx: Any) -> list[Any]:
        return plain_flags(super().get_params(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        for respell in self.respellings if args and not ctx.resilient_parsing else ():
            if (words := respell(args)) is not None:
                _tell_spelling(words)
                args = words
        return super().resolve_command(ctx, args)


class Commands(typer.Typer):
    """A Typer app with these command classes. respellings: maps an old spelling of a command to today's."""

    def __init__(self, **settings: Any) -> None:
        self.respellings: list[Respell] = []
        group = type("OwnCommandGroup", (CommandGroup,), {"respellings": self.respellings})
        super().__init__(**{"cls": group, **settings})

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        return super().command(name, **{"cls": Command, **settings})


def start_log(ctx: Any, _: Any, times: int) -> int:
    """Enable the log until the command ends; as JSON events if the command prints JSON."""
    if times:
        ctx.meta[TYPED] = ctx.meta.get(TYPED, 0) + times
        ctx.with_resource(show_log(ctx.meta[TYPED], json="--json" in sys.argv[1:]))
    return times


def _find_verbose_option(ctx: Any) -> list[Any]:
    """The option `-v` of `arena` itself, which every command accepts after its name, too."""
    return [param for param in ctx.find_root().command.params if param.name == "verbose"]


def plain_flags(params: list[Any]) -> list[Any]:
    """The parameters, with flags shown without a type."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params


def _tell_spelling(words: Sequence[str]) -> None:
    from arena.store.rows import mask_command

    say(f"arena: this is spelled now: {mask_command(shlex.join(['arena', *words]))}", stderr=True)
