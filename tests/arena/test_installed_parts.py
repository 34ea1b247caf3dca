"""Parts that a separate package brings: installed into a folder as pip does, listed, built, played and played again."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runner import arena, typed
from repository import ROOT

from arena.errors import BadPart, UnknownPart
from arena.external_parts import find_folder
from arena.installed_parts import get_group, list_installed
from arena.registry import FOLDERS, find, find_name, is_registered, list_all_entries, list_entries
from arena.spec import build, describe

GAME = '''"""A game of a separate package."""

from dataclasses import dataclass, replace

from arena.errors import IllegalMove
from arena.game import Game, View, game


@dataclass(frozen=True, slots=True)
class Coins:
    left: int
    mover: int = 0


@game
@dataclass(frozen=True, slots=True)
class CoinRow(Game[Coins]):
    """Two seats take one or two coins in turn; who takes the last one wins."""

    coins: int = 5
    seats = ("first", "second")

    def start(self, rng):
        return Coins(self.coins)

    def to_act(self, state):
        return (self.seats[state.mover],) if state.left else ()

    def view(self, state, seat):
        take = tuple(f"take {n}" for n in (1, 2) if n <= state.left)
        return View(seat, f"{state.left} coins are left.", legal=take)

    def apply(self, state, moves):
        [(seat, move)] = moves.items()
        word, _, number = move.text.partition(" ")
        if word != "take" or number not in ("1", "2") or int(number) > state.left:
            raise IllegalMove(seat, "take 1 or take 2")
        return replace(state, left=state.left - int(number), mover=1 - state.mover)

    def scores(self, state):
        winner = 1 - state.mover
        return {seat: float(n == winner) for n, seat in enumerate(self.seats)}

    def bounds(self):
        return (0, 1)
'''
AGENT = '''"""An agent of the same package, a plain class without a mark."""

from dataclasses import dataclass

from arena.game import Move


@dataclass(frozen=True, slots=True)
class Greedy:
    """Takes as many coins as it may."""

    most: int = 2

    async def act(self, view):
        return Move(text=view.legal[min(self.most, len(view.legal)) - 1])
'''
POINTS = """[arena.games]
coin-row = row_of_coins.coin_row:CoinRow
bargaining = row_of_coins.coin_row:CoinRow

[arena.agents]
greedy-taker = row_of_coins.takers:Greedy

[console_scripts]
other = row_of_coins:main
"""


def install(site: Path, package: str = "row-of-coins", points: str = POINTS, module: str = "row_of_coins") -> Path:
    """Writes the files that `pip install` leaves of a package; returns the folder of its modules."""
    folder = site / module
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "coin_row.py").write_text(GAME)
    (folder / "takers.py").write_text(AGENT)
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points)
    return folder


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages, on Python's search path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    list_installed.cache_clear()
    yield folder
    list_installed.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("row_of_coins", "more_coins")]:
        del sys.modules[name]


def test_a_package_brings_a_game_and_an_agent_that_are_listed_built_played_and_verified(
    site: Path, tmp_path: Path
) -> None:
    install(site)
    here = tmp_path / "here"
    here.mkdir()
    listed = json.loads(arena(here, "list", "games", "--json"))
    [row] = [row for row in listed if row["name"] == "coin-row"]
    assert row["about"].startswith("Two seats take one or two coins") and row["seats"] == "first, second"
    assert "greedy-taker" in arena(here, "list", "agents") and "most" in arena(here, "list", "agent", "greedy-taker")
    arena(here, "check", "coin-row")
    words = ("play", "coin-row", "-n", "2", "--set", "game.coins=4", "--seat", "first=greedy-taker", "-q")
    arena(here, *words, "--seat", "second=greedy-taker", "--set", "second.most=1")
    recorded = arena(
        here, "sql", "select distinct game, agent from episodes join seat on seat.episode = id order by 2", "--csv"
    )
    assert "coin-row,greedy-taker" in recorded
    assert "2 of 2 episodes lead to the same end today" in arena(here, "verify")  # without --trust


def test_a_name_of_arenas_own_stays_its_own(site: Path) -> None:
    install(site)
    assert list_all_entries("game")["bargaining"] == list_entries("game")["bargaining"]
    assert find("game", "bargaining")[0].__module__.startswith("games.")


def test_names_lead_to_parts_and_back(site: Path) -> None:
    install(site)
    built = build("game", {"name": "coin-row", "coins": 7})
    assert describe(built) == {"name": "coin-row", "coins": 7}
    assert build("game", describe(built)) == built
    agent = build("agent", "greedy-taker")  # without a mark, too
    assert describe(agent) == {"name": "greedy-taker", "most": 2}
    assert find_name(type(built)) == "coin-row"
    assert is_registered("game", "coin-row") and not is_registered("agent", "coin-row")
    assert find("game", "row_of_coins.coin_row:CoinRow")[0] is type(built)


def test_a_model_of_a_package_takes_ids_behind_a_slash(site: Path) -> None:
    folder = install(site, points="[arena.models]\nparrot = row_of_coins.parrot:Parrot\n")
    (folder / "parrot.py").write_text(
        "from dataclasses import dataclass\nfrom agents.chat_model import Reply\n\n"
        "@dataclass(frozen=True, slots=True)\nclass Parrot:\n    '''Says its own name.'''\n    id: str\n"
        "    native_tools: bool = False\n\n"
        "    async def chat(self, messages, tools=(), sampling=None):\n        return Reply(self.id)\n"
    )
    assert build("model", "parrot/polly").id == "polly"
    agent = describe(build("agent", "parrot/polly"))
    assert (agent["name"], agent["model"]) == ("llm", {"name": "parrot/polly", "native_tools": False})
    with pytest.raises(UnknownPart, match="parrot"):
        find("model", "parrott")


def test_two_packages_with_one_name_are_told_apart_by_the_user(site: Path) -> None:
    install(site)
    install(site, "more-coins", POINTS.replace("row_of_coins", "more_coins"), "more_coins")
    with pytest.raises(
        BadPart, match=r"more_coins.coin_row:CoinRow \(of more-coins\) or row_of_coins.coin_row:CoinRow"
    ):
        build("game", "coin-row")
    named = build("game", "more_coins.coin_row:CoinRow")
    assert describe(named) == {"name": "more_coins.coin_row:CoinRow", "coins": 5}  # the short name would not find it


@pytest.mark.parametrize(
    "code, said",
    [
        ("raise RuntimeError('no screen')", "RuntimeError: no screen"),
        ("import no_such_library", "no_such_library"),
        ("def broken(:", "SyntaxError"),
        ("", "no attribute 'CoinRow'"),
    ],
)
def test_a_package_that_cannot_be_imported_is_said_to_be_and_leaves_the_list_whole(
    code: str, said: str, site: Path, tmp_path: Path
) -> None:
    folder = install(site)
    (folder / "coin_row.py").write_text(code)
    with pytest.raises(BadPart, match=said):
        build("game", "coin-row")
    listed = arena(tmp_path, "list", "games")
    assert "coin-row" in listed and "bargaining" in listed
    assert said in arena(tmp_path, "play", "coin-row", code=2)


def test_metadata_in_the_current_folder_are_no_installation(tmp_path: Path) -> None:
    """`python -m arena` searches the current folder first; a project that was unpacked there brings nothing."""
    install(tmp_path)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "arena", "list", "games", "--csv"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert "coin-row" not in done.stdout and "bargaining" in done.stdout
    assert tmp_path != find_folder()


def test_a_record_still_cannot_name_any_other_thing_of_an_installed_module(site: Path, tmp_path: Path) -> None:
    """The name that a package declares is trusted; another class of its modules has to be named by the user."""
    install(site, points="[arena.agents]\ngreedy-taker = row_of_coins.takers:Greedy\n")
    here = tmp_path / "here"
    here.mkdir()
    game = "row_of_coins.coin_row:CoinRow"
    arena(here, "play", game, "--seat", "first=greedy-taker", "--seat", "second=greedy-taker", "-q")
    env = {"ARENA_CONFIG": str(tmp_path / "another user")}
    checked = typed(here, "verify", "--json", env=env)  # by somebody who never named that game
    assert (json.loads(checked.stdout)["unchecked"], checked.code) == (1, 3)
    assert typed(here, "verify", "--trust", env=env).code == 0


def test_every_kind_of_part_has_a_group(site: Path) -> None:
    assert {get_group(kind) for kind in FOLDERS} >= {
        "arena.games", "arena.agents", "arena.models", "arena.methods", "arena.metrics", "arena.attacks",
        "arena.benchmarks",
    }  # fmt: skip


def test_no_metadata_are_read_for_parts_of_arena(tmp_path: Path) -> None:
    code = (
        "import sys; from arena.cli.main import app\n"
        "try:\n    app(['play', '--rounds', '1', '-q', '--buyer', 'boulware'])\nexcept SystemExit: pass\n"
        "from arena.installed_parts import list_installed\nprint(list_installed.cache_info().currsize)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0"
