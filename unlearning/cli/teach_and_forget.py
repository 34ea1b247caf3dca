"""Teach and forget: each is one transaction."""

import hmac
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, cast

from sqlalchemy import text

from agents.chat_model import ChatModel
from agents.memory import agent_store
from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.reflection import write_reflections
from agents.memory.subject import Subject
from arena.agent import Agent
from arena.cache_register import clear
from arena.console.long_work import waiting
from arena.engine.play import run_blocking
from arena.errors import BadRecord, UsageError, unknown
from arena.game import Game
from arena.registry import find
from arena.spec import build, describe, dump_canonical
from arena.store.database import writing
from arena.store.store import Store
from unlearning.cli.agent_settings import set_lessons, set_method
from unlearning.memory.call_accounting import Expense, open_account
from unlearning.memory.mentions import find_mentions
from unlearning.memory.name_guards import find_guard_names
from unlearning.memory.receipt import Receipt, receipt
from unlearning.memory.request_parsing import with_rows
from unlearning.method import Method, ReadsRequests
from unlearning.request import SCOPES, Request, Scope
from unlearning.tasks.bargaining_market import get_game, is_market
from unlearning.tasks.curriculum import Curriculum, name_of, seat_of

RECORDED = "its name, elsewhere in this database: {counts}; to see where: arena mentions NAME"
DELETES = "; to delete what is not an agent's: arena mentions NAME --delete"
BY_KIND = "caches_by_kind"  # in a stored receipt
ATTEMPTS = 5  # retries of a request when the agent changed meanwhile


@dataclass(frozen=True, slots=True)
class Order:
    """A request as it was typed: the agent's name, the words, the method with its settings, and what to do with it.

    also: ids of events and notes that are to go besides; the words may then be "".
    """

    agent: str
    words: str
    method: str = "selective-replay"
    scope: str | None = None
    settings: tuple[str, ...] = ()
    keep: str | None = None
    dry_run: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """A request that was carried out, or would be (`id` ""): on which agent, by which method, and the receipt.

    caches: entries that this process dropped of what it held of texts, by kind (`arena/cache_register.py`).
    """

    id: str
    agent: str
    scope: str
    targets: int
    method: dict[str, Any]
    receipt: dict[str, Any]
    seconds: float
    epoch: int
    at: str
    caches: Mapping[str, int] = field(default_factory=dict)


def teach_agent(
    store: Store,
    name: str,
    games: Sequence[str],
    mind: str,
    lessons: int,
    seed: int,
    settings: Sequence[str],
    consent: Sequence[str] = (),
    model: str = "",
    seat: str = "",
    seats: Mapping[str, object] | None = None,
) -> Subject:
    """An agent taught in these environments and kept under its name; one of that name learns on.

    consent: names that its gate kept out and that it may learn again from now on. model: who writes a reflection on
    each episode in its own words, marked as not exact; "" for nobody. seat, seats: as those of a Course. settings:
    of the mind, the subject (budget, user), the games and the seats.
    """
    given = plan_lessons(store, name, games, mind, lessons, seed, settings, model, seat, seats)
    subject, course = given.subject, given.course
    with waiting(f"teaching {name}"):
        learned = run_blocking(lambda: teach_more(admit_names(subject, consent), course, given.writer))
    with writing(store.engine) as connection:
        if agent_store.load_agent(connection, name) != (subject if given.known else None):
            raise UsageError(f"{name} changed while it was taught; nothing was kept, type the command again")
        agent_store.save_agent(connection, name, learned, describe(course), forgot=False)
    return learned


@dataclass(frozen=True, slots=True)
class LessonPlan:
    """Lessons about to be given. subject: as it is before them. known: whether it is stored. writer: the model that
    writes reflections on them."""

    subject: Subject
    course: Curriculum
    known: bool
    writer: ChatModel | None

    @property
    def plan(self) -> dict[str, Any]:
        """The plan as plain data: environments, number of episodes, base agent, writer, earlier episodes."""
        return {
            "episodes": self.course.lessons * len(self.course.environments),
            "environments": [name_of(spec) for spec in self.course.environments],
            "mind": describe(self.subject.mind)["name"],
            "writer": None if self.writer is None else describe(self.writer)["name"],
            "episodes_before": len({event.episode for event in self.subject.memory.log}),
        }


def plan_lessons(
    store: Store,
    name: str,
    games: Sequence[str],
    mind: str,
    lessons: int,
    seed: int,
    settings: Sequence[str],
    model: str = "",
    seat: str = "",
    seats: Mapping[str, object] | None = None,
) -> LessonPlan:
    """The lessons as `teach_agent` would give them; nothing is played. Raises UsageError where they cannot be given."""
    if lessons < 1:
        raise UsageError(f"--lessons counts episodes, 1 or more; got {lessons}")
    given = set_lessons(mind, tuple(map(parse_environment, games)), seat, seats or {}, settings)
    course = Curriculum(given.games, lessons, seed, (), seat, given.seats)
    places = {name_of(spec) for spec in course.environments if build(Game, get_game(spec))}
    check_seats(course)
    writer: ChatModel | None = build(ChatModel, model) if model else None
    known = name in agent_store.list_names(store)
    subject = agent_store.get_agent(store, name) if known else make_subject(given.mind, given.subject)
    before = agent_store.load_course(store, name) if known else {}
    course = replace(course, earlier=(*before.pop("earlier", ()), before) if before else ())
    had = [one for one in course.whole[:-1] if one.seed == seed and set(map(name_of, one.environments)) & places]
    if had:
        raise UsageError(f"{name} had these lessons; type another --seed, or another name")
    return LessonPlan(subject, course, known, writer)


def check_seats(course: Curriculum) -> None:
    """Raises UsageError for a seat that one of the course's games does not have, or whose agent cannot be built."""
    for spec in course.environments:
        game = build(Game, get_game(spec))
        mine = seat_of(game, course.seat) if not is_market(spec) else ""
        for name, agent in course.seats.items():
            if name not in game.seats or name == mine:
                raise UsageError(unknown("other seat", name, [other for other in game.seats if other != mine]))
            build(Agent, agent, f"seats.{name}")


async def teach_more(subject: Subject, course: Curriculum, writer: ChatModel | None) -> Subject:
    """The subject after the last of the courses, with a model's reflections where there is one to write them."""
    learned = await replace(course, earlier=()).teach(subject)
    if writer is None:
        return learned
    return replace(learned, memory=(await write_reflections(learned.memory, writer)).memory)


def admit_names(subject: Subject, names: Sequence[str]) -> Subject:
    """The subject whose gate lets these names in again. Raises UsageError for one that it does not keep out."""
    gate = subject.memory.gate
    for name in names:
        if gate.admits(name):
            raise UsageError(f"--consent names what a gate keeps out, and this one lets {name!r} in; leave it away")
        gate = gate.without_names([name])
    return replace(subject, memory=replace(subject.memory, gate=gate))


def make_subject(mind: Any, settings: Mapping[str, Any]) -> Subject:
    """A subject that remembers nothing yet, by the spec of its mind, its budget and the like."""
    thinker = build("agent", mind, "mind")
    try:
        return Subject(thinker, Memory(writers=ALL), **settings)
    except ValueError as error:
        raise UsageError(str(error)) from None


def parse_environment(words: str) -> dict[str, Any]:
    """The spec of a game from `gridworld/unknown#2`: its name, its preset, its world."""
    head, _, world = words.partition("#")
    file, colon, thing = head.rpartition(":")  # a folder has slashes of its own
    name, _, preset = thing.partition("/")
    name = f"{file}{colon}{name}"
    if world and not world.isdigit():
        raise UsageError(f"--game takes NAME, NAME/PRESET or NAME#WORLD, the world a number; got {words!r}")
    if preset and preset not in getattr(find("game", name)[0], "presets", {}) and _takes_id(name):
        name, preset = head, ""  # an environment of others, such as pettingzoo/rps_v2
    return {"name": name, **({"preset": preset} if preset else {}), **({"world": int(world)} if world else {})}


def _takes_id(name: str) -> bool:
    return "id" in getattr(find("game", name)[0], "__dataclass_fields__", {})


def forget_request(store: Store, order: Order) -> Done:
    """Carries out a request; the agent then has forgotten, or nothing has changed. Raises UnclearTarget, UsageError."""
    if order.scope is not None and order.scope not in SCOPES:
        raise UsageError(unknown("scope", order.scope, SCOPES))
    method = build(Method, set_method(order.method, order.settings))
    for _ in range(ATTEMPTS):
        before, begun = agent_store.get_agent(store, order.agent), time.perf_counter()
        request, after, account = run_blocking(lambda: apply_request(method, before, order))  # noqa: B023 (called at once)
        if not isinstance(after, Subject):
            raise UsageError(f"the method {order.method!r} made no agent that remembers; nothing was changed")
        seconds = time.perf_counter() - begun
        done = _make_done(order, request, method, receipt(before, after, request), seconds, account)
        found = request.targets if request.scope == "facts" else find_guard_names(before.memory, request).asked
        done = add_mentions(store, done, found)
        if order.dry_run:
            return replace(done, id="")
        if (kept := _save_result(store, order, before, after, done)) is not None:
            agent_store.scrub_files(store.engine)
            if kept.caches:
                clear()  # what was read since
            return _add_remains(store, kept)
    raise UsageError(f"{order.agent} kept changing while it should forget; nothing was changed, type the command again")


async def apply_request(method: Method, before: Subject, order: Order) -> tuple[Request, Agent, Expense]:
    """The request that the order's words make, the agent after it, and what models were asked for it.

    The words are read by the method where it reads words, else by rules; with a scope or rows given always by rules.
    Raises UnclearTarget, UsageError.
    """
    with open_account() as account:
        if isinstance(method, ReadsRequests) and order.scope is None and not order.also:
            reader: ReadsRequests = method
            request, after = await reader.read(before, order.words)
        else:
            request = with_rows(before.memory, order.words, cast(Scope | None, order.scope), order.also)
            after = await method(before, request)
    return request, after, account


def add_mentions(store: Store, done: Done, names: Sequence[str]) -> Done:
    """The request with what else of this database names its target, counted by kind: nothing of that was touched."""
    with store.engine.connect() as connection:
        found = find_mentions(connection, names, besides=done.agent)
    if not (counts := found.counts()):
        return done
    told = RECORDED.format(counts=", ".join(f"{kind} {number}" for kind, number in counts.items()))
    told += DELETES if any(what != "agent" for what, _ in found.places) else ""
    return replace(done, receipt={**done.receipt, "recorded": counts, "remains": [told, *done.receipt["remains"]]})


def find_receipt(store: Store, which: str) -> Done:
    """The receipt of a request by its id, of an agent's last request, or of the last of all. Raises BadRecord."""
    columns = "SELECT id, owner, scope, targets, method, receipt, seconds, epoch, at FROM request"
    where = "" if which == "last" else "WHERE id = :which OR owner = :which"
    with store.engine.connect() as connection:
        row = connection.execute(text(f"{columns} {where} ORDER BY at DESC, id DESC LIMIT 1"), {"which": which}).first()
        ids = [found.id for found in connection.execute(text("SELECT id FROM request ORDER BY at DESC LIMIT 8"))]
    if row is None:
        told = f"no receipt {which!r}; there are {', '.join(ids)}" if ids else "nobody was asked to forget yet"
        raise BadRecord(f"{told}; type: arena forget NAME --request “forget …”")
    made = json.loads(row.receipt)
    caches = made.pop(BY_KIND, {})  # older receipts have the sum alone
    done = Done(
        row.id, row.owner, row.scope, row.targets, json.loads(row.method), made, row.seconds, row.epoch, row.at, caches
    )
    return _add_remains(store, done)


def _add_remains(store: Store, done: Done) -> Done:
    """The request with what the files of the database still have of it, as far as it is known."""
    touched = store.place.path is not None or done.receipt.get("rows")
    left = agent_store.find_remains(store.engine) if touched else ()
    return replace(done, receipt={**done.receipt, "remains": [*left, *done.receipt["remains"]]}) if left else done


def _make_done(order: Order, request: Request, method: Method, made: Receipt, seconds: float, account: Expense) -> Done:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    id, owner = f"q{secrets.token_hex(4)}", order.keep or order.agent
    row = {**made.row(), "calls": account.calls, "tokens": account.tokens}
    return Done(id, owner, request.scope, len(request.forget), describe(method), row, seconds, 0, at)


def _save_result(store: Store, order: Order, before: Subject, after: Subject, done: Done) -> Done | None:
    """The request as carried out, with the agent stored; None where the agent changed meanwhile."""
    with writing(store.engine) as connection:
        if agent_store.load_agent(connection, order.agent) != before:
            return None
        course = None if order.keep is None else agent_store.load_course(store, order.agent)
        kept = agent_store.save_agent(connection, done.agent, after, course)
        dropped = clear() if done.receipt["events"] or done.receipt["notes"] else {}
        made = {**done.receipt, "rows": kept.rows, "caches": sum(dropped.values())}
        done = replace(done, epoch=kept.epoch, receipt=made, caches=dropped)
        row = {
            "id": done.id, "owner": done.agent, "scope": done.scope, "targets": done.targets,
            "digest": _compute_digest(after, order.words), "method": dump_canonical(done.method),
            "receipt": dump_canonical({**made, BY_KIND: dropped}), "epoch": done.epoch, "seconds": done.seconds,
            "at": done.at,
        }  # fmt: skip
        values = ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO request ({', '.join(row)}) VALUES ({values})"), row)
    return done


def _compute_digest(agent: Subject, words: str) -> str:
    """A keyed hash of the request's words, under the key of the agent's gate; "" where it has none."""
    key = agent.memory.gate.key
    return hmac.new(key, words.encode(), sha256).hexdigest() if key else ""
