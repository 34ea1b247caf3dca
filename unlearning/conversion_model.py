"""The conversion model: a small Transformer encoder over words, names and headers, with a head for each field of the answer.

It is no text generator. Names and headers are nodes; that a header is about a name, or was written from another, is a
relation that biases attention, so nothing has to be copied letter by letter. One class is drawn for the kind of the
request, one for the steering, one for each name (is it to be forgotten, kept, both, neither) and one for each header
(keep, delete, rewrite). Classes that would make an invalid answer are barred, so every answer is valid. Trained from
nothing by `python -m unlearning.conversion_train`, which also writes its scores on held-out worlds and styles.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (its usual name)

from arena.errors import UsageError
from arena.usage import Call, Usage
from unlearning.conversion import EDITS, KINDS, REFUSALS, STEERING, Asked, Conversion, Edit, steering
from unlearning.conversion_features import BUCKETS, FLAGS, RELATIONS, Batch, Nodes, batched, nodes

SHIPPED = Path(__file__).parent / "shipped" / "converter.safetensors"
ROLES = ("none", "forget", "retain", "both")
STEERINGS = tuple(STEERING)
SCOPED = [n for n, kind in enumerate(KINDS) if kind not in REFUSALS]
BARRED = -1e9


@dataclass(frozen=True, slots=True)
class Choices:
    """A class for each field: kind and steering (rows), roles (rows, names), edits (rows, headers)."""

    kind: Tensor
    steering: Tensor
    roles: Tensor
    edits: Tensor


class Layer(nn.Module):
    """Attention whose scores and values know how two nodes relate, then a feed-forward part; both before a norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.read, self.write = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.related = nn.Parameter(torch.zeros(heads, RELATIONS))
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, relations: Tensor, barred: Tensor) -> Tensor:
        """x: (rows, nodes, width). relations: (rows, nodes, nodes). barred: (rows, 1, 1, nodes), added to scores."""
        rows, count, width = x.shape
        parts = self.read(self.before(x)).view(rows, count, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (rows, heads, nodes, width / heads)
        bias = F.embedding(relations, self.related.T).permute(0, 3, 1, 2) + barred
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        x = x + self.write(mixed.transpose(1, 2).reshape(rows, count, width))
        fed: Tensor = x + self.feed(self.between(x))
        return fed


class Network(nn.Module):
    """The encoder and its four heads."""

    def __init__(self, width: int = 64, layers: int = 4, heads: int = 4) -> None:
        super().__init__()
        self.words = nn.Embedding(BUCKETS, width, padding_idx=0)
        self.flags = nn.Linear(FLAGS, width)
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.kind, self.steering = nn.Linear(width, len(KINDS)), nn.Linear(width, len(STEERINGS))
        self.roles, self.edits = nn.Linear(width, len(ROLES)), nn.Linear(width, len(EDITS))

    def forward(self, batch: Batch) -> Choices:
        """The logits of each field, a last axis of classes added."""
        filled = (batch.pieces > 0).sum(-1, keepdim=True).clamp(min=1)
        x = self.words(batch.pieces).sum(2) / filled.sqrt() + self.flags(batch.flags)
        barred = torch.where(batch.there, 0.0, BARRED)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, batch.relations, barred)
        x = self.norm(x)
        whole = x[:, 0]
        at = torch.arange(len(x))[:, None]
        names, headers = x[at, batch.names], x[at, batch.headers]
        return Choices(self.kind(whole), self.steering(whole), self.roles(names), self.edits(headers))


def network(seed: int, width: int = 64, layers: int = 4) -> Network:
    """A network with random weights; torch's global chance is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(width, layers)


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it torch computes on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def possible_kinds(asked: Asked) -> Tensor:
    """What is added to the logits of the kinds: a scope that no name has is barred."""
    scopes = {entity.scope for entity in asked.entities}
    return torch.tensor([0.0 if kind in REFUSALS or kind in scopes else BARRED for kind in KINDS])


def possible_roles(asked: Asked, kind: str) -> Tensor:
    """(names, roles): only names of the scope can be forgotten."""
    free = [kind in REFUSALS or entity.scope == kind for entity in asked.entities]
    return torch.tensor([[0.0, 0.0 if may else BARRED, 0.0, 0.0 if may else BARRED] for may in free]).view(-1, 4)


def possible_edits(asked: Asked, kind: str) -> Tensor:
    """(headers, edits): nothing is edited in a refusal, and what nobody can write anew is not rewritten."""
    rows = [
        [0.0, BARRED if kind in REFUSALS else 0.0, BARRED if kind in REFUSALS or header.fixed else 0.0]
        for header in asked.headers
    ]
    return torch.tensor(rows).view(-1, 3)


def drawn(logits: Tensor, chance: torch.Generator | None) -> Tensor:
    """The likeliest class, or with chance one drawn by its probability."""
    if chance is None or not logits.numel():
        return logits.argmax(-1)
    flat = logits.reshape(-1, logits.shape[-1]).softmax(-1)
    return torch.multinomial(flat, 1, generator=chance).view(logits.shape[:-1])


def chosen(asked: Asked, logits: Choices, row: int, chance: torch.Generator | None = None) -> Choices:
    """The classes of one row under the bars; where nothing would be forgotten, the likeliest name is."""
    kind = drawn(logits.kind[row] + possible_kinds(asked), chance)
    named = KINDS[int(kind)]
    count, shown = len(asked.entities), len(asked.headers)
    scores = logits.roles[row, :count] + possible_roles(asked, named)
    roles = drawn(scores, chance)
    if named not in REFUSALS and not any(int(role) in (1, 3) for role in roles):
        best = int((scores[:, 1] - scores.logsumexp(-1)).argmax())
        roles[best] = 1
    edits = drawn(logits.edits[row, :shown] + possible_edits(asked, named), chance)
    return Choices(kind, drawn(logits.steering[row], chance), roles, edits)


def read(asked: Asked, classes: Choices) -> Conversion:
    """The conversion that the classes stand for."""
    kind = KINDS[int(classes.kind)]
    roles = [ROLES[int(role)] for role in classes.roles]
    named = [(entity.name, role) for entity, role in zip(asked.entities, roles, strict=True)]
    names = tuple(name for name, role in named if role in ("forget", "both"))
    retain = tuple(name for name, role in named if role in ("retain", "both"))
    edits: Mapping[str, Edit] = {
        header.id: EDITS[int(edit)]
        for header, edit in zip(asked.headers, classes.edits, strict=True)
        if EDITS[int(edit)] != "keep"
    }
    words = steering(STEERINGS[int(classes.steering)], names)
    return Conversion(kind, names, edits, "" if kind in REFUSALS else words, retain)


@dataclass(frozen=True, slots=True)
class Pointer:
    """The trained conversion model; without a network the one that is shipped."""

    net: Network

    async def convert(self, asked: Asked) -> tuple[Conversion, Usage]:
        return self.converted(asked)

    def converted(self, asked: Asked) -> tuple[Conversion, Usage]:
        """The likeliest conversion, and its cost: nodes read, fields filled in."""
        row: Nodes = nodes(asked)
        with one_thread(), torch.no_grad():
            logits = self.net(batched([row]))
        made = read(asked, chosen(asked, logits, 0))
        read_in = 1 + row.words + row.names + row.headers
        call = Call("conversion", input_tokens=read_in, output_tokens=2 + row.names + row.headers, usd=0.0)
        return made, Usage((call,))


def save(net: Network, file: Path) -> Path:
    """The weights in half precision."""
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in net.state_dict().items()}, file)
    return file


def load(file: Path) -> Network:
    """The network of a file. Raises UsageError where there is none, or it is of another form."""
    if not file.is_file():
        raise UsageError(f"no conversion model at {file}; type: python -m unlearning.conversion_train --out {file}")
    try:
        state = {name: value.float() for name, value in load_file(file).items()}
        layers = len({name.split(".")[1] for name in state if name.startswith("layers.")})
        net = Network(state["words.weight"].shape[1], layers)
        net.load_state_dict(state)
    except Exception as error:  # safetensors and torch have errors of their own for what does not fit
        raise UsageError(f"{file} holds no conversion model of this version ({error}); train one anew") from error
    return net.eval()


@cache
def shipped(file: Path = SHIPPED) -> Pointer:
    """The converter that comes with the package."""
    return Pointer(load(file))
