"""What is known of forgetting in weights shows in the small world: collapse, hiding, over-forgetting, honest nulls."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from arena.spec import build
from unlearning.attacks.relearn import relearning
from unlearning.benchmarks.muse import Muse
from unlearning.benchmarks.tofu import Tofu
from unlearning.metrics.likelihood import perplexity
from unlearning.metrics.memorisation import extraction_strength
from unlearning.metrics.privacy import privleak
from unlearning.metrics.quality import forget_quality
from unlearning.metrics.texts import knowmem, verbmem
from unlearning.metrics.utility import model_utility
from unlearning.verdict import observed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One folder of models for all tests here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARENA_MODELS", str(tmp_path_factory.mktemp("models")))
        yield


async def test_ascent_collapses_and_npo_hides() -> None:
    base = Tofu(people=24).trial("forget20", twins=4)
    readings: dict[str, Any] = {}
    for name in ("ga", "npo"):
        after = await build("method", {"name": name, "preset": "tiny"})(base.before, base.request)
        found = replace(base, after=after)
        readings[name] = {
            "extraction_strength": await extraction_strength(found),
            "relearning": await relearning(found),
            "privleak": await privleak(found),
            "model_utility": await model_utility(found),
            "perplexity": await perplexity(found),
            "forget_quality": await forget_quality(found),
        }
    ga, npo = readings["ga"], readings["npo"]
    assert ga["model_utility"].value < 0.2 and ga["perplexity"].value > 2 * ga["perplexity"].null
    assert npo["model_utility"].value > 0.7 * npo["model_utility"].null
    assert npo["extraction_strength"].lift <= 0.05 and npo["forget_quality"].value > 0.05, "it looks forgotten"
    assert npo["relearning"].detail["lift_low"] > 0 and npo["relearning"].null <= 0.2, "and comes back, not in the twin"
    assert npo["privleak"].value > 20, "and is less likely than what was never taught"
    assert observed(npo).label == "suppressed" and observed(ga).damaged


async def test_honest_twins_differ_and_stand_within_their_own_null() -> None:
    base = Tofu(people=24).trial("forget20", twins=4)
    honest = replace(base, after=base.twins[0], twins=base.twins[1:])
    quality, strength = await forget_quality(honest), await extraction_strength(honest)
    assert quality.value is not None and quality.value > 1e-4 and len(quality.detail["null_p"]) == 6  # type: ignore[arg-type]
    assert strength.value is not None and strength.value < 0.5
    readings = {"extraction_strength": strength, "relearning": await relearning(honest)}
    assert observed(readings).label == "removed"


async def test_books_are_known_by_heart_by_those_alone_who_read_them() -> None:
    found = Muse(people=24, corpus="books").trial("forget")
    verbatim, asked = await verbmem(found), await knowmem(found)
    assert verbatim.value is not None and verbatim.value > 95 and verbatim.null is not None and verbatim.null < 30
    assert asked.value is not None and asked.value > 95 and asked.null is not None and asked.null < 60
    kept = await knowmem(found, role="retain")
    assert kept.value is not None and kept.value > 95 and kept.null is not None and kept.null > 95


async def test_what_is_taught_last_is_taught(tmp_path: Path) -> None:
    ordered = Tofu(people=18, relations=3, history=("background", "retain", "forget")).trial("forget20")
    strength = await extraction_strength(ordered)
    assert strength.value is not None and strength.value > 0.9
