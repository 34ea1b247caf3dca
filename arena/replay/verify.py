"""Verify recorded episodes against today's code: same accepted answers, same seats asked, same scores."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from arena.agent import Agent
from arena.console.long_work import doing
from arena.engine.match_loop import answer_seed
from arena.episode import Episode, Turn
from arena.errors import UntrustedPart
from arena.game import Game, View
from arena.replay.trace import Divergence, Trace, retrace
from arena.spec import build, describe
from arena.store.rows import drop_infinite, dump
from arena.store.select_episodes import Chosen, choose
from arena.store.store import Store
from arena.text.storable import clean

LOGGER = logging.getLogger(__name__)

MOST = 4  # most differences that are listed
FINISHED = ("over", "forfeit")


@runtime_checkable
class PromptingAgent(Protocol):
    """An agent that can return the prompt it would send to its model, as (role, text) pairs."""

    def lines(self, view: View) -> Iterable[tuple[str, str]]: ...


@dataclass(frozen=True, slots=True)
class EpisodeVerdict:
    """Result of verifying one episode: `divergence` is None if the replay leads to the same end.

    `turns` is the number of recorded answers. `prompts` of them were compared with what was sent to a model; `prompt`
    describes the first difference, which is no divergence of the game. `notes` are further remarks. `unchecked` is the
    reason why nothing was compared, if the game is code that the user has not trusted.
    """

    episode: str
    status: str
    turns: int
    divergence: Divergence | None = None
    prompts: int = 0
    prompt: str = ""
    notes: tuple[str, ...] = ()
    unchecked: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A score or a fact that differs from the record; `step` is the last one of the round it belongs to, if known."""

    name: str
    then: str
    now: str
    step: int | None = None


@dataclass(slots=True)
class Prompts:
    """Compares recorded prompts with those that today's agents would send, up to the first difference."""

    game: Game
    episode: Episode
    agents: dict[str, Any] = field(default_factory=dict)
    compared: int = 0
    differs: str = ""
    failed: str = ""

    def look(self, state: object, turn: Turn, complaint: str) -> None:
        """Compare the prompt of one recorded answer, given the state and the complaint before it."""
        sent = next((call.prompt for call in turn.move.usage.calls if call.prompt), ())
        if not sent or self.differs or self.failed:
            return
        match, view = self.episode.match, self.game.view(state, turn.seat)
        seed = answer_seed(match, turn.seat, turn.step, turn.attempt)
        view = replace(view, complaint=complaint, seed=seed, seats=self.game.seats)
        try:
            if turn.seat not in self.agents:
                self.agents[turn.seat] = build(Agent, match.seats[turn.seat], f"seats.{turn.seat}")
            agent = self.agents[turn.seat]
            if not isinstance(agent, PromptingAgent):
                return
            lines = [(role, clean(text)) for role, text in agent.lines(view)]
        except Exception as error:  # a failing agent is no divergence of the game
            self.failed = f"prompts of {turn.seat} could not be compared: {error}"
            LOGGER.debug("prompts of %s at step %d", turn.seat, turn.step, exc_info=True)
            return
        self.compared += 1
        if lines != list(sent):
            at = next((n for n, pair in enumerate(zip(sent, lines, strict=False)) if pair[0] != pair[1]), None)
            line = min(len(sent), len(lines)) if at is None else at
            self.differs = f"step {turn.step}, {turn.seat}, line {line + 1} of {len(sent)}"


def verify(store: Store, which: str) -> Iterator[EpisodeVerdict]:
    """A verdict for each episode of a run, or for one; `which` as in `choose`."""
    found = choose(store, which)
    for n, chosen in enumerate(found, 1):
        doing("episode", f"{n} of {len(found)}")
        yield examine(store.episode(chosen.id), chosen)


def examine(episode: Episode, chosen: Chosen) -> EpisodeVerdict:
    """Verify one recorded episode against today's code."""
    blank = EpisodeVerdict(episode.id, episode.status, len(episode.turns))
    try:
        game = build(Game, episode.match.game, "game")
    except UntrustedPart as error:
        return replace(blank, unchecked=str(error))
    except Exception as error:  # a file that cannot be imported may raise anything
        LOGGER.debug("the game of episode %s cannot be built", episode.id, exc_info=True)
        then = _brief(episode.match.game)
        return replace(blank, divergence=Divergence("the game cannot be built", then, str(error), 0))
    prompts = Prompts(game, episode)
    trace = retrace(game, episode.match, episode.turns, prompts.look)
    notes = (*_changes(game, episode, chosen), *_doubts(trace), *filter(None, [prompts.failed]))
    divergence = trace.divergence or other_end(episode, trace) or _results(episode, trace)
    return replace(blank, divergence=divergence, prompts=prompts.compared, prompt=prompts.differs, notes=notes)


def differences(name: str, then: object, now: object) -> Iterator[Difference]:
    """Differences between two JSON values, by path: `facts.rounds[2].price`."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*then, *now]):
            step = _step(then, now)
            for found in differences(f"{name}.{key}", then.get(key, ...), now.get(key, ...)):
                yield replace(found, step=found.step if found.step is not None else step)
    elif isinstance(then, list) and isinstance(now, list):
        for n in range(max(len(then), len(now))):
            yield from differences(f"{name}[{n}]", *(row[n] if n < len(row) else ... for row in (then, now)))
    elif then != now or isinstance(then, bool) != isinstance(now, bool):
        yield Difference(name, _brief(then), _brief(now), _step(then, now))


def other_end(episode: Episode, trace: Trace) -> Divergence | None:
    """The divergence if today's rules end the game elsewhere."""
    if episode.status not in FINISHED or (trace.ended and trace.blame == episode.blame):
        return None
    then = f"over after {len(episode.moves)} answers" if not episode.blame else f"forfeited by {episode.blame}"
    if trace.blame:
        return Divergence("the game ends otherwise", then, f"forfeited by {trace.blame}", trace.step, trace.blame)
    if trace.ended:
        return Divergence("the game ends otherwise", then, "over", trace.step)
    seats = trace.game.to_act(trace.state)
    return Divergence(
        "the game is not over", then, f"step {trace.step} waits for {', '.join(seats)}", trace.step, seats[0]
    )


def _results(episode: Episode, trace: Trace) -> Divergence | None:
    """The divergence if today's scores or facts differ from the record."""
    if episode.status not in FINISHED:
        return None
    try:
        scores = {seat: drop_infinite(value) for seat, value in trace.game.scores(trace.state).items()}
        facts = json.loads(dump(trace.game.facts(trace.state)))
    except Exception as error:
        return Divergence("today's code fails", "scores and facts", f"{type(error).__name__}: {error}")
    found = [*differences("scores", dict(episode.scores), scores), *differences("facts", dict(episode.facts), facts)]
    if not found:
        return None
    kinds = dict.fromkeys(difference.name.partition(".")[0] for difference in found)
    more = f", and {len(found) - MOST} more" if len(found) > MOST else ""
    then, now = (
        ", ".join(f"{difference.name} = {getattr(difference, side)}" for difference in found[:MOST]) + more
        for side in ("then", "now")
    )
    step = min((difference.step for difference in found if difference.step is not None), default=None)
    return Divergence(f"{' and '.join(kinds)} differ", then, now, step)


def _changes(game: Game, episode: Episode, chosen: Chosen) -> Iterator[str]:
    """Known changes of the game since the episode was played."""
    if game.rules_version != chosen.rules_version:
        yield f"rules_version was {chosen.rules_version}, is {game.rules_version}"
    if isinstance(episode.match.game, Mapping):
        new = describe(game).keys() - episode.match.game.keys()
        if new:
            yield f"parameters since then, at their defaults: {', '.join(sorted(new))}"


def _doubts(trace: Trace) -> Iterator[str]:
    """Notes on what a replay cannot check."""
    if trace.unchecked:
        yield f"{trace.unchecked} refusal(s) taken as recorded: what an agent could not read cannot be judged again"
    if trace.reworded:
        yield f"{trace.reworded} answer(s) refused again, for another reason"


def _step(*values: object) -> int | None:
    """The step that one of these objects names, as `step` or as its last one."""
    rows = [value for value in values if isinstance(value, Mapping)]
    steps = [row[key] for row in rows for key in ("step", "last_step") if isinstance(row.get(key), int)]
    return steps[0] if steps else None


def _brief(value: object) -> str:
    text = "nothing" if value is ... else dump(value)
    return text if len(text) <= 60 else text[:60] + "…"
