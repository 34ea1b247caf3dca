"""The README is true: its Python runs, its commands print what it shows, its set-up is what CI does.

What is shown is what a terminal of 80 columns shows: "…" stands for any lines; ids of runs are not compared.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command import typed
from postgres_server import NoServer, server

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
RUN_ID = re.compile(r"\b[0-9a-z]{12}(?=\.\d+|\b)")


def blocks(language: str) -> list[str]:
    return [body for name, body in BLOCKS if name == language]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_run(code: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), check=True, timeout=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands of the tour are typed, one after the other, with the README's files in place."""
    folder = tmp_path_factory.mktemp("tour")
    for body in (*blocks("python"), *blocks("toml")):
        if name := re.match(r"# (\w+\.\w+)", body):
            (folder / name[1]).write_text(body)
    return folder


def commands() -> list[tuple[str, str]]:
    pieces = [piece for body in blocks("console") for piece in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]]
    return [(piece.partition("\n")[0], piece.partition("\n")[2]) for piece in pieces]


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
    assert len(commands()) >= 8
    for command, shown in [*commands(), ("arena play --plan plan.toml -q", "…\n")]:
        name, *words = shlex.split(command)
        done = typed(folder, *words, columns=80, env=env)
        assert (name, done.code) == ("arena", 0), f"{command}\n{done.stdout}\n{done.stderr}"
        pattern = ".*".join(re.escape(part) for part in RUN_ID.sub("ID", shown).split("…\n"))
        assert re.fullmatch(pattern, RUN_ID.sub("ID", done.stdout), re.DOTALL), f"{command}\n{done.stdout}"


def test_the_two_commands_are_the_ones_in_use() -> None:
    play, test = (body.strip() for body in blocks("bash"))
    assert play.endswith("arena play --rounds 5")
    assert test in (ROOT / ".ci" / "run").read_text()


def test_what_the_readme_names_exists() -> None:
    for path in re.findall(r"`((?:arena|docs|games|agents)/[\w./]+)`", TEXT) + re.findall(r"\]\(([\w/.]+)\)", TEXT):
        assert (ROOT / path).exists(), path
    game = next(body for body in blocks("python") if body.startswith("# split.py"))
    assert len(game.splitlines()) <= 40
