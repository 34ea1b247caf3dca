"""What the views of negotiations say about small records whose answers are worked out by hand."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from duel import duel

from arena.episode import Episode
from arena.store.query import query
from arena.store.store import Pending, Store

COST, VALUE = 8.0, 20.0
FINISHED = "over"


def record(path: Path, episodes: Sequence[Mapping[str, Any]]) -> None:
    """Records episodes as given: `facts`, `scores`, `status`, and who sits in the seats."""
    matches = [duel(seed, **episode.get("seats", {})) for seed, episode in enumerate(episodes)]

    async def work(store: Store, pending: Sequence[Pending]) -> None:
        for item, episode in zip(pending, episodes, strict=True):
            await store.record_start(item)
            scores, status = episode.get("scores", {}), episode.get("status", FINISHED)
            ended = Episode(item.match, (), scores, episode.get("facts", {}), status, episode.get("blame", ""))
            await store.record_end(item.id, ended)

    with Store.open(path) as store:
        asyncio.run(work(store, store.begin(matches).pending))


def chain(*prices: float | None, **more: Any) -> dict[str, Any]:
    """An episode of rounds that ended at these prices; None is no deal."""
    rounds = [
        {"round": n, "deal": price is not None, "price": price, "ended": "accept" if price else "turns",
         "buyer_surplus": VALUE - price if price else 0.0, "seller_surplus": price - COST if price else 0.0}
        for n, price in enumerate(prices, 1)
    ]  # fmt: skip
    facts = {"rounds": rounds, "cost": COST, "value": VALUE, "coach": "seller", "feedback": "ai", **more}
    return {"facts": facts, "seats": {"buyer": "says/b", "seller": "says/s"}}


def table(path: Path, sql: str) -> list[dict[str, Any]]:
    found = query(path, sql)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "arena.db"


def test_survival_counts_every_chain_in_every_round(path: Path) -> None:
    cut = {**chain(9.0, 9.0, 9.0), "status": "cut"}  # was not played to its end: no chain
    record(path, [chain(14.0, None, 16.0), chain(12.0, 10.0, None), chain(None), cut])
    rows = table(path, "select * from survival order by round")
    assert [(row["round"], row["chains"], row["played"], row["deals"], row["alive"]) for row in rows] == [
        (1, 3, 3, 2, 2), (2, 3, 2, 1, 1), (3, 3, 2, 1, 0),
    ]  # fmt: skip
    assert [row["deal_rate"] for row in rows] == pytest.approx([2 / 3, 1 / 3, 1 / 3])
    assert [row["survival"] for row in rows] == pytest.approx([2 / 3, 1 / 3, 0])
    assert [row["next_rate"] for row in rows] == pytest.approx([2 / 3, 1 / 2, 0])
    assert [(row["price"], row["alive_price"]) for row in rows] == [(13.0, 13.0), (10.0, 10.0), (16.0, None)]
    assert [row["seller_payoff"] for row in rows] == pytest.approx([(6 + 4) / 3, 2 / 3, 8 / 3])
    assert [row["buyer_payoff"] for row in rows] == pytest.approx([(6 + 8) / 3, 10 / 3, 4 / 3])
    assert {(row["buyer"], row["seller"], row["coach"], row["feedback"]) for row in rows} == {
        ("says/b", "says/s", "seller", "ai")
    }


def test_arms_are_chains_of_their_own_and_a_chance_after_nothing_is_unknown(path: Path) -> None:
    record(path, [chain(None, 10.0, 11.0), chain(14.0, feedback="none")])
    rows = table(path, "select feedback, round, chains, survival, next_rate, price from survival order by 1, 2")
    assert [tuple(row.values()) for row in rows] == [
        ("ai", 1, 1, 0.0, 0.0, None), ("ai", 2, 1, 0.0, None, 10.0), ("ai", 3, 1, 0.0, None, 11.0),
        ("none", 1, 1, 1.0, 1.0, 14.0),
    ]  # fmt: skip


OFFERS = [  # of two rounds; cost 8 and value 20, so that $12 are to be shared
    {"round": 1, "seat": "seller", "price": 26}, {"round": 1, "seat": "buyer", "price": 2},
    {"round": 1, "seat": "seller", "price": 20}, {"round": 1, "seat": "buyer", "price": 11},
    {"round": 1, "seat": "seller", "price": 17.0},
    {"round": 2, "seat": "buyer", "price": 8}, {"round": 2, "seat": "seller", "price": 14},
]  # fmt: skip


def test_offers_have_turns_of_their_seat_and_what_they_keep_for_it(path: Path) -> None:
    record(path, [chain(17.0, 14.0, offers=OFFERS)])
    sql = "select round, seat, agent, turn, n, price, demand, conceded from offers order by n"
    assert [tuple(row.values()) for row in table(path, sql)] == [
        (1, "seller", "says/s", 1, 1, 26, 1.5, None), (1, "buyer", "says/b", 1, 2, 2, 1.5, None),
        (1, "seller", "says/s", 2, 3, 20, 1.0, 0.5), (1, "buyer", "says/b", 2, 4, 11, 0.75, 0.75),
        (1, "seller", "says/s", 3, 5, 17.0, 0.75, 0.25),
        (2, "buyer", "says/b", 1, 6, 8, 1.0, None), (2, "seller", "says/s", 1, 7, 14, 0.5, None),
    ]  # fmt: skip


def test_concession_is_the_mean_offer_by_turn(path: Path) -> None:
    other = [{"round": 1, "seat": "seller", "price": 20}, {"round": 1, "seat": "seller", "price": 19.5}]
    record(
        path, [chain(17.0, 14.0, offers=OFFERS), chain(19.5, offers=other), {**chain(offers=other), "status": "cut"}]
    )
    sql = "select turn, n, price, demand, conceded from concession where seat = 'seller' and round = 1 order by turn"
    first, second, third = (tuple(row.values()) for row in table(path, sql))
    assert first == (1, 2, 23.0, 1.25, None)
    assert second == pytest.approx((2, 2, 19.75, (1 + 11.5 / 12) / 2, (0.5 + 0.5 / 12) / 2))
    assert third == (3, 1, 17.0, 0.75, 0.25)


def test_anchoring_sets_the_first_offer_beside_the_price(path: Path) -> None:
    record(path, [chain(17.0, 14.0, None, offers=OFFERS)])
    columns = "round, opened, first_offer, buyer_first, seller_first, middle, price, anchor, result"
    assert [tuple(row.values()) for row in table(path, f"select {columns} from anchoring order by round")] == [
        (1, "seller", 26, 2, 26, 14.0, 17.0, 1.5, 0.75), (2, "buyer", 8, 8, 14, 11.0, 14.0, 0.0, 0.5),
        (3, None, None, None, None, None, None, None, None),
    ]  # fmt: skip


def test_without_a_price_for_both_there_is_nothing_to_keep(path: Path) -> None:
    record(path, [chain(14.0, offers=OFFERS[:2], cost=20.0, value=8.0)])
    assert table(path, "select demand, price from offers order by n") == [
        {"demand": None, "price": 26}, {"demand": None, "price": 2},
    ]  # fmt: skip
    assert table(path, "select anchor, result from anchoring") == [{"anchor": None, "result": None}]


def test_bluff_sets_claims_beside_the_truth(path: Path) -> None:
    said = [("seller", "worth", 12), ("seller", "limit", 8), ("buyer", "limit", 15.5), ("buyer", "worth", 22)]
    rows = [
        {"round": 1, "seat": seat, "kind": kind, "claimed": claimed, "words": f"{claimed}!", "read_by": "rules"}
        for seat, kind, claimed in said
    ]
    record(path, [chain(14.0, claims=rows)])
    sql = "select seat, agent, kind, claimed, reservation, gap, bluffed, words, read_by from bluff order by gap desc"
    assert [tuple(row.values()) for row in table(path, sql)] == [
        ("buyer", "says/b", "limit", 15.5, 20.0, 4.5, 1, "15.5!", "rules"),
        ("seller", "says/s", "worth", 12, 8.0, 4.0, 1, "12!", "rules"),
        ("seller", "says/s", "limit", 8, 8.0, 0.0, 0, "8!", "rules"),
        ("buyer", "says/b", "worth", 22, 20.0, -2.0, 0, "22!", "rules"),
    ]


def met(buyer: str, seller: str, one: float | None, two: float | None, **facts: Any) -> dict[str, Any]:
    """An episode between two agents with their scores."""
    seats = {"buyer": f"says/{buyer}", "seller": f"says/{seller}"}
    return {"seats": seats, "scores": {"buyer": one, "seller": two}, "facts": facts}


def test_head_to_head_has_each_pair_from_either_side(path: Path) -> None:
    forfeit = {**met("a", "b", 0.0, 1.0), "status": "forfeit", "blame": "buyer"}
    died = {**met("a", "b", 9.0, 0.0), "status": "error"}
    record(path, [
        met("a", "b", 5.0, 7.0, deal=True), met("a", "b", 6.0, 6.0, deal=False), met("b", "a", 9.0, 3.0),
        met("a", "b", 1.0, None), forfeit, died,
    ])  # fmt: skip
    sql = (
        "select agent, seat, rival, rival_seat, n, wins, draws, losses, score, rival_score, deal_rate from head_to_head"
    )
    rows = {tuple(row.values())[:4]: tuple(row.values())[4:] for row in table(path, sql)}
    assert rows == {
        ("says/a", "buyer", "says/b", "seller"): (3, 0, 1, 2, pytest.approx(11 / 3), pytest.approx(14 / 3), 0.5),
        ("says/b", "seller", "says/a", "buyer"): (3, 2, 1, 0, pytest.approx(14 / 3), pytest.approx(11 / 3), 0.5),
        ("says/b", "buyer", "says/a", "seller"): (1, 1, 0, 0, 9.0, 3.0, None),
        ("says/a", "seller", "says/b", "buyer"): (1, 0, 0, 1, 3.0, 9.0, None),
    }


def test_the_leaderboard_takes_one_deal_of_an_episode_as_it_takes_rounds(path: Path) -> None:
    games = [met("a", "b", 4.0, 2.0, deal=True), met("a", "b", 0.0, 0.0, deal=False), met("a", "c", 1.0, 1.0)]
    record(path, games)
    sql = "select agent, episodes, score, deal_rate from leaderboard order by agent"
    assert [tuple(row.values()) for row in table(path, sql)] == [
        ("says/a", 3, pytest.approx(5 / 3), 0.5), ("says/b", 2, 1.0, 0.5), ("says/c", 1, 1.0, None),
    ]  # fmt: skip


def test_an_episode_that_ended_before_its_first_round_did_has_no_round(path: Path) -> None:
    record(path, [chain(), chain(14.0)])
    assert query(path, "select count(*) from rounds").rows == ((1,),)
    assert query(path, "select deal_rate from leaderboard").rows == ((1.0,), (1.0,))
    assert query(path, "select chains from survival").rows == ((1,),)
