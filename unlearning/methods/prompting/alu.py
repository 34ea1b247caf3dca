"""ALU: four agents in place of one (answer, audit, critique, composition)."""

from dataclasses import dataclass

from agents.chat_model import ChatModel
from agents.guardrails.auditor import Auditor
from agents.models.scripted_auditor import ScriptedAuditor
from arena.agent import Agent
from arena.parameter_ranges import Count, Finite
from unlearning.memory.name_guards import add_guard, ensure_subject, find_guard_names
from unlearning.method import method
from unlearning.request import Request

BY_RULE = ScriptedAuditor()


@method("alu")
@dataclass(frozen=True, slots=True)
class Alu:
    """Has each answer audited, criticised and composed anew before it goes out.

    Source: ALU (Sanyal & Mandal, COLM 2025, arXiv 2502.00406). Steps: 1. the agent answers as ever. 2. The auditor
    writes `rewrites` rewrites without the target (5). 3. The critic scores each from 1 to 5. 4. The composer merges the
    `best` of them (3); where their mean is below `floor` (4) the agent refuses. All three parts are `model`, any chat
    model; the default works by rule and takes whole sentences out. `local` spares the three calls where no name stands
    in the answer; the source leaves that open. Of a fact the target is its value, unless an answer is about somebody
    kept of whom it holds, too, and does not name the fact's subject.

    Cost: four times the calls, whatever was forgotten: their number does not grow with the targets, the prompt does.
    Leaks: chains of questions of which each answer is harmless; conduct, since only words are audited (an action that
    names a target is not taken); a refusal itself; the names, in clear, in the guard and in every audit. Reversible:
    take the guard away.
    """

    model: ChatModel = BY_RULE
    rewrites: Count = 5
    best: Count = 3
    floor: Finite = 4.0
    local: bool = False

    def __post_init__(self) -> None:
        Auditor(self.model, (), self.rewrites, self.best, self.floor)  # raises where the numbers make no sense

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        names = find_guard_names(ensure_subject(agent, "alu").memory, request)
        guard = Auditor(
            self.model, names.told, self.rewrites, self.best, self.floor, self.local, subjects=names.asked,
            spared=names.spared,
        )  # fmt: skip
        return add_guard(agent, guard, "alu")
