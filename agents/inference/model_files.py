"""File permissions of saved models: readable by all who can read the files next to them."""

import stat
from pathlib import Path


def set_usual_modes(place: Path) -> None:
    """Give a file, or all files below a folder, the permissions that new files get here: safetensors writes its own
    for the owner alone."""
    files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    for folder in {file.parent for file in files}:
        probe = folder / ".mode"
        probe.touch()
        mode = stat.S_IMODE(probe.stat().st_mode)
        probe.unlink()
        for file in files:
            if file.parent == folder:
                file.chmod(mode)
