"""Column types that the tables share."""

from typing import Any

from sqlalchemy import BigInteger, Integer
from sqlalchemy import Text as SqlText
from sqlmodel import Field

Hash = BigInteger().with_variant(Integer, "sqlite")  # 63 bits; in SQLite only INTEGER makes the key the row's address
Text = SqlText().with_variant(SqlText(collation="C"), "postgresql")  # sorted by bytes, as SQLite does
CLUSTERED = {"sqlite_with_rowid": False}  # stored in the order of the primary key, without a second index


def string(**options: Any) -> Any:
    """A text column, not NULL by default."""
    return Field(sa_type=Text, **{"nullable": False, **options})


def number(**options: Any) -> Any:
    """A 63-bit integer column, not NULL by default."""
    settings = {"nullable": False, "sa_column_kwargs": {"autoincrement": False}}
    return Field(sa_type=Hash, **{**settings, **options})
