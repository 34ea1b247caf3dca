"""Encode the input as a graph: a node for the whole, for words, names and headers; and the relation of each pair."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

import torch
from torch import Tensor

from arena.cache_register import memoize
from arena.text.words import fold, split_tokens
from unlearning.conversion.conversion import ConversionInput

BUCKETS = 1536  # of pieces of words; bucket 0 is empty
PIECES = 10  # most pieces of a word
WORDS = 72  # most words of a request, those of a name counting as one
FLAGS, WORD = 32, 2  # marks of a node; the one that says it is a word
NEAR = 4  # greatest distance of words with a separate relation
SELF, FAR, NAMED, PARTLY, NAMES, PARTS, RIVAL, WHOLE = range(1, 9)
OFFSET = 9  # the first of 2 · NEAR + 1 relations of words by distance
RELATIONS = OFFSET + 2 * NEAR + 1


@dataclass(frozen=True, slots=True)
class Nodes:
    """One input. pieces: (nodes, PIECES) buckets. flags: (nodes, FLAGS) of 0 and 1.

    The nodes are, in order: the whole, `words` words, `names` names, `headers` headers. relations: of the nodes that
    are no headers to each other. about: (headers, names), the share of a note's source events that have to do with the
    name. parents: (headers, headers), 1 where the second was a parent of the first.
    """

    pieces: Tensor
    flags: Tensor
    relations: Tensor
    about: Tensor
    parents: Tensor
    words: int

    @property
    def names(self) -> int:
        return self.about.shape[1]

    @property
    def headers(self) -> int:
        return self.about.shape[0]


@dataclass(frozen=True, slots=True)
class FeatureBatch:
    """Inputs side by side, padded: text is the whole and words and names, then headers apart.

    pieces: (rows, nodes, PIECES). flags: (rows, nodes, FLAGS). relations: (rows, nodes, nodes). there: (rows, nodes).
    names: (rows, names) places among the nodes, 0 where a row has fewer. header_pieces, header_flags, and about (rows,
    headers, names) and parents (rows, headers, headers) as in Nodes.
    """

    pieces: Tensor
    flags: Tensor
    relations: Tensor
    there: Tensor
    names: Tensor
    header_pieces: Tensor
    header_flags: Tensor
    about: Tensor
    parents: Tensor


@memoize("texts", most=65536)
def hash_word(word: str) -> tuple[int, ...]:
    """The buckets of a word: the word itself, and its runs of three and four letters, by checksum."""
    low = fold(word)
    ringed = f"<{low}>"
    runs = [ringed[n : n + size] for size in (4, 3) for n in range(len(ringed) - size + 1)] if len(low) > 2 else []
    return tuple(1 + crc32(run.encode()) % (BUCKETS - 1) for run in [f"={low}", *runs][:PIECES])


def build_nodes(asked: ConversionInput) -> Nodes:
    """The input of the network."""
    text, spans = _encode_words(asked)
    rows: list[tuple[Sequence[int], set[int]]] = [
        (_hash_words(asked.card.environments), {0} | ({1} if asked.card.own else set()))
    ]
    rows += text
    for entity in asked.entities:
        scope = ("state", "trajectory", "environment").index(entity.scope)
        flags = {8, 9 + scope, 12 + min(3, int(entity.cover * 4)), 16 if entity.exact else 17}
        flags |= ({18} if entity.rivals else set()) | ({19} if entity.told else set())
        rows.append((hash_word(entity.kind), flags))
    for header in asked.headers:
        flags = {20, 23 + min(4, len(header.parents))}
        flags |= ({21} if header.fixed else set()) | ({"told": {22}, "lost": {28}}.get(header.flag) or set())
        rows.append((hash_word(header.kind), flags))
    count, headers = len(rows), len(asked.headers)
    core = count - headers
    relations = torch.zeros(core, core, dtype=torch.uint8)
    for first, second, kind in _find_relations(asked, len(text), spans):
        relations[first, second] = kind
    table = torch.zeros(count, PIECES, dtype=torch.int16)
    marks = torch.zeros(count, FLAGS, dtype=torch.uint8)
    for place, (buckets, flags) in enumerate(rows):
        table[place, : len(buckets)] = torch.tensor(buckets[:PIECES], dtype=torch.int16)
        marks[place, sorted(flags)] = 1
    return Nodes(table, marks, relations, *_build_provenance(asked), len(text))


def _build_provenance(asked: ConversionInput) -> tuple[Tensor, Tensor]:
    """Which names each header is about, and which headers are its parents."""
    about = torch.zeros(len(asked.headers), len(asked.entities), dtype=torch.float16)
    parents = torch.zeros(len(asked.headers), len(asked.headers), dtype=torch.uint8)
    name_at = {entity.name: place for place, entity in enumerate(asked.entities)}
    header_at = {header.id: place for place, header in enumerate(asked.headers)}
    for place, header in enumerate(asked.headers):
        for name, share in header.about:
            if name in name_at:
                about[place, name_at[name]] = share
        for parent in header.parents:
            if parent in header_at:
                parents[place, header_at[parent]] = 1
    return about, parents


def _hash_words(words: Sequence[str]) -> tuple[int, ...]:
    return tuple(bucket for word in words for bucket in hash_word(word)[:2])[:PIECES]


def _encode_words(asked: ConversionInput) -> tuple[list[tuple[Sequence[int], set[int]]], list[set[int]]]:
    """The words as nodes, a run that names something in full as one without its letters; and by entity, which nodes."""
    exact: dict[int, list[int]] = {}
    partly: dict[int, list[int]] = {}
    for number, entity in enumerate(asked.entities):
        for place in entity.places:
            (exact if entity.exact else partly).setdefault(place, []).append(number)
    rows: list[tuple[Sequence[int], set[int]]] = []
    spans: list[set[int]] = [set() for _ in asked.entities]
    before: list[int] = []
    said = split_tokens(asked.text)
    failed = split_tokens(asked.failed)
    for place, word in enumerate([*said, *failed][: 4 * WORDS]):
        named = exact.get(place, []) if place < len(said) else []
        if named and named == before and place - 1 in asked.entities[named[0]].places:
            continue
        before = named
        if len(rows) == WORDS:
            break
        flags = {WORD} | ({3} if named else set()) | ({4} if partly.get(place) else set())
        flags |= ({5} if word[:1].isupper() else set()) | ({6} if place >= len(said) else set())
        rows.append(((), flags) if named else (hash_word(word), flags))
        for number in (*named, *partly.get(place, [])) if place < len(said) else ():
            spans[number].add(len(rows))  # the whole is node 0
    return rows, spans


def _find_relations(asked: ConversionInput, words: int, spans: Sequence[set[int]]) -> Iterator[tuple[int, int, int]]:
    count = 1 + words + len(asked.entities)
    for node in range(1, count):
        yield 0, node, WHOLE
        yield node, 0, WHOLE
    for first in range(1, words + 1):
        for second in range(1, words + 1):
            apart = second - first
            yield first, second, OFFSET + NEAR + apart if abs(apart) <= NEAR else FAR
    for number, (entity, places) in enumerate(zip(asked.entities, spans, strict=True)):
        node = 1 + words + number
        for place in places:
            yield place, node, NAMED if entity.exact else PARTLY
            yield node, place, NAMES if entity.exact else PARTS
        for other, rival in enumerate(asked.entities):
            if other != number and set(rival.places) & set(entity.places):
                yield node, 1 + words + other, RIVAL
    for node in range(count):
        yield node, node, SELF


def collate_nodes(rows: Sequence[Nodes]) -> FeatureBatch:
    """The inputs as one batch, padded on the right."""
    cores = [1 + row.words + row.names for row in rows]
    core, names, headers = max(cores), max(1, *(r.names for r in rows)), max(1, *(r.headers for r in rows))
    size = len(rows)
    table = torch.zeros(size, core + headers, PIECES, dtype=torch.long)
    flags = torch.zeros(size, core + headers, FLAGS)
    relations = torch.zeros(size, core, core, dtype=torch.long)
    there = torch.zeros(size, core, dtype=torch.bool)
    name_at = torch.zeros(size, names, dtype=torch.long)
    about, parents = torch.zeros(size, headers, names), torch.zeros(size, headers, headers)
    for n, (row, count) in enumerate(zip(rows, cores, strict=True)):
        table[n, :count], flags[n, :count] = row.pieces[:count].long(), row.flags[:count].float()
        table[n, core : core + row.headers] = row.pieces[count:].long()
        flags[n, core : core + row.headers] = row.flags[count:].float()
        relations[n, :count, :count], there[n, :count] = row.relations.long(), True
        name_at[n, : row.names] = torch.arange(1 + row.words, count)
        about[n, : row.headers, : row.names] = row.about
        parents[n, : row.headers, : row.headers] = row.parents
    return FeatureBatch(
        table[:, :core], flags[:, :core], relations, there, name_at, table[:, core:], flags[:, core:], about, parents
    )
