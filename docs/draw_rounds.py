"""Draw the offers and deals of one recorded episode, round by round, from SQL alone.

python docs/draw_rounds.py arena.db last docs/rounds.png        (needs matplotlib)
"""

import json
import sqlite3
import sys

import matplotlib.pyplot as plt

COLOURS = {"buyer": "#1f77b4", "seller": "#d62728"}


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
            axes.plot(
                places, prices, ".-", color=colour, linewidth=1, markersize=4, label=seat if number == 1 else None
            )
    for number, price in deals:
        axes.plot(
            number + 0.8, price, "*", color="black", markersize=11, label="deal" if number == deals[0][0] else None
        )
        axes.annotate(
            f"${price:.2f}".removesuffix(".00"),
            (number + 0.8, price),
            textcoords="offset points",
            xytext=(0, 8),
            ha="center",
        )
    axes.axhspan(cost, value, color="0.93", zorder=0, label="between the reservation prices")
    axes.set(
        xlabel="round", ylabel="price, dollars", title="Offers and deals; the critic coaches the seller between rounds"
    )
    axes.set_xticks([number + 0.4 for number in range(1, 1 + max(offer["round"] for offer in offers))])
    axes.set_xticklabels(range(1, 1 + max(offer["round"] for offer in offers)))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    figure.savefig(target, dpi=130)


if __name__ == "__main__":
    main(*sys.argv[1:])
