"""The language-model agent: renders a view as a prompt and parses the reply as a move."""

from dataclasses import dataclass, replace
from typing import Literal

from agents.chat_model import ChatModel, Line, Sampling, build_pairs
from agents.llm.chat_call import ask
from agents.llm.prompts import Form, build_prompt
from agents.llm.reply_parser import list_own_tags, parse_reply
from arena.agent import agent
from arena.errors import BadReply, ModelUnavailable, UsageError
from arena.game import Move, Tool, View
from arena.identity_cache import same_tools


@agent
@dataclass(frozen=True, slots=True)
class LLM:
    """A language model as an agent: a view becomes a prompt, a reply becomes a move."""

    model: ChatModel
    """Chat model that answers."""
    persona: str = ""
    """Text at the beginning of the system prompt, describing who the agent is; "": none."""
    memory: tuple[str, ...] = ()
    """Notes in each prompt."""
    sampling: Sampling = Sampling()
    """Sampling settings of each call: temperature, top_p, max_tokens, stop and seed. A seed of None is drawn for each
    answer from the seed of the match."""
    form: Literal["auto", "tool", "json", "tag", "text"] = "auto"
    """How the model is asked to give its action. "tool": native tool calls. "json": a JSON object. "tag": XML-like
    tags. "text": words alone. "auto": tool calls where the model has them, else JSON."""

    def ready(self) -> None:
        """Raises UsageError where the form asks for tool calls and the model has none."""
        if self.form == "tool" and not self.model.native_tools:
            raise UsageError("form = 'tool' needs a model that takes tools, and this one does not; set form to json")

    def recalling(self, notes: tuple[str, ...], steering: str) -> "LLM":
        """The same agent with these notes after its own, and the steering text after its persona."""
        persona = "\n\n".join(filter(None, [self.persona, steering]))
        return replace(self, memory=(*self.memory, *notes), persona=persona)

    async def act(self, view: View) -> Move:
        """The model's answer. Raises BadReply for one that cannot be read, ModelUnavailable where there is none.

        What a provider's filter left of an answer is one where it can be read; else the filter is to blame, not the
        seat.
        """
        lines, tools = self._prompt(view)
        seed = view.seed if self.sampling.seed is None else self.sampling.seed
        reply = await ask(
            self.model, lines, tools, replace(self.sampling, seed=seed), list_own_tags(view), (view.seat,)
        )
        try:
            return parse_reply(reply, view)
        except BadReply as error:
            if reply.stop != "filter":
                raise
            name = reply.usage.calls[-1].model if reply.usage.calls else "the model"
            raise ModelUnavailable(name, error.why, reply.usage) from None

    def lines(self, view: View) -> tuple[tuple[str, str], ...]:
        """The prompt for an answer as it is recorded: (role, text) pairs, tools that are handed over first."""
        return build_pairs(*self._prompt(view))

    def _prompt(self, view: View) -> tuple[tuple[Line, ...], tuple[Tool, ...]]:
        form = self._form()
        return build_prompt(view, form, self.persona, self.memory), same_tools(view.tools) if form == "tool" else ()

    def _form(self) -> Form:
        if self.form == "auto":
            return "tool" if self.model.native_tools else "json"
        return self.form
