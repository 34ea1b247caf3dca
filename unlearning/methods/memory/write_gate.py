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

    Used after a deletion. What the user or a tool says about the target is visible in that episode, but is not stored;
    neither is what another user writes. Of a fact, nothing that contains its value is stored, unless it names a
    retained person for whom the value also holds and does not name the fact's subject. Of an environment nothing that
    happens there is stored, of a trajectory no record with its actions in sequence. The gate holds no name, only
    HMAC-SHA256 of canonical forms. Names written otherwise than by case, accents or punctuation (a translation, an
    alias that the request lacks) are stored, and so are hints that do not name the target. Reversible: `arena teach
    --consent NAME` opens it for a name that may be learned again (`Gate.opened_to`). Cost: one hash for each run of
    words written. Weakness: the agent does not learn the target again where a novice would, so that teaching it tells
    it from the twin.
    """

    key: str = ""
    """Key of the hashes, in hexadecimal; "": drawn at random when the gate is first closed."""

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
