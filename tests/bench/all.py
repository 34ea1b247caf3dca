"""Run every benchmark and append a table of results, with the machine, to the lab book runs/LOG.md.

A result is a line that begins with "→ "; all else that a benchmark prints stands below the table.

python tests/bench/all.py [NAME …]        NAME: play, store, import, …; all of them when none is given
"""

import datetime
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

SHORTER = {"database": ("--turns", "300000")}  # what takes minutes by itself
HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def machine() -> str:
    """One line about where the numbers come from."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}, load {load:.1f} at the start"
    )


def main(names: list[str]) -> int:
    files = sorted(HERE.glob("bench_*.py"))
    chosen = [file for file in files if not names or file.stem.removeprefix("bench_") in names]
    if not chosen:
        known = ", ".join(file.stem.removeprefix("bench_") for file in files)
        print(f"no benchmark named {' '.join(names)} (there are: {known})")
        return 2
    failed = 0
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    with (ROOT / "runs" / "LOG.md").open("a") as log:
        log.write(f"\n## {datetime.date.today()} Benchmarks at {commit or 'no commit'}\n\n{machine()}.\n")
        table, texts = ["| benchmark | result, of its baseline | s |", "|---|---|---|"], []
        for file in chosen:
            print(f"== {file.stem}", flush=True)
            start = time.perf_counter()
            environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'support'}"}
            command = [sys.executable, str(file), *SHORTER.get(file.stem.removeprefix("bench_"), ())]
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
            text = done.stdout if done.returncode == 0 else f"{done.stdout}failed: {done.stderr[-2000:]}"
            failed += done.returncode != 0
            print(text, flush=True)
            results = [line.removeprefix("→ ") for line in text.splitlines() if line.startswith("→ ")]
            told = "<br>".join(results or ["see below"]) if done.returncode == 0 else "failed, see below"
            table.append(f"| {file.stem.removeprefix('bench_')} | {told} | {time.perf_counter() - start:.0f} |")
            details = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("→ "))
            texts.append(f"\n`{file.relative_to(ROOT)}`\n\n```\n{details.strip(chr(10))}\n```\n")
        log.write("\n".join(["", *table, ""]) + "".join(texts))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
