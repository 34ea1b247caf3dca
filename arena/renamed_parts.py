"""Former names of parts, as rows of earlier versions hold them, mapped to current ones.

Registered names are stored in databases. To rename a part, or to move one that is named by module and class, add a line
here; nothing else needs to change.
"""

from collections.abc import Mapping

RENAMED: Mapping[str, Mapping[str, str]] = {
    "writer": {
        "agents.writers:Records": "records",
        "agents.writers:Reflections": "reflections",
        "agents.writers:Summaries": "summaries",
        "agents.writers:Plans": "plans",
    },
    "guard": {
        "agents.guards:Filter": "filter",
        "agents.detector:Detector": "detector",
        "agents.auditor:Auditor": "auditor",
    },
}  # by kind: former name to current name


def current_name(kind: str, name: str) -> str:
    """The current name of a part of `kind`; `name` itself if it was never renamed.

    The text after the first slash, an id, is kept.
    """
    names = RENAMED.get(kind, {})
    head, slash, tail = name.partition("/")
    return names.get(name) or (f"{names[head]}/{tail}" if slash and head in names else name)
