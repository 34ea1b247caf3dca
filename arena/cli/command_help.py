"""How commands show their options: a flag takes no value, and its help shows none."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class Command(TyperCommand):
    """A command whose flags stand in its help by their names alone."""

    def get_params(self, ctx: Any) -> list[Any]:
        return plain_flags(super().get_params(ctx))


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


def plain_flags(params: list[Any]) -> list[Any]:
    """The parameters; flags among them are shown without a type."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params
