"""Model folders of strangers: their code is not run, their pickles are not read, their templates end."""

import json
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tiny_networks import SHAPE, TOKENIZER, network
from transformers import LlamaConfig

from agents.chat_model import Line
from agents.inference.chat_templates import render
from agents.inference.deadline import Late, within
from agents.inference.template_limit import PATIENCE
from agents.models.local import Local
from arena.errors import UsageError

CODE = """
from pathlib import Path
Path(__file__).with_name("ran").touch()
from transformers import PretrainedConfig, LlamaForCausalLM
class Mine(PretrainedConfig):
    model_type = "never-heard-of"
class Net(LlamaForCausalLM):
    config_class = Mine
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny model as a stranger may hand it over."""
    network(LlamaConfig(**SHAPE)).save_pretrained(tmp_path / "model")
    TOKENIZER.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def change(file: Path, **more: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | more))


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["never-heard-of", "llama"])
def test_code_in_the_folder_is_not_run_and_nobody_is_asked(folder: Path, kind: str) -> None:
    (folder / "mine.py").write_text(CODE)
    change(
        folder / "config.json",
        model_type=kind,
        auto_map={"AutoConfig": "mine.Mine", "AutoModelForCausalLM": "mine.Net"},
    )
    code = (
        "from agents.models.local import Local; from agents.chat_model import Line; import asyncio;"
        f"print(asyncio.run(Local({str(folder)!r}).chat([Line('user', 'a')])).stop)"
    )
    done = subprocess.run([sys.executable, "-c", code], input="y\ny\n", capture_output=True, text=True)
    assert not list(folder.parent.rglob("ran")) and "[y/N]" not in done.stdout
    if kind == "llama":  # a type that transformers knows needs no code
        assert done.returncode == 0, done.stderr
    else:
        assert "brings code of its own (mine.Mine, mine.Net), which is never run" in done.stderr


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "consolidated.00.pth"])
def test_pickled_weights_are_refused_before_they_are_read(folder: Path, name: str) -> None:
    (folder / "model.safetensors").unlink()

    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (folder / "ran",))

    (folder / name).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(UsageError, match=f"pickles alone \\({name}\\).*safetensors"):
        Local(str(folder)).ready()
    assert not (folder / "ran").exists()


def test_a_pickled_adapter_is_refused(folder: Path) -> None:
    pytest.importorskip("peft")
    adapter = folder.parent / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "base_model_name_or_path": str(folder)})
    )
    (adapter / "adapter_model.bin").write_bytes(pickle.dumps({}))
    with pytest.raises(UsageError, match=r"the adapter .* pickles alone"):
        Local(str(folder), adapter=str(adapter)).ready()


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro again() %}{% for x in range(3) %}{{ again() if false else '' }}{% for y in range(99999) %}"
        "{% for z in range(99999) %}{{ z }}{% endfor %}{% endfor %}{% endfor %}{% endmacro %}{{ again() }}",
        "{% set ns = namespace(n=[0]) %}{% for x in ns.n %}{{ ns.n.append(x) or '' }}{% endfor %}"
        "{% for a in range(99999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    ],
)
def test_a_template_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    monkeypatch.setattr("agents.inference.template_limit.PATIENCE", 0.3)
    threads = threading.active_count()
    with pytest.raises(UsageError, match=r"did not end within 0\.3 s|refuses these lines"):
        render(TOKENIZER, [Line("user", "a")], template)
    assert threading.active_count() == threads and PATIENCE > 1


def test_what_is_stopped_does_not_go_on_and_what_is_quick_is_returned() -> None:
    steps: list[int] = []

    def endless() -> None:
        while True:
            try:
                steps.append(1)
            except Late:  # foreign code may catch what it likes
                steps.append(2)
                raise

    with pytest.raises(Late):
        within(0.1, endless)
    count = len(steps)
    time.sleep(0.05)
    assert len(steps) == count and within(1.0, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(1.0, lambda: 1 / 0)
