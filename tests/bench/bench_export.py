"""What writing out all answers takes: `python tests/bench/bench_export.py [--copies 50]`.

Twenty episodes are played, and their answers copied under other ids. `arena sql "select * from transcript"` as CSV and
as JSON is timed as a process of its own; the baseline of the same run is what Python's `sqlite3` takes to fetch the
same rows and count their letters. Printed are seconds, their ratio to the baseline, and the most memory of the process.
"""

import argparse
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

QUESTION = "select * from transcript"


def fill(folder: Path, copies: int) -> int:
    """Plays and copies; how many answers there are."""
    arena(folder, "play", "-n", "20", "--rounds", "5", "--buyer", "boulware", "--seller", "linear", "-q")
    with closing(sqlite3.connect(folder / "arena.db")) as connection:
        columns = [row[1] for row in connection.execute("pragma table_info(turn)")]
        told = ", ".join("episode || '_' || k.i" if name == "episode" else f'"{name}"' for name in columns)
        connection.execute(
            f"insert into turn with recursive k(i) as (select 1 union all select i + 1 from k where i < {copies}) "
            f"select {told} from turn, k"
        )
        connection.commit()
        return int(connection.execute("select count(*) from turn").fetchone()[0])


def arena(folder: Path, *arguments: str) -> tuple[float, float]:
    """Seconds of a command, and megabytes of the largest command so far."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "arena", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--copies", type=int, default=50)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        answers = fill(folder, parser.parse_args().copies)
        began = time.perf_counter()
        with closing(sqlite3.connect(folder / "arena.db")) as connection:
            letters = sum(len(str(value)) for row in connection.execute(QUESTION) for value in row)
        base = time.perf_counter() - began
        print(f"{answers} answers, {letters / 1e6:.1f} MB of values; baseline {base:.2f} s")
        for form in ("--csv", "--json"):
            seconds, most = arena(folder, "sql", QUESTION, form, "--timeout", "0")
            print(f"{form}: {seconds:.2f} s, {seconds / base:.1f} times the baseline, {most:.0f} MB")


if __name__ == "__main__":
    main()
