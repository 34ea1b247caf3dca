"""On-disk cache of models built on this machine; each folder is named by a hash of the model's inputs."""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path

from arena.errors import UsageError
from arena.spec import dump_canonical

LOGGER = logging.getLogger(__name__)


def find_cache_folder() -> Path:
    """The cache folder: $ARENA_MODELS, else arena/models in $XDG_CACHE_HOME, else in ~/.cache.

    Its contents can be rebuilt and may be deleted at any time.
    """
    if chosen := os.environ.get("ARENA_MODELS"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "arena" / "models"


def find_model_folder(recipe: Mapping[str, object]) -> Path:
    """The folder of that recipe, whether or not it exists yet."""
    name = f"{recipe.get('kind', 'model')}-{blake2b(dump_canonical(recipe).encode(), digest_size=8).hexdigest()}"
    return find_cache_folder() / name


def load_or_make(recipe: Mapping[str, object], make: Callable[[Path], object]) -> Path:
    """The folder of that recipe, filled by `make` on first use.

    recipe: plain data, all that the result depends on; its hash is the folder's name. `make` fills a temporary folder,
    which is then renamed atomically; of two processes that make the same one, the first
    wins. Raises UsageError where the folder cannot be written.
    """
    place = find_model_folder(recipe)
    name = place.name
    if place.is_dir():
        LOGGER.debug("%s was made before: %s", recipe.get("kind", "model"), place)
        return place
    LOGGER.info("making %s, once: %s", recipe.get("kind", "model"), place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=place.parent))
    except OSError as error:
        raise UsageError(
            f"models are kept in {place.parent}, which cannot be written ({error.strerror}); name another folder: "
            "export ARENA_MODELS=FOLDER"
        ) from error
    try:
        make(draft)
        draft.chmod(0o755)
        draft.rename(place)
    except OSError:
        if not place.is_dir():  # else another process was first
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return place
