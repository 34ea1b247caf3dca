"""Closed forms of bargaining theory: published values, and the axioms that define the solutions."""

from itertools import product
from math import isclose

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from arena.errors import UsageError
from arena.theory import bargaining_solutions as solutions
from arena.theory.outcome_space import Outcomes

money = st.floats(0, 1e4, allow_nan=False)
share = st.floats(0.01, 0.99)


@pytest.mark.parametrize(("cost", "value", "price"), [(8, 20, 14), (10, 20, 15), (40, 60, 50), (20, 80, 50)])
def test_nash_splits_the_zone_in_half(cost: float, value: float, price: float) -> None:
    assert solutions.nash(cost, value) == price
    assert solutions.kalai(cost, value) == price
    assert solutions.kalai_smorodinsky(cost, value) == price


@pytest.mark.parametrize(("seller", "buyer", "price"), [(0.5, 1, 12), (1, 0.5, 16), (0.7, 0.3, 16.4)])
def test_nash_with_power_utilities(seller: float, buyer: float, price: float) -> None:
    assert solutions.nash_power(8, 20, seller, buyer) == pytest.approx(price, abs=1e-12)
    prices = [8 + 12 * step / 10_000 for step in range(10_001)]  # the product itself, on a grid
    assert max(prices, key=lambda p: (p - 8) ** seller * (20 - p) ** buyer) == pytest.approx(price, abs=2e-3)


@given(money, money, share, st.floats(0.01, 100), st.floats(-100, 100))
def test_nash_does_not_care_for_scale_and_origin(c: float, v: float, w: float, scale: float, shift: float) -> None:
    c, v = sorted((c, v))
    moved = solutions.nash(c * scale + shift, v * scale + shift, w)
    assert moved == pytest.approx(solutions.nash(c, v, w) * scale + shift, rel=1e-9, abs=1e-6)


@given(money, money, share)
def test_swapping_the_sides_mirrors_the_nash_price(c: float, v: float, w: float) -> None:
    c, v = sorted((c, v))
    assert solutions.nash(c, v, w) + solutions.nash(c, v, 1 - w) == pytest.approx(c + v)
    assert c - 1e-9 <= solutions.nash(c, v, w) <= v + 1e-9


@given(money, money, st.floats(0.1, 10), st.floats(0.1, 10))
def test_kalai_gives_both_the_same_gain(c: float, v: float, a: float, b: float) -> None:
    c, v = sorted((c, v))
    price = solutions.kalai(c, v, a, b)
    assert isclose(a * (price - c), b * (v - price), rel_tol=1e-6, abs_tol=1e-6)


@given(money, money, money, money)
def test_kalai_smorodinsky_gives_both_the_same_fraction(c: float, v: float, low: float, high: float) -> None:
    (c, v), (low, high) = sorted((c, v)), sorted((low, high))
    seller, buyer = min(v, high) - c, v - max(c, low)
    assume(seller > 0.01 and buyer > 0.01 and max(c, low) <= min(v, high))
    price = solutions.kalai_smorodinsky(c, v, low, high)
    assert isclose((price - c) / seller, (v - price) / buyer, rel_tol=1e-6, abs_tol=1e-6)


@pytest.mark.parametrize("solution", [solutions.nash, solutions.kalai, solutions.kalai_smorodinsky])
def test_without_a_zone_of_agreement_there_is_no_price(solution: object) -> None:
    with pytest.raises(UsageError, match="no price suits both"):
        solution(20, 8)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [
        (0.9, 0.9, 0.526316), (0.95, 0.95, 0.512821), (0.99, 0.99, 0.502513),
        (0.9, 0.5, 0.909091), (0.5, 0.9, 0.181818), (0.8, 0.95, 0.208333),
    ],
)  # fmt: skip
def test_rubinstein(first: float, second: float, share: float) -> None:
    assert solutions.rubinstein(first, second) == pytest.approx(share, abs=5e-7)


@pytest.mark.parametrize(("periods", "share"), [(1, 1), (2, 0.1), (3, 0.91), (4, 0.181), (5, 0.8371), (10, 0.342801),
                                                (20, 0.462328)])  # fmt: skip
def test_finitely_many_offers(periods: int, share: float) -> None:
    assert solutions.stahl(0.9, 0.9, periods) == pytest.approx(share, abs=5e-6)


@given(share, share)
def test_many_offers_tend_to_endless_offers(first: float, second: float) -> None:
    assert solutions.stahl(first, second, 4001) == pytest.approx(solutions.rubinstein(first, second), abs=1e-6)


@given(share, share)
def test_rubinstein_leaves_the_responder_indifferent(first: float, second: float) -> None:
    refused = second * solutions.rubinstein(second, first)  # the responder proposes next, a period later
    assert 1 - solutions.rubinstein(first, second) == pytest.approx(refused)


@pytest.mark.parametrize("periods", range(1, 9))
def test_without_impatience_the_last_proposer_takes_all(periods: int) -> None:
    assert solutions.stahl(1, 1, periods) == periods % 2
    with pytest.raises(UsageError, match="no share is determined"):
        solutions.rubinstein(1, 1)


def test_the_double_auction() -> None:
    auction = solutions.DoubleAuction()
    assert (auction.trade, auction.gains) == (0.28125, 0.140625)
    assert auction.efficiency == pytest.approx(0.84375)
    steps = [(i + 0.5) / 400 for i in range(400)]
    deals = [(v - c) for c, v in product(steps, steps) if auction.price(c, v) is not None]
    assert len(deals) / 400**2 == pytest.approx(auction.trade, abs=2e-3)
    assert sum(deals) / 400**2 == pytest.approx(auction.gains, abs=1e-3)
    assert auction.price(0.5, 0.74) is None
    assert auction.price(0.5, 0.76) == pytest.approx((7 / 12 + 0.59) / 2)


@given(share, st.floats(-0.2, 0.2))
def test_no_buyer_gains_by_bidding_otherwise(value: float, other: float) -> None:
    auction = solutions.DoubleAuction()
    costs = [(i + 0.5) / 500 for i in range(500)]

    def gain(bid: float) -> float:
        asks = [auction.ask(c) for c in costs]
        return sum(value - (bid + ask) / 2 for ask in asks if bid >= ask) / len(costs)

    assert gain(auction.bid(value) + other) <= gain(min(auction.bid(value), value)) + 2e-3


def test_fairness_and_bias() -> None:
    assert (solutions.fairness(15, 20, 10), solutions.bias(15, 20, 10)) == (1, 0)
    assert (solutions.fairness(20, 20, 10), solutions.bias(20, 20, 10)) == (0, -1)
    assert solutions.craigslist_utility(20, own_target=20, other_target=10) == 1
    assert solutions.craigslist_utility(20, own_target=10, other_target=20) == -1
    assert solutions.craigslist_utility(15, own_target=10, other_target=20) == 0


# ---- finite sets -----------------------------------------------------------------------------------------------------

ISSUES = list(product(range(11), range(5), range(3)))  # price, delivery, warranty


def seller(price: int, delivery: int, warranty: int) -> float:
    return 0.6 * price / 10 + 0.1 * delivery / 4 + 0.3 * (1 - warranty / 2)


def buyer(price: int, delivery: int, warranty: int) -> float:
    return 0.4 * (1 - price / 10) + 0.5 * (1 - delivery / 4) + 0.1 * warranty / 2


DOMAIN = Outcomes(tuple((seller(*o), buyer(*o)) for o in ISSUES), reserve=(0.3, 0.2))


def test_the_three_issue_domain_of_negmas() -> None:
    assert len(DOMAIN.points) == 165
    assert len(DOMAIN.pareto) == 13
    found = {name: getattr(DOMAIN, name)() for name in ("nash", "kalai", "kalai_smorodinsky", "welfare")}
    assert {name: ISSUES[index] for name, index in found.items()} == {
        "nash": (9, 0, 0), "kalai": (7, 0, 0), "kalai_smorodinsky": (6, 0, 0), "welfare": (10, 0, 0),
    }  # fmt: skip
    assert DOMAIN.points[found["nash"]] == pytest.approx((0.84, 0.54))
    assert DOMAIN.points[found["kalai"]] == pytest.approx((0.72, 0.62))
    assert DOMAIN.points[found["kalai_smorodinsky"]] == pytest.approx((0.66, 0.66))
    assert sum(DOMAIN.points[found["welfare"]]) == pytest.approx(1.40)
    assert DOMAIN.opposition() == pytest.approx(0.472017, abs=5e-7)


def test_how_near_an_outcome_is() -> None:
    near = DOMAIN.optimality((seller(5, 2, 1), buyer(5, 2, 1)))
    assert near == pytest.approx(
        {"pareto": 0.841886, "nash": 0.757926, "kalai": 0.822800, "kalai_smorodinsky": 0.84, "welfare": 0.714286},
        abs=5e-6,
    )


def test_ideals_among_rational_outcomes_move_the_fair_fraction() -> None:
    assert ISSUES[Outcomes(DOMAIN.points, DOMAIN.reserve, "rational").kalai_smorodinsky() or 0] == (7, 0, 0)


points = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=30)
SOLUTIONS = ("nash", "kalai", "kalai_smorodinsky", "welfare")


@given(points, st.integers(0, 10), st.integers(0, 10))
def test_every_solution_is_rational_and_undominated(cells: list[tuple[int, int]], r1: int, r2: int) -> None:
    outcomes = Outcomes(tuple((float(a), float(b)) for a, b in cells), (float(r1), float(r2)))
    undominated = {
        i
        for i, (a, b) in enumerate(cells)
        if a >= r1 and b >= r2 and not any(x >= a and y >= b and (x, y) != (a, b) for x, y in cells)
    }
    assert set(outcomes.pareto) == undominated
    for name in SOLUTIONS:
        index = getattr(outcomes, name)()
        assert (index is None) == all(a < r1 or b < r2 for a, b in cells)
        assert index is None or index in undominated


@given(points, st.integers(1, 5), st.integers(1, 5), st.integers(-9, 9), st.integers(-9, 9))
def test_nash_and_the_fair_fraction_do_not_care_for_scales(
    cells: list[tuple[int, int]], a: int, b: int, x: int, y: int
) -> None:
    one = Outcomes(tuple((float(u), float(v)) for u, v in cells))
    other = Outcomes(tuple((a * u + x + 0.0, b * v + y + 0.0) for u, v in cells), (float(x), float(y)))
    first, second = one.nash(), other.nash()
    assert first is not None and second is not None
    assert cells[first][0] * cells[first][1] == cells[second][0] * cells[second][1]
    fair, again = one.kalai_smorodinsky(), other.kalai_smorodinsky()
    top = [max(cell[side] for cell in cells) or 1 for side in (0, 1)]
    apart = [abs(cells[i or 0][0] / top[0] - cells[i or 0][1] / top[1]) for i in (fair, again)]
    assert apart[0] == pytest.approx(apart[1])


@given(points)
def test_swapping_the_parties_swaps_the_solution(cells: list[tuple[int, int]]) -> None:
    one = Outcomes(tuple((float(u), float(v)) for u, v in cells))
    other = Outcomes(tuple((float(v), float(u)) for u, v in cells))
    for name, worth in (("nash", lambda p: p[0] * p[1]), ("kalai", min), ("welfare", sum)):
        first, second = getattr(one, name)(), getattr(other, name)()
        assert worth(one.points[first]) == worth(other.points[second])
