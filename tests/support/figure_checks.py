"""What can be seen in a figure: its texts, and where they stand."""

import warnings
from itertools import combinations
from typing import Any
from unittest.mock import patch

from matplotlib.figure import Figure
from matplotlib.text import Text

ROUNDING = 1.5  # dots


def problems(figure: Figure) -> list[str]:
    """The texts of a figure that are cut by its edge, and those that lie on each other."""
    drawn: list[Text] = []
    draw = Text.draw

    def seen(text: Text, renderer: Any, *more: Any, **given: Any) -> None:
        if text.get_visible() and text.get_text().strip():
            drawn.append(text)
        draw(text, renderer, *more, **given)

    with warnings.catch_warnings(), patch.object(Text, "draw", seen):
        warnings.simplefilter("ignore")  # of signs that a font lacks
        figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    boxes = [(text.get_text(), text.get_window_extent()) for text in dict.fromkeys(drawn)]
    found = [f"{text!r} is cut" for text, box in boxes
             if min(box.x0, box.y0, width - box.x1, height - box.y1) < -ROUNDING]  # fmt: skip
    for (one, a), (two, b) in combinations(boxes, 2):
        across, down = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        if across > ROUNDING and down > ROUNDING:
            found.append(f"{one!r} lies on {two!r}")
    return found
