"""The shop: pages and buttons, and how a purchase is scored."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from game_driver import after, does, first_state

from arena.engine.play import play
from arena.errors import IllegalMove
from arena.game import Move
from games.environments.base import Stay
from games.environments.shopping import Browsing, Shopping
from games.environments.shopping_catalogue import AISLES, Product, Wish, draw_wish, stock
from games.environments.shopping_reward import reward, type_reward

GAME = Shopping()
SHOP = GAME.shop


def product(title: str, kind: str, category: str = "home/lighting", **fields: Any) -> Product:
    nouns = frozenset(fields.pop("nouns", title.lower().split()))
    values: dict[str, Any] = {
        "attributes": ("dimmable", "wireless"), "options": {"colour": ("red", "teal"), "size": ("small", "large")},
        "price": 40.0, "description": "",
    }  # fmt: skip
    return Product("item 1", title, kind, (*category.split("/"), kind), nouns, **{**values, **fields})


LAMP = product("Orsik Vello lamp oak study", "lamp")
WISH = Wish(LAMP, ("dimmable", "wireless"), {"colour": "red", "size": "small"}, 50.0)
ALL = {"colour": "red", "size": "small"}


@pytest.mark.parametrize(
    ("bought", "chosen", "points"),
    [
        (LAMP, ALL, 5),  # two attributes, two options, the price
        (LAMP, {"colour": "red"}, 4),
        (LAMP, {"colour": "teal", "size": "small"}, 4),
        (LAMP, {}, 3),
        (replace(LAMP, price=50.0), ALL, 5),  # at most means at most
        (replace(LAMP, price=50.01), ALL, 4),
        (replace(LAMP, attributes=("dimmable",)), ALL, 4),
        (replace(LAMP, attributes=(), price=99.0), {}, 0),
        (replace(LAMP, attributes=(), description="Dimmable, they say."), ALL, 4),  # words of the page count, too
    ],
)
def test_partial_credit_is_the_share_of_wishes_that_are_met(
    bought: Product, chosen: dict[str, str], points: int
) -> None:
    assert reward(WISH, bought, chosen) == pytest.approx(points / 5)


@pytest.mark.parametrize(
    ("bought", "credit"),
    [
        (product("Fevun Kavis lamp brass porch", "lamp"), 1.0),  # the same kind
        (product("Fevun Kavis lantern oak porch", "lantern"), 1.0),  # another kind of home and lighting; 1 of 5 nouns
        (product("Orsik Vello scarf silk city", "scarf", "clothes/knitwear"), 1.0),  # 2 of 5 nouns: more than 0.2
        (product("Orsik Fevun scarf silk city", "scarf", "clothes/knitwear"), 0.5),  # 1 of 5: not more than 0.2
        (product("Fevun Kavis scarf silk city", "scarf", "clothes/knitwear"), 0.0),  # no noun in common
        (product("Fevun Kavis lantern brass porch", "lantern"), 0.0),  # nor here, whatever the category
    ],
)
def test_another_type_of_thing_earns_less(bought: Product, credit: float) -> None:
    assert type_reward(bought, LAMP) == credit
    assert reward(WISH, bought, ALL) == pytest.approx(credit)


def test_a_title_that_shares_less_than_a_tenth_of_the_nouns_earns_a_tenth() -> None:
    long = replace(LAMP, nouns=frozenset({"lamp", *(f"noun{n}" for n in range(10))}))
    assert type_reward(product("a lamp", "lamp"), long) == 0.1


def click(button: str) -> Move:
    return does("click", button=button)


def search(query: str) -> Move:
    return does("search", query=query)


def steps(state: Stay[Browsing], *moves: Move) -> Stay[Browsing]:
    for move in moves:
        state = after(GAME, state, {"agent": move})
    return state


def test_a_visit_by_hand_from_search_to_purchase() -> None:
    state = first_state(GAME, 1)
    wish: Wish = state.here.wish
    state = steps(state, search(wish.product.title))
    assert state.here.shown[0] == wish.product.code, "a title finds its product first"
    assert state.log[-1].text.startswith(f"Results for “{wish.product.title}”, page 1 of 5: [{wish.product.code}] ")
    state = steps(state, click(wish.product.code.upper()), click("features"), click("description"))
    assert state.visited == (wish.product.title,)
    assert all(attribute in state.log[-3].text for attribute in wish.attributes)
    state = steps(state, *(click(value) for value in wish.options.values()), click("buy now"))
    assert GAME.scores(state) == {"agent": 1.0} and GAME.to_act(state) == ()
    found: Any = GAME.facts(state)
    assert found["bought"] == found["wanted"] == wish.product.title and found["chosen"] == wish.options
    assert found["trajectory"][0] == f"search [{wish.product.title}]" and found["trajectory"][-1] == "click [buy now]"
    assert {row["kind"] for row in found["events"]} == {"product", "features", "outcome"}


def test_pages_of_results_turn_and_options_go_with_the_page() -> None:
    state = steps(first_state(GAME), search("lamp"))
    first = state.here.shown
    assert len(first) == 10
    with pytest.raises(IllegalMove, match="no button “previous page”"):
        steps(state, click("previous page"))
    second = steps(state, click("next page"))
    assert not set(first) & set(second.here.shown) and steps(second, click("previous page")).here.shown == first
    open_page = steps(state, click(first[0]))
    value = next(iter(SHOP.products[first[0]].options["colour"]))
    chosen = steps(open_page, click(value))
    assert chosen.here.chosen == {"colour": value}
    assert steps(chosen, click("back to results"), click(first[0])).here.chosen == {}
    with pytest.raises(IllegalMove, match=r"possible now: search \[…\]; .*buy now"):
        steps(open_page, click("next page"))
    assert steps(state, search("zzz")).log[-1].text == "Nothing was found for “zzz”."
    with pytest.raises(IllegalMove, match="search needs words"):
        steps(state, search("  "))


def test_not_buying_scores_nothing_and_buying_the_wrong_thing_scores_in_part() -> None:
    assert play("shopping", {"agent": lambda view: search("lamp")}).scores == {"agent": 0.0}
    state = steps(first_state(GAME, 1), search(first_state(GAME, 1).here.wish.product.title))
    state = steps(state, click(state.here.shown[0]), click("buy now"))
    wish = state.here.wish
    part = (len(wish.attributes) + 1) / (len(wish.attributes) + len(wish.options) + 1)
    assert GAME.scores(state) == {"agent": pytest.approx(part)} and 0 < part < 1
    assert f"done in part ({part:.2f})" in state.log[-1].text


def test_three_hundred_products_and_wishes_that_can_be_fulfilled() -> None:
    for world in range(10):
        shop = stock(world)
        assert len(shop.products) == 300 and len({p.title for p in shop.products.values()}) == 300
        assert all(p.kind in AISLES[p.category[1]].kinds and p.price > 0 for p in shop.products.values())
        for seed in range(30):
            wish = draw_wish(Random(seed), shop, None)
            assert wish.price > wish.product.price
            assert reward(wish, wish.product, wish.options) == 1.0


def test_the_customer_sees_the_wish_and_not_the_product_behind_it() -> None:
    state = first_state(GAME, 3)
    wish = state.here.wish
    other = next(p for p in SHOP.products.values() if p.kind == wish.product.kind and p != wish.product)
    swapped = replace(state, here=replace(state.here, wish=replace(wish, product=other)))
    assert GAME.view(state, "agent") == GAME.view(swapped, "agent")
    assert wish.product.title not in str(GAME.view(state, "agent"))


def test_a_category_restricts_the_wishes() -> None:
    for seed in range(10):
        assert first_state(Shopping(category="garden"), seed).here.wish.product.category[1] == "garden"


def test_the_fewest_steps_are_reached_with_the_title_in_mind() -> None:
    for seed in range(20):
        state = first_state(GAME, seed)
        wish = state.here.wish
        moves = (
            search(wish.product.title),
            click(wish.product.code),
            *map(click, wish.options.values()),
            click("buy now"),
        )
        state = steps(state, *moves)
        assert GAME.facts(state)["success"] and GAME.facts(state)["steps"] == GAME.facts(state)["optimal"]
