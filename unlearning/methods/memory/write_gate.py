"""A write gate that blocks the target from being learned again."""

import secrets
from dataclasses import dataclass, replace

from arena.agent import Agent
from unlearning.memory.name_guards import find_guard_names
from unlearning.memory.twin import remembering
from unlearning.method import method
from unlearning.request import Request


@method("write-gate")
@dataclass(frozen=True, slots=True)
class WriteGate:
    """Keeps the names of the target out of memory from now on, by keyed hashes; deletes nothing itself.

    To be put behind a deletion. What comes by the user's turn or a tool is before the agent for that episode, but is
    not kept; neither is what another user writes. Of a fact nothing is kept that has its value, unless it names
    somebody kept of whom that holds, too, and does not name the fact's subject. Of an environment nothing that happens
    there is kept, of a trajectory no story with its actions in a row. The gate holds no name: HMAC-SHA256 of canonical
    forms, under a key that is drawn when the gate is first closed (`key`, hex, to set it). A name written otherwise
    than by case, accents or punctuation (a translation, an alias that the request lacks) comes in, and so do hints that
    do not name the target. Reversible: `arena teach --consent NAME` opens it to a name that may be learned again
    (`Gate.opened_to`). Cost: one hash for each run of words of what is written. Leaks: that the agent does not learn
    the target again where a novice would, so that being taught tells it from the twin.
    """

    key: str = ""

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        subject = remembering(agent, "write-gate")
        gate = subject.memory.gate
        keyed = gate if gate.key else replace(gate, key=bytes.fromhex(self.key) or secrets.token_bytes(32))
        if request.scope != "facts":
            closed = keyed.with_names(request.targets)
        else:
            names = find_guard_names(subject.memory, request)
            closed = keyed.with_names(names.told, subjects=names.asked, spared=names.spared)
        return replace(subject, memory=replace(subject.memory, gate=closed))
