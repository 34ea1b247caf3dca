"""A customer that reads product pages before buying."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.required_fields import knowing
from arena.agent import agent
from arena.game import Move, View
from arena.text.lesson_sentences import read_features, read_product

RESERVE = 2  # steps kept to open and buy the best product seen so far, besides one for each option


@dataclass(frozen=True, slots=True)
class KnownProduct:
    """Knowledge of a product: from its page, or from notes."""

    code: str
    title: str
    price: float
    options: Mapping[str, Sequence[str]]
    features: Sequence[str] | None


@agent
@dataclass(frozen=True, slots=True)
class Shopper:
    """Buys what meets the whole wish: opens the results that may do, reads their features, takes the first that fits.

    When the steps run out it buys the best it has seen.
    """

    notes: tuple[str, ...] = ()
    """Sentences kept from earlier visits to the same shop: what a product costs, its options and features. A noted
    product that fits is searched for by its title."""

    async def act(self, view: View) -> Move:
        known = knowing(view, "shopping", "kind", "attributes", "price", "results", "item", "opened")
        searched = [str(move.args["query"]) for move in view.own if move.tool == "search"]
        return ShoppingVisit(known, read_products(self.notes), searched).next()


@dataclass(frozen=True, slots=True)
class ShoppingVisit:
    """A visit under way; `noted` are products known from before, `searched` what was searched for in this visit."""

    known: Mapping[str, Any]
    noted: Mapping[str, KnownProduct]
    searched: Sequence[str]

    def next(self) -> Move:
        """The next action, with a word on why."""
        known = self.known
        products = {p.code: p for p in self.noted.values() if self._is_here(p)}
        products |= {code: KnownProduct(code=code, **seen) for code, seen in known["opened"].items()}
        item = products.get(known["item"] or "")
        fit = next((p for p in products.values() if p.features is not None and self._score(p) == 1), None)
        late = known["steps"] - known["step"] <= RESERVE + len(known["options"]) + (item is not None)
        wanted = fit or (max(products.values(), key=self._score) if late and products else None)
        if wanted is not None:
            return self._buy(wanted)
        if item is not None:
            if item.features is None and self._may_do(item):
                return _click("features", "Let me read what it is like.")
            return _click("back to results", "That is not what we want.")
        return self._browse(products)

    def _browse(self, products: Mapping[str, KnownProduct]) -> Move:
        """Open the first result that may do and was not read; else turn the page; else search with fewer words."""
        known = self.known
        query = " ".join([*known["attributes"], known["kind"]])
        if not known["results"]:
            return _search(query if known["query"] != query else known["kind"], "I look for what was asked for.")
        for code, title, price in known["results"]:
            if code not in products and known["kind"] in title and price <= known["price"]:
                return _click(code, "This may be the one.")
        if known["more"]:
            return _click("next page", "Nothing more here.")
        return _search(known["kind"] if known["query"] != known["kind"] else query, "I search with other words.")

    def _buy(self, wanted: KnownProduct) -> Move:
        """Go to a product's page, choose its options, buy it."""
        known = self.known
        if known["item"] != wanted.code:
            if wanted.code in [code for code, *_ in known["results"]] and known["item"] is None:
                return _click(wanted.code, "This is the one.")
            return _search(wanted.title, f"I remember {wanted.title}.")
        for name, value in known["options"].items():
            if value in wanted.options.get(name, ()) and known["chosen"].get(name) != value:
                return _click(value, f"In {name} {value}.")
        return _click(
            "buy now", "It has all that was asked for." if self._score(wanted) == 1 else "It is the best so far."
        )

    def _is_here(self, noted: KnownProduct) -> bool:
        """Whether a noted product may be in this shop: its code has its title, and a search for that shows it."""
        titles = {code: title for code, title, _ in self.known["results"]}
        return bool(titles.get(noted.code, "" if noted.title in self.searched else noted.title) == noted.title)

    def _may_do(self, product: KnownProduct) -> bool:
        """Whether kind, price and options fit, whatever the features."""
        known = self.known
        options = all(value in product.options.get(name, ()) for name, value in known["options"].items())
        return known["kind"] in product.title and product.price <= known["price"] and options

    def _score(self, product: KnownProduct) -> float:
        """The share of the wish that a product can fulfil, as far as is known; 0 for another kind."""
        known = self.known
        if known["kind"] not in product.title:
            return 0.0
        met = [feature in (product.features or ()) for feature in known["attributes"]]
        met += [value in product.options.get(name, ()) for name, value in known["options"].items()]
        return sum([*met, bool(product.price <= known["price"])]) / (len(met) + 1)


def read_products(notes: Sequence[str]) -> dict[str, KnownProduct]:
    """The products that notes tell all about."""
    features = {told.code: told.features for note in notes if (told := read_features(note))}
    products = [product for note in notes if (product := read_product(note)) and product.code in features]
    return {p.code: KnownProduct(p.code, p.title, p.price, dict(p.options), features[p.code]) for p in products}


def _click(button: str, words: str) -> Move:
    return Move(words, "click", {"button": button})


def _search(query: str, words: str) -> Move:
    return Move(words, "search", {"query": query})
