"""Where agents are kept: what comes back is what was put there, and what was forgotten is in no byte of the files."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from random_memories import NAMES, OTHER, TARGET, about, memories, remembers, walk, walker
from repository import ROOT, SUPPORT

from agents.guardrails.auditor import Auditor
from agents.guardrails.detector import Detector
from agents.guardrails.name_filter import Filter
from agents.llm.llm import LLM
from agents.memory import agent_store
from agents.memory.memory import Memory
from agents.memory.subject import Subject
from agents.memory.text_embedding import Hashed
from agents.memory.write_gate import NameHashGate
from agents.models.scripted import Scripted
from agents.models.scripted_auditor import ScriptedAuditor
from agents.note_policy.knower import Knower
from arena.errors import UsageError
from arena.store.database import writing
from arena.store.store import Store
from unlearning.memory.twin import twin

WORD = TARGET.split()[0].encode()  # stands nowhere but in what is told of the target


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "a.db")) as store:
        yield store


def keep(store: Store, name: str, subject: Subject) -> int:
    with writing(store.engine) as connection:
        return agent_store.save_agent(connection, name, subject).epoch


def bytes_of(store: Store, word: bytes = WORD) -> int:
    """How often a word stands in the files of the database: the pages, the log, the index of the log."""
    path = Path(str(store.engine.url.database))
    return sum(file.read_bytes().count(word) for file in path.parent.glob(f"{path.name}*"))


def rows(store: Store, table: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(str(store.engine.url.database)) as connection:
        return list(connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2"))


GUARDS = (
    Filter((TARGET,), ("Bimalo Harbour",), "ignorant"), Auditor(ScriptedAuditor(), (TARGET,)),
    Detector((Hashed().embed(TARGET),), (0.5,) * 257, "00" * 16, ("ab",), (2,), adviser=Scripted()),
)  # fmt: skip


@pytest.mark.parametrize("subject", [
    walker(), walker(steering="Be brief.", budget=99, user="ann"), walker(guards=GUARDS), Subject(Knower()),
    Subject(LLM(Scripted(), persona="A guide."), remembers(walk())),
    Subject(Knower(compliance=0.5), Memory(gate=NameHashGate(b"k" * 16).with_names(NAMES))),
], ids=["walker", "settings", "guards", "empty", "model", "gate"])  # fmt: skip
def test_an_agent_comes_back_as_it_was(store: Store, subject: Subject) -> None:
    keep(store, "one", subject)
    assert agent_store.get_agent(store, "one") == subject
    assert agent_store.list_names(store) == ["one"]


@given(memories(), memories())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_memory_comes_back_and_takes_the_place_of_any_other(store: Store, one: Memory, other: Memory) -> None:
    for memory in (one, other):
        keep(store, "one", Subject(Knower(), memory))
        assert agent_store.get_agent(store, "one").memory == memory


def test_agents_do_not_touch_each_other(store: Store) -> None:
    for name in ("one", "two"):
        keep(store, name, walker())
    before = [row for table in ("event", "note") for row in rows(store, table) if row[0] == "two"]
    keep(store, "one", twin(walker(), about(TARGET)))
    assert before == [row for table in ("event", "note") for row in rows(store, table) if row[0] == "two"]
    assert agent_store.get_agent(store, "two") == walker()


def test_an_unknown_agent_is_answered_with_those_there_are(store: Store) -> None:
    keep(store, "walker", walker())
    with pytest.raises(UsageError, match="walker"):
        agent_store.get_agent(store, "waker")


def test_the_epoch_counts_how_often_it_forgot_and_not_what_it_learned(store: Store) -> None:
    assert keep(store, "one", Subject(Knower(), remembers(walk()[:6]))) == 0
    with writing(store.engine) as connection:
        assert agent_store.save_agent(connection, "one", walker(), forgot=False).epoch == 0
    assert not agent_store.needs_scrub(store.engine)
    assert keep(store, "one", twin(walker(), about(TARGET))) == 1
    assert keep(store, "one", twin(walker(), about(TARGET))) == 1, "nothing was lost"
    assert keep(store, "one", twin(walker(), about(TARGET, OTHER))) == 2


def test_what_is_forgotten_is_in_no_byte_of_the_files(store: Store) -> None:
    keep(store, "one", walker())
    assert bytes_of(store) > 0
    keep(store, "one", twin(walker(), about(TARGET)))
    assert agent_store.scrub_files(store.engine) and bytes_of(store) == 0 and not agent_store.needs_scrub(store.engine)
    assert bytes_of(store, OTHER.split()[0].encode()) > 0, "the rest is still there"
    assert not agent_store.scrub_files(store.engine), "once is enough"


def test_not_even_where_it_was_written_and_deleted_without_care_before(store: Store) -> None:
    """Free pages of earlier deletions, by a hand that did not wipe them, go with the next wiping."""
    keep(store, "one", walker())
    path = str(store.engine.url.database)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE copy AS SELECT text FROM note, (SELECT 1 UNION SELECT 2 UNION SELECT 3)")
        connection.commit()
        connection.execute("DROP TABLE copy")
    connection.close()
    keep(store, "one", twin(walker(), about(TARGET)))
    agent_store.scrub_files(store.engine)
    assert bytes_of(store) == 0


def test_a_large_log_leaves_nothing_either(store: Store) -> None:
    """Rows over many pages, the target among them at many places."""
    log = [replace(event, id=f"{n}-{event.id}", episode=f"{n}-{event.episode}") for n in range(60) for event in walk()]
    subject = Subject(Knower(), remembers(log))
    keep(store, "one", subject)
    keep(store, "one", twin(subject, about(TARGET)))
    agent_store.scrub_files(store.engine)
    assert bytes_of(store) == 0


def test_a_reader_of_an_older_state_holds_it_until_the_next_to_open(store: Store) -> None:
    keep(store, "one", walker())
    reader = sqlite3.connect(str(store.engine.url.database))
    reader.execute("BEGIN")
    told = reader.execute("SELECT count(*) FROM note WHERE text LIKE ?", (f"%{TARGET}%",)).fetchone()[0]
    keep(store, "one", twin(walker(), about(TARGET)))
    assert not agent_store.scrub_files(store.engine) and agent_store.needs_scrub(store.engine)
    again = reader.execute("SELECT count(*) FROM note WHERE text LIKE ?", (f"%{TARGET}%",)).fetchone()[0]
    assert told == again > 0, "it reads on undisturbed"
    reader.close()
    assert agent_store.get_agent(store, "one") == twin(walker(), about(TARGET))
    assert bytes_of(store) == 0 and not agent_store.needs_scrub(store.engine)


DIES = f"""
import os, signal, sys
sys.path[:0] = [{str(ROOT)!r}, {str(SUPPORT)!r}]
from random_memories import TARGET, about, walker
from arena.store.database import writing
from arena.store.store import Store
from agents.memory import agent_store
from unlearning.memory.twin import twin

with Store.open(sys.argv[1]) as store:
    with writing(store.engine) as connection:
        agent_store.save_agent(connection, "one", walker())
    with writing(store.engine) as connection:
        agent_store.save_agent(connection, "one", twin(walker(), about(TARGET)))
        if sys.argv[2] == "within":
            os.kill(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("when", ["within", "behind"])
def test_a_process_that_dies_at_the_commit_leaves_all_or_nothing(tmp_path: Path, when: str) -> None:
    """Within the transaction: nothing has happened. Behind it: forgotten, and the next to open wipes the files."""
    path = tmp_path / "a.db"
    done = subprocess.run([sys.executable, "-c", DIES, str(path), when], env=os.environ, timeout=60)
    assert done.returncode == -9
    with Store.open(str(path), create=False) as store:
        assert bytes_of(store) > 0
        assert agent_store.get_agent(store, "one") == (walker() if when == "within" else twin(walker(), about(TARGET)))
        assert (bytes_of(store) == 0) == (when == "behind")


def test_who_can_only_read_reads(store: Store, tmp_path: Path) -> None:
    keep(store, "one", walker())
    keep(store, "one", twin(walker(), about(TARGET)))
    assert agent_store.needs_scrub(store.engine)
    path = Path(str(store.engine.url.database))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    copy = tmp_path / "sealed" / "a.db"
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    copy.chmod(0o444)
    copy.parent.chmod(0o555)
    try:
        with Store.open(str(copy), create=False) as sealed:
            assert agent_store.get_agent(sealed, "one") == twin(walker(), about(TARGET))
    finally:
        copy.parent.chmod(0o755)
