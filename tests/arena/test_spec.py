"""Parts as data: names, near misses, parameters, nested parts, presets, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from arena.errors import BadPart, UnknownPart
from arena.part_decorators import convert_to_kebab
from arena.registry import list_entries
from arena.renamed_parts import current_name
from arena.spec import assign, build, describe

# A registered name is a stored name: one that is renamed gets a line in arena/renamed_parts.py, or old rows break.
STORED: dict[str, set[str]] = {
    "game": set(
        [
            "auction",
            "bargaining",
            "connect",
            "deal-or-no-deal",
            "debate",
            "dilemma",
            "gridworld",
            "household",
            "interrogation",
            "kuhn",
            "multi-issue",
            "pettingzoo",
            "shopping",
            "textarena",
            "trading",
            "ultimatum",
            "wiki",
        ]
    ),
    "agent": set(
        [
            "advocate",
            "always",
            "arbiter",
            "best-reply",
            "boulware",
            "caller",
            "conceder",
            "copycat",
            "critic",
            "dealer",
            "explorer",
            "fair",
            "faratin",
            "gambler",
            "grim",
            "housekeeper",
            "human",
            "interrogator",
            "knower",
            "linear",
            "llm",
            "logroller",
            "micro",
            "minimax",
            "moderator",
            "og-narrator",
            "pathfinder",
            "pavlov",
            "policy",
            "random",
            "replay",
            "researcher",
            "rubinstein",
            "says",
            "shading",
            "shopper",
            "straight",
            "subject",
            "suspicion",
            "tit-for-tat",
            "tough",
            "trader",
            "truthful",
        ]
    ),
    "model": set(
        [
            "anthropic",
            "litellm",
            "local",
            "openai",
            "scripted",
            "scripted/auditor",
            "scripted/echo",
            "scripted/negotiator",
        ]
    ),
    "method": set(
        [
            "adaptive-rmu",
            "altpo",
            "alu",
            "ce-u",
            "closure-deletion",
            "compose",
            "converted",
            "coreset",
            "dragon",
            "embedding-ascent",
            "filter",
            "ga",
            "grad-diff",
            "icu",
            "icul",
            "idk-dpo",
            "idk-nll",
            "instruction",
            "kl-ga",
            "knowledge-entry",
            "melu",
            "meow",
            "noop",
            "npo",
            "offset",
            "pdu",
            "record-deletion",
            "replay",
            "reset",
            "retrain",
            "rmu",
            "s3t",
            "satimp",
            "selective-replay",
            "simnpo",
            "sisa",
            "su",
            "sure",
            "task-vector",
            "tnpo",
            "uld",
            "undial",
            "wagle",
            "wga",
            "whp",
            "write-gate",
            "wtnpo",
        ]
    ),
    "benchmark": set(["muse", "tofu"]),
    "metric": set(
        [
            "backflow",
            "channel_leak",
            "cost",
            "degeneration",
            "degeneration_rate",
            "detour",
            "divergence",
            "exact_memorisation",
            "extraction",
            "extraction_strength",
            "forget_quality",
            "gibberish",
            "ignorance",
            "knowmem",
            "membership",
            "mentions",
            "model_utility",
            "perplexity",
            "privleak",
            "probability",
            "refusal",
            "residue",
            "rouge_l",
            "sampled_leak",
            "steps",
            "success",
            "trajectory",
            "truth_ratio",
            "verbmem",
            "visits",
            "weight_distance",
        ]
    ),
    "attack": set(
        [
            "adversary",
            "leak",
            "paraphrase",
            "prefix",
            "quantization",
            "relearning",
            "relearning_advantage",
            "rewrites",
            "social_relearning",
            "watcher",
        ]
    ),
    "embedding": {"hashed"},
    "writer": {"plans", "records", "reflections", "summaries"},
    "guard": {"auditor", "detector", "filter"},
}


@pytest.mark.parametrize("kind", STORED)
def test_stored_names_still_find_their_parts(kind: str) -> None:
    assert {current_name(kind, name) for name in STORED[kind]} <= list_entries(kind).keys()


def test_names_are_kebab_case() -> None:
    assert [convert_to_kebab(name) for name in ("TitForTat", "LLM", "Bargaining")] == [
        "tit-for-tat",
        "llm",
        "bargaining",
    ]


def test_a_model_string_is_the_llm_agent_over_that_model() -> None:
    for name in ("scripted/echo", "scripted:echo"):
        agent = build("agent", {"name": name, "persona": "a stoic"})
        table = describe(agent)
        assert table["name"] == "llm" and table["persona"] == "a stoic"
        assert table["model"]["name"] == "scripted/echo"


def test_nested_values_are_set_by_their_path() -> None:
    table: dict[str, Any] = {"buyer": "linear"}
    assign(table, "buyer.exponent", 4)
    assign(table, "seller.model.name", "openai/x")
    assert table == {"buyer": {"name": "linear", "exponent": 4}, "seller": {"model": {"name": "openai/x"}}}


@dataclass(frozen=True)
class Greedy:
    """Outside the registry."""

    appetite: float = 1.0

    async def act(self, view: Any) -> Any:
        return view


def test_a_part_from_outside_is_named_by_module_and_class() -> None:
    name = f"{Greedy.__module__}:Greedy"
    assert describe(Greedy(2)) == {"name": name, "appetite": 2}


@pytest.mark.parametrize(
    ("kind", "spec", "error", "says"),
    [
        ("agent", "liner", UnknownPart, "did you mean linear"),
        ("agent", {"name": "random", "seed": 1}, BadPart, "no parameter named 'seed'"),
        ("game", {"name": "bargaining", "cost": "high"}, BadPart, "cost = 'high'"),
        ("game", {"name": "bargaining", "rounds": 1.5}, BadPart, "rounds = 1.5"),
        ("game", {"cost": 3}, BadPart, "needs a name"),
        ("game", {"name": ["x"]}, BadPart, "needs a name"),
        ("model", "opennai/x", UnknownPart, "did you mean openai"),
        ("game", "no_such_file.py:Game", UnknownPart, "no file"),
    ],
)
def test_wrong_specs_are_answered(kind: str, spec: str | Mapping[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        build(kind, spec)


def test_a_file_that_does_not_parse_is_named_where_it_is_looked_for(tmp_path: Any) -> None:
    (tmp_path / "torn.py").write_text("def (:")
    with pytest.raises(UnknownPart, match=r"torn\.py cannot be imported"):
        build("game", f"{tmp_path / 'torn.py'}:Game")
