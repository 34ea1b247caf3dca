"""Where processor time goes: the stack of the main thread, looked at every millisecond of processor time."""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType

EVERY = 0.001  # seconds of processor time between two looks
ROOT = Path(__file__).parent.parent.parent
OURS = ("arena", "agents", "games")


@dataclass(slots=True)
class Samples:
    """How often each file of ours, or package beside it, was at work (`places`), and each function (`functions`).

    A place is the innermost file of ours on the stack, with the package that it called, if it did: what `json` does
    for `agents/api/http_post.py` is "agents/api/http_post.py json".
    """

    places: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)

    def look(self, frame: FrameType | None) -> None:
        """Count one stack, innermost frame first."""
        if frame is None:
            return
        leaf = _name(frame.f_code.co_filename)
        self.functions[f"{leaf}:{frame.f_code.co_qualname}"] += 1
        while frame is not None and not _name(frame.f_code.co_filename).startswith(OURS):
            frame = frame.f_back
        own = _name(frame.f_code.co_filename) if frame is not None else ""
        package = leaf.partition("/")[0]
        self.places[own if own == leaf else f"{own} {package}".strip()] += 1

    def table(self, cpu: float, most: int = 30) -> str:
        """The places and the functions with the most time, in µs of the `cpu` µs that a call takes."""
        whole = max(1, self.places.total())
        lines = []
        for title, counts in (("place", self.places), ("function, alone", self.functions)):
            lines.append(f"{'µs/call':>10} {'share':>6}  {title}")
            lines += [f"{cpu * n / whole:>10.1f} {n / whole:>6.1%}  {name}" for name, n in counts.most_common(most)]
        return "\n".join(lines)


@contextmanager
def sampled(on: bool = True) -> Iterator[Samples | None]:
    """Samples of what runs within; None and no cost where it is not `on`. In the main thread only."""
    if not on:
        yield None
        return
    samples = Samples()
    before = signal.signal(signal.SIGPROF, lambda _, frame: samples.look(frame))
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@cache
def _name(file: str) -> str:
    """A file of ours from the root on, another by its package and name, one of Python by its module."""
    path = Path(file)
    if path.is_relative_to(ROOT):
        return str(path.relative_to(ROOT))
    parts = path.parts
    if "site-packages" in parts:
        return "/".join(parts[parts.index("site-packages") + 1 :])
    return "/".join(parts[-2:]) if len(parts) > 2 and not parts[-2].startswith("python") else path.name
