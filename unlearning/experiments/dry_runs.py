"""Open the database for a dry run: read what exists, never create one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from arena.store.location import DatabaseLocation
from arena.store.store import Store


@contextmanager
def open_for_reading(db: str) -> Iterator[Store]:
    """The records at a path or URL, for reading; where no file is, empty ones, which are gone afterwards."""
    path = DatabaseLocation.of(db).path
    if path is None or path.exists():
        with Store.open(db, create=False) as store:
            yield store
        return
    with TemporaryDirectory(prefix="arena-") as folder, Store.open(Path(folder) / "empty.db") as store:
        yield store
