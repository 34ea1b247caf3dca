"""Run every benchmark and append what it prints, with the machine, to the lab book runs/LOG.md.

python tests/bench/all.py [NAME …]        NAME: play, store, import, …; all of them when none is given
"""

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path

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
        for file in chosen:
            print(f"== {file.stem}", flush=True)
            environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
            done = subprocess.run(
                [sys.executable, str(file)], cwd=ROOT, env=environment, capture_output=True, text=True
            )
            text = done.stdout if done.returncode == 0 else f"{done.stdout}failed: {done.stderr[-2000:]}"
            failed += done.returncode != 0
            print(text, flush=True)
            log.write(f"\n`{file.relative_to(ROOT)}`\n\n```\n{text.rstrip()}\n```\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
