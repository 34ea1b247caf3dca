"""With the core alone every command of the README does what it shows, or names the extra that it needs."""

import json
import os
import subprocess
import sys

import pytest
from readme_blocks import Command, commands
from repository import ROOT, SUPPORT

from arena.distribution import install_line

# what needs more than the core, by the beginning of the command; everything else has to work without
EXTRAS = {
    "arena figure": "plots",
    "arena teach guide --mind openai/MODEL": "openai",
    "arena forget-weights --bench": "evaluation",
    "arena forget-weights local/": "local",
    "arena play --buyer local/": "local",
    "arena bench agents --methods record-deletion --out": "plots",
    "arena bench weights --seeds 5 --out": "evaluation,plots",
    "arena sequence-weights --bench": "evaluation,plots",
    "arena compare": "stats",
    "arena power": "stats",
    "arena play --set game.spread=4 --until": "stats",
    "arena play -n 5000 --db postgresql:": "postgres",
    "arena sql 'select * from leaderboard' --db postgresql:": "postgres",
    "RAY_ADDRESS=": "ray",
    "arena play pettingzoo/": "pettingzoo",
    "arena play textarena/": "textarena",
    "from arena.adapters.pettingzoo_env import": "pettingzoo",
}


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int, str, str]]:
    """What was typed, the exit codes, and both streams."""
    folder = tmp_path_factory.mktemp("core")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ARENA_CONFIG": str(folder / "settings")}
    program = [sys.executable, str(SUPPORT / "core_only.py"), str(folder)]
    done = subprocess.run(program, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def extra_of(line: str) -> str:
    return next((extra for start, extra in EXTRAS.items() if line.startswith(start)), "")


@pytest.mark.slow
def test_what_needs_no_extra_works_and_what_needs_one_names_it(typed: list[tuple[str, int, str, str]]) -> None:
    wrong = []
    for line, code, out, err in typed:
        extra = extra_of(line)
        python = "\n" in line
        right = not code if not extra else code == (1 if python else 2) and install_line(extra) in err
        if not right or "Traceback" in err:
            wrong.append(f"{line}\nexpected {extra or 'no extra'}, exit {code}\n{out[-400:]}\n{err[-600:]}")
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.slow
def test_it_prints_what_is_shown(typed: list[tuple[str, int, str, str]]) -> None:
    shown: dict[str, list[Command]] = {}
    for command in commands("console"):
        shown.setdefault(str(command), []).append(command)
    for line, _, out, _ in typed:
        if line in shown and not extra_of(line) and "rate last" not in line and "tournament" not in line:
            assert shown[line].pop(0).prints(out), f"{line}\n{out}"


@pytest.mark.slow
def test_every_command_was_typed(typed: list[tuple[str, int, str, str]]) -> None:
    lines = [line for line, *_ in typed]
    assert [str(one) for one in commands("console", "sh")] == lines[: len(commands("console", "sh"))]
    assert not [start for start in EXTRAS if not any(line.startswith(start) for line in lines)], "no such command"
