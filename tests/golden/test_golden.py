"""Golden playthroughs: each plan here, played and told, reads as its text does.

After a wanted change: ARENA_GOLDEN=write pytest tests/golden, then read the difference.
"""

import asyncio
import io
import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from arena.console.transcript import Narrator
from arena.engine.play import perform, replay
from arena.planning.plan import make_plan, read_plan

PLANS = sorted(Path(__file__).parent.glob("*.toml"))


def told(plan: Path) -> str:
    """The transcript and the outcome of a plan's matches."""
    out = io.StringIO()
    console = Console(file=out, width=110, highlight=False, force_terminal=False)
    for match in make_plan(read_plan(plan)).matches():
        game, _ = match.build_parts()
        episode = asyncio.run(perform(match))
        narrator = Narrator(console, game)
        replay(game, episode.turns, match, narrator.turn, narrator.state)
        console.print(f"{episode.status}: {json.dumps(episode.scores)}", markup=False, soft_wrap=True)
    return out.getvalue()


@pytest.mark.parametrize("plan", PLANS, ids=lambda path: path.stem)
def test_a_golden_playthrough_reads_as_it_did(plan: Path) -> None:
    golden = plan.with_suffix(".txt")
    text = told(plan)
    if os.environ.get("ARENA_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()
