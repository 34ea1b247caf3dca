"""A record of calls of which some were not counted: what providers leave out, refusals, a person."""

import asyncio
from collections.abc import Sequence

from duel import duel, round_row

from arena.episode import Episode, Turn
from arena.game import Move
from arena.store.store import Pending, Store
from arena.usage import Call, Usage

KNOWN = Call("tiny/one", input_tokens=10, output_tokens=5, usd=0.5, reply="yes")
UNCOUNTED = Call("tiny/one", reply="yes")
PROMPTLESS = Call("tiny/one", output_tokens=5, reply="yes")
REFUSED = Call("tiny/one", outcome="rate_limited", usd=0.0)
LOST = Call("tiny/one", outcome="timeout")
PERSON = Call("human", usd=0.0, reply="yes")
EPISODES: tuple[tuple[tuple[Call, ...], tuple[Call, ...]], ...] = (  # the calls of the buyer, then of the seller
    ((KNOWN,), (KNOWN,)),
    ((KNOWN,), (UNCOUNTED,)),
    ((REFUSED, KNOWN), (REFUSED, REFUSED, KNOWN)),
    ((LOST, KNOWN), (PROMPTLESS,)),
    ((PERSON,), (KNOWN,)),
    ((), ()),
)


def play_partly_counted(store: Store) -> str:
    """Records the episodes in a run, and returns the id of the run."""
    run = store.begin([duel(seed) for seed in range(len(EPISODES))])
    asyncio.run(_record(store, run.pending))
    store.end(run.id, "over")
    return run.id


async def _record(store: Store, pending: Sequence[Pending]) -> None:
    for item, both in zip(pending, EPISODES, strict=True):
        await store.record_start(item)
        for step, calls in enumerate(both):
            seat = ("buyer", "seller")[step]
            await store.turn(item.id, Turn(step, seat, Move(f"{item.n} {step}", usage=Usage(calls))))
        rounds = {**round_row(0), "round": 1, "first_step": 0, "last_step": 1}
        await store.record_end(item.id, Episode(item.match, (), {"buyer": 1.0, "seller": 2.0}, {"rounds": [rounds]}))
