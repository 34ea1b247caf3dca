"""Arena: language-model agents play each other, learn in context from feedback and forget on request; the forgetting is
measured.
"""

import sys

if sys.argv[:1] == ["-m"] and sys.orig_argv[1:] and not sys.flags.safe_path:  # `python -m arena` is starting
    # Python has put the current folder before the standard library; a file there must not take a library's place.
    _checkout = __file__.removesuffix("/arena/__init__.py").removesuffix("\\arena\\__init__.py")
    if sys.path and sys.path[0] != _checkout:
        del sys.path[0]

from typing import TYPE_CHECKING

from arena.version import __version__ as __version__

if TYPE_CHECKING:
    from arena.agent import Agent
    from arena.engine.play import play
    from arena.episode import Episode, Match, Turn
    from arena.errors import ArenaError, IllegalMove
    from arena.game import Game, Message, Move, Tool, View
else:
    _MODULES = {
        **dict.fromkeys(("ArenaError", "IllegalMove"), "arena.errors"),
        **dict.fromkeys(("Episode", "Match", "Turn"), "arena.episode"),
        **dict.fromkeys(("Game", "Message", "Move", "Tool", "View"), "arena.game"),
        "Agent": "arena.agent",
        "play": "arena.engine.play",
    }

    def __getattr__(name: str) -> object:
        """A public name, whose module is imported when it is first used (PEP 562): `import arena` alone loads none."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_MODULES[name]), name)
        return value


__all__ = [
    "Agent",
    "ArenaError",
    "Episode",
    "Game",
    "IllegalMove",
    "Match",
    "Message",
    "Move",
    "Tool",
    "Turn",
    "View",
    "play",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
