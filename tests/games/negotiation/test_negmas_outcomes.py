"""The bargaining game reproduces the outcomes of NegMAS sessions, cell by cell, in words as well as in actions."""

import pytest
from negmas_outcomes import AGREEMENTS, Agreement, Session

from arena.engine.play import play


def outcome(session: Session, speaks: str) -> Agreement:
    """The price and the step (a pair of messages, from 1) of a session, played as one round."""
    low, high, steps, seller, buyer = session
    game = {"name": "bargaining", "cost": low, "value": high, "low": low, "high": high, "tick": 1, "turns": steps}
    seats = {"seller": {"name": seller, "speaks": speaks}, "buyer": {"name": buyer, "speaks": speaks}}
    (row,) = play(game, seats).facts["rounds"]  # type: ignore[misc, union-attr]
    return (row["price"], (row["messages"] + 1) // 2) if row["deal"] else None  # type: ignore[index, operator, call-overload, return-value]


@pytest.mark.parametrize(("session", "agreement"), AGREEMENTS.items(), ids=str)
def test_the_table_of_negmas(session: Session, agreement: Agreement) -> None:
    assert outcome(session, "acts") == agreement


SHORT = [(session, agreement) for session, agreement in AGREEMENTS.items() if session[2] == 10]


@pytest.mark.parametrize(("session", "agreement"), SHORT, ids=str)
def test_the_same_when_they_only_talk_and_the_moderator_reads(session: Session, agreement: Agreement) -> None:
    assert outcome(session, "talks") == agreement
