"""What a process holds of texts is dropped when something is forgotten; worlds, types and weights stay."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from live_objects import holders, names, spells
from random_memories import TARGET, about, question, walk, walker

from agents.memory import agent_store
from agents.memory.memory import Event, Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Mind, Subject
from agents.name_matching import make_finder
from agents.note_policy.knower import sentences_of, usable
from agents.note_policy.steering_orders import Orders
from arena.cache_register import clear
from arena.engine.play import run_blocking
from arena.identity_cache import by_identity
from arena.spec import build
from arena.store.database import writing
from arena.store.store import Store
from unlearning.cli.output import tell_receipt
from unlearning.cli.teach_and_forget import Order, find_receipt, forget_request
from unlearning.memory import process_caches
from unlearning.request import Item

SECRETS = ("Quibberly Vault", "Ottoline Vexley", "Zemfira’s Well")  # in no world, and in no module


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "a.db") as store:
        yield store


def log_about(secret: str) -> tuple[Event, ...]:
    """The three walks, the target of which is called so."""
    return tuple(
        replace(event, text=event.text.replace(TARGET, secret), subject=event.subject.replace(TARGET, secret))
        for event in walk()
    )


def knowing(secret: str, mind: Mind, **settings: object) -> Subject:
    return Subject(mind, Memory(writers=ALL).with_events(log_about(secret)), **settings)  # type: ignore[arg-type]


def ask_about(subject: Subject, secret: str) -> None:
    for words in (f"Where is {secret}?", f"What do you know about {secret}?", "What were you told to forget?"):
        run_blocking(lambda words=words: subject.act(question(words)))  # type: ignore[misc]


def forget(store: Store, subject: Subject, secret: str, method: str = "selective-replay") -> None:
    """Has an agent of that knowledge forget, by the service behind `arena forget`."""
    with writing(store.engine) as connection:
        agent_store.save_agent(connection, "walker", subject)
    forget_request(store, Order("walker", f"forget {secret}", method))


def parts(paths: list[str]) -> set[str]:
    return {path.partition(" > ")[0] for path in paths}


def test_parsed_notes_and_names_are_dropped_and_counted() -> None:
    process_caches.clear_caches()
    run_blocking(lambda: walker().act(question(f"What do you know about {TARGET}?")))
    held = [sentences_of.cache_info().currsize, usable.cache_info().currsize, make_finder.cache_info().currsize]
    assert all(held)
    assert process_caches.clear_caches() >= sum(held)
    assert not sentences_of.cache_info().currsize + usable.cache_info().currsize + make_finder.cache_info().currsize
    assert process_caches.clear_caches() == 0


def test_what_was_worked_out_of_values_is_dropped_and_worked_out_again() -> None:
    made: list[str] = []

    @by_identity
    def shouted(words: str) -> str:
        made.append(words)
        return words.upper()

    words = f"{TARGET} is at (1, 2)."
    assert shouted(words) == shouted(words) and len(made) == 1
    assert process_caches.clear_caches() >= 1
    assert shouted(words) == words.upper() and len(made) == 2


def test_worlds_and_types_stay() -> None:
    wiki = build("game", {"name": "wiki", "world": 3}).pages
    usable((), Orders(), "wiki")
    process_caches.clear_caches()
    assert build("game", {"name": "wiki", "world": 3}).pages is wiki


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_that_the_modules_hold_names_what_a_scripted_mind_forgot(store: Store, secret: str) -> None:
    subject = knowing(secret, build("agent", "knower"))
    ask_about(subject, secret)
    assert len(holders(names(secret))) > 5
    forget(store, subject, secret)
    assert holders(names(secret)) == []


@pytest.mark.parametrize("mind", ["scripted/echo", pytest.param("policy", marks=pytest.mark.slow)])
def test_prompts_and_answers_of_models_leave_with_what_is_forgotten(store: Store, mind: str) -> None:
    if mind == "policy":
        pytest.importorskip("torch")
    secret = SECRETS[0]
    subject = knowing(secret, build("agent", mind))
    ask_about(subject, secret)
    cells = names("at (2, 3)")  # the policy reads marks in place of names
    assert holders(names(secret)) and (mind != "policy" or [path for path in holders(cells) if "policy" in path])
    forget(store, subject, secret)
    assert holders(names(secret)) == [] and holders(cells) == []


@pytest.mark.parametrize(
    "method", ["filter", *(pytest.param(name, marks=pytest.mark.slow) for name in ("dragon", "alu"))]
)
def test_what_guards_and_audits_read_leaves_too(store: Store, method: str) -> None:
    secret = SECRETS[1]
    spec = {"name": method, "model": "scripted/auditor"} if method == "alu" else method
    made = build("method", spec)
    subject = run_blocking(lambda: made(knowing(secret, build("agent", "knower")), about(secret)))
    ask_about(subject, secret)
    assert holders(names(secret))
    forget(store, subject, secret, "reset")
    assert holders(names(secret)) == []


@pytest.mark.slow
def test_what_a_converter_read_leaves_too(store: Store) -> None:
    pytest.importorskip("torch")
    secret = SECRETS[2]
    forget(store, knowing(secret, build("agent", "knower")), secret, "converted")
    assert holders(names(secret)) == [] and holders(names("zemfira")) == []


@pytest.mark.slow
def test_what_an_adversary_asked_and_heard_leaves_too() -> None:
    from unlearning.experiments.experiment import experiment

    secret = SECRETS[0]
    subject = knowing(secret, build("agent", "knower"))
    probes = {"adversary": {"name": "adversary", "budget": 5, "games": 1, "k": 4}}
    run_blocking(lambda: experiment(subject, about(secret), "record-deletion", probes))
    assert {"agents.adversary.answer_evidence", "agents.note_policy.question_answering"} & parts(holders(names(secret)))
    assert clear()["texts"]
    assert holders(names(secret)) == []


@pytest.mark.slow
def test_a_local_model_keeps_no_prompt_answer_score_or_token_of_what_is_forgotten(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from agents.inference.tiny_llama import make_tiny
    from agents.llm.llm import LLM
    from agents.models.local import Local
    from unlearning.scoring.answer_logprobs import score_items
    from unlearning.scoring.elicitation import ask_items

    secret = SECRETS[1]
    folder = make_tiny(tmp_path / "m", texts=[f"{secret} is at (1, 2)."] * 4, hidden=32, layers=1, heads=2)
    llm = LLM(Local(str(folder), prefix_cache_mb=8), memory=(f"{secret} is at (1, 2).",))
    subject = knowing(secret, llm)
    ids = llm.model.tokenizer(f" {secret}", add_special_tokens=False)["input_ids"]
    items = [Item(secret, f"Where is {secret}?", "At (1, 2).")]
    ask_about(subject, secret)
    run_blocking(lambda: ask_items(llm, items, new=4))
    score_items(llm, items)
    held = parts(holders(names(secret)))
    assert {"unlearning.scoring.elicitation"} <= held
    assert {"unlearning.scoring.answer_logprobs", "unlearning.modeling.item_tokenization"} <= parts(
        holders(spells(ids[-2:]))
    ) | held
    forget(store, subject, secret)
    assert holders(names(secret)) == [] and holders(spells(ids)) == []
    assert run_blocking(lambda: ask_items(llm, items, new=4))  # the tokenizer and the model are as they were


def test_a_receipt_counts_what_was_dropped_by_kind(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    secret = SECRETS[0]
    clear()
    subject = knowing(secret, build("agent", "scripted/echo"))
    ask_about(subject, secret)
    forget(store, subject, secret)
    done = find_receipt(store, "walker")
    assert done.caches.keys() == {"prompts", "texts"}
    assert sum(done.caches.values()) == done.receipt["caches"] and "caches_by_kind" not in done.receipt
    tell_receipt(done, as_json=False)
    told = capsys.readouterr().out
    assert f"{done.receipt['caches']} entries of caches dropped (prompts {done.caches['prompts']}, texts" in told
    assert "the memory of other processes" in told


def test_keys_and_values_of_prompts_are_dropped() -> None:
    torch = pytest.importorskip("torch")
    from agents.inference.prefix_cache import BLOCK, Prefixes

    held, ids = Prefixes(), list(range(2 * BLOCK))
    held.put(ids, "", [(torch.zeros(1, 2 * BLOCK, 4), torch.zeros(1, 2 * BLOCK, 4))], 2**20)
    assert len(held.longest(ids, "")) == 2
    assert process_caches.clear_caches() >= 2
    assert held.longest(ids, "") == [] and held.bytes == 0
