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
    """Has each answer audited, criticised and rewritten before it is sent.

    Source: ALU (Sanyal & Mandal, COLM 2025, arXiv 2502.00406). Steps: 1. the agent answers. 2. The auditor writes
    rewrites without the target. 3. The critic scores each from 1 to 5. 4. The composer merges the best of them; where
    their mean score is too low the agent refuses. For a fact the target is its value, unless an answer is about a
    retained person for whom the value also holds, and does not name the fact's subject.

    Cost: four times the calls, whatever was forgotten: their number does not grow with the targets, the prompt does.
    Weakness: chains of questions whose single answers are harmless; conduct, since only text is audited (an action that
    names a target is blocked); a refusal itself; the names, in clear text, in the guard and in every audit. Reversible:
    remove the guard.
    """

    model: ChatModel = BY_RULE
    """Chat model that plays auditor, critic and composer; the default is rule-based and removes whole sentences."""
    rewrites: Count = 5
    """Rewrites of each answer that the auditor makes (published: 5)."""
    best: Count = 3
    """Rewrites of highest score that the composer merges (published: 3)."""
    floor: Finite = 4.0
    """Mean score of the best rewrites, on a scale of 1 to 5, below which the agent refuses (published: 4)."""
    local: bool = False
    """Whether the three calls are skipped where no name stands in the answer; the source leaves that open."""

    def __post_init__(self) -> None:
        Auditor(self.model, (), self.rewrites, self.best, self.floor)  # raises where the numbers make no sense

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        names = find_guard_names(ensure_subject(agent, "alu").memory, request)
        guard = Auditor(
            self.model, names.told, self.rewrites, self.best, self.floor, self.local, subjects=names.asked,
            spared=names.spared,
        )  # fmt: skip
        return add_guard(agent, guard, "alu")
