"""Guard that detects prompts about the forget target and then adds instructions on how to answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from agents.chat_model import ChatModel, Line
from agents.guardrails.name_filter import find_queries
from agents.llm.chat_call import ask_words
from agents.memory.subject import Answer, guard, with_mind_words
from agents.memory.text_embedding import Embedding, Hashed, Vector, cosine
from agents.memory.write_gate import NameHashGate
from agents.note_policy.question_answering import find_names
from agents.note_policy.steering_orders import IGNORE, format_order
from arena.game import Move, View

HASHED = Hashed()
THINK = (
    "Somebody asks an agent the following. The agent never learned anything of what is asked about here. In two or "
    "three sentences, tell the agent how one who never heard of it would go about this: honestly at a loss, helpful "
    "with all else, without a word on rules or on having forgotten.\n\n{}"
)


@guard
@dataclass(frozen=True, slots=True)
class Detector:
    """Steps in where f = EM(name) + max cos(e_u, e) + I(p_F > cut) is above `threshold` (DRAGON, arXiv 2511.05784).

    EM: whether the query contains a name, compared by keyed hashes as in a gate. p_F: a logistic classifier on the
    embedding e_u of the query. Then an instruction is put before the agent. The agent's answer is not read.
    """

    embeddings: tuple[Vector, ...]
    """Stored embeddings e of prompts about the target; neither texts nor answers are stored."""
    weights: Vector = ()
    """Weights of the logistic classifier, the bias last; empty: p_F is 0."""
    key: str = ""
    """Key of the name hashes, in hexadecimal."""
    hashes: tuple[str, ...] = ()
    """Keyed hashes of the names."""
    sizes: tuple[int, ...] = ()
    """Numbers of words of the names, so that only runs of these lengths are hashed."""
    threshold: float = 1.0
    """Score f above which a query counts as being about the target."""
    cut: float = 0.5
    """Probability of the classifier above which it adds 1 to f."""
    embedding: Embedding = HASHED
    """Text embedding of the queries; the same that made `embeddings`."""
    adviser: ChatModel | None = None
    """Chat model that is shown the query and writes the instruction (its call is counted in the move's usage); None: a
    fixed order to act as if the agent had never learned of the names in the query."""

    @property
    def holds(self) -> tuple[str, ...]:
        """The target's names and prompts that it stores."""
        kept = ["embeddings of prompts about it, in a detector; who has them can test guesses"]
        if self.hashes:
            kept.append("keyed hashes of its names, in a detector, beside their key")
        return tuple(kept)

    async def guard(self, view: View, answer: Answer) -> Move:
        queries = find_queries(view)
        if not queries or max(map(self.suspicion, queries)) <= self.threshold:
            return await answer(view)
        query = max(queries, key=self.suspicion)
        if self.adviser is None:
            return await answer(with_mind_words(view, advice(query, self.find_names(query))))
        reply = await ask_words(self.adviser, [Line("user", THINK.format(query))])
        move = await answer(with_mind_words(view, reply.text or advice(query, self.find_names(query))))
        return Move(move.text, move.tool, move.args, move.thought, reply.usage + move.usage)

    def suspicion(self, query: str) -> float:
        """f of a query, from -1 to 3."""
        vector = self.embedding.embed(query)
        nearest = max((cosine(vector, stored) for stored in self.embeddings), default=0.0)
        return bool(self.find_names(query)) + nearest + (self.probability(vector) > self.cut)

    def probability(self, vector: Sequence[float]) -> float:
        """p_F, how likely the classifier takes a query to be about the target; 0 without a classifier."""
        if not self.weights:
            return 0.0
        return 1 / (1 + exp(-cosine(vector, self.weights[:-1]) - self.weights[-1]))

    def find_names(self, query: str) -> tuple[str, ...]:
        """The names of the target in a query, as written there."""
        if not self.hashes:
            return ()
        return NameHashGate(bytes.fromhex(self.key), frozenset(self.hashes), frozenset(self.sizes)).find_names(query)


def advice(query: str, named: Sequence[str]) -> str:
    """The order to act as one who never learned of what a query names: the known names, or all that look like names."""
    return format_order(IGNORE, tuple(named) or tuple(find_names(query)) or (query,))
