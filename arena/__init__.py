"""Language-model agents play each other, learn from feedback, forget on request; and it is measured."""

import sys

if sys.argv[:1] == ["-m"] and sys.orig_argv[1:] and not sys.flags.safe_path:  # `python -m arena` is starting
    # Python has put the current folder before the standard library; a file there must not take a library's place.
    _checkout = __file__.removesuffix("/arena/__init__.py").removesuffix("\\arena\\__init__.py")
    if sys.path and sys.path[0] != _checkout:
        del sys.path[0]

from arena.agent import Agent as Agent
from arena.agent import agent as agent
from arena.engine.play import play as play
from arena.episode import Episode as Episode
from arena.episode import Match as Match
from arena.episode import Turn as Turn
from arena.errors import ArenaError as ArenaError
from arena.errors import IllegalMove as IllegalMove
from arena.game import Game as Game
from arena.game import Message as Message
from arena.game import Move as Move
from arena.game import Tool as Tool
from arena.game import View as View
from arena.game import game as game

__version__ = "0.1.0"
