"""Options and arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from arena.cli import completion

TaughtAgent = Annotated[
    str, typer.Argument(help="The agent's name, as it was taught.", autocompletion=completion.complete_taught)
]
Model = Annotated[
    str, typer.Argument(help="local/FOLDER or local/OWNER/NAME.  (default: the model that the benchmark teaches)")
]
Bench = Annotated[
    str, typer.Option(help="The benchmark that defines the forget set: tofu, muse, … (`arena list benchmarks`).")
]
Split = Annotated[str, typer.Option(help="The benchmark's split to forget.")]
Names = Annotated[
    str | None,
    typer.Option(help="Comma-separated names, such as 'npo(lr=1e-3),npo(lr=3e-3)' or file.py:Thing; else all."),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        help="Measure this as well: a metric or attack by name, with settings, or file.py:Thing; repeatable.",
    ),
]
Twins = Annotated[
    list[str] | None,
    typer.Option(
        "--twin",
        help="local/FOLDER, a model of the same base never trained on the forget set (repeat for further "
        "ones), or `bench`, the one that the benchmark trains.",
    ),
]
Seeds = Annotated[int, typer.Option(help="Number of seeds.")]
Picture = Annotated[Path | None, typer.Option(help="Draw the readings to this file (png, svg, pdf).")]
Readings = Annotated[Path | None, typer.Option(help="Write all readings to this file.")]
Again = Annotated[bool, typer.Option("--again", help="Measure again what is stored already.")]
