"""A model without its provider, and a file without the thing in it, are answered with what to type."""

from pathlib import Path

import pytest
from cli_runner import arena

from arena.errors import UnknownPart
from arena.spec import build
from arena.suggestions import things_in

GAME = """
from dataclasses import dataclass
from arena import Game
import arena

class Pot: ...

@dataclass(frozen=True)
class PublicGoods(Game[Pot]): ...

@arena.agent
class Saver: ...

def helper(): ...
"""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gpt-4o", "openai/gpt-4o"),
        ("o3-mini", "openai/o3-mini"),
        ("claude-3-5-haiku", "anthropic/claude-3-5-haiku"),
        ("gemini-2.0-flash", "gemini/gemini-2.0-flash"),
        ("qwen2.5-7b", "local/qwen2.5-7b"),
    ],
)
def test_a_model_is_named_with_its_provider(typed: str, meant: str) -> None:
    with pytest.raises(UnknownPart, match=meant):
        build("agent", typed)


def test_a_near_miss_stays_one() -> None:
    with pytest.raises(UnknownPart, match="did you mean boulware"):
        build("agent", "boulwar")


@pytest.mark.few(2)
@pytest.mark.parametrize("typed", ["goods.py", "goods", "sub/goods.py", "./goods.py"])
def test_a_file_is_answered_with_the_thing_in_it(tmp_path: Path, typed: str) -> None:
    (tmp_path / "sub").mkdir()
    for folder in (tmp_path, tmp_path / "sub"):
        (folder / "goods.py").write_text(GAME)
    file = typed if typed.endswith(".py") else f"{typed}.py"
    assert f"type {file}:PublicGoods" in arena(tmp_path, "play", typed, code=2)
    assert f"type {file}:Saver" in arena(tmp_path, "play", "--seller", typed, code=2)
    assert f"{file}:PublicGoods" in arena(tmp_path, "bench", "agents", "--methods", typed, code=2)


def test_a_folder_with_a_model_and_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "tuned").mkdir()
    (tmp_path / "tuned" / "config.json").write_text("{}")
    assert "local/tuned" in arena(tmp_path, "play", "--seller", "tuned", code=2)
    assert "no file gone.py" in arena(tmp_path, "play", "gone.py", code=2)
    assert things_in("game", tmp_path / "gone.py") == []
