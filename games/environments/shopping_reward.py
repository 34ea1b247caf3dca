"""Reward of a purchase, 0 to 1: the partial credit of WebShop.

Yao, Chen, Yang & Narasimhan (2022), "WebShop", arXiv 2207.01206, equation 1, with the type reward of the published
code: reward = type * (attributes found + options matched + [price kept]) / (attributes wanted + options wanted + 1).
Options are compared word for word; the original forgives near misses in spelling, which our buttons cannot have.
"""

from collections.abc import Mapping

from games.environments.shopping_catalogue import Product, Wish


def type_reward(bought: Product, wanted: Product) -> float:
    """How much what was bought is the kind of thing that was wanted: 0, 0.1, 0.5 or 1.

    `title` is the share of the wanted title's nouns in the bought one's. 1 for the same kind, two common levels of
    category or title > 0.2, else 0.5; at title < 0.1 always 0.1, at title 0 always 0.
    """
    title = len(bought.nouns & wanted.nouns) / len(wanted.nouns) if wanted.nouns else 0.2
    if title == 0:
        return 0.0
    if title < 0.1:
        return 0.1
    alike = bought.kind == wanted.kind or len({*bought.category} & {*wanted.category}) >= 2 or title > 0.2
    return 1.0 if alike else 0.5


def reward(wish: Wish, bought: Product, chosen: Mapping[str, str]) -> float:
    """The score of buying a product with the options chosen."""
    text = f"{bought.title} {bought.description}".lower()
    attributes = sum(wanted in bought.attributes or wanted in text for wanted in wish.attributes)
    options = sum(chosen.get(name) == value for name, value in wish.options.items())
    points = attributes + options + (bought.price <= wish.price)
    return type_reward(bought, wish.product) * points / (len(wish.attributes) + len(wish.options) + 1)
