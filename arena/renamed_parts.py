"""Names of parts that were given up: rows of earlier versions hold them, and they find the part under its new name.

A registered name is a stored name. Whoever renames a part, or moves one that has no name but module and class, adds a
line here; nothing else has to know of it.
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
}  # by kind: what a row may say, and what the part is registered as today


def current_name(kind: str, name: str) -> str:
    """The name under which a part of `kind` is registered today; `name` itself where it was never given up.

    What stands behind the first slash, an id, is kept.
    """
    names = RENAMED.get(kind, {})
    head, slash, tail = name.partition("/")
    return names.get(name) or (f"{names[head]}/{tail}" if slash and head in names else name)
