"""How a database of an earlier schema becomes one of the next; each step is written down once and then left alone."""

from sqlalchemy import Connection


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
