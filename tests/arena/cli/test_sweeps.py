"""A sweep over a name keeps the other settings of its table, in every way of writing both."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from arena.cli.main import app
from arena.errors import UsageError
from arena.planning.plan import make_plan

URL, PRICE, PERSONA = "http://127.0.0.1:9/v1", [1.0, 2.0], "You are stern."
SHORT = {"name": "openai/zero", "base_url": URL, "usd_per_million": PRICE, "persona": PERSONA}
NAMELESS = {key: value for key, value in SHORT.items() if key != "name"}
LONG = {"name": "llm", "persona": PERSONA, "model": {"name": "openai/zero", "base_url": URL, "usd_per_million": PRICE}}
NAMES = ["openai/a", "openai/b"]
WAYS: dict[str, dict[str, Any]] = {
    "names": {"seats": {"seller": NAMES}},
    "the model's name": {"seats": {"seller": {"model": {"name": NAMES}}}},
    "tables": {"seats": {"seller": [{"name": name} for name in NAMES]}},
    "the model": {"seats": {"seller": {"model": NAMES}}},
    "the name": {"seats": {"seller": {"name": NAMES}}},
}


def seats(table: dict[str, Any], sweep: dict[str, Any], seat: str = "seller") -> list[Any]:
    cells = make_plan({"seats": {seat: table}, "sweep": sweep}).cells()
    return [cell.match.resolved["seats"][seat] for cell in cells]


@pytest.mark.parametrize(
    "table, way",
    [(SHORT, way) for way in WAYS]
    + [(LONG, way) for way in WAYS if way != "the name"],  # in the long form it is that of the agent, no model's
)
def test_the_endpoint_the_price_and_the_persona_stay(table: dict[str, Any], way: str) -> None:
    for spec, name in zip(seats(table, WAYS[way]), NAMES, strict=True):
        assert spec["persona"] == PERSONA
        assert [spec["model"][key] for key in ("name", "base_url", "usd_per_million")] == [name, URL, PRICE]


def test_a_table_without_a_name_is_named_by_the_sweep() -> None:
    for spec, name in zip(seats(NAMELESS, WAYS["names"]), NAMES, strict=True):
        assert (spec["model"]["name"], spec["model"]["base_url"], spec["persona"]) == (name, URL, PERSONA)


def test_what_a_swept_table_says_goes_before_and_the_rest_stays() -> None:
    stern, kind = seats(LONG, {"seats": {"seller": ["openai/a", {"name": "openai/b", "persona": "You are kind."}]}})
    assert (stern["persona"], kind["persona"]) == (PERSONA, "You are kind.")
    assert stern["model"]["base_url"] == kind["model"]["base_url"] == URL
    cool, hot = seats(
        {**SHORT, "sampling": {"max_tokens": 7}},
        {"seats": {"seller": {"sampling": [{"temperature": 0.0}, {"temperature": 1.0}]}}},
    )
    assert [spec["sampling"]["max_tokens"] for spec in (cool, hot)] == [7, 7]
    assert [spec["sampling"]["temperature"] for spec in (cool, hot)] == [0, 1]


def test_parts_that_are_no_models_and_games_keep_theirs_too() -> None:
    one, two = seats({"name": "linear", "heeds": 0.25}, {"seats": {"buyer": ["boulware", "conceder"]}}, "buyer")
    assert (one["name"], two["name"], one["heeds"], two["heeds"]) == ("boulware", "conceder", 0.25, 0.25)
    game = {"name": "bargaining", "rounds": 4}
    cells = make_plan({"game": game, "sweep": {"game": ["bargaining", {"cost": 6}]}}).cells()
    assert [(cell.match.resolved["game"]["rounds"], cell.match.resolved["game"]["cost"]) for cell in cells] == [
        (4, 8.0),
        (4, 6.0),
    ]


@pytest.mark.parametrize("names", [["openai/a", "linear"], ["tough", "openai/a"]])
def test_a_cell_that_would_lose_a_setting_is_refused(names: list[str]) -> None:
    with pytest.raises(
        UsageError, match=r"no parameter named 'base_url'.*keeps the other settings of \[seats.seller\]"
    ):
        seats(SHORT, {"seats": {"seller": names}})


def typed(folder: Path, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--db", str(folder / "arena.db")])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


PLAN = f"""[seats.seller]
name = "openai/zero"
base_url = "{URL}"
persona = "{PERSONA}"
"""


def test_a_dry_run_shows_every_seat_whole(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(PLAN + '[sweep]\nseats.seller = ["openai/a", "openai/b"]\n')
    text = typed(tmp_path, "run", str(tmp_path / "p.toml"), "--dry-run")
    shown = [line for line in text.splitlines() if line.lstrip().startswith("seller (in seats.seller=")]
    assert [json.loads(line.partition("): ")[2])["model"]["name"] for line in shown] == NAMES
    assert all(URL in line and PERSONA in line for line in shown)
    assert sum(line.lstrip().startswith("buyer: {") for line in text.splitlines()) == 1


def test_a_model_named_on_the_command_line_keeps_the_endpoint_of_the_plan(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(PLAN)
    words = ("play", "--plan", str(tmp_path / "p.toml"), "--dry-run", "--json", "--seller")
    seller = json.loads(typed(tmp_path, *words, "openai/other"))["first"]["seats"]["seller"]
    assert (seller["model"]["name"], seller["model"]["base_url"]) == ("openai/other", URL)
    assert json.loads(typed(tmp_path, *words, "boulware"))["first"]["seats"]["seller"]["name"] == "boulware"


@pytest.mark.parametrize("words", [("play", "-n", "99999999999999"), ("play", "kuhn", "-n", "1000001")])
def test_more_episodes_than_a_command_can_play_are_refused_at_once(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*words, "--dry-run"])
    assert isinstance(done.exception, UsageError) and "1,000,000 that one command plays" in str(done.exception)


def test_a_sweep_of_too_many_cells_is_refused_before_they_are_built() -> None:
    sweep = {"game": {name: list(range(1, 101)) for name in ("cost", "rounds", "turns", "spread")}}
    with pytest.raises(UsageError, match="100,000,000 cells"):
        make_plan({"sweep": sweep}).cells()
