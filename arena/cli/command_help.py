"""How commands show their options: a flag takes no value, and its help shows none. Every command takes `-v`."""

import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from arena.console.log_output import show_log

VERBOSE = "Show the log on stderr: retries, waits, loaded weights, resumed work, …; -vv shows more."
TYPED = "arena.verbosity"  # in the context: how often -v was typed so far, before and behind the command's name


class Command(TyperCommand):
    """A command whose flags stand in its help by their names alone."""

    def get_params(self, ctx: Any) -> list[Any]:
        return plain_flags([*super().get_params(ctx), *_find_verbose_option(ctx)])


class CommandGroup(TyperGroup):
    """The same for a group of commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        return plain_flags(super().get_params(ctx))


class Commands(typer.Typer):
    """A Typer whose commands are such."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"cls": CommandGroup, **settings})

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        return super().command(name, **{"cls": Command, **settings})


def start_log(ctx: Any, _: Any, times: int) -> int:
    """Shows the log from here to the end of the command; as events of JSON where the command prints JSON."""
    if times:
        ctx.meta[TYPED] = ctx.meta.get(TYPED, 0) + times
        ctx.with_resource(show_log(ctx.meta[TYPED], json="--json" in sys.argv[1:]))
    return times


def _find_verbose_option(ctx: Any) -> list[Any]:
    """The option `-v` of `arena` itself, which may stand behind the name of any command, too."""
    return [param for param in ctx.find_root().command.params if param.name == "verbose"]


def plain_flags(params: list[Any]) -> list[Any]:
    """The parameters; flags among them are shown without a type."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params
