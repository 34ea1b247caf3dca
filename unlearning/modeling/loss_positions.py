"""Which tokens of an item enter a loss: the answer, all tokens, or the answer without its first tokens."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from agents.inference.forward_step import CausalNetwork
from unlearning.modeling.item_tokenization import Encoded

Positions: TypeAlias = Literal["all", "answer"]


def mark_positions(module: Any, encoded: Iterable[Encoded], positions: Positions) -> tuple[Encoded, ...]:
    """The items as a term reads them that compares what stands at each token, whatever token follows."""
    most = CausalNetwork(module).context
    return tuple(mark_every_token(one, most) if positions == "all" else one for one in encoded)


def mark_every_token(one: Encoded, most: int | None = None) -> Encoded:
    """The item read at each of its tokens, prompt included, for terms that ask for no token in particular.

    A view holds the places that predict a token, so that another token is appended after the last one, where no real
    token looks. most: the model's context; an item that fills it is read at all tokens but the last.
    """
    ids = one.ids if most is not None and len(one.ids) >= most else (*one.ids, one.ids[-1])
    return Encoded(ids, 1, len(one.ids), one.value)


def without_first(one: Encoded, skip: int) -> Encoded:
    """The item without the first `skip` tokens of its answer, of which the last one always stays."""
    start = min(one.start + skip, len(one.ids) - 1)
    return replace(one, start=max(one.start, start), words=max(one.words, start))
