"""Draw the offers and deals of one recorded episode, round by round, from SQL alone.

python docs/draw_rounds.py arena.db last docs/rounds.png        (needs matplotlib)
"""

import json
import sqlite3
import sys

import matplotlib.pyplot as plt

COLOURS = {"buyer": "#1f77b4", "seller": "#d62728"}


def beside(axes: plt.Axes, text: str, at: tuple[float, float], points: float, color: str = "black") -> None:
    """Writes a text to the right of a point."""
    axes.annotate(text, at, xytext=(points, 0), textcoords="offset points", va="center", fontsize=9, color=color)


def main(db: str, episode: str, target: str) -> None:
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    if episode == "last":
        (episode,) = connection.execute("select id from episodes order by id desc limit 1").fetchone()
    fact = "select value from fact where episode = ? and name = ? order by n"
    offers = [json.loads(value) for (value,) in connection.execute(fact, (episode, "offers"))]
    (cost, value) = (json.loads(connection.execute(fact, (episode, name)).fetchone()[0]) for name in ("cost", "value"))
    deals = connection.execute(
        "select round, price from rounds where episode = ? and deal order by round", (episode,)
    ).fetchall()
    figure, axes = plt.subplots(figsize=(9, 3.6), layout="constrained")
    for number in sorted({offer["round"] for offer in offers}):
        for seat, colour in COLOURS.items():
            prices = [offer["price"] for offer in offers if offer["round"] == number and offer["seat"] == seat]
            places = [number + 0.8 * k / max(len(prices), 2) for k in range(len(prices))]
            axes.plot(places, prices, ".-", color=colour, linewidth=1, markersize=4)
            if prices and number == 1:
                beside(axes, f"{seat}'s offers", (places[0], prices[0]), 8, color=colour)
    for number, price in deals:
        axes.plot(number + 0.8, price, "*", color="black", markersize=11)
        told = f"${price:.2f}".removesuffix(".00")
        beside(axes, f"deal\n{told}" if number == deals[0][0] else told, (number + 0.8, price), 8)
    axes.axhspan(cost, value, color="0.93", zorder=0)
    axes.set_xlim(0.8, right := max(offer["round"] for offer in offers) + 1.4)
    axes.text(right - 0.05, cost, "between the\nreservation prices", ha="right", va="bottom", fontsize=8, color="0.4")
    axes.set(
        xlabel="round", ylabel="price, dollars", title="Offers and deals; the critic coaches the seller between rounds"
    )
    axes.set_xticks([number + 0.4 for number in range(1, 1 + max(offer["round"] for offer in offers))])
    axes.set_xticklabels(range(1, 1 + max(offer["round"] for offer in offers)))
    figure.savefig(target, dpi=130)


if __name__ == "__main__":
    main(*sys.argv[1:])
