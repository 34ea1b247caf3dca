"""What is asked, as numbers: one node for the whole, the words, the names and the headers, and how each two relate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import torch
from torch import Tensor

from unlearning.conversion import Asked
from unlearning.conversion_links import tokens

BUCKETS = 1536  # of pieces of words; bucket 0 is empty
PIECES = 10  # most pieces of a word
WORDS = 72  # most words of a request, those of a name counting as one
FLAGS = 32
NEAR = 4  # words this far apart have a relation of their own
SELF, FAR, NAMED, PARTLY, NAMES, PARTS, ALL, SOME, HAS_ALL, HAS_SOME, PARENT, CHILD, RIVAL, WHOLE = range(1, 15)
OFFSET = 15  # the first of 2 · NEAR + 1 relations of words by distance
RELATIONS = OFFSET + 2 * NEAR + 1


@dataclass(frozen=True, slots=True)
class Nodes:
    """One input. pieces: (nodes, PIECES) buckets. flags: (nodes, FLAGS) of 0 and 1. relations: (nodes, nodes).

    The nodes are, in order: the whole, `words` words, `names` names, `headers` headers.
    """

    pieces: Tensor
    flags: Tensor
    relations: Tensor
    words: int
    names: int
    headers: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs of one size: pieces (rows, nodes, PIECES), flags, relations, and which nodes there are (rows, nodes).

    names, headers: places of these nodes, (rows, most), 0 where a row has fewer.
    """

    pieces: Tensor
    flags: Tensor
    relations: Tensor
    there: Tensor
    names: Tensor
    headers: Tensor


@lru_cache(maxsize=65536)
def pieces(word: str) -> tuple[int, ...]:
    """The buckets of a word: the word itself, and its runs of three and four letters, by checksum."""
    low = word.lower()
    ringed = f"<{low}>"
    runs = [ringed[n : n + size] for size in (4, 3) for n in range(len(ringed) - size + 1)] if len(low) > 2 else []
    return tuple(1 + crc32(run.encode()) % (BUCKETS - 1) for run in [f"={low}", *runs][:PIECES])


def nodes(asked: Asked) -> Nodes:
    """The input of the network."""
    text, spans = _words(asked)
    rows: list[tuple[Sequence[int], set[int]]] = [(_several(asked.card.environments), {0} | ({1} if asked.card.own else set()))]
    rows += text
    for entity in asked.entities:
        scope = ("state", "trajectory", "environment").index(entity.scope)
        flags = {8, 9 + scope, 12 + min(3, int(entity.cover * 4)), 16 if entity.exact else 17}
        flags |= ({18} if entity.rivals else set()) | ({19} if entity.told else set())
        rows.append((pieces(entity.kind), flags))
    for header in asked.headers:
        flags = {20, 23 + min(4, len(header.parents))}
        flags |= ({21} if header.fixed else set()) | ({"told": {22}, "lost": {28}}.get(header.flag) or set())
        rows.append((pieces(header.kind), flags))
    count = len(rows)
    relations = torch.zeros(count, count, dtype=torch.uint8)
    for first, second, kind in _relations(asked, len(text), spans):
        relations[first, second] = kind
    table = torch.zeros(count, PIECES, dtype=torch.int16)
    marks = torch.zeros(count, FLAGS, dtype=torch.uint8)
    for place, (buckets, flags) in enumerate(rows):
        table[place, : len(buckets)] = torch.tensor(buckets[:PIECES], dtype=torch.int16)
        marks[place, sorted(flags)] = 1
    return Nodes(table, marks, relations, len(text), len(asked.entities), len(asked.headers))


def _several(words: Sequence[str]) -> tuple[int, ...]:
    return tuple(bucket for word in words for bucket in pieces(word)[:2])[:PIECES]


def _words(asked: Asked) -> tuple[list[tuple[Sequence[int], set[int]]], list[set[int]]]:
    """The words as nodes, a run that names something in full as one without its letters; and by entity, which nodes."""
    exact: dict[int, list[int]] = {}
    partly: dict[int, list[int]] = {}
    for number, entity in enumerate(asked.entities):
        for place in entity.places:
            (exact if entity.exact else partly).setdefault(place, []).append(number)
    rows: list[tuple[Sequence[int], set[int]]] = []
    spans: list[set[int]] = [set() for _ in asked.entities]
    before: list[int] = []
    said = tokens(asked.text)
    failed = tokens(asked.failed)
    for place, word in enumerate([*said, *failed][: 4 * WORDS]):
        named = exact.get(place, []) if place < len(said) else []
        if named and named == before and place - 1 in asked.entities[named[0]].places:
            continue
        before = named
        if len(rows) == WORDS:
            break
        flags = {2} | ({3} if named else set()) | ({4} if partly.get(place) else set())
        flags |= ({5} if word[:1].isupper() else set()) | ({6} if place >= len(said) else set())
        rows.append(((), flags) if named else (pieces(word), flags))
        for number in (*named, *partly.get(place, [])) if place < len(said) else ():
            spans[number].add(len(rows))  # the whole is node 0
    return rows, spans


def _relations(asked: Asked, words: int, spans: Sequence[set[int]]) -> Iterator[tuple[int, int, int]]:
    count = 1 + words + len(asked.entities) + len(asked.headers)
    for node in range(1, count):
        yield 0, node, WHOLE
        yield node, 0, WHOLE
    for first in range(1, words + 1):
        for second in range(1, words + 1):
            apart = second - first
            yield first, second, OFFSET + NEAR + apart if abs(apart) <= NEAR else FAR
    name_at = {entity.name: 1 + words + n for n, entity in enumerate(asked.entities)}
    for entity, places in zip(asked.entities, spans, strict=True):
        node = name_at[entity.name]
        for place in places:
            yield place, node, NAMED if entity.exact else PARTLY
            yield node, place, NAMES if entity.exact else PARTS
        for other in asked.entities:
            if other.name != entity.name and set(other.places) & set(entity.places):
                yield node, name_at[other.name], RIVAL
    start = 1 + words + len(asked.entities)
    header_at = {header.id: start + n for n, header in enumerate(asked.headers)}
    for header in asked.headers:
        node = header_at[header.id]
        for name, extent in header.about:
            if name in name_at:
                yield node, name_at[name], ALL if extent == "all" else SOME
                yield name_at[name], node, HAS_ALL if extent == "all" else HAS_SOME
        for parent in header.parents:
            if parent in header_at:
                yield node, header_at[parent], PARENT
                yield header_at[parent], node, CHILD
    for node in range(count):
        yield node, node, SELF


def batched(rows: Sequence[Nodes]) -> Batch:
    """The inputs as one batch, padded on the right."""
    width = max(len(row.pieces) for row in rows)
    names, headers = max(1, *(row.names for row in rows)), max(1, *(row.headers for row in rows))
    size = len(rows)
    table = torch.zeros(size, width, PIECES, dtype=torch.long)
    flags = torch.zeros(size, width, FLAGS)
    relations = torch.zeros(size, width, width, dtype=torch.long)
    there = torch.zeros(size, width, dtype=torch.bool)
    name_at, header_at = torch.zeros(size, names, dtype=torch.long), torch.zeros(size, headers, dtype=torch.long)
    for n, row in enumerate(rows):
        count = len(row.pieces)
        table[n, :count], flags[n, :count] = row.pieces.long(), row.flags.float()
        relations[n, :count, :count], there[n, :count] = row.relations.long(), True
        name_at[n, : row.names] = torch.arange(1 + row.words, 1 + row.words + row.names)
        first = 1 + row.words + row.names
        header_at[n, : row.headers] = torch.arange(first, first + row.headers)
    return Batch(table, flags, relations, there, name_at, header_at)

