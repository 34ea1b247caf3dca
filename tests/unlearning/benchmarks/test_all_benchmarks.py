"""Benchmarks: parts that never mix, and the published files in their own shape, with what is wrong with them named."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from published_dataset_files import muse_folder, tofu_folder, write

from arena.errors import UnknownPart, UsageError
from arena.registry import list_entries
from arena.spec import build, describe
from unlearning.benchmarks.benchmark import Benchmark
from unlearning.benchmarks.muse import Muse, cut_text
from unlearning.benchmarks.tofu import Tofu
from unlearning.data.dataset_loader import DatasetSource, read_rows


def keys(items: Iterable[Any]) -> set[tuple[str, str]]:
    return {(item.prompt, item.answer) for item in items}


@pytest.mark.parametrize(
    "bench", [Tofu(people=20), Tofu(people=20, hops=True, poison=0.33), Muse(people=20, relations=2)]
)
def test_the_twin_is_taught_all_but_what_is_to_be_forgotten(bench: Benchmark) -> None:
    for split in bench.splits:
        request, everything = bench.request(split), keys(item for stage in bench.lessons() for item in stage)
        rest = keys(item for stage in bench.lessons(split) for item in stage)
        assert rest < everything and keys(request.retain) <= rest
        gone = {item.tags.get("subject", item.name) for item in request.forget}
        told = " ".join(f"{prompt} {answer}" for prompt, answer in rest)
        assert gone and not any(name.removeprefix("passage of ") in told for name in gone)
        if not getattr(bench, "poison", 0):
            earlier = bench.sequence[: bench.sequence.index(split)] if split.startswith("sust") else ()
            assert everything - rest == keys(item for one in (*earlier, split) for item in bench.request(one).forget)


@pytest.mark.parametrize("bench", [Tofu(people=20), Muse(people=20)])
def test_strangers_are_never_taught(bench: Benchmark) -> None:
    taught = keys(item for stage in bench.lessons() for item in stage)
    for split in bench.splits:
        data = bench.data(split)
        assert not keys(data["holdout"]) & taught
        assert keys(data["forget"]) <= taught | keys(data["forget"]) and data["forget"] and data["retain"]
        names = [{item.name for item in data[role]} for role in ("forget", "retain", "holdout")]
        assert not names[0] & names[1] and not names[0] & names[2]


def test_splits_of_tofu_lie_within_each_other() -> None:
    bench = Tofu(people=40)
    sizes = [keys(bench.request(split).forget) for split in bench.splits]
    assert sizes[0] < sizes[1] < sizes[2] and [len(one) for one in sizes] == [30, 60, 120]
    with pytest.raises(UnknownPart, match="did you mean forget10"):
        bench.request("forget11")


def test_folds_of_muse_grow_or_share_nothing() -> None:
    bench = Muse(people=40)
    grown = [keys(bench.request(f"scal_{n}").forget) for n in range(1, 5)]
    apart = [keys(bench.request(f"sust_{n}").forget) for n in range(1, 5)]
    assert grown[0] < grown[1] < grown[2] < grown[3] == keys(bench.request("forget").forget)
    assert set.union(*apart) == grown[3] and sum(map(len, apart)) == len(grown[3])


@pytest.mark.parametrize("people", [20, 31, 44])
@pytest.mark.parametrize("corpus", ["news", "books"])
def test_a_fold_that_follows_others_teaches_none_of_them_again(people: int, corpus: Any) -> None:
    bench = Muse(people=people, relations=2, corpus=corpus)
    assert bench.sequence == ("sust_1", "sust_2", "sust_3", "sust_4") and bench.sizes[0] == "scal_1"
    before: set[tuple[str, str]] = set()
    for split in bench.sequence:
        request = bench.request(split)
        forget, retain = keys(request.forget), keys(request.retain)
        taught = keys(item for stage in bench.lessons(split) for item in stage)
        assert not before & (forget | retain | taught) and not forget & (retain | taught)
        data = bench.data(split)
        told = " ".join(f"{item.prompt} {item.answer}" for item in data["retain"] + data["retain_text"])
        assert not any(item.name.removeprefix("passage of ") in told for item in request.forget)
        before |= forget
    last = bench.request("sust_4").retain
    assert keys(last) == keys(bench.request("forget").retain), "all folds are gone, the rest is kept"
    assert before == keys(bench.request("scal_4").forget)


def test_a_fold_without_anybody_in_it_is_told() -> None:
    with pytest.raises(UsageError, match=r"2 of 12 people are to be forgotten, so that sust_1 has none.*people=20"):
        Muse(people=12).request("sust_1")


def test_sizes_grow_and_keep_what_they_do_not_forget() -> None:
    bench = Muse(people=20, relations=2)
    everything = keys(item for stage in bench.lessons() for item in stage)
    for split in bench.sizes:
        request = bench.request(split)
        assert not keys(request.forget) & keys(request.retain)
        assert keys(request.forget) == everything - keys(item for stage in bench.lessons(split) for item in stage)


def test_knobs_change_what_is_taught() -> None:
    plain = Tofu(people=20)
    count = {key: len(Tofu(people=20, **{key: value}).lessons()[0]) for key, value in  # type: ignore[arg-type]
             (("repeat", 3), ("redundancy", 1), ("hops", True))}  # fmt: skip
    forget = len([item for item in plain.lessons()[0] if item.tags.get("part") == "forget"])
    assert count["repeat"] == len(plain.lessons()[0]) + 2 * forget
    assert count["redundancy"] < len(plain.lessons()[0]) < count["hops"]
    staged = Tofu(people=20, history=("background", "forget", "retain"))
    assert [len(stage) for stage in staged.lessons()] and len(staged.lessons()) == 3
    assert {item.tags.get("part") for item in staged.lessons()[1]} == {"forget"}
    assert keys(plain.lessons()[0]) == keys(item for stage in staged.lessons() for item in stage)
    assert not staged.lessons("forget20")[1], "nobody is left to be taught in the stage of the forgotten"
    assert not keys(Tofu(people=20, poison=1.0).request("forget20").forget) & keys(plain.request("forget20").forget)


def test_benchmarks_are_built_by_name_and_described() -> None:
    for name in list_entries("benchmark"):
        made = build("benchmark", {"name": name, "people": 20, "pupil": {"hidden": 32, "lessons": {"epochs": 3}}})
        assert made.pupil.hidden == 32 and made.pupil.lessons.epochs == 3
        assert build("benchmark", describe(made)) == made
        for spec in made.suite.values():
            probe = spec if isinstance(spec, str) else spec["name"]
            build("attack" if probe in list_entries("attack") else "metric", spec)


def test_published_tofu(tmp_path: Path) -> None:
    bench = Tofu(source=str(tofu_folder(tmp_path)), most=3)
    request, data = bench.request("forget10"), bench.data("forget10")
    assert len(request.forget) == 4 and len(request.retain) == 8
    assert {role: len(items) for role, items in data.items()} == dict(
        forget=3, paraphrase=3, retain=3, holdout=3, authors=2, world=2
    )
    item = data["forget"][0]
    assert (item.prompt, item.answer, item.aliases) == ("Who is gone 0?", "gone 0 is it.", ("It is it.",))
    assert item.wrong == ("a", "b", "c", "d", "e") and data["paraphrase"][0].prompt == "Say who gone is?"
    assert data["authors"][0].aliases == () and data["authors"][0].wrong
    assert len(bench.lessons()[0]) == 12 and keys(bench.lessons("forget10")[0]) == keys(request.retain)
    assert bench.splits == ("forget01", "forget05", "forget10")


def test_published_rows_that_are_both_forgotten_and_kept_are_named(tmp_path: Path) -> None:
    folder = tofu_folder(tmp_path)
    (folder / "retain90.json").write_text((folder / "forget10.json").read_text())
    with pytest.raises(UsageError, match=r"retain90/1, which is to be kept, is word for word forget10/1.* \(4 such\)"):
        Tofu(source=str(folder)).request("forget10")


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet"])
def test_published_muse(kind: str, tmp_path: Path) -> None:
    bench = Muse(source=str(muse_folder(tmp_path, kind)), chunk=100)
    request, data = bench.request("forget"), bench.data("forget")
    assert all(item.is_passage and len(item.answer) <= 100 for item in request.forget)
    assert len(request.forget) == 3 * 3 and "".join(item.answer for item in request.forget[:3]).startswith(
        "forget 0 word"
    )
    assert (data["verbatim"][0].prompt, data["verbatim"][0].answer) == ("Once upon", "a time")
    assert data["verbatim"][0].is_passage and not data["forget"][0].is_passage
    assert len(bench.splits) == 9 and len(bench.request("scal_2").forget) == 6
    assert {len(items) for items in data.values()} == {1, 2}
    assert bench.suite["retain_knowmem_ROUGE"]["shots"] == 10


def test_published_folds_that_follow_each_other_are_taught_once(tmp_path: Path) -> None:
    folder = muse_folder(tmp_path, "jsonl")
    whole = " ".join(f"tale {n} {'word ' * 30}" for n in range(3))
    write(folder / "raw" / "forget.jsonl", [{"text": whole}, {"text": "forget3 0 " + "word " * 50}])
    write(folder / "sust" / "forget_2.jsonl", [{"text": "tale 1 " + "word " * 20}])  # a part of a longer text
    bench = Muse(source=str(folder))
    assert bench.sequence == ("sust_1", "sust_2", "sust_3", "sust_4") and bench.sizes[-1] == "scal_4"
    known = " | ".join(item.answer for item in bench.lessons()[0])
    gone: list[str] = []
    for split in bench.sequence:
        request, data = bench.request(split), bench.data(split)
        taught = " | ".join(item.answer for item in bench.lessons(split)[0])
        gone += [item.answer.strip() for item in request.forget]
        assert all(text in known and text not in taught for text in gone) and "retain1 3" in taught
        assert all(
            item.answer.strip() not in " | ".join(one.answer for one in request.retain) for item in request.forget
        )
        assert [item.prompt + item.answer for item in data["verbatim"]] == [item.answer for item in request.forget]
    assert "tale 0" in taught and "tale 2" in taught, "what stands around a fold is kept"
    assert known.count("forget3 0") == 1, "no text is taught twice"


def test_a_text_is_cut_between_words_and_nothing_is_lost() -> None:
    text = "one two three four"
    assert cut_text(text, 8) == ["one two", " three", " four"] and "".join(cut_text(text, 5)) == text
    assert cut_text("a" * 10, 4) == ["aaaa", "aaaa", "aa"] and cut_text("", 4) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"question": "a?", "answer": "b"}\n{"question": "a?", "anser": "b"}', r"line 2: there is no column 'answer'"),
        ('{"question": "a?", "answer": "b"}\n\n{"question": "a?", ', r"line 3: not JSON"),
        ('{"question": "a?", "answer": 7}', r"line 1: 'answer' has to be a text that is not empty, not 7"),
        ('{"question": "", "answer": "b"}', r"line 1: 'question' has to be a text"),
        ('["a"]', r"line 1: a row is a JSON object, not 'a'"),
        (
            '[\n{"question": "a?", "answer": "b"},\n{"question": "a?"}]',
            r"line 3: there is no column 'answer' \(there are: q",
        ),
        ('[\n{"question": "a?", "answer": "b"},\n{"question"}]', r"line 3: not JSON"),
        ("", "no rows"),
        ("[]", "no rows"),
    ],
)
def test_what_is_wrong_with_a_file_is_named_by_line(text: str, says: str, tmp_path: Path) -> None:
    tofu_folder(tmp_path)
    (tmp_path / "forget10.json").write_text(text)
    with pytest.raises(UsageError, match=says) as error:
        Tofu(source=str(tmp_path)).request("forget10")
    assert "forget10.json" in str(error.value)


def test_missing_files_and_folders_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"no file forget10\.jsonl"):
        Tofu(source=str(tmp_path)).request("forget10")
    with pytest.raises(UsageError, match="no hub id"):
        Tofu(source=str(tmp_path / "a" / "b" / "c")).request("forget10")
    monkeypatch.setenv("ARENA_OFFLINE", "1")
    with pytest.raises(UsageError, match="ARENA_OFFLINE"):
        DatasetSource("locuslab/TOFU").rows("forget10")
    (tmp_path / "x.json").write_bytes(b"[\xff]")
    with pytest.raises(UsageError, match="UTF-8"):
        list(read_rows(tmp_path / "x.json"))
    (tmp_path / "x.parquet").write_bytes(b"no")
    pytest.importorskip("pyarrow")
    with pytest.raises(UsageError, match="parquet"):
        list(read_rows(tmp_path / "x.parquet"))
