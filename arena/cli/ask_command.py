"""The command `arena ask`. Heavy modules are imported when they are needed."""

import sys
from typing import Annotated

import typer

from arena.cli import completion
from arena.cli.options import DEFAULT_DB, Database, Json, Settings, Trust


def mount(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command()(ask)


def ask(
    agent: Annotated[
        str,
        typer.Argument(
            help="Agent: a taught agent, provider/model, or module:Thing.",
            autocompletion=completion.complete_agents,
        ),
    ],
    questions: Annotated[list[str], typer.Argument(help="Each question in quotes.")],
    settings: Settings = None,
    db: Database = DEFAULT_DB,
    json: Json = False,
    trust: Trust = False,
) -> None:
    """Ask an agent questions and print its answers, one line each; every question is independent, and recorded.

    Settings of the agent: --set agent.sampling.temperature=0.
    """
    from arena.cli.ask import ask as ask_agent

    raise typer.Exit(ask_agent(db, agent, questions, settings or [], " ".join(sys.argv[1:]), json))
