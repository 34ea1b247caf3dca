"""Catalogue of the shop: three hundred products, and the wishes of customers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor
from random import Random

from arena.cache_register import memoize
from arena.text.bm25 import Index
from games.environments.invented_names import NameSource, world_rng

PER_KIND, BRANDS = 10, 24
COLOURS = ("amber", "black", "cream", "navy", "olive", "plum", "red", "teal")
SIZES = ("small", "medium", "large")


@dataclass(frozen=True)
class Aisle:
    """A category: its department, kinds of products, what they can be, what they are made of, where they are used."""

    department: str
    kinds: tuple[str, ...]
    attributes: tuple[str, ...]
    materials: tuple[str, ...]
    uses: tuple[str, ...]
    sizes: tuple[str, ...] = ()
    prices: tuple[int, int] = (8, 90)  # dollars


AISLES: Mapping[str, Aisle] = {
    "lighting": Aisle("home", ("reading lamp", "floor lamp", "lantern", "night light", "wall lamp"),
        ("dimmable", "energy saving", "flicker free", "rechargeable", "shatterproof", "wireless"),
        ("brass", "glass", "linen", "oak"), ("bedroom", "hall", "porch", "study")),
    "cookware": Aisle("home", ("kettle", "saucepan", "teapot", "frying pan", "baking dish"),
        ("dishwasher safe", "drip free", "non stick", "oven safe", "scratch resistant", "stackable"),
        ("copper", "enamel", "iron", "steel"), ("cabin", "kitchen", "stove", "table"),
        ("1 litre", "2 litre", "3 litre")),
    "camping": Aisle("outdoor", ("tent", "backpack", "sleeping bag", "hammock", "folding chair"),
        ("insect proof", "quick drying", "tear resistant", "ultralight", "waterproof", "windproof"),
        ("canvas", "cotton", "nylon", "polyester"), ("beach", "forest", "mountain", "trail"), SIZES, (15, 190)),
    "garden": Aisle("outdoor", ("watering can", "wheelbarrow", "flower pot", "garden hose", "bird house"),
        ("frost proof", "hand made", "leak proof", "rust free", "self draining", "sun resistant"),
        ("cedar", "clay", "rubber", "zinc"), ("balcony", "greenhouse", "lawn", "terrace")),
    "stationery": Aisle("office", ("notebook", "pencil case", "desk organizer", "paper tray", "book stand"),
        ("acid free", "extra wide", "magnetic", "recycled", "refillable", "smudge proof"),
        ("bamboo", "cork", "felt", "leather"), ("desk", "drawer", "school", "workshop"), (), (4, 60)),
    "knitwear": Aisle("clothes", ("scarf", "cardigan", "beanie", "poncho", "shawl"),
        ("hand knitted", "itch free", "machine washable", "odour free", "reversible", "thermal"),
        ("alpaca", "merino", "mohair", "silk"), ("city", "harbour", "snow", "spring"), SIZES, (10, 120)),
}  # fmt: skip


@dataclass(frozen=True)
class Product:
    """Something for sale. `nouns` are those of its title, `options` what to choose and from what; dollars."""

    code: str
    title: str
    kind: str
    category: tuple[str, ...]
    nouns: frozenset[str]
    attributes: tuple[str, ...]
    options: Mapping[str, tuple[str, ...]]
    price: float
    description: str

    @property
    def text(self) -> str:
        """All that is written about it: what a search looks through."""
        values = " ".join(value for values in self.options.values() for value in values)
        return f"{self.title} {self.description} {' '.join(self.attributes)} {values}"


@dataclass(frozen=True)
class Wish:
    """What a customer wants: something like `product`, with these attributes and options, for `price` at most."""

    product: Product
    attributes: tuple[str, ...]
    options: Mapping[str, str]
    price: float

    @property
    def text(self) -> str:
        """The wish as a sentence."""
        options = "".join(f", {name} {value}" for name, value in self.options.items())
        return f"find a {', '.join(self.attributes)} {self.product.kind}{options}, for at most ${self.price:.2f}"


@dataclass(frozen=True)
class Shop:
    """All products by code, and their search index."""

    products: Mapping[str, Product]
    index: Index
    codes: tuple[str, ...] = field(default=())

    def search(self, query: str, most: int) -> tuple[str, ...]:
        return tuple(self.codes[number] for number in self.index.search(query, most))


@memoize("worlds")
def stock(world: int) -> Shop:
    """Shop number `world`."""
    rng = world_rng("shopping", world)
    names = NameSource(rng)
    brands = [names.word() for _ in range(BRANDS)]
    shelf = [(category, kind) for category, aisle in AISLES.items() for kind in aisle.kinds for _ in range(PER_KIND)]
    rng.shuffle(shelf)
    products = [_product(rng, f"item {number}", rng.choice(brands), names.word(), category, kind)
                for number, (category, kind) in enumerate(shelf, 1)]  # fmt: skip
    codes = tuple(product.code for product in products)
    return Shop({p.code: p for p in products}, Index.of([p.text for p in products]), codes)


def draw_wish(rng: Random, shop: Shop, category: str | None) -> Wish:
    """A wish that some product fulfils; from a category, or from any."""
    product = rng.choice([p for p in shop.products.values() if category in (None, p.category[1])])
    attributes = tuple(rng.sample(product.attributes, rng.randint(1, 2)))
    wanted = [name for name in product.options if rng.random() < 0.8]
    options = {name: rng.choice(product.options[name]) for name in wanted}
    price = 10.0 * (floor(product.price / 10) + rng.randint(1, 4))  # WebShop: one of the next four tens
    return Wish(product, attributes, options, price)


def _product(rng: Random, code: str, brand: str, series: str, category: str, kind: str) -> Product:
    aisle = AISLES[category]
    material, use = rng.choice(aisle.materials), rng.choice(aisle.uses)
    attributes = tuple(sorted(rng.sample(aisle.attributes, rng.randint(2, 4))))
    options = {"colour": tuple(sorted(rng.sample(COLOURS, rng.randint(2, 4))))}
    if aisle.sizes:
        options["size"] = tuple(size for size in aisle.sizes if rng.random() < 0.7) or aisle.sizes[:1]
    return Product(
        code=code,
        title=f"{brand} {series} {kind} in {material} for the {use}",
        kind=kind,
        category=(aisle.department, category, kind),
        nouns=frozenset({brand.lower(), series.lower(), *kind.split(), material, use}),
        attributes=attributes,
        options=options,
        price=rng.randint(aisle.prices[0] * 2, aisle.prices[1] * 2) / 2 - 0.01,
        description=f"A {kind} by {brand}, made of {material}, at home in the {use}.",
    )
