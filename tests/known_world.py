"""A small world and the models that were taught it: who knows everything, and twins. Made once in a run."""

import os
import tempfile
from functools import cache

from unlearning.benchmarks.tofu import Tofu
from unlearning.probe import Trial

SMALL = Tofu(people=18, relations=4)
SPLIT = "forget20"


@cache
def trial(twins: int = 0) -> Trial:
    """The trial of an agent that forgot nothing, in the small world; about three seconds for each model in it."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("ARENA_MODELS")
        os.environ["ARENA_MODELS"] = before or folder
        try:
            made = SMALL.trial(SPLIT, twins=twins)
            for agent in (made.before, made.oracle, *made.twins):
                agent.model.module  # type: ignore[attr-defined]  # noqa: B018 (loads it while the folder is there)
        finally:
            if before is None:
                del os.environ["ARENA_MODELS"]
    return made
