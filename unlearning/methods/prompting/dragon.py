"""DRAGON: a detector in front of the agent that intervenes on prompts about the target."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from agents.chat_model import ChatModel
from agents.guardrails.detector import HASHED, Detector
from agents.memory.memory import Memory
from agents.memory.text_embedding import Embedding, Vector
from agents.memory.write_gate import NameHashGate
from arena.agent import Agent
from arena.parameter_ranges import Finite, Share
from unlearning.data.fact_names import find_sides
from unlearning.memory.influence_set import find_influence
from unlearning.memory.name_guards import LONGEST, add_guard, ensure_subject, find_guard_names
from unlearning.method import method
from unlearning.request import Request

FORMS = (
    "What do you know about {}?", "Where is {}?", "Tell me about {}.", "Have you ever heard of {}?",
    "Describe {} in a sentence.", "go to {}", "Look up {}.", "Is there anything on {} in your notes?",
)  # fmt: skip
ROUNDS = 300  # of gradient descent
RATE = 4.0
DECAY = 1e-3
MOST = 400  # prompts on each side that the classifier learns from


@method("dragon")
@dataclass(frozen=True, slots=True)
class Dragon:
    """Puts a detector before the unchanged agent; where a query is about the target, the agent is told how to answer.

    Source: DRAGON (Wang et al. 2025, arXiv 2511.05784). Steps: 1. prompts about the target are built: the request's
    own, templates with its names, and the sentences in which it was told (the source has a large model paraphrase each
    and keeps the best). 2. Only their embeddings are stored, no text and no answer. 3. A classifier learns them against
    the same templates about everything else that the agent knows (the source trains RoBERTa). 4. A query is about the
    target where f = EM(name) + max cos + I(p_F > cut) > threshold; EM compares keyed hashes of names, for a fact that
    of its subject. 5. Then an instruction is put before the agent.

    Cost: one embedding for each query and a product with each stored one; with an adviser one call more when it steps
    in. Weakness: what the detector misses (an alias, a translation, a chain of questions); every answer in which the
    agent does not comply; refusals that the instruction causes; the stored embeddings, against which guesses can be
    tested. Reversible: remove the guard.
    """

    threshold: Finite = 1.0
    """Score f above which a query counts as being about the target."""
    cut: Share = 0.5
    """Probability of the classifier above which it adds 1 to f."""
    embedding: Embedding = HASHED
    """Text embedding of prompts and queries; the default hashes words and letter n-grams."""
    adviser: ChatModel | None = None
    """Chat model that writes the instruction for a detected query; None: a fixed order to act as if the agent had never
    learned of the names in the query."""
    key: str = ""
    """Key of the name hashes, in hexadecimal; "": drawn at random."""

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        memory = ensure_subject(agent, "dragon").memory
        known = find_guard_names(memory, request)
        names = known.asked
        formed = tuple(dict.fromkeys(one[0] for one, _ in known.each if one)) or names
        about = [self.embedding.embed(text) for text in build_target_prompts(memory, request, formed)]
        other = [self.embedding.embed(text) for text in build_other_prompts(memory, request, names)]
        key = self.key or secrets.token_hex(32)
        gate = NameHashGate(bytes.fromhex(key)).with_names(names)
        detector = Detector(
            tuple(dict.fromkeys(about)),
            train_classifier(thin_vectors(about), thin_vectors(other)), key, tuple(sorted(gate.hashes)),
            tuple(sorted(gate.sizes)), self.threshold, self.cut, self.embedding, self.adviser,
        )  # fmt: skip
        return add_guard(agent, detector, "dragon")


def build_target_prompts(memory: Memory, request: Request, names: Sequence[str]) -> list[str]:
    """Prompts about the target: its own, fixed forms, and the sentences that taught it."""
    found = find_influence(memory, request).events
    told = [event.text for event in memory.log if event.id in found and event.kind != "outcome"]
    own = [item.prompt for item in request.forget if item.prompt]
    asked = (form.format(name) for name in names if len(name.split()) <= LONGEST for form in FORMS)
    return list(dict.fromkeys([*own, *asked, *told]))


def build_other_prompts(memory: Memory, request: Request, names: Sequence[str]) -> list[str]:
    """The same kinds of prompts about all else."""
    found = find_influence(memory, request).events
    rest = [event for event in memory.log if event.id not in found and event.kind != "outcome"]
    subjects = [event.subject for event in rest if event.subject and event.subject not in names]
    if request.scope == "facts":
        subjects += [one[0] for one, _ in find_sides(request.retain) if one and one[0] not in names]
    own = [item.prompt for item in request.retain if item.prompt]
    asked = [form.format(name) for name in dict.fromkeys(subjects) if len(name.split()) <= LONGEST for form in FORMS]
    return list(dict.fromkeys([*own, *asked, *(event.text for event in rest)]))


def thin_vectors(vectors: Sequence[Vector]) -> Sequence[Vector]:
    """MOST of the vectors at even distances; all where they are not more."""
    return vectors[:: -(-len(vectors) // MOST)] if vectors else vectors


def train_classifier(about: Sequence[Vector], other: Sequence[Vector]) -> Vector:
    """The weights of a logistic classifier, the bias last; both classes have equal total weight.

    Full-batch gradient descent on the mean log loss, on the places where a vector is not zero.
    """
    if not about or not other:
        return ()
    rows = [
        ([(place, value) for place, value in enumerate(vector) if value], target, 0.5 / len(side))
        for side, target in ((about, 1.0), (other, 0.0))
        for vector in side
    ]
    weights, bias = [0.0] * len(about[0]), 0.0
    for _ in range(ROUNDS):
        slope, lift = [DECAY * weight for weight in weights], 0.0
        for places, target, share in rows:
            score = bias + sum(weights[place] * value for place, value in places)
            error = share * (1 / (1 + exp(-max(-30.0, min(30.0, score)))) - target)
            lift += error
            for place, value in places:
                slope[place] += error * value
        weights = [weight - RATE * step for weight, step in zip(weights, slope, strict=True)]
        bias -= RATE * lift
    return tuple(round(value, 4) for value in (*weights, bias))
