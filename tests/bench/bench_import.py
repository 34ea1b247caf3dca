"""How long `arena --help` takes, against a bare interpreter and a bare typer, in the same run.

python tests/bench/bench_import.py
"""

import statistics
import subprocess
import sys
import time

RUNS = 9
COMMANDS = {
    "bare interpreter": [sys.executable, "-c", "pass"],
    "import typer": [sys.executable, "-c", "import typer"],
    "arena --help": [sys.executable, "-m", "arena", "--help"],
    "arena --version": [sys.executable, "-m", "arena", "--version"],
}


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - start


def main() -> None:
    times = {name: [seconds(command) for _ in range(RUNS)] for name, command in COMMANDS.items()}
    base = statistics.median(times["bare interpreter"])
    print("aim for arena --help: < 300 ms on an idle core")
    print(f"{'command':<18} {'median ms':>10} {'min ms':>8} {'ratio':>6}")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<18} {median * 1e3:>10.0f} {min(values) * 1e3:>8.0f} {median / base:>6.1f}")
    median = statistics.median(times["arena --help"])
    print(f"→ arena --help: {median * 1e3:.0f} ms, {median / base:.1f} × a bare interpreter")


if __name__ == "__main__":
    main()
