"""A small world and the models that were taught it: who knows everything, and twins. Made once in a run."""

import os
import tempfile
from functools import cache

from unlearning.benchmarks.tofu import Tofu
from unlearning.probe import Trial

SMALL = Tofu(people=18, relations=4)
SPLIT = "forget20"


FOLDER = tempfile.TemporaryDirectory(prefix="arena-models-")  # lives as long as the tests run


@cache
def trial(twins: int = 0) -> Trial:
    """The trial of an agent that forgot nothing, in the small world; about three seconds for each model in it."""
    before = os.environ.get("ARENA_MODELS")
    os.environ["ARENA_MODELS"] = before or FOLDER.name
    try:
        return SMALL.trial(SPLIT, twins=twins)
    finally:
        if before is None:
            del os.environ["ARENA_MODELS"]
