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
from unlearning.experiments.verdict import classify_readings
from unlearning.metrics.forget_quality import forget_quality
from unlearning.metrics.generated_text import knowmem, verbmem
from unlearning.metrics.likelihood import perplexity, probability
from unlearning.metrics.memorization import extraction_strength
from unlearning.metrics.privacy import privleak
from unlearning.metrics.utility import model_utility

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
    assert classify_readings(npo).label == "suppressed" and classify_readings(ga).damaged


async def test_honest_twins_differ_and_are_told_from_each_other_as_seldom_as_is_stated() -> None:
    """Each of ten retrained models is put in the place of the agent after: one of ten may be the strangest."""
    base = Tofu(people=24).trial("forget20", twins=9)
    honest = (base.oracle, *base.twins)
    memos: dict[str, dict[str, Any]] = {}
    labels, spreads = [], []
    for place, after in enumerate(honest):
        others = honest[:place] + honest[place + 1 :]
        found = replace(base, after=after, oracle=others[0], twins=others[1:])
        readings = {}
        for probe in (extraction_strength, relearning, privleak, probability):
            memo = memos.setdefault(probe.__name__, {})
            readings[probe.__name__] = await probe(replace(found, memo=memo))
        quality = await forget_quality(found)
        labels.append(classify_readings(readings, alarm=0.1).label)
        spreads.append(quality.detail["percentile"])
        assert readings["relearning"].value is not None and readings["relearning"].value <= 0.3
    assert sum(label != "removed" for label in labels) <= 1
    assert sum(spread == 1.0 for spread in spreads) <= 5, "and mostly within the distances of retrained models"


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
