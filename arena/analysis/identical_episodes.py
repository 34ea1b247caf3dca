"""Detect duplicate episodes: with different seeds, the same answers from first to last and the same outcome.

Scripted agents that act choose their phrases by the seed, which is no difference: only their actions are compared.
Words are compared where a model was asked, and in games without actions. If nothing in a match depends on its seed, all
its episodes are one observation, not a sample.
"""

import json
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from arena.store.query import query

AT_ONCE = 500  # episodes per database query
FACTS = "select episode, name, n, value from fact where episode in ({}) order by episode, name, n"
TURNS = (
    "select episode, args, step, attempt, seat, tool, case when exists (select 1 from call where call.episode = "
    "turn.episode) or not exists (select 1 from turn other where other.episode = turn.episode and other.tool <> '') "
    "then text end as words from turn where episode in ({}) "
    "order by episode, step, attempt, seat"
)
QUESTIONS = (
    TURNS,
    "select episode, seat, scorer, value from score where episode in ({}) order by episode, seat, scorer, version",
    FACTS,
)
PHRASE = 3  # most words of an argument that counts as data and not as a phrase
FINISHED = ("over", "forfeit")


def find_copies(db: str, episodes: Iterable[tuple[Hashable, int, str]]) -> dict[Hashable, bool]:
    """For each group with two seeds or more, whether all its episodes are duplicates.

    episodes: (group, seed, id) of each; a group holds episodes with the same settings.
    """
    groups: dict[Hashable, dict[int, str]] = defaultdict(dict)
    for group, seed, episode in episodes:
        groups[group].setdefault(seed, episode)
    several = {group: list(by_seed.values()) for group, by_seed in groups.items() if len(by_seed) > 1}
    first = compute_fingerprints(db, [id for ids in several.values() for id in ids[:2]])
    alike = {group: ids for group, ids in several.items() if len({first[id] for id in ids[:2]}) == 1}
    rest = first | compute_fingerprints(db, [id for ids in alike.values() for id in ids[2:]])
    return {group: group in alike and len({rest[id] for id in ids}) == 1 for group, ids in several.items()}


def compute_fingerprints(db: str, episodes: Sequence[str]) -> dict[str, str]:
    """A hash of each episode: its answers (seat, step, action, arguments, words where these count) and its end (scores,
    and the numbers of its facts, which reflect the random draws of a game).
    """
    hashes = {episode: blake2b(digest_size=16) for episode in episodes}
    for start in range(0, len(episodes), AT_ONCE):
        some = tuple(episodes[start : start + AT_ONCE])
        for question in QUESTIONS:
            for episode, *told in query(db, question.format(", ".join("?" * len(some))), some).rows:
                if question is FACTS:
                    told = [told[0], _drop_long_texts(json.loads(told[-1]), 0)]
                elif question is TURNS and told[0] and told[-1] is None:
                    told = [_drop_long_texts(json.loads(told[0]), PHRASE), *told[1:]]
                hashes[episode].update(f"{told!r}\n".encode())
    return {episode: found.hexdigest() for episode, found in hashes.items()}


def _drop_long_texts(value: object, words: int) -> Any:
    """A fact or argument without texts of more than `words` words, which count as phrases."""
    if isinstance(value, Mapping):
        return {key: _drop_long_texts(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [_drop_long_texts(item, words) for item in value]
    return None if isinstance(value, str) and len(value.split()) > words else value


def find_copied_cells(db: str, run: str, n: int, labels: Sequence[str]) -> Mapping[str, int]:
    """The cells of a run whose episodes are duplicates: label to number of episodes. n: episodes of each cell."""
    where = f"run = ? and status in {FINISHED!r} order by n"
    rows = query(db, f"select n, seed, id from episode where {where}", (run,)).rows
    found = find_copies(db, (((number - 1) // n, seed, id) for number, seed, id in rows))
    counts = {cell: sum((number - 1) // n == cell for number, *_ in rows) for cell, same in found.items() if same}
    return {labels[int(str(cell))]: count for cell, count in counts.items()}


def describe_copies(cells: Mapping[str, int], of: int, spread: bool) -> str:
    """A warning about duplicate episodes, with what to type; "" if there are none. spread: whether the game draws its
    values by `game.spread`.
    """
    if not cells:
        return ""
    (label, count), *others = cells.items()
    which = f"in {len(cells)} of {of} cells, such as {label}, " if of > 1 else ""
    hint = "; --set game.spread=3 draws the players' values by the seed" if spread else ""
    whole = f"all {count} episodes are" if not others else "all episodes are"
    return (
        f"note: {which}{whole} copies of one, answer by answer, since nothing in them depends on the seed: they count "
        f"as one observation, and make no sample{hint}"
    )
