"""The name on the package index is ours, and hints install from where this package came."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from repository import ROOT

from arena.distribution import NAME, install_line

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_project_its_extras_and_the_hints_bear_one_name() -> None:
    assert PROJECT["name"] == NAME != "arena"
    wanted = [line for lines in PROJECT["optional-dependencies"].values() for line in lines if "arena[" in line]
    assert wanted and all(line.startswith(f"{NAME}[") for line in wanted)
    extras = {name for line in wanted for name in re.findall(r"[\w-]+", line.partition("[")[2])}
    assert extras <= PROJECT["optional-dependencies"].keys()
    for document in ("README.md", "CONTRIBUTING.md"):
        assert not re.search(r"pip install '?arena\b", (ROOT / document).read_text())


def test_in_a_checkout_the_hint_installs_the_checkout() -> None:
    assert install_line("openai") == f"pip install -e '{ROOT}[openai]'"


def test_elsewhere_the_hint_installs_from_the_folder_or_by_name(tmp_path: Path) -> None:
    (tmp_path / "arena").mkdir()
    for name in ("distribution.py", "cache_register.py"):
        (tmp_path / "arena" / name).write_text((ROOT / "arena" / name).read_text())
    code = "from arena.distribution import install_line; print(install_line('local'))"
    told = f"{NAME.replace('-', '_')}-1.dist-info"
    (tmp_path / told).mkdir()
    (tmp_path / told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1\n")

    def hint() -> str:
        command = [sys.executable, "-S", "-c", code]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()

    assert hint() == f"pip install '{NAME}[local]'"
    (tmp_path / told / "direct_url.json").write_text('{"url": "file:///somewhere/my%20arena", "dir_info": {}}')
    assert hint() == f"pip install '{NAME}[local] @ file:///somewhere/my%20arena'"
