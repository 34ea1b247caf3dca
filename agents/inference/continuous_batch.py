"""Continuous batching: requests join and leave at any token (iteration-level scheduling: Orca, Yu et al. 2022).

Between two decoding steps, new prompts are prefilled, at most READ tokens at a time, longer prompts and
larger groups in chunks. A row joins once its prompt is prefilled and frees its slot when it ends.
"""

from collections import deque
from collections.abc import Container
from dataclasses import dataclass

import torch
from torch import Tensor

from agents.inference.forward_step import CausalNetwork
from agents.inference.kv_cache import Columns, build_mask
from agents.inference.prefix_cache import BLOCK, Prefixes, join_blocks
from agents.inference.sampling import ActiveRow, Draw

READ = 2048  # prefill chunk in tokens, padding included: how long decoding waits between two steps
ALIKE = 32  # tokens: prompts that differ by less, or by less than a factor of two, are read together


@dataclass(slots=True, eq=False)
class PrefillGroup:
    """Prompts being prefilled together: `ids` (rows, columns) are the last tokens of each; the tokens
    before them are in the prefix cache; `lengths` (rows,) count all tokens, `width` is the final maximum."""

    lives: list[ActiveRow]
    ids: Tensor
    lengths: Tensor
    cache: Columns
    width: int


class ContinuousBatch:
    """The rows of one network: those waiting, a group in prefill, and those that generate."""

    def __init__(self, network: CausalNetwork, prefixes: Prefixes, pad: int) -> None:
        self.network, self.prefixes, self.pad = network, prefixes, pad
        self.waiting: deque[ActiveRow] = deque()
        self.group: PrefillGroup | None = None
        self.rows: list[ActiveRow] = []
        self.cache: Columns | None = None  # of the rows at work; None while there are none
        self.next = self.lengths = torch.zeros(0, dtype=torch.long)  # (rows,): the token sampled last, tokens processed

    @property
    def lives(self) -> list[ActiveRow]:
        return [*self.rows, *(self.group.lives if self.group else ()), *self.waiting]

    def admit(self, one: ActiveRow) -> None:
        self.waiting.append(one)

    def turn(self) -> None:
        """Prefill a chunk of the new prompts, and decode one token for every generating row; finished rows leave."""
        for one in self.waiting:
            one.done = one.row.gone()
        self.waiting = deque(one for one in self.waiting if not one.done)
        if self.group is None and self.waiting:
            self.group = self._form_group()
        if self.group is not None:
            self._read(self.group)
        if self.rows:
            self._generate()

    def surrender(self) -> None:
        """Release all rows in their current state; each can be admitted again and continues from there."""
        self.waiting.clear()
        self.group, self.rows, self.cache = None, [], None

    def _form_group(self) -> PrefillGroup:
        """The next prefill group: the request that waited longest, and those with about as many tokens to prefill."""
        if any(one.row.hold for one in self.waiting):
            self.prefixes.renew(self.network.stamp)
        known = {one: self.prefixes.longest(one.ids, one.row.adapter) if one.row.hold else [] for one in self.waiting}
        # the last token is always read: what comes after it is the question
        left = {one: len(one.ids) - min(len(known[one]) * BLOCK, len(one.ids) - 1) for one in self.waiting}
        head = left[self.waiting[0]]
        lives = [one for one in self.waiting if max(left[one], head) <= 2 * min(left[one], head) + ALIKE]
        self.waiting = deque(one for one in self.waiting if one not in lives)
        width = max(left[one] for one in lives)
        # a row with fewer tokens left recomputes cached tokens instead of padding: so no row has a gap
        held = [max(0, len(one.ids) - width) for one in lives]
        ids = torch.full((len(lives), width), self.pad)  # (rows, columns), left-padded
        for place, one in enumerate(lives):
            one.stamp = self.prefixes.stamp
            one.reused = one.reused if one.made else held[place]
            tail = one.ids[-width:]
            ids[place, width - len(tail) :] = torch.tensor(tail)
        device = self.network.device
        lengths = torch.tensor([len(one.ids) for one in lives], device=device)  # (rows,)
        cache = Columns([join_blocks(known[one], tokens) for one, tokens in zip(lives, held, strict=True)])
        return PrefillGroup(lives, ids.to(device), lengths, cache, max(held) + width)

    def _read(self, group: PrefillGroup) -> None:
        """Prefill the next columns of the group's prompts; after the last, its rows join the batch."""
        left = group.width - group.cache.width
        part = group.ids[:, group.ids.shape[1] - left :][:, : max(1, READ // len(group.lives))]
        read = group.cache.width + part.shape[1]
        scores = self.network.step(
            part,
            build_mask(group.lengths, group.width, read),
            group.lengths - 1 - (group.width - read),
            group.cache,
            [one.row.adapter for one in group.lives],
        )
        if read < group.width:
            return
        picked = Draw(group.lives, self.network.device)(scores).argmax(-1)  # (rows, vocabulary) -> (rows,)
        company = len(self.rows) + len(group.lives)
        for one, token in zip(group.lives, picked.tolist(), strict=True):
            one.add(token, company)
        for place, one in enumerate(group.lives):
            self._hold(one, group.cache, place)
        self.group = None
        self._join(group, picked)

    def _join(self, group: PrefillGroup, picked: Tensor) -> None:
        staying = [place for place, one in enumerate(group.lives) if not one.done]
        if not staying:
            return
        lengths = group.lengths[staying]
        group.cache.keep(staying, int(lengths.max()))
        if self.cache is None:
            self.cache, self.next, self.lengths = group.cache, picked[staying], lengths
        else:
            self.cache.join(group.cache)
            self.next, self.lengths = torch.cat([self.next, picked[staying]]), torch.cat([self.lengths, lengths])
        self.rows += [group.lives[place] for place in staying]
        self.draw = Draw(self.rows, self.network.device)

    def _generate(self) -> None:
        """Decode one token for every generating row."""
        assert self.cache is not None
        self.lengths += 1  # the token sampled last is processed now
        width = self.cache.width + 1
        mask = build_mask(self.lengths, width, width)  # (rows, columns)
        adapters = [one.row.adapter for one in self.rows]
        scores = self.network.step(self.next[:, None], mask, self.lengths - 1, self.cache, adapters)
        self.next = self.draw(scores).argmax(-1)  # (rows,)
        for one, token in zip(self.rows, self.next.tolist(), strict=True):
            one.add(token, len(self.rows))
        ended = {place for place, one in enumerate(self.rows) if one.done}
        for place in ended:
            self._hold(self.rows[place], self.cache, place)
        if ended:
            self._leave(ended)

    def _leave(self, ended: Container[int]) -> None:
        """Compact the batch: rows from the end take the slots of those that leave."""
        assert self.cache is not None
        count = sum(not one.done for one in self.rows)
        if not count:
            self.rows, self.cache = [], None
            return
        last = [place for place in range(count, len(self.rows)) if place not in ended]
        order = [last.pop() if place in ended else place for place in range(count)]
        self.rows = [self.rows[place] for place in order]
        self.next, self.lengths = self.next[order], self.lengths[order]
        self.cache.keep(order, int(self.lengths.max()))
        self.draw = Draw(self.rows, self.network.device)

    def _hold(self, one: ActiveRow, cache: Columns, place: int) -> None:
        """Cache the keys and values of a row for prompts with the same prefix; its last token was not processed."""
        if one.row.hold and one.stamp == self.prefixes.stamp:
            read = one.ids[:-1]
            run = cache.run(place, cache.width - len(read), cache.width)
            self.prefixes.put(read, one.row.adapter, run, one.row.hold)
