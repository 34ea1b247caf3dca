"""Commands in the spelling they had before: carried out, with today's spelling on the error stream."""

import shlex
from pathlib import Path

import pytest
from cli_runner import arena, typed

from unlearning.cli.old_spellings import respell

SPELLINGS = [
    ("forget --agent walker --request 'forget the mill'", "forget walker --request 'forget the mill'"),
    ("forget --request 'forget the mill' --agent=ann --keep b", "forget ann --request 'forget the mill' --keep b"),
    ("forget --also 88 --agent keeper --dry-run", "forget keeper --also 88 --dry-run"),
    ("forget --bench tofu --split forget05 --lora", "forget-weights --bench tofu --split forget05 --lora"),
    ("forget --method npo --model local/M --bench muse", "forget-weights local/M --method npo --bench muse"),
    ("forget --model=local/M", "forget-weights local/M"),
    ("sequence --bench muse --sizes", "sequence-weights --bench muse --sizes"),
    ("sequence --model local/M --bench=tofu", "sequence-weights local/M --bench=tofu"),
    ("measure --bench tofu --model local/M --only", "measure local/M --bench tofu --only"),
    ("bench", "bench agents"),
    ("bench --methods noop --dry-run", "bench agents --methods noop --dry-run"),
    ("bench --methods npo weights --seeds 2", "bench weights --methods npo --seeds 2"),
    ("bench --dry-run weights", "bench weights --dry-run"),
    ("bench --out agents", "bench agents --out agents"),
    ("bench --list", "bench agents --list"),
]
TODAY = ["forget walker --request 'forget the mill'", "forget-weights local/M --bench tofu", "sequence walker",
         "sequence-weights --bench muse", "measure local/M --bench tofu", "bench weights --split forget05",
         "bench agents --out weights", "bench wieghts", "bench --help", "play bargaining",
         "teach walker --mind m"]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), SPELLINGS)
def test_an_old_spelling_has_one_new_one(old: str, new: str) -> None:
    assert respell(shlex.split(old)) == shlex.split(new)
    assert respell(shlex.split(new)) is None


@pytest.mark.parametrize("words", TODAY)
def test_what_is_spelled_as_today_stays(words: str) -> None:
    assert respell(shlex.split(words)) is None


def test_an_old_spelling_is_carried_out_and_says_the_new_one(tmp_path: Path) -> None:
    arena(tmp_path, "teach", "walker", "--lessons", "2", "-q")
    request = "forget Kournun Gate"
    old = typed(tmp_path, "forget", "--agent", "walker", "--request", request, "--dry-run", "--json")
    new = typed(tmp_path, "forget", "walker", "--request", request, "--dry-run", "--json")
    assert old.code == new.code == 0
    assert "this is spelled now: arena forget walker --request 'forget Kournun Gate' --dry-run" in old.stderr
    assert "spelled" not in new.stderr
    few = ("--methods", "noop", "--environments", "wiki", "--scopes", "state", "--dry-run")
    told = typed(tmp_path, "bench", *few)
    assert told.stdout == arena(tmp_path, "bench", "agents", *few)
    assert "arena bench agents --methods noop" in told.stderr


def test_a_key_in_an_old_spelling_is_not_said_again(tmp_path: Path) -> None:
    done = typed(tmp_path, "measure", "--model", "local/x", "--bench", "tofu", "--set", "model.api_key=verysecret")
    assert "arena measure local/x" in done.stderr and "api_key=…" in done.stderr.replace("***", "…")
    assert "verysecret" not in done.stderr.partition("\n")[0]


@pytest.mark.parametrize(("words", "option"), [
    (("forget", "walker", "--split", "forget10"), "--split"), (("forget", "walker", "--lora"), "--lora"),
    (("forget-weights", "--bench", "tofu", "--request", "forget it"), "--request"),
    (("forget-weights", "--bench", "tofu", "--db", "a.db"), "--db"),
    (("sequence", "walker", "--splits", "sust_1"), "--splits"), (("sequence", "walker", "--out", "a.png"), "--out"),
    (("sequence-weights", "--bench", "muse", "--benign", "2"), "--benign"),
    (("bench", "agents", "--split", "forget10"), "--split"), (("bench", "weights", "--games", "3"), "--games"),
    (("bench", "weights", "--mind", "knower"), "--mind"),
])  # fmt: skip
def test_an_option_of_another_command_is_unknown(tmp_path: Path, words: tuple[str, ...], option: str) -> None:
    done = typed(tmp_path, *words)
    assert done.code == 2 and f"No such option: {option}" in done.stderr


def test_the_words_that_are_missing_are_named(tmp_path: Path) -> None:
    assert "arena forget walker --request" in arena(tmp_path, "forget", "walker", code=2)
    assert "arena forget-weights --bench tofu" in arena(tmp_path, "forget-weights", "local/x", code=2)
    assert "arena sequence-weights --bench muse" in arena(tmp_path, "sequence-weights", code=2)
    assert "weights" in typed(tmp_path, "bench", "wieghts").stderr
