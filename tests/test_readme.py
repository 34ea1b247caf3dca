"""The README is true: its Python runs, its commands print what it shows, its set-up is what CI does.

What is shown is what a terminal of 80 columns shows: "…" stands for any lines; ids of runs are not compared.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import typed
from postgres_server import NoServer, server
from readme_blocks import TEXT, Command, blocks, commands, write_files
from repository import ROOT


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_run(code: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), check=True, timeout=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands of the tour are typed, one after the other, with the README's files in place."""
    folder = tmp_path_factory.mktemp("tour")
    write_files(folder)
    return folder


def test_commands_print_what_is_shown(folder: Path) -> None:
    print_what_is_shown(folder, {})


@pytest.mark.slow
def test_commands_print_the_same_on_a_postgresql_server(folder: Path) -> None:
    pytest.importorskip("psycopg", reason="no driver; type: pip install -e '.[postgres]'")
    try:
        with server() as url:
            print_what_is_shown(folder, {"ARENA_DB": url.format("postgres")})
    except NoServer as reason:
        pytest.skip(str(reason))


def print_what_is_shown(folder: Path, env: dict[str, str]) -> None:
    assert len(commands("console")) >= 8
    for command in (*commands("console"), Command(("arena", "play", "--plan", "plan.toml", "-q"))):
        done = typed(folder, *command.words[1:], columns=80, env=env)
        assert (command.words[0], done.code) == ("arena", 0), f"{command}\n{done.stdout}\n{done.stderr}"
        assert command.prints(done.stdout), f"{command}\n{done.stdout}"


def test_the_two_commands_are_the_ones_in_use() -> None:
    play, test = (body.strip() for body in blocks("bash"))
    assert play.endswith("arena play --rounds 5")
    assert test in (ROOT / ".ci" / "run").read_text()


def test_what_the_readme_names_exists() -> None:
    for path in re.findall(r"`((?:arena|docs|games|agents)/[\w./]+)`", TEXT) + re.findall(r"\]\(([\w/.]+)\)", TEXT):
        assert (ROOT / path).exists(), path
    game = next(body for body in blocks("python") if body.startswith("# split.py"))
    assert len(game.splitlines()) <= 40
