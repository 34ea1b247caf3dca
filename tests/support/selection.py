"""Cases of a parametrised test of which the default run takes only the first; the others are marked slow."""

from collections.abc import Iterable
from typing import Any

import pytest


def first(count: int, cases: Iterable[Any]) -> list[Any]:
    """The cases; from the one with index `count` on they are marked slow. A tuple is a case of several arguments."""
    return [
        case if index < count else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
        for index, case in enumerate(cases)
    ]
