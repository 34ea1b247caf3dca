"""Readings that bear a name of open-unlearning mean what theirs mean: by hand, and by plain loops over a model."""

import math
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_facts
from repository import ROOT

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("scipy")
pytest.importorskip("nltk")

import torch
from scipy.stats import hmean
from torch import Tensor

from agents.chat_model import Sampling
from agents.inference.tiny_llama import make_tiny
from agents.llm.llm import LLM
from agents.models.local import Local
from arena.errors import UsageError
from unlearning.benchmarks.muse import PUBLISHED_SUITE as MUSE
from unlearning.benchmarks.muse import Muse
from unlearning.benchmarks.tofu import PUBLISHED_SUITE as TOFU
from unlearning.benchmarks.tofu import Tofu
from unlearning.experiments.verdict import classify_readings
from unlearning.metrics.generated_text import score_rouge
from unlearning.metrics.gibberish import classify_texts, gibberish
from unlearning.metrics.membership_scores import average_lowest, gradient_norms, score_membership, standardize_logprobs
from unlearning.modeling.item_tokenization import encode
from unlearning.probe import Trial, build_probe
from unlearning.request import Item, Request
from unlearning.scoring.answer_logprobs import Scored, score_items
from unlearning.scoring.answer_wording import until_next, until_stop
from unlearning.scoring.truth_ratio import closeness, margin, preference, ratio

PAGE = ROOT / "docs" / "open-unlearning.md"


def scored(lp: Sequence[float], std: Sequence[float] | None = None, words: int | None = None) -> Scored:
    n = len(lp)
    spread = np.array(std if std is not None else [1.0] * n)
    return Scored(np.array(lp), np.full(n, True), np.full(n, -5.0), spread, n - 1 if words is None else words, (0, n))


# by hand


def test_scores_by_token_leave_out_the_end_token() -> None:
    """ℓ = −1 −2 −3 −4 −5 and an end token at −9: of five tokens the lowest two fifths are −4 and −5."""
    one = scored([-1, -2, -3, -4, -5, -9])
    assert average_lowest(one.inner, 0.4) == -4.5 and average_lowest(one.lp, 0.4) == -7.0
    assert average_lowest(standardize_logprobs(one)[:-1], 0.4) == pytest.approx((1 + 0) / 2), "z = ℓ + 5"
    passage = scored([-1, -2, -9], words=3)
    assert average_lowest(passage.inner, 0.4) == -2, "a passage has no end token; its last word is left out as well"
    assert average_lowest(scored([-3]).inner, 0.4) == 0.0, "nothing is left of one token"


def test_a_spread_is_never_less_than_a_thousandth() -> None:
    one = scored([-5.0 + 2e-3, -4.0, -5.0, 0.0], [1e-4, 2.0, 0.0, 1.0])
    assert standardize_logprobs(one)[:3] == pytest.approx([2.0, 0.5, 0.0])


@pytest.mark.parametrize(
    ("true", "false", "r"),
    [
        (math.log(5), [math.log(10)] * 2, 0.5),
        (30.0, [25.0, 27.0], math.exp(-26) / (math.exp(-30) + 1e-10)),
        (200.0, [190.0], 0.0),  # a broken model: both impossible, and R is taken for 0
    ],
)
def test_truth_ratio_with_the_floor_of_the_published_code(true: float, false: list[float], r: float) -> None:
    found = ratio(true, false, floor=1e-10)
    assert found == pytest.approx(r, rel=1e-6, abs=1e-60)
    assert ratio(true, false) == pytest.approx(math.exp(true - np.mean(false))), "the exact one"
    assert closeness(np.array([found]), 1e-10)[0] == pytest.approx(min(found, 1 / (found + 1e-10)))
    assert margin(np.array([found]))[0] == pytest.approx(max(0.0, 1 - found))


def test_the_probability_among_options_goes_to_zero_where_all_are_impossible() -> None:
    assert preference([math.log(5)], [[math.log(10)] * 2], 1e-10)[0] == pytest.approx(0.5)
    assert preference([80.0], [[81.0, 82.0]], 1e-10)[0] < 1e-20 < 0.1 < preference([80.0], [[81.0, 82.0]])[0]


@pytest.mark.parametrize(
    ("said", "muse", "theirs"),
    [("she run race", 100 * 2 / 6, 1.0), ("She runs.", 80.0, 0.8), ("ponies", 0.0, 0.0), ("", 0.0, 0.0)],
)
def test_words_of_passages_and_answers_are_stemmed_and_not_in_percent(said: str, muse: float, theirs: float) -> None:
    assert score_rouge(said, "she runs races", "muse") == pytest.approx(muse)
    assert score_rouge(said, "she runs races", "open-unlearning") == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("said", "muse", "theirs"),
    [
        (" Bex\n\nMore", "Bex", "Bex"),
        ("Bex\nQuestion: Who", "Bex", "Bex"),
        ("Bex Question: Who", "Bex", "Bex"),
        ("\n\nBex", "Bex", ""),
        ("One Question of many", "One", "One Question of many"),
        ("Bex\n \nMore", "Bex", "Bex\n \nMore"),
    ],
)
def test_where_an_answer_ends_behind_examples(said: str, muse: str, theirs: str) -> None:
    assert (until_next(said), until_stop(said)) == (muse, theirs)


# on a model, by loops that share no code with the project


ITEMS = tuple(
    Item(one.name, one.prompt, one.answer, (f"It is {one.tags['value']} that {one.name} likes.",), one.wrong, one.tags)
    for one in tiny_facts.ITEMS
)
ASIDE = tuple(
    Item(f"{name} aside", f"What colour does {name} like?", f"{name} likes {colour}.")
    for name, colour in (("ivo", "pink"), ("joe", "dark blue"), ("kim", "gold"), ("lea", "red"))
)


@pytest.fixture(scope="module")
def trial() -> Trial:
    after, twin = (LLM(Local(str(tiny_facts.folder(seed))), sampling=Sampling(temperature=0.0)) for seed in (0, 1))
    again = tuple(Item(f"{one.name} again", f"Say: {one.prompt}", one.answer) for one in ITEMS)
    data = {"forget": ITEMS, "holdout": ASIDE, "retain": ITEMS[3:], "paraphrase": again,
            "authors": ITEMS[:2], "world": ITEMS[2:4]}  # fmt: skip
    return Trial(Request(ITEMS[:3], ITEMS[3:]), after, after, twin, data)


class Plain:
    """What open-unlearning computes from, item by item: logits, and labels behind the prompt."""

    def __init__(self, agent: LLM, item: Item, grad: bool = False) -> None:
        model: Any = agent.model
        self.module, self.tokenizer = model.module, model.tokenizer
        question = [{"role": "user", "content": item.prompt}]
        prompt = self.tokenizer.apply_chat_template(question, tokenize=False, add_generation_prompt=True)
        whole = self.tokenizer.apply_chat_template(
            [*question, {"role": "assistant", "content": item.answer}], tokenize=False
        )
        ids = self.tokenizer(whole, add_special_tokens=False)["input_ids"]
        start = len(self.tokenizer(prompt, add_special_tokens=False)["input_ids"])
        with torch.set_grad_enabled(grad):
            logs = self.module(torch.tensor([ids])).logits[0].float().log_softmax(-1)
        self.labels = torch.tensor(ids[start:])
        self.rows: Tensor = logs[start - 1 : -1]
        self.lp = self.rows.gather(1, self.labels[:, None])[:, 0]
        self.text = self.tokenizer.decode(ids[start:], skip_special_tokens=True)

    @property
    def loss(self) -> float:
        return float(-self.lp.mean())

    def lowest(self, values: Tensor) -> float:
        inner = values[:-1].sort().values
        return float(inner[: max(1, int(0.4 * len(inner)))].mean())

    @property
    def z(self) -> Tensor:
        p = self.rows.exp()
        mean = (p * self.rows).sum(-1)
        variance = (p * self.rows**2).sum(-1) - mean**2
        return (self.lp - mean) / variance.clamp(min=1e-6).sqrt()

    @property
    def strength(self) -> float:
        hit = (self.rows.argmax(-1) == self.labels)[:-1].tolist()
        k = next((k for k in range(len(hit)) if all(hit[k:])), len(hit) - 1)
        return 1 - k / len(hit)

    @property
    def memorised(self) -> float:
        return float((self.rows.argmax(-1) == self.labels)[:-1].float().mean())


def reversed_auc(members: list[float], others: list[float]) -> float:
    """Of scores that are small for members: the chance that one of the others is above."""
    return float(np.mean([(b > a) + 0.5 * (a == b) for a in members for b in others]))


THEIRS = {
    "mia_loss": lambda one: one.loss,
    "mia_zlib": lambda one: one.loss / len(zlib.compress(one.text.encode("utf-8"))),
    "mia_min_k": lambda one: -one.lowest(one.lp),
    "mia_min_k_plus_plus": lambda one: -one.lowest(one.z),
}


@pytest.mark.few(1)
@pytest.mark.parametrize("label", THEIRS)
async def test_membership_labels(label: str, trial: Trial) -> None:
    reading = await build_probe(TOFU[label])(trial)
    for agent, value in ((trial.after, reading.value), (trial.oracle, reading.null)):
        scores = [[THEIRS[label](Plain(agent, item)) for item in items] for items in (ITEMS, ASIDE)]  # type: ignore[arg-type]
        assert value == pytest.approx(reversed_auc(*scores), abs=1e-9)
    kind = TOFU[label]["score"]
    expected = [-THEIRS[label](Plain(trial.after, item)) for item in ITEMS]  # type: ignore[arg-type]
    assert score_membership(trial.after, ITEMS, kind) == pytest.approx(expected, rel=1e-3, abs=1e-4)


async def test_privleak_is_made_of_min_k_without_the_end_token(trial: Trial) -> None:
    aucs = [
        reversed_auc(*[[THEIRS["mia_min_k"](Plain(agent, item)) for item in items] for items in (ITEMS, ASIDE)])  # type: ignore[arg-type]
        for agent in (trial.after, trial.oracle)
    ]
    found = await build_probe(TOFU["privleak"])(trial)
    if aucs[1] == 1:  # the twin tells all members: theirs divides by 1e-10, ours says nothing
        assert found.value is None
    else:
        assert found.value == pytest.approx(((1 - aucs[0]) - (1 - aucs[1])) / (1 - aucs[1] + 1e-10) * 100)
    half = await build_probe({**{"name": "privleak"}, "against": "half"})(trial)
    assert half.value == pytest.approx(((1 - aucs[0]) - 0.5) / 0.5 * 100), "their ref_value"


async def test_gradient_norms_are_a_mean_over_parameters(trial: Trial) -> None:
    agent: Any = trial.after
    module = agent.model.module
    wanted = [parameter.requires_grad for parameter in module.parameters()]
    expected = []
    for item in ITEMS[:3]:
        module.requires_grad_(True)
        module.zero_grad()
        (-Plain(agent, item, grad=True).lp[:-1].mean()).backward()
        norms = [parameter.grad.norm() for parameter in module.parameters() if parameter.grad is not None]
        expected.append(float(torch.stack(norms).mean()))
        module.zero_grad(set_to_none=True)
    for parameter, had in zip(module.parameters(), wanted, strict=True):
        parameter.requires_grad_(had)
    assert gradient_norms(agent, ITEMS[:3]) == pytest.approx(expected, rel=1e-3)
    assert score_membership(agent, ITEMS[:3], "gradnorm") == pytest.approx([-one for one in expected], rel=1e-3)
    assert all(parameter.grad is None for parameter in module.parameters()), "the module is untouched"
    assert (await build_probe({"name": "membership", "score": "gradnorm"})(trial)).value is not None


@pytest.mark.parametrize(
    ("label", "of"),
    [("extraction_strength", lambda one: one.strength), ("exact_memorization", lambda one: one.memorised),
     ("forget_Q_A_Prob", lambda one: math.exp(-one.loss))],
)  # fmt: skip
async def test_labels_by_item(label: str, of: Any, trial: Trial) -> None:
    found = await build_probe(TOFU[label])(trial)
    assert found.items == pytest.approx([of(Plain(trial.after, item)) for item in ITEMS], abs=1e-4)


async def test_paraphrases_are_of_the_answer_to_the_same_question(trial: Trial) -> None:
    found = await build_probe(TOFU["forget_Q_A_PARA_Prob"])(trial)
    told = [Item(one.name, one.prompt, one.aliases[0]) for one in ITEMS]
    assert found.items == pytest.approx([math.exp(-Plain(trial.after, item).loss) for item in told], abs=1e-4)
    ours = await build_probe(Tofu().suite["paraphrased_question_Prob"])(trial)
    assert ours.items != pytest.approx(found.items, abs=1e-3)
    rouge = await build_probe(TOFU["forget_Q_A_PARA_ROUGE"])(trial)
    # "ann likes red." of "It is red that ann likes.": "ann likes" in order, or "red" alone: 2 of 6 words
    assert rouge.items[0] == pytest.approx(2 / 6)
    bare = Trial(trial.request, trial.before, trial.after, trial.oracle, {"forget": tiny_facts.ITEMS})
    with pytest.raises(UsageError, match=r"'ann' has none \(aliases\); take answer=own"):
        await build_probe(TOFU["forget_Q_A_PARA_Prob"])(bare)


async def test_utility_tells_its_nine_parts_by_their_names(trial: Trial) -> None:
    found = await build_probe(TOFU["model_utility"])(trial)
    parts: Any = found.detail["parts"]
    assert set(parts) == {
        *(f"{role}_{kind}" for role in ("retain", "ra", "wf") for kind in ("Q_A_ROUGE", "Truth_Ratio")),
        "retain_Q_A_Prob", "ra_Q_A_Prob_normalised", "wf_Q_A_Prob_normalised",
    }  # fmt: skip
    assert found.value == pytest.approx(float(hmean(list(parts.values()))))
    assert parts["retain_Q_A_Prob"] == (await build_probe(TOFU["retain_Q_A_Prob"])(trial)).value
    assert parts["retain_Q_A_ROUGE"] == (await build_probe(TOFU["retain_Q_A_ROUGE"])(trial)).value


def test_a_passage_is_read_with_what_joins_its_parts() -> None:
    words = tiny_facts.study().tokenizer
    tags = {"form": "passage"}
    one = encode(words, Item("p", "ann likes", "red.", tags={**tags, "join": " "}))
    assert one.ids == encode(words, Item("p", "ann likes", " red.", tags=tags)).ids
    assert one.words == len(one.ids)


async def test_compression_is_of_the_answer_that_was_read(tmp_path: Path) -> None:
    """A text that does not fit is cut, and what was cut off is not compressed."""
    folder = make_tiny(tmp_path / "short", texts=["a b c d e"], hidden=16, layers=1, heads=2, context=24, vocab=300)
    agent = LLM(Local(str(folder)))
    long = Item("p", "", "abcdefgh " * 40)
    (one,) = score_items(agent, [long])
    read = Local(str(folder)).tokenizer.decode(one.ids)
    assert len(one.ids) < 24 and long.answer[1:].startswith(read), "of a passage the first token is not predicted"
    bytes_read = len(zlib.compress(read.encode()))
    assert score_membership(agent, [long], "zlib")[0] == pytest.approx(-one.loss / bytes_read)
    assert score_membership(agent, [long], "zlib-sum")[0] == pytest.approx(one.lp.sum() / bytes_read)


def published(folder: Path, rows: int) -> Path:
    """TOFU's files with so many rows, as far as forget10 needs them."""
    import json

    def pairs(name: str) -> list[dict[str, Any]]:
        return [{"question": f"Who is {name} {n}?", "answer": f"{name} {n} is it."} for n in range(rows)]

    more = {"paraphrased_answer": "It.", "paraphrased_question": "Say?", "perturbed_answer": ["a", "b"]}
    named = {"forget10": "gone", "holdout10": "new", "forget10_perturbed": "gone", "retain_perturbed": "kept",
             "real_authors_perturbed": "real", "world_facts_perturbed": "fact"}  # fmt: skip
    for config, name in named.items():
        extra = more if "perturbed" in config else {}
        text = "\n".join(json.dumps({**row, **extra}) for row in pairs(name))
        (folder / f"{config}.json").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(("most", "left"), [(None, 400), (300, 300), (5, 5), (1000, 400)])
def test_all_rows_are_read_unless_fewer_are_asked_for(most: int | None, left: int, tmp_path: Path) -> None:
    setting = {} if most is None else {"most": most}
    data = Tofu(source=str(published(tmp_path, 400)), **setting).data("forget10")  # type: ignore[arg-type]
    assert {role: len(items) for role, items in data.items()} == dict.fromkeys(data, left)
    assert set(data) >= {"forget", "retain", "holdout", "authors", "world"}
    assert Muse().most is None


# labels


def test_the_page_tells_every_label_and_no_other() -> None:
    """A row of the first table for each label that bears their name; one of the last for each of our own."""
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| same", page, re.M)
    assert {label for label, _ in rows} == {*TOFU, *MUSE} and all(label == theirs for label, theirs in rows)
    own = {*Tofu(hops=True).suite, *Muse().suite} - {*TOFU, *MUSE}
    assert own == set(re.findall(r"^\| `(\w+)` \| none \|", page, re.M))


@pytest.mark.parametrize("bench", [Tofu(), Tofu(hops=True), Muse(), Muse(corpus="books")])
def test_what_is_computed_otherwise_has_a_name_of_its_own(bench: Any) -> None:
    names: Mapping[str, Any] = bench.suite
    theirs = {**TOFU, **MUSE}
    assert all(names[label] == theirs[label] or label in MUSE for label in names if label in theirs)
    assert "degeneration" not in [names.get("forget_Q_A_gibberish")], "theirs takes a classifier"
    assert all(callable(build_probe(spec)) for spec in names.values())


async def test_the_verdict_reads_values_before_whole_answers(trial: Trial) -> None:
    """The label of open-unlearning is about the wording of whole answers; it counts where nothing else was read."""
    suite = Tofu().suite
    whole, value = [
        await build_probe(suite[name])(trial) for name in ("extraction_strength", "value_extraction_strength")
    ]
    told = classify_readings({"extraction_strength": whole, "value_extraction_strength": value})
    assert told == classify_readings({"value_extraction_strength": value})
    assert "extraction_strength before" in classify_readings({"extraction_strength": whole}).why[0], (
        "it is read, if alone"
    )


async def test_gibberish_is_what_a_classifier_says(trial: Trial, tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaForSequenceClassification

    words = trial.after.model.tokenizer  # type: ignore[attr-defined]
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, num_labels=3, pad_token_id=words.pad_token_id, bos_token_id=None,
    )  # fmt: skip
    torch.manual_seed(0)
    module = LlamaForSequenceClassification(config).eval()
    module.save_pretrained(tmp_path / "judge")
    words.save_pretrained(tmp_path / "judge")
    texts = tuple(item.answer for item in ITEMS)
    with torch.no_grad():
        expected = [float(module(**words(text, return_tensors="pt")).logits[0].softmax(-1)[1]) for text in texts]
    assert classify_texts(texts, str(tmp_path / "judge"), 1) == pytest.approx(expected, abs=1e-5)
    reading = await gibberish(trial, classifier=str(tmp_path / "judge"))
    assert 0 < (reading.value or 0) < 1 and len(reading.items) == len(ITEMS) and reading.better == "twin"
    with pytest.raises(UsageError, match="classes 0 to 2, not 7"):
        await gibberish(trial, classifier=str(tmp_path / "judge"), clean=7)
    with pytest.raises(UsageError, match=r"is not on this machine .*take the probe degeneration"):
        await gibberish(trial, classifier=str(tmp_path / "nothing"))
