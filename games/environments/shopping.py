"""Online shopping: search and buy the product that a customer wants, in a shop of invented brands."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal

from arena.game import FREE_TEXT, JSON, Tool, game
from arena.lessons import FeaturesData, Lesson, ProductData
from arena.text.lesson_sentences import write_features, write_product
from games.environments.base import Action, ActionOutcome, Environment
from games.environments.shopping_catalogue import Product, Shop, Wish, draw_wish, stock
from games.environments.shopping_reward import reward
from games.phrasing import join_list

Category = Literal["any", "lighting", "cookware", "camping", "garden", "stationery", "knitwear"]
MOST, PER_PAGE = 50, 10  # results of a search, as in WebShop
NEXT, PREVIOUS, BACK = "next page", "previous page", "back to results"
FEATURES, DESCRIPTION, BUY = "features", "description", "buy now"


@dataclass(frozen=True, slots=True)
class Browsing:
    """Where a customer is: the results and their page, from 0, the open product, the options chosen for it.

    `read` are the products whose features were shown.
    """

    wish: Wish
    query: str = ""
    results: tuple[str, ...] = ()
    page: int = 0
    item: str | None = None
    chosen: Mapping[str, str] = field(default_factory=dict)
    opened: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()
    bought: bool = False

    @property
    def shown(self) -> tuple[str, ...]:
        return self.results[self.page * PER_PAGE : (self.page + 1) * PER_PAGE]


@game
@dataclass(frozen=True, slots=True)
class Shopping(Environment[Browsing]):
    """A customer searches a shop of three hundred products, reads, chooses options, and buys one.

    `world` stocks the shop, the seed draws the wish: a kind of product with attributes, options and the highest price.
    A search ranks by BM25, ten results a page; all else are buttons to click. The score is WebShop's partial credit, 0
    to 1, and 0 where nothing is bought within `cap` steps.

    Pages, buttons and reward follow WebShop (Yao et al. 2022, arXiv 2207.01206). A state is a product, by its title.
    """

    world: int = 0
    category: Category = "any"
    """Category from which the wish is drawn; "any": all of them."""
    cap: int = 30

    def __post_init__(self) -> None:
        if self.cap < 1:
            raise ValueError(f"cap is a count of 1 or more, got {self.cap}")

    @property
    def cast(self) -> Mapping[str, str]:
        return {"agent": "shopper"}

    @property
    def shop(self) -> Shop:
        return stock(self.world)

    def begin(self, rng: Random) -> ActionOutcome[Browsing]:
        wish = draw_wish(rng, self.shop, None if self.category == "any" else self.category)
        return ActionOutcome(Browsing(wish), f"Your customer's wish: {wish.text}.")

    # ---- actions -------------------------------------------------------------------------------------------------

    def possible(self, here: Browsing) -> tuple[Action, ...]:
        clicks = [Action("click", {"button": button}) for button in self._buttons(here)]
        return (Action("search", {"query": FREE_TEXT}), *clicks)

    def act(self, here: Browsing, tool: str, args: Mapping[str, JSON]) -> ActionOutcome[Browsing] | None:
        if tool == "search":
            query = str(args["query"])
            results = self.shop.search(query, MOST)
            cleared = replace(here, query=query, results=results, page=0, item=None, chosen={})
            return self._results(cleared) if query else None
        button = str(args["button"]).lower()
        return self._click(here, button) if button in self._buttons(here) else None

    def _click(self, here: Browsing, button: str) -> ActionOutcome[Browsing]:
        if button in (NEXT, PREVIOUS):
            return self._results(replace(here, page=here.page + (1 if button == NEXT else -1)))
        if button == BACK:
            told = f"You are back at page {here.page + 1} of the results for “{here.query}”."
            return ActionOutcome(replace(here, item=None, chosen={}), told)
        if here.item is None:
            return self._open(here, self.shop.products[button])
        product = self.shop.products[here.item]
        if button == FEATURES:
            data = FeaturesData(product.title, product.code, tuple(product.attributes))
            lesson = Lesson("features", product.title, write_features(data), data)
            read = replace(here, read=here.read | {product.code})
            return ActionOutcome(read, f"It is {join_list(product.attributes)}.", (), (lesson,))
        if button == DESCRIPTION:
            return ActionOutcome(here, product.description)
        if button == BUY:
            options = (
                join_list(f"{name} {value}" for name, value in here.chosen.items()) if here.chosen else "no options"
            )
            return ActionOutcome(
                replace(here, bought=True), f"You buy {_format_product(product)} for ${product.price:.2f}, {options}."
            )
        name = next(name for name, values in product.options.items() if button in values)
        return ActionOutcome(replace(here, chosen={**here.chosen, name: button}), f"You choose {name} {button}.")

    def _buttons(self, here: Browsing) -> list[str]:
        """What can be clicked on the page that is open."""
        if here.item is not None:
            values = [value for values in self.shop.products[here.item].options.values() for value in values]
            return [*values, FEATURES, DESCRIPTION, BUY, BACK]
        following = [NEXT] if (here.page + 1) * PER_PAGE < len(here.results) else []
        return [*here.shown, *following, *([PREVIOUS] if here.page else [])]

    def _results(self, here: Browsing) -> ActionOutcome[Browsing]:
        pages = -(-len(here.results) // PER_PAGE)
        if not pages:
            return ActionOutcome(here, f"Nothing was found for “{here.query}”.")
        products = [self.shop.products[code] for code in here.shown]
        lines = "; ".join(f"[{p.code}] {p.title}, ${p.price:.2f}" for p in products)
        return ActionOutcome(here, f"Results for “{here.query}”, page {here.page + 1} of {pages}: {lines}.")

    def _open(self, here: Browsing, product: Product) -> ActionOutcome[Browsing]:
        options = "; ".join(f"{name}: {', '.join(values)}" for name, values in product.options.items())
        data = ProductData(
            product.title, product.code, product.price, tuple((n, tuple(v)) for n, v in product.options.items())
        )
        lesson = Lesson("product", product.title, write_product(data), data)
        after = replace(here, item=product.code, chosen={}, opened=here.opened | {product.code})
        pages = f"There are {FEATURES} and a {DESCRIPTION} to read."
        told = f"{product.title}, ${product.price:.2f}. Choose {options}. {pages}"
        return ActionOutcome(after, told, (product.title,), (lesson,))

    def explain_refusal(self, here: Browsing, tool: str, args: Mapping[str, JSON]) -> str:
        return "search needs words" if tool == "search" else f"there is no button “{args['button']}” on this page"

    def phrase(self, tool: str, args: Mapping[str, JSON]) -> str:
        return f"{tool} [{args.get('query', args.get('button'))}]"

    # ---- the task ------------------------------------------------------------------------------------------------

    def is_done(self, here: Browsing) -> bool:
        return here.bought

    def reward(self, here: Browsing) -> float:
        return reward(here.wish, self.shop.products[here.item], here.chosen) if here.bought and here.item else 0.0

    def optimal(self, here: Browsing) -> int:
        """A search that shows it, its page, one click an option, the purchase."""
        return 3 + len(here.wish.options)

    def task(self, here: Browsing) -> dict[str, JSON]:
        return {"task": here.wish.text, "task_type": here.wish.product.category[1]}

    def facts_of(self, here: Browsing) -> dict[str, JSON]:
        bought = self.shop.products[here.item].title if here.bought and here.item else None
        return {"wanted": here.wish.product.title, "bought": bought, "chosen": dict(here.chosen)}

    def describe_seen(self, here: Browsing) -> dict[str, JSON]:
        """The wish in parts, the page that is open, and the products opened so far."""
        wish = here.wish
        products = {code: self.shop.products[code] for code in sorted(here.opened)}
        return {
            "kind": wish.product.kind,
            "attributes": list(wish.attributes),
            "options": dict(wish.options),
            "price": wish.price,
            "query": here.query,
            "results": [[c, self.shop.products[c].title, self.shop.products[c].price] for c in here.shown],
            "more": (here.page + 1) * PER_PAGE < len(here.results),
            "item": here.item,
            "chosen": dict(here.chosen),
            "opened": {
                code: {
                    "title": p.title,
                    "price": p.price,
                    "options": {name: list(values) for name, values in p.options.items()},
                    "features": list(p.attributes) if code in here.read else None,
                }
                for code, p in products.items()
            },
        }

    def rules(self) -> str:
        return (
            "You buy one product in an online shop for a customer who says what it is, what it must be like, which "
            "options it must have, and what it may cost. Search with words; then click what the page has: a product to "
            "open it, its options, its features or description, “next page”, “back to results”, and “buy now”, which "
            f"ends your visit. You have {self.cap} steps. The score is the share of the wishes that are fulfilled."
        )

    def tools(self) -> tuple[Tool, ...]:
        return (
            Tool("search", "Search the shop.", {"query": {"type": "string", "description": "words to search for"}}),
            Tool("click", "Click a button.", {"button": {"type": "string", "description": "as the page names it"}}),
        )


def _format_product(product: Product) -> str:
    return f"{product.title} ({product.code})"
