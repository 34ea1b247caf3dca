"""Language-model agents play each other, learn from feedback, forget on request; and it is measured."""

from arena.agent import Agent as Agent
from arena.agent import agent as agent
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
from arena.play import play as play

__version__ = "0.1.0"
