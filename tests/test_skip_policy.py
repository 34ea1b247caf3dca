"""A run with `--no-unexpected-skips` fails where a test is skipped for a reason that nobody has listed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

CASES = {
    "a listed reason": ("import pytest\ndef test_a():\n    pytest.skip('no GPU here')\n", 0),
    "another reason": ("import pytest\ndef test_a():\n    pytest.skip('not today')\n", 1),
    "a mark": ("import pytest\n@pytest.mark.skipif(True, reason='not here')\ndef test_a():\n    pass\n", 1),
    "a whole file": ("import pytest\npytest.importorskip('no_such_module')\ndef test_a():\n    pass\n", 1),
    "an expected failure": ("import pytest\n@pytest.mark.xfail\ndef test_a():\n    assert False\n", 0),
}


@pytest.mark.few(1)
@pytest.mark.parametrize("workers", ["0", "1"])
def test_skips_that_are_not_listed_fail_the_run(workers: str, tmp_path: Path) -> None:
    for name, (text, _) in CASES.items():
        (tmp_path / f"test_{name.replace(' ', '_')}.py").write_text(f"{text}\ndef test_b():\n    pass\n")
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    done = run_pytest(tmp_path, workers, "--no-unexpected-skips")
    assert done.returncode == 1
    section = done.stdout.partition("unexpected skips")[2]
    for name, (_, code) in CASES.items():
        assert (f"test_{name.replace(' ', '_')}.py" in section) == bool(code), done.stdout
    assert run_pytest(tmp_path, workers).returncode == 0


def run_pytest(folder: Path, workers: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "-p", "no:cacheprovider", *options, str(folder)]
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'tests' / 'support'}{os.pathsep}{ROOT}"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
