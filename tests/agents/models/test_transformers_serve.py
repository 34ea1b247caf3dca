"""A real OpenAI-compatible server, `transformers serve`, and a chain played against it over the wire."""

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agents.chat_model import Sampling
from agents.llm.llm import LLM
from arena.engine.play import play
from arena.spec import build

NEEDED = ("torch", "transformers", "fastapi", "uvicorn", "accelerate", "openai")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"needs {', '.join(MISSING)}; type: pip install 'transformers[serving]' openai"
)
PATIENCE = 60  # seconds until the server has to be up


@contextmanager
def served(folder: Path, log: Path) -> Iterator[str]:
    """The base URL of a server with that model; the process is gone afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder), "--device=cpu"]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as out:
        place = ["--host=127.0.0.1", f"--port={port}"]
        process = subprocess.Popen([*command, *place], stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env)
        try:
            await_health(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()
            process.wait(10)


def await_health(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, f"the server ended:\n{log.read_text()}"
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError(f"the server is not up after {PATIENCE} s:\n{log.read_text()}")


@pytest.mark.slow
def test_a_chain_of_five_rounds_is_played_against_a_real_server(haggler: Path, tmp_path: Path) -> None:
    with served(haggler, tmp_path / "serve.log") as url:
        # the tiny model was taught the JSON form, and its template has no place for tools
        model = build("model", {"name": f"openai/{haggler}", "base_url": url, "native_tools": False})
        player = LLM(model, sampling=Sampling(temperature=0, max_tokens=80))
        game = {"name": "bargaining", "rounds": 5, "turns": 5}
        episode = play(game, {"buyer": player, "seller": player})
    rounds = episode.facts["rounds"]
    assert episode.status == "over" and isinstance(rounds, list) and len(rounds) == 5
    assert sum(bool(row["deal"]) for row in rounds) >= 3
    calls = [call for turn in episode.turns for call in turn.move.usage.calls]
    assert len(calls) >= 20 and {call.outcome for call in calls} <= {"ok", "truncated"}
    assert all(call.input_tokens and call.output_tokens and call.usd is None for call in calls)
    assert all(str(haggler) in call.resolved for call in calls)
