"""The conversion model: a small encoder of words, names and headers, with a head for each field of the answer.

It is no text generator. Words and names go through a Transformer whose attention knows which word names what; headers
take up the names that they are about, then, step by step, their parents and children. One class is chosen for the kind
of the request, one for the steering, one for each name (is it to be forgotten, kept, both, neither) and one for each
header (keep, delete, rewrite). Classes that would make an invalid answer are barred, so every answer is valid. Trained
from nothing by `python -m unlearning.conversion.train`, which also writes its scores on held-out worlds and styles.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (its usual name)

from agents.inference.model_files import set_usual_modes
from agents.inference.torch_threads import one_thread
from arena.cache_register import memoize
from arena.errors import UsageError
from arena.usage import Call, Usage
from unlearning.conversion.conversion import (
    EDITS,
    KINDS,
    LONGEST,
    REFUSALS,
    STEERING,
    Conversion,
    ConversionInput,
    Edit,
    render_steering,
)
from unlearning.conversion.features import (
    BUCKETS,
    FAR,
    FLAGS,
    NAMED,
    NAMES,
    NEAR,
    OFFSET,
    PARTLY,
    PARTS,
    RELATIONS,
    RIVAL,
    SELF,
    WHOLE,
    FeatureBatch,
    Nodes,
    build_nodes,
    collate_nodes,
)  # fmt: skip

LOGGER = logging.getLogger(__name__)

SHIPPED = Path(__file__).parent / "shipped" / "converter.safetensors"
ROLES = ("none", "forget", "retain", "both")
STEERINGS = tuple(STEERING)
BARRED = -1e9
LEFT, RIGHT = range(OFFSET, OFFSET + NEAR), range(OFFSET + NEAR + 1, OFFSET + 2 * NEAR + 1)
BENT: tuple[tuple[int, ...], ...] = (  # relations that each head of attention looks along before it is taught
    tuple(LEFT), tuple(RIGHT), (OFFSET + NEAR - 1,), (OFFSET + NEAR + 1,), (NAMED, NAMES), (PARTLY, PARTS), (RIVAL,),
    (WHOLE, FAR),
)  # fmt: skip
HEADS = len(BENT)


@dataclass(frozen=True, slots=True)
class Choices:
    """A class for each field: kind and steering (rows), roles (rows, names), edits (rows, headers)."""

    kind: Tensor
    steering: Tensor
    roles: Tensor
    edits: Tensor


class Layer(nn.Module):
    """Attention whose scores know how two nodes relate, then a feed-forward part; both pre-norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.read, self.write = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """x: (rows, nodes, width). bias: (rows, heads, nodes, nodes), added to the scores."""
        rows, count, width = x.shape
        parts = self.read(self.before(x)).view(rows, count, 3, HEADS, width // HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (rows, heads, nodes, width / heads)
        scores = query @ key.transpose(2, 3) * (width // HEADS) ** -0.5 + bias
        mixed = scores.softmax(-1) @ value
        x = x + self.write(mixed.transpose(1, 2).reshape(rows, count, width))
        fed: Tensor = x + self.feed(self.between(x))
        return fed


class ProvenanceStep(nn.Module):
    """One step along provenance: a header takes up the mean of its parents and of its children."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(3 * width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, headers: Tensor, parents: Tensor, children: Tensor) -> Tensor:
        """headers: (rows, headers, width). parents, children: (rows, headers, headers), each row of means."""
        seen = self.norm(headers)
        moved: Tensor = headers + self.feed(torch.cat([seen, parents @ seen, children @ seen], -1))
        return moved


class ConversionNetwork(nn.Module):
    """The encoder of words and names, the steps over headers, the four heads.

    `related` is the bias of each relation, by layer and head; each head of attention begins with a bent for one group
    of relations (`BENT`), which training may change.
    """

    def __init__(self, width: int = 64, layers: int = 4) -> None:
        super().__init__()
        self.words = nn.Embedding(BUCKETS, width, padding_idx=0)
        self.flags = nn.Linear(FLAGS, width)
        self.layers = nn.ModuleList(Layer(width) for _ in range(layers))
        bent = torch.zeros(RELATIONS, HEADS)
        for head, group in enumerate(BENT):
            bent[list(group), head] = 5.0
        bent[SELF] = 3.0
        self.related = nn.Parameter(bent.repeat(1, layers))  # (relations, layers · heads)
        self.norm = nn.LayerNorm(width)
        self.whole, self.all, self.some, self.share = (nn.Linear(width, width) for _ in range(4))
        self.steps = nn.ModuleList(ProvenanceStep(width) for _ in range(3))
        self.last = nn.LayerNorm(width)
        self.kind, self.steering = nn.Linear(width, len(KINDS)), nn.Linear(width, len(STEERINGS))
        self.roles, self.edits = nn.Linear(width, len(ROLES)), nn.Linear(width, len(EDITS))

    def forward(self, batch: FeatureBatch) -> Choices:
        """The logits of each field, a last axis of classes added."""
        x = self._embed_nodes(batch.pieces, batch.flags)
        rows, count = batch.there.shape
        ways = F.one_hot(batch.relations, RELATIONS).float() @ self.related  # (rows, nodes, nodes, layers · heads)
        biases = ways.view(rows, count, count, len(self.layers), HEADS).permute(3, 0, 4, 1, 2)
        barred = torch.where(batch.there, 0.0, BARRED)[:, None, None, :]
        for layer, bias in zip(self.layers, biases, strict=True):
            x = layer(x, bias + barred)
        x = self.norm(x)
        whole, names = x[:, 0], x[torch.arange(rows)[:, None], batch.names]
        headers = self._embed_nodes(batch.header_pieces, batch.header_flags) + self.whole(whole)[:, None]
        headers = headers + batch.about @ self.share(names)
        headers = headers + (batch.about == 1).float() @ self.all(names) + (batch.about > 0).float() @ self.some(names)
        parents, children = (
            kin / kin.sum(-1, keepdim=True).clamp(min=1) for kin in (batch.parents, batch.parents.transpose(1, 2))
        )
        for step in self.steps:
            headers = step(headers, parents, children)
        return Choices(self.kind(whole), self.steering(whole), self.roles(names), self.edits(self.last(headers)))

    def _embed_nodes(self, pieces: Tensor, flags: Tensor) -> Tensor:
        """Nodes before anything is known of their neighbours: (rows, nodes, width)."""
        filled = (pieces > 0).sum(-1, keepdim=True).clamp(min=1)
        met: Tensor = self.words(pieces).sum(2) / filled.sqrt() + self.flags(flags)
        return met


def build_network(seed: int, width: int = 64, layers: int = 4) -> ConversionNetwork:
    """A network with random weights; torch's global generator is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ConversionNetwork(width, layers)


def mask_kinds(asked: ConversionInput) -> Tensor:
    """The mask added to the logits of the kinds: a scope that no name has is barred, and ambiguity of one name."""
    free = {"everything", "unknown", *(entity.scope for entity in asked.entities)}
    free |= {"ambiguous"} if len(asked.entities) > 1 else set()
    return torch.tensor([0.0 if kind in free else BARRED for kind in KINDS])


def mask_roles(asked: ConversionInput, kind: str) -> Tensor:
    """(names, roles): only names of the scope can be forgotten."""
    free = [kind in REFUSALS or entity.scope == kind for entity in asked.entities]
    return torch.tensor([[0.0, 0.0 if may else BARRED, 0.0, 0.0 if may else BARRED] for may in free]).view(-1, 4)


def mask_edits(asked: ConversionInput, kind: str) -> Tensor:
    """(headers, edits): nothing is edited in a refusal, and notes that cannot be rebuilt are not rewritten."""
    rows = [
        [0.0, BARRED if kind in REFUSALS else 0.0, BARRED if kind in REFUSALS or header.fixed else 0.0]
        for header in asked.headers
    ]
    return torch.tensor(rows).view(-1, 3)


def mask_steering(names: Sequence[str]) -> Tensor:
    """The mask added to the logits of the steering: a text that is too long with these names is barred."""
    lengths = [len(render_steering(key, tuple(names)).split()) for key in STEERINGS]
    return torch.tensor([0.0 if length <= LONGEST else BARRED for length in lengths])


def select_forgotten(asked: ConversionInput, roles: Iterable[int]) -> tuple[str, ...]:
    """The names that are to be forgotten by their roles."""
    named = zip(asked.entities, roles, strict=True)
    return tuple(entity.name for entity, role in named if ROLES[role] in ("forget", "both"))


def draw_class(logits: Tensor, chance: torch.Generator | None) -> Tensor:
    """The argmax class, or with a generator one sampled by its probability."""
    if chance is None or not logits.numel():
        return logits.argmax(-1)
    flat = logits.reshape(-1, logits.shape[-1]).softmax(-1)
    return torch.multinomial(flat, 1, generator=chance).view(logits.shape[:-1])


def choose_classes(asked: ConversionInput, logits: Choices, row: int, chance: torch.Generator | None = None) -> Choices:
    """The classes of one row under the bars.

    Where nothing would be forgotten the most likely name is; what is ambiguous has two candidates or more.
    """
    kind = draw_class(logits.kind[row] + mask_kinds(asked), chance)
    named = KINDS[int(kind)]
    count, shown = len(asked.entities), len(asked.headers)
    scores = logits.roles[row, :count] + mask_roles(asked, named)
    roles = draw_class(scores, chance)
    least = {"everything": 0, "unknown": 0, "ambiguous": 2}.get(named, 1)
    if sum(int(role) in (1, 3) for role in roles) < least:
        roles[(scores[:, 1] - scores.logsumexp(-1)).topk(least).indices] = 1
    edits = draw_class(logits.edits[row, :shown] + mask_edits(asked, named), chance)
    words = draw_class(logits.steering[row] + mask_steering(select_forgotten(asked, roles.tolist())), chance)
    return Choices(kind, words, roles, edits)


def encode_answer(asked: ConversionInput, answer: Conversion) -> Choices:
    """The right class of each field."""
    roles = [(e.name in answer.names) + 2 * (e.name in answer.retain) for e in asked.entities]
    edits = [EDITS.index(answer.edits.get(header.id, "keep")) for header in asked.headers]
    steer = next(n for n, key in enumerate(STEERINGS) if render_steering(key, answer.names) == answer.steering)
    assert len(ROLES) == 4, "none, forget, retain, both: forget counts 1, retain 2"
    return Choices(
        torch.tensor(KINDS.index(answer.kind)), torch.tensor(steer), torch.tensor(roles).long(),
        torch.tensor(edits).long(),
    )  # fmt: skip


def decode_classes(asked: ConversionInput, classes: Choices) -> Conversion:
    """The conversion encoded by the classes."""
    kind = KINDS[int(classes.kind)]
    roles = [ROLES[int(role)] for role in classes.roles]
    named = [(entity.name, role) for entity, role in zip(asked.entities, roles, strict=True)]
    names = select_forgotten(asked, classes.roles.tolist())
    retain = tuple(name for name, role in named if role in ("retain", "both"))
    edits: Mapping[str, Edit] = {
        header.id: EDITS[int(edit)]
        for header, edit in zip(asked.headers, classes.edits, strict=True)
        if EDITS[int(edit)] != "keep"
    }
    words = render_steering(STEERINGS[int(classes.steering)], names)
    return Conversion(kind, names, edits, "" if kind in REFUSALS else words, retain)


@dataclass(frozen=True, slots=True)
class Pointer:
    """The trained conversion model; without a network the one that is shipped."""

    net: ConversionNetwork

    async def convert(self, asked: ConversionInput) -> tuple[Conversion, Usage]:
        return self.convert_sync(asked)

    def convert_sync(self, asked: ConversionInput) -> tuple[Conversion, Usage]:
        """The conversion of the argmax classes, and its cost: nodes read, fields filled in."""
        row: Nodes = build_nodes(asked)
        with one_thread(), torch.no_grad():
            logits = self.net(collate_nodes([row]))
        made = decode_classes(asked, choose_classes(asked, logits, 0))
        read_in = 1 + row.words + row.names + row.headers
        call = Call("conversion", input_tokens=read_in, output_tokens=2 + row.names + row.headers, usd=0.0)
        return made, Usage((call,))


def save(net: ConversionNetwork, file: Path) -> Path:
    """The weights in half precision."""
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in net.state_dict().items()}, file)
    set_usual_modes(file)
    return file


def load(file: Path) -> ConversionNetwork:
    """The network of a file. Raises UsageError where there is none, or it is of another form."""
    if not file.is_file():
        raise UsageError(f"no conversion model at {file}; type: python -m unlearning.conversion.train --out {file}")
    try:
        state = {name: value.float() for name, value in load_file(file).items()}
        layers = len({name.split(".")[1] for name in state if name.startswith("layers.")})
        net = ConversionNetwork(state["words.weight"].shape[1], layers)
        net.load_state_dict(state)
    except Exception as error:  # safetensors and torch have errors of their own for what does not fit
        raise UsageError(f"{file} holds no conversion model of this version ({error}); train one anew") from error
    LOGGER.info("loaded conversion model %s", file)
    return net.eval()


@memoize("models")
def load_shipped(file: Path = SHIPPED) -> Pointer:
    """The converter that comes with the package."""
    return Pointer(load(file))
