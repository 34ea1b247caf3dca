"""Fluency: whether a classifier takes generated text for language or for gibberish."""

import logging
from typing import Annotated, Any

import numpy as np
import torch
from annotated_doc import Doc
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from agents.inference.weight_loading import use_terminal_bars
from agents.inference.weight_safety import NO_CODE, NO_PICKLES
from arena.agent import Agent
from arena.cache_register import memoize
from arena.errors import UsageError
from arena.parameter_ranges import Count, Number
from unlearning.probe import Reading, Trial, metric
from unlearning.scoring.elicitation import ask_items
from unlearning.scoring.role_readings import measure_roles, select_items
from unlearning.scoring.statistics import Floats

LOGGER = logging.getLogger(__name__)

CLASSIFIER = "madhurjindal/autonlp-Gibberish-Detector-492513457"  # its class 0 is clean language
BATCH, LONGEST = 32, 512  # texts at once; tokens of a text that are read


@metric
async def gibberish(
    trial: Trial,
    *,
    role: Annotated[str, Doc('Items whose questions are asked: those of the role "forget", "retain", …')] = "forget",
    classifier: Annotated[
        str,
        Doc(
            "Sequence classifier for transformers: a folder, or the id of a model on the hub whose files are "
            "already on this machine (nothing is downloaded)."
        ),
    ] = CLASSIFIER,
    clean: Annotated[Number, Doc("Number of the classifier's class for clean language, from 0.")] = 0,
    new: Annotated[Count, Doc("Maximum new tokens of an answer.")] = 200,
) -> Reading:
    """The probability that a classifier gives to clean language, mean over greedy answers; 0 to 1, like the twin.

    open-unlearning's `forget_Q_A_gibberish`. Without such a model take `degeneration`, which counts repetitions. One
    answer and one pass of the classifier a row.
    """
    items = select_items(trial, role)
    load_classifier(classifier)  # before anything is asked

    async def measure(agent: Agent) -> tuple[Floats]:
        return (classify_texts(await ask_items(agent, items, new=new), classifier, clean),)

    return await measure_roles(trial, measure, detail={"classifier": classifier, "class": clean})


def classify_texts(texts: tuple[str, ...], classifier: str, clean: int = 0) -> Floats:
    """The probability of that class for each text. Raises UsageError where the classifier cannot be loaded or has no
    such class."""
    module, tokenizer = load_classifier(classifier)
    if not 0 <= clean < module.config.num_labels:
        raise UsageError(f"classifier {classifier!r} has classes 0 to {module.config.num_labels - 1}, not {clean}")
    found = []
    for first in range(0, len(texts), BATCH):
        inputs = tokenizer(
            list(texts[first : first + BATCH]), return_tensors="pt", padding=True, truncation=True, max_length=LONGEST
        )
        with torch.inference_mode():
            found += module(**inputs).logits.double().softmax(-1)[:, clean].tolist()
    return np.array(found)


@memoize("models")
def load_classifier(classifier: str) -> tuple[Any, Any]:
    """The classifier and its tokenizer, on the CPU. Raises UsageError where its files are not on this machine."""
    load: Any = AutoModelForSequenceClassification.from_pretrained
    try:
        with use_terminal_bars():
            tokenizer = AutoTokenizer.from_pretrained(classifier, **NO_CODE, local_files_only=True)
            model = load(classifier, **NO_PICKLES, local_files_only=True).eval()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the classifier {classifier!r} is not on this machine ({str(error).splitlines()[0]}); type: hf download "
            f"{classifier}, give a folder (classifier = …), or take the probe degeneration, which needs none"
        ) from error
    LOGGER.info("loaded classifier %s", classifier)
    return model, tokenizer
