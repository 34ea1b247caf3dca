"""User configuration files, independent of any database: trusted code, permitted servers for keys."""

import json
import logging
import os
from pathlib import Path
from typing import Any

LOGGER = logging.getLogger(__name__)

VARIABLE = "ARENA_CONFIG"  # a folder in place of the usual one


def config_folder() -> Path:
    """The folder of the user's own settings: $ARENA_CONFIG, else the platform's place for settings of programs."""
    if given := os.environ.get(VARIABLE):
        return Path(given)
    from typer import get_app_dir

    return Path(get_app_dir("arena"))


def read_json(name: str) -> Any:
    """The document in a file of that folder; None where there is none that can be read."""
    try:
        return json.loads((config_folder() / name).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        LOGGER.info("%s of the user's settings cannot be read and counts as empty: %s", name, error)
        return None


def write_json(name: str, value: object) -> None:
    """Replaces a file of that folder, readable by the user alone. Raises OSError."""
    place = config_folder() / name
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    draft.replace(place)
