"""Models that several files play with; made once."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def haggler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny transformers model that was taught to haggle."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from tiny_negotiator import make_haggler

    return make_haggler(tmp_path_factory.mktemp("models") / "haggler")
