"""Whether a model knows an item: after the true beginning, every token of the value is its argmax."""

from collections.abc import Sequence

import numpy as np

from arena.agent import Agent
from unlearning.request import Item
from unlearning.scoring.answer_logprobs import score_items
from unlearning.scoring.extraction_strength import hits_of
from unlearning.scoring.statistics import Floats


def score_known(agent: Agent, items: Sequence[Item], who: str) -> Floats:
    """1 for each item whose value (or whole answer, where none is named) the model would say, else 0."""
    return np.array([float(all(hits_of(one, "value"))) for one in score_items(agent, items, who)])
