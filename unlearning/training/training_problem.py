"""Input of a method's training plan: the weights, the tokenized items, and the request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agents.inference.chat_templates import Prompt
from agents.inference.end_tokens import choose_pad_token
from agents.inference.forward_step import unwrap_adapter
from arena.errors import UsageError
from unlearning.modeling.item_tokenization import DEFAULT, Encoded, Rendering, build_item_prompt, encode_all
from unlearning.request import Item, Request


@dataclass(frozen=True, slots=True, eq=False)
class TrainingProblem:
    """One request against one model. module: the weights as they were; not to be changed. limit: tokens that an item
    may have. seed: of all randomness. rendering: how the agent is asked, in training as in scoring and play. own:
    whether the module is of this training alone, which may then change it in place. stored: the 16-bit number type of
    the files that it came from, where its own is wider; else None.
    """

    method: str
    module: Any
    tokenizer: Any
    request: Request
    seed: int
    limit: int | None = None
    rendering: Rendering = DEFAULT
    own: bool = False
    stored: Any = None

    @property
    def pad(self) -> int:
        return choose_pad_token(self.tokenizer)

    @property
    def device(self) -> Any:
        return self.module.device

    @property
    def vocabulary(self) -> int:
        """The vocabulary size of the model."""
        return int(unwrap_adapter(self.module).config.get_text_config().vocab_size)

    @property
    def forget(self) -> tuple[Encoded, ...]:
        return self.encode_items(self.request.forget)

    @property
    def retain(self) -> tuple[Encoded, ...]:
        return self.encode_items(self.request.retain)

    def encode_items(self, items: Iterable[Item]) -> tuple[Encoded, ...]:
        """Items as tokens. Raises UsageError, naming the item, where there is no answer to train on."""
        chosen = tuple(items)
        found = encode_all(self.tokenizer, chosen, self.rendering, limit=self.limit)
        for item, one in zip(chosen, found, strict=True):
            if not item.answer.strip() or one.start >= len(one.ids):
                raise UsageError(f"the item {item.name!r} has no answer to train on; give it one, or leave it out")
        return found

    def build_prompt(self, item: Item) -> Prompt:
        """The item's prompt, up to the start of its answer."""
        return build_item_prompt(self.tokenizer, item, self.rendering)

    def check(self, pools: Mapping[str, object], roles: Iterable[str]) -> None:
        """Raises UsageError where the method reads a role of which the request has nothing."""
        for role in roles:
            if role in pools and not pools[role]:
                raise UsageError(
                    f"the method {self.method!r} needs items to {role}, and the request names none; add some to "
                    f"request.{role}, or take a method without them, such as ga"
                )
