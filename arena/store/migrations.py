"""Schema migrations: each step is written once and never changed."""

from sqlalchemy import Connection
from sqlalchemy import text as sql

from arena.lessons import dump_data
from arena.store.wipe import mark_overwritten
from arena.text.lesson_sentences import read_lesson

PLACE = "environment:t world:t task_type:t whose:t"
EVENT = f"owner:t n:i id:t text:t kind:t subject:t episode:t step:i {PLACE}"


def add_forks(connection: Connection) -> None:
    """Schema 1 to 2: where forks come from, and several versions of a score side by side."""
    sqlite = connection.dialect.name == "sqlite"
    text, big, tail = ("TEXT", "INTEGER", "\n WITHOUT ROWID") if sqlite else ('TEXT COLLATE "C"', "BIGINT", "")
    score = (
        f"CREATE TABLE score (\n\tepisode {text} NOT NULL, \n\tseat {text} NOT NULL, \n\tscorer {text} NOT NULL, \n\t"
        f"version INTEGER NOT NULL, \n\tvalue FLOAT, \n\tPRIMARY KEY (episode, seat, scorer, version)\n){tail}\n\n"
    )
    fork = (
        f"CREATE TABLE fork (\n\tepisode {text} NOT NULL, \n\tparent {text} NOT NULL, \n\tat INTEGER NOT NULL, \n\t"
        f"seed {big} NOT NULL, \n\tPRIMARY KEY (episode)\n)\n\n"
    )
    for statement in (  # a table is not renamed: that would look into the views, which may be those of another version
        "CREATE TEMPORARY TABLE kept AS SELECT episode, seat, scorer, version, value FROM score",
        "DROP TABLE score",
        score,
        "INSERT INTO score SELECT episode, seat, scorer, version, value FROM kept",
        "DROP TABLE kept",
        fork,
        "CREATE INDEX ix_fork_parent ON fork (parent)",
    ):
        connection.exec_driver_sql(statement)


def add_memory(connection: Connection) -> None:
    """Schema 2 to 3: agents that remember, requests to forget, and how well they did."""
    for table, columns, keys, clustered in (
        ("subject", "name:t spec:t course:t gate:t epoch:i scrub:i made:t changed:t", "name", False),
        ("event", EVENT, "owner, n", True),
        ("note", f"owner:t n:i id:t text:t kind:t parents:t writer:t subject:t {PLACE} grouped:t exact:i", "owner, n",
         True),
        ("request", "id:t owner:t scope:t targets:i digest:t method:t receipt:t epoch:i seconds:f at:t", "id", False),
        ("trial", "id:t bench:t setting:t scope:t target:t method:t seed:b spec:t status:t error:t seconds:f cost:t "
         "at:t", "id", False),
        ("reading", "trial:t probe:t value:o low:o high:o twin:o knew:o better:t level:f items:t detail:t",
         "trial, probe", False),
    ):  # fmt: skip
        _create_table(connection, table, columns, keys, clustered)
    connection.exec_driver_sql("CREATE INDEX ix_request_owner ON request (owner)")
    connection.exec_driver_sql("CREATE INDEX ix_trial_bench ON trial (bench)")


def add_event_data(connection: Connection) -> None:
    """Schema 3 to 4: what an event says as data beside its words, read from the words of those that are there."""
    columns = f"owner n id text kind subject episode step {PLACE.replace(':t', '')}".split()
    rows = connection.execute(sql(f"SELECT {', '.join(columns)} FROM event ORDER BY owner, n")).mappings().all()
    mark_overwritten(connection)
    connection.exec_driver_sql("DROP TABLE event")
    _create_table(connection, "event", f"{EVENT} data:t", "owner, n", clustered=True)
    insert = f"INSERT INTO event ({', '.join(columns)}, data) VALUES (:{', :'.join(columns)}, :data)"
    filled = [{**row, "data": dump_data(read_lesson(row["kind"], row["subject"], row["text"]))} for row in rows]
    if filled:
        connection.execute(sql(insert), filled)


def _create_table(connection: Connection, table: str, columns: str, keys: str, clustered: bool) -> None:
    """Makes a table of columns `name:kind`; a clustered one of SQLite is stored in the order of its keys."""
    sqlite = connection.dialect.name == "sqlite"
    kinds = {
        "t": "TEXT NOT NULL" if sqlite else 'TEXT COLLATE "C" NOT NULL',
        "b": f"{'INTEGER' if sqlite else 'BIGINT'} NOT NULL",
        "i": "INTEGER NOT NULL",
        "f": "FLOAT NOT NULL",
        "o": "FLOAT",
    }
    made = [f"\t{name} {kinds[kind]}" for name, kind in (column.split(":") for column in columns.split())]
    tail = "\n WITHOUT ROWID" if sqlite and clustered else ""
    lines = ", \n".join([*made, f"\tPRIMARY KEY ({keys})"])
    connection.exec_driver_sql(f"CREATE TABLE {table} (\n{lines}\n){tail}\n\n")
