"""Recorded prompts that were sent to models: `arena show EPISODE --prompts`."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from arena.console.stdio import print_json, say
from arena.errors import UsageError, unknown
from arena.store.select_episodes import choose
from arena.store.store import Store

CALLS = """
SELECT c.step, c.seat, c.attempt, c.k, c.model, c.outcome, c.detail, c.prompt, reply.body AS reply
FROM call c LEFT JOIN text reply ON reply.id = c.reply
WHERE c.episode = :episode AND (:seat = '' OR c.seat = :seat) ORDER BY c.step, c.attempt, c.seat, c.k
"""
CHAIN = """
WITH RECURSIVE chain(id, above) AS (
  SELECT id, 0 FROM message WHERE id = :prompt
  UNION ALL SELECT m.parent, above + 1 FROM message m JOIN chain ON m.id = chain.id WHERE m.parent IS NOT NULL)
SELECT m.role, text.body FROM chain JOIN message m ON m.id = chain.id JOIN text ON text.id = m.text ORDER BY above DESC
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt to get an answer: the seat, its (role, text) messages, and the reply.

    attempt: number of the seat's answer in this step, from 0; None if no answer resulted. outcome, detail: as in
    `calls`.
    """

    episode: str
    step: int
    seat: str
    attempt: int | None
    model: str
    outcome: str
    detail: str
    lines: tuple[tuple[str, str], ...]
    reply: str


def prompts_sent(store: Store, which: str, seat: str = "") -> Iterator[Sent]:
    """Yield the prompts of an episode or of all episodes of a run, in order; optionally of one seat. Read lazily.

    Raises BadRecord for an unknown episode, UsageError for an unknown seat.
    """
    for chosen in choose(store, store.episode(which).id if which == "last" else which):
        with store.engine.connect() as connection:
            seats = connection.execute(text("SELECT seat FROM seat WHERE episode = :id"), {"id": chosen.id})
            if seat and seat not in (known := list(seats.scalars())):
                raise UsageError(f"{chosen.id}: {unknown('seat', seat, known)}")
            calls = connection.execute(text(CALLS), {"episode": chosen.id, "seat": seat})
            for row in calls.all():
                lines = _lines(connection, row.prompt)
                yield Sent(
                    *(chosen.id, row.step, row.seat, row.attempt, row.model, row.outcome, row.detail or ""),
                    *(lines, row.reply or ""),
                )


def tell_prompts(store: Store, which: str, seat: str, as_json: bool) -> None:
    """Print the prompts; in text, messages that the seat was sent before are only counted."""
    found = prompts_sent(store, which, seat)
    if as_json:
        print_json([_row(one) for one in found])
        return
    before: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
    count = 0
    for count, one in enumerate(found, 1):  # noqa: B007 (how many there were)
        _tell(one, before.get((one.episode, one.seat), ()))
        before[one.episode, one.seat] = one.lines
    if not count:
        say(
            f"no model was asked in {which}{f' by {seat}' if seat else ''}; scripted agents send no prompts",
            stderr=True,
        )


def _tell(one: Sent, before: tuple[tuple[str, str], ...]) -> None:
    tried = "no answer came of it" if one.attempt is None else f"answer {one.attempt + 1}"
    say(f"— {one.episode} step {one.step}, {one.seat} ({tried}) asks {one.model}: {one.outcome}")
    same = 0
    while same < min(len(before), len(one.lines)) and before[same] == one.lines[same]:
        same += 1
    if same:
        say(f"({same} messages as in the prompt before)")
    for role, body in one.lines[same:]:
        say(f"{role}: {body}")
    say(f"→ {one.reply or one.detail or '(no words)'}\n")


def _row(one: Sent) -> dict[str, object]:
    messages = [{"role": role, "text": body} for role, body in one.lines]
    return {
        "episode": one.episode, "step": one.step, "seat": one.seat, "attempt": one.attempt, "model": one.model,
        "outcome": one.outcome, "detail": one.detail, "messages": messages, "reply": one.reply,
    }  # fmt: skip


def _lines(connection: Connection, prompt: int | None) -> tuple[tuple[str, str], ...]:
    """The messages of a prompt, first to last; empty if none was sent."""
    if prompt is None:
        return ()
    return tuple((row.role, row.body) for row in connection.execute(text(CHAIN), {"prompt": prompt}))
