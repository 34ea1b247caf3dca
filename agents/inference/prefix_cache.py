"""Prefix cache: keys and values of earlier prompts, so that the next turn of a chat prefills only new tokens."""

import logging
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from threading import RLock
from weakref import WeakSet

import torch

from agents.inference.kv_cache import Run
from arena.cache_register import on_clear

LOGGER = logging.getLogger(__name__)

BLOCK = 32  # tokens
_ALL: "WeakSet[Prefixes]" = WeakSet()


class Prefixes:
    """Keys and values in blocks of 32 tokens; those longest unused leave first.

    A block is named by the hash of all tokens up to its end, so beginnings that several chats share are held once.
    `stamp` says which weights they were computed with; when it changes, everything leaves.
    """

    def __init__(self) -> None:
        self._blocks: OrderedDict[bytes, Run] = OrderedDict()
        self._bytes = 0
        self._closed = False
        self._lock = RLock()  # one thread reads and writes, another may empty it
        self.stamp: object = None
        _ALL.add(self)

    @property
    def bytes(self) -> int:
        return self._bytes

    def renew(self, stamp: object) -> None:
        """Forget everything where the weights are not those of the last time."""
        if stamp != self.stamp:
            if dropped := self.clear():
                LOGGER.debug("prefix cache: the weights have changed, %d blocks dropped", dropped)
            self.stamp = stamp

    def clear(self) -> int:
        """Forget everything; how many blocks that were."""
        with self._lock:
            count = len(self._blocks)
            self._blocks.clear()
            self._bytes = 0
            return count

    def close(self) -> None:
        """Hold nothing, now and later: the memory is needed elsewhere."""
        self.clear()
        self._closed = True

    def longest(self, ids: Sequence[int], adapter: str) -> list[Run]:
        """The cached blocks of the longest prefix of `ids`, in order; marks them as used now."""
        found: list[bytes] = []
        with self._lock:
            for name in hash_blocks(ids, adapter):
                if name not in self._blocks:
                    break
                found.append(name)
            for name in reversed(found):  # a block is of no use without those before it: they leave after it
                self._blocks.move_to_end(name)
            LOGGER.debug("prefix cache: %d of %d tokens of a prompt are held", len(found) * BLOCK, len(ids))
            return [self._blocks[name] for name in found]

    def put(self, ids: Sequence[int], adapter: str, run: Run, limit: int) -> None:
        """Hold the blocks of `ids` that are not held yet, in at most `limit` bytes together with all others.

        `run` covers exactly these tokens.
        """
        with self._lock:
            names = [] if self._closed else list(hash_blocks(ids, adapter))
            for number, name in enumerate(names):
                if name not in self._blocks:
                    first, last = number * BLOCK, (number + 1) * BLOCK
                    block: Run = [(keys[:, first:last].clone(), values[:, first:last].clone()) for keys, values in run]
                    self._blocks[name] = block
                    self._bytes += count_bytes(block)
            for name in reversed(names):
                self._blocks.move_to_end(name)
            while self._bytes > limit:
                _, block = self._blocks.popitem(last=False)
                self._bytes -= count_bytes(block)


def _clear() -> int:
    """Drops the keys and values of all prompts that this process holds; how many blocks that were."""
    return sum(prefixes.clear() for prefixes in list(_ALL))


on_clear("keys and values", _clear, _ALL)


def hash_blocks(ids: Sequence[int], adapter: str) -> Iterator[bytes]:
    """The names of the whole blocks of `ids`, in order."""
    name = adapter.encode()
    for first in range(0, len(ids) - BLOCK + 1, BLOCK):
        name = blake2b(name + array("q", ids[first : first + BLOCK]).tobytes(), digest_size=16).digest()
        yield name


def count_bytes(run: Run) -> int:
    return sum(keys.nbytes + values.nbytes for keys, values in run)


def join_blocks(blocks: Sequence[Run], tokens: int) -> Run:
    """The first `tokens` columns of blocks that follow each other; empty for none."""
    if not tokens:
        return ()
    needed = blocks[: -(-tokens // BLOCK)]
    return [
        (torch.cat([block[layer][0] for block in needed], 1)[:, :tokens],
         torch.cat([block[layer][1] for block in needed], 1)[:, :tokens])
        for layer in range(len(needed[0]))
    ]  # fmt: skip
