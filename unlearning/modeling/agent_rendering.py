"""How an agent's model is asked for an item: its system line, its chat template and its date."""

from agents.inference.chat_templates import load_template
from agents.llm.llm import LLM
from agents.models.local import Local
from arena.text.message_escaping import indent_text
from unlearning.modeling.item_tokenization import Rendering


def build_system_line(agent: LLM) -> str:
    """The system line before a question: who the agent is and what it remembers."""
    notes = "\n".join(f"- {indent_text(note)}" for note in agent.memory)
    return "\n\n".join(filter(None, [agent.persona, f"What you remember:\n{notes}" if notes else ""]))


def build_rendering(agent: LLM) -> Rendering:
    """How the agent is asked: its system line, and the chat template and date that its model was given."""
    system, model = build_system_line(agent), agent.model
    if not isinstance(model, Local):
        return Rendering(system)
    return Rendering(system, None if model.chat_template is None else load_template(model.chat_template), model.date)
