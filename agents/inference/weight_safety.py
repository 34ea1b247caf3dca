"""Which files of a model are loaded: safetensors, settings, a tokenizer; never code, never pickles.

A model's folder may come from anyone. Code that its `auto_map` names would run with the user's rights, and so may a
pickle.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arena.errors import UsageError

NO_CODE: Mapping[str, Any] = {"trust_remote_code": False}  # for configurations and tokenizers
NO_PICKLES: Mapping[str, Any] = {**NO_CODE, "use_safetensors": True}  # for weights
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def check_weights(folder: str | Path, what: str = "model") -> None:
    """Raises UsageError where a folder has its weights in pickles alone."""
    place = Path(folder)
    pickled = sorted({path.name for pattern in PICKLES for path in place.glob(pattern)} - {"training_args.bin"})
    if pickled and not any(place.glob("*.safetensors")):
        raise UsageError(
            f"the {what} {str(folder)!r} has its weights in pickles alone ({', '.join(pickled[:3])}), which can run "
            "code when they are read; ask its author for safetensors, or convert it where you trust it: "
            "AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(OTHER)"
        )


def explain_refused_code(where: str) -> str:
    """Why a folder's model cannot be loaded without its custom code; "" where its configuration names none."""
    found = []
    for name in ("config.json", "tokenizer_config.json"):
        try:
            table = json.loads((Path(where) / name).read_text(encoding="utf-8"))
            found += [str(value) for value in table.get("auto_map", {}).values()]
        except (OSError, ValueError, AttributeError):
            continue
    if not found:
        return ""
    named = ", ".join(sorted(set(found))[:3])
    return f"it brings code of its own ({named}), which is never run here; take a model whose type transformers knows"
