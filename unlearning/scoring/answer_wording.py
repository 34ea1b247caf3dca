"""Answers as text: few-shot prompts, where an answer ends, and whether it discloses a value."""

import math
import re
from collections import Counter
from collections.abc import Sequence

from agents.chat_model import OpenWeights
from agents.name_matching import make_finder
from arena.agent import Agent
from arena.text.words import find_piece_spans, split_pieces
from unlearning.request import Item
from unlearning.scoring.elicitation import get_mind
from unlearning.scoring.rouge import rouge_l

STOP = re.compile(r"\n\n|\nQuestion|Question:")
QUESTION = re.compile(r"\n\s*\n|\n?Question\b")


def shots_before(shown: Sequence[Item], item: Item) -> Item:
    """The item as the last of several questions in one text, those before with their answers."""
    examples = "".join(f"Question: {one.prompt}\nAnswer: {one.answer}\n\n" for one in shown)
    prompt = f"{examples}Question: {item.prompt}\nAnswer:"
    return Item(item.name, prompt, f" {item.answer}", item.aliases, item.wrong, {**item.tags, "form": "passage"})


def until_next(said: str) -> str:
    """The text before a blank line or the next question."""
    return QUESTION.split(said.lstrip(), maxsplit=1)[0].strip()


def until_stop(said: str) -> str:
    """The text before the first of open-unlearning's stop texts."""
    return STOP.split(said, maxsplit=1)[0].strip()


def cut_to(agent: Agent, said: str, gold: str, most: int) -> tuple[str, str]:
    """Both texts, cut to as many tokens as `gold` has, `most` at most; words where the agent's tokens are not known.

    Words are parted by spaces; in scripts that have none they are characters.
    """
    model = getattr(get_mind(agent), "model", None)
    if not isinstance(model, OpenWeights):
        count = min(most, len(find_piece_spans(gold)))
        return _first(said, count), _first(gold, count)
    ids = model.tokenizer(gold, add_special_tokens=False)["input_ids"][:most]
    mine = model.tokenizer(said, add_special_tokens=False)["input_ids"][: len(ids)]
    return str(model.tokenizer.decode(mine)), str(model.tokenizer.decode(ids))


def _first(text: str, count: int) -> str:
    """The first words of a text."""
    spans = find_piece_spans(text)[:count]
    return text[spans[0][0] : spans[-1][1]] if spans else ""


def gives_away(item: Item, said: str) -> float:
    """The share of the answer that is disclosed: 1 or 0 for a value, word for word; without one, ROUGE-L recall of the
    answer."""
    value = item.tags.get("value", "")
    if not value:
        return rouge_l(said, item.answer)
    return float(make_finder((value,)).search(said) is not None)


def entropy(words: Sequence[str], n: int) -> float:
    """The entropy of the runs of n words, in bits; 0 for fewer than n words."""
    counts = Counter(tuple(words[first : first + n]) for first in range(len(words) - n + 1))
    total = counts.total()
    return -sum(count / total * math.log2(count / total) for count in counts.values()) if total else 0.0


def fluency(text: str) -> float:
    """The mean of ⅔ · H₂ and 4/3 · H₃, H_n the entropy of runs of n words in bits (RWKU): low where words repeat.

    Words are parted by spaces; in scripts that have none (Chinese, Thai, …) each character is one.
    """
    words = split_pieces(text)
    return (2 / 3 * entropy(words, 2) + 4 / 3 * entropy(words, 3)) / 2


def distinct(text: str, n: int) -> float:
    """The share of runs of n words that are different from all before; 1 where there are none (Li et al. 2016)."""
    words = split_pieces(text)
    runs = [tuple(words[first : first + n]) for first in range(len(words) - n + 1)]
    return len(set(runs)) / len(runs) if runs else 1.0
