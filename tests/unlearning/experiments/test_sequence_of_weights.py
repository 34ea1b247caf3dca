"""Requests to a model's weights one after the other: what each names, what is trained from what, and what is told."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from cli_runner import Typed, typed
from figure_checks import problems

from agents.inference.model_cache import find_cache_folder
from arena.errors import UnknownPart, UsageError
from arena.spec import build
from arena.store.query import query
from unlearning.benchmarks.benchmark import Benchmark, Criteria
from unlearning.benchmarks.muse import Muse
from unlearning.benchmarks.tofu import Tofu
from unlearning.experiments.sequence_readings import whole_of
from unlearning.experiments.sequence_requests import build_steps, select_kept_data
from unlearning.experiments.sequence_runner import Prepared, SequenceOrder, prepare_run
from unlearning.experiments.sequence_trials import Sequences, get_criteria
from unlearning.experiments.weights import prepare_request
from unlearning.modeling.agent_weights import open_weights, save

SMALL = ("benchmark.people=20", "benchmark.relations=1", "benchmark.pupil.hidden=16", "benchmark.pupil.layers=1",
         "benchmark.pupil.heads=2", "benchmark.pupil.lessons.epochs=2", "epochs=1")  # fmt: skip
MUSE = ("--bench", "muse", "--splits", "sust_1,sust_2", *(part for one in SMALL for part in ("--set", one)))


@pytest.fixture(autouse=True)
def models(tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pupils are taught once for all tests of this file."""
    monkeypatch.setenv("ARENA_MODELS", str(tmp_path_factory.getbasetemp() / "sequence-models"))


def sequence(folder: Path, *options: str) -> Typed:
    return typed(folder, "sequence-weights", *MUSE, "--db", "a.db", *options)


def order(*settings: str, methods: str = "ga", kind: bool = False, splits: str = "sust_1,sust_2") -> Prepared:
    return prepare_run(SequenceOrder("", "muse", methods, splits, kind, 1, settings=(*SMALL, "twins=0", *settings)))


def keys(items: Any) -> set[tuple[str, str]]:
    return {(item.prompt, item.answer) for item in items}


@pytest.mark.parametrize(("bench", "splits"), [
    (Muse(people=20, relations=2), ("sust_1", "sust_2", "sust_3", "sust_4")),
    (Muse(people=20, relations=2, seed=3), ("scal_1", "scal_2", "scal_4")),
    (Muse(people=40, corpus="books"), ("sust_3", "sust_1", "forget")),
    (Tofu(people=40, relations=3), ("forget05", "forget10", "forget20")),
    (Tofu(people=20, hops=True), ("forget10", "forget20")),
])  # fmt: skip
def test_each_request_names_what_is_new_and_its_twin_lacks_all_that_was_named(
    bench: Benchmark, splits: tuple[str, ...]
) -> None:
    steps, taught = build_steps(bench, splits), keys(item for stage in bench.lessons() for item in stage)
    named: set[tuple[str, str]] = set()
    for step in steps:
        own = keys(step.request.forget)
        assert own and not own & named, "nothing is asked for twice"
        named |= own
        assert not keys(step.request.retain) & named, "what was named is not to be kept"
        taught -= named | keys(item for one in bench.list_forgotten(step.split) for item in bench.request(one).forget)
        assert keys(item for stage in step.lessons for item in stage) == taught
    asked = [keys(step.data["forget"]) for step in steps]
    assert sum(map(len, asked)) == len(set.union(*asked)), "each question is put to one target"
    kept = select_kept_data(bench, splits)
    assert kept["retain"] and not keys(kept["retain"]) & set.union(*asked)


@pytest.mark.parametrize(("splits", "error", "says"), [
    ((), UsageError, "--splits forget05,forget10,forget20"),
    (("forget05", "forget11"), UnknownPart, "did you mean forget10"),
    (("forget20", "forget10"), UsageError, "forget10 names nothing that forget20 did not name"),
    (("forget05", "forget05"), UsageError, "forget05 names nothing that forget05 did not name"),
])  # fmt: skip
def test_requests_that_cannot_follow_are_refused(splits: tuple[str, ...], error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        build_steps(Tofu(people=40), splits)


def test_one_request_is_that_of_the_benchmark() -> None:
    bench = Tofu(people=20)
    (step,) = build_steps(bench, ("forget10",))
    assert step.request == bench.request("forget10") and step.lessons == bench.lessons("forget10")
    assert dict(step.data) == dict(bench.data("forget10"))


def row(probe: str, value: float | None, twin: float | None = 0.0, twins: tuple[float, ...] = ()) -> dict[str, Any]:
    lift = None if value is None or twin is None else value - twin
    return {"probe": probe, "value": value, "twin": twin, "knew": 100.0, "lift": lift, "low": None, "high": None,
            "twins": list(twins)}  # fmt: skip


def test_the_whole_by_hand() -> None:
    criteria = Criteria(("knowmem",), ("kept",), "knowmem", "kept", "kept", whole=100.0)
    steps = [
        [row("knowmem", 10.0, 5.0, (6.0,)), row("kept", 90.0, 100.0, (95.0,)), row("ds", 0.1, 0.0, (0.1,))],
        [row("knowmem", 40.0, 5.0, (9.0,)), row("knowmem@a", 30.0, 10.0, (20.0,)), row("kept", 70.0, 100.0, (85.0,)),
         row("ds", 0.5, 0.0, (0.3,))],
    ]  # fmt: skip
    whole = whole_of("sequence", criteria, steps)
    assert (whole["sustainability_knowmem"].value, whole["sustainability_knowmem"].items) == (40.0, (10.0, 40.0))
    drift = whole["sustainability_knowmem_drift"]  # (40 − 5) − (10 − 5); of the twin (9 − 5) − (6 − 5)
    assert (drift.value, drift.null, drift.detail["twins"]) == (30.0, 0.0, [3.0])
    # .3 + .5 · .4 / 1; of the twins 0 and .2 + .5 · .2
    assert whole["dds"].value == pytest.approx(0.5) and whole["dds"].null == 0.0
    assert whole["dds"].detail["twins"] == [pytest.approx(0.3)]
    assert whole["dus"].value == pytest.approx(0.8) and whole["utility"].value == pytest.approx(0.8)
    assert (whole["earlier_knowmem"].value, whole["earlier_knowmem"].null) == (30.0, 10.0)
    sizes = whole_of("sizes", criteria, steps)
    assert set(sizes) == {
        "scalability_knowmem",
        "scalability_knowmem_drift",
        "scalability_kept",
        "scalability_kept_drift",
    }
    steps[1][2]["value"] = steps[1][3]["value"] = None  # what could not be read makes the whole unknown, never 0
    blind = whole_of("sequence", criteria, steps)
    assert blind["dds"].value is blind["dus"].value is blind["utility"].value is None and blind["dds"].null == 0.0


@pytest.mark.slow
def test_the_command_measures_draws_and_goes_on(tmp_path: Path) -> None:
    options = ("--method", "none,ga", "--set", "twins=0", "--out", "it.png", "--csv", "it.csv")
    done = sequence(tmp_path, *options)
    assert done.code == 0, done.stderr
    assert "one request after the other" in done.stdout and "sustainability_verbmem" in done.stdout
    assert (tmp_path / "it.png").read_bytes().startswith(b"\x89PNG")
    assert not list(find_cache_folder().glob("sequence-*")), "agents in between are not kept"
    table = query(
        str(tmp_path / "a.db"), "SELECT method, step, request, target, probe, value, twin, knew FROM sequences"
    )
    rows = [dict(zip(table.columns, one, strict=True)) for one in table.rows]
    assert {(one["method"], one["step"], one["request"]) for one in rows} == {
        (method, step, f"sust_{step}") for method in ("none", "ga") for step in (1, 2)
    }
    second = [(one["target"], one["probe"]) for one in rows if one["method"] == "ga" and one["step"] == 2]
    criteria = Muse().criteria
    assert sorted(second) == sorted(
        [(split, probe) for split in ("sust_1", "sust_2") for probe in criteria.target]
        + [("kept", "retain_knowmem"), ("sust_2", "ds")]
    ), "the earlier target is asked for again"
    assert all(one["value"] == one["knew"] for one in rows if one["method"] == "none"), "without a request all stays"
    whole = query(str(tmp_path / "a.db"), "SELECT method, value FROM forgetting WHERE probe = 'dus' ORDER BY method")
    assert [one[0] for one in whole.rows] == ["ga", "none"] and whole.rows[1][1] == 1.0
    again = sequence(tmp_path, *options[:-4], "--json")
    assert again.code == 0 and "done" not in again.stderr, "what is on record is not measured again"
    told = json.loads(again.stdout)
    assert len(told) == len((tmp_path / "it.csv").read_text(encoding="utf-8").splitlines()) - 1


@pytest.mark.slow
async def test_each_is_trained_from_the_one_before_and_the_same_when_taken_up_again() -> None:
    made = order()
    first, second = made.cases
    at_once, taken_up = Sequences(), Sequences()
    await at_once.measure_case(first)
    one = await at_once.measure_case(second)
    weights = await _weights(at_once, second)
    at_once.clear(made.cases)
    other = await taken_up.measure_case(second)  # the agent after the first request is gone, and is made again
    assert all(torch.equal(mine, yours) for mine, yours in zip(weights, await _weights(taken_up, second), strict=True))
    assert {name: read.value for name, read in one.readings.items()} == {
        name: read.value for name, read in other.readings.items()
    }
    taken_up.clear(made.cases)
    alone = order(splits="sust_2").cases[0]  # of the agent that knew, not of the one that forgot sust_1
    apart = await _weights(Sequences(), alone)
    assert not all(torch.equal(mine, yours) for mine, yours in zip(weights, apart, strict=True))


async def test_no_epoch_leaves_the_agent_that_knew() -> None:
    made, sequences = order("epochs=0"), Sequences()
    for case in made.cases:
        entry = await sequences.measure_case(case)
        assert all(read.value == read.before for read in entry.readings.values())
    sequences.clear(made.cases)


async def test_splits_by_themselves_are_each_forgotten_by_the_agent_that_knew() -> None:
    made = order(kind=True, splits="scal_1,scal_2")
    method, request = prepare_request(build("method", made.cases[1].spec["method"]), made.benchmark,
                             *build_steps(made.benchmark, ("scal_2",)), 0)  # fmt: skip
    knower = made.benchmark.knower()
    expected = open_weights(await method(knower, request), "test").module.parameters()
    assert all(
        torch.equal(mine, yours)
        for mine, yours in zip(await _weights(Sequences(), made.cases[1]), expected, strict=True)
    )


async def _weights(sequences: Sequences, case: Any) -> list[torch.Tensor]:
    """The parameters of the agent after the request of the case."""
    agent, _ = await sequences._agent(case, sequences._get_case(case), case.spec["step"] - 1)
    return [tensor.detach().clone() for tensor in open_weights(agent, "test").module.parameters()]


@pytest.mark.slow
def test_a_model_that_was_named_has_the_twins_that_were_named(tmp_path: Path) -> None:
    bench = order().benchmark
    steps = build_steps(bench, ("sust_1", "sust_2"))
    save(bench.knower(seed=5), tmp_path / "knower")
    for number, step in enumerate(steps, 1):
        save(step.twins(bench, [5])[0], tmp_path / f"twin-{number}")
    alone = sequence(tmp_path, "local/knower", "--method", "ga")
    assert alone.code == 0 and "there is no never-exposed twin of local/knower" in alone.stderr
    rows = query(str(tmp_path / "a.db"), "SELECT probe, value, twin FROM sequences").rows
    assert rows and all(twin is None for _, _, twin in rows), "unknown, not nought"
    assert {probe for probe, value, _ in rows if value is None} == {"privleak"}, "which is relative to the twin"
    few = sequence(tmp_path, "local/knower", "--twin", "local/twin-1")
    assert few.code == 2 and "one model for each of the 2 requests (sust_1, sust_2), or bench" in few.stderr
    both = sequence(tmp_path, "local/knower", "--method", "none", "--twin", "local/twin-1", "--twin",
                    "local/twin-2", "--json")  # fmt: skip
    assert both.code == 0, both.stderr
    told = {(row["setting"], row["probe"]): row for row in json.loads(both.stdout)}
    assert told["muse/sust_1+sust_2", "verbmem"]["twin"] is not None


def test_the_picture_has_a_panel_for_each_criterion() -> None:
    pytest.importorskip("matplotlib")
    from unlearning.experiments.sequence_plot import figure_of

    criteria = Tofu().criteria
    names = [*criteria.target, *criteria.rest, "ds"]
    rows = [
        {**row(probe, 0.1 * step + 0.05 * seed, 0.2, (0.1, 0.3)), "setting": setting, "method": method, "seed": seed}
        for method in ("npo", "simnpo")
        for seed in (0, 1)
        for step, setting in enumerate(("tofu/forget05", "tofu/forget05+forget10", "tofu/forget05+forget10+forget20"))
        for probe in (*names, *[f"{criteria.told}@forget05"] * bool(step))
    ]
    figure = figure_of(rows, criteria, "sequence")
    titles = [area.get_title() for area in figure.axes if area.get_title()]
    assert titles == [name.replace("_", " ") for name in names] + ["forget Q A ROUGE of earlier targets"]
    assert problems(figure) == []


@pytest.mark.parametrize(("options", "says"), [
    (("--bench", "muse", "--request", "forget it"), "No such option: --request"),
    (("pupil", "--bench", "tofu"), "pupil"),
    ((), "arena sequence-weights --bench muse"),
    (("--bench", "muse", "--method", "selective-replay"), "did you mean|changes no weights|unknown"),
    (("--bench", "muse", "openai/gpt"), "openai/gpt"),
    (("--bench", "muse", "--seeds", "0"), "--seeds counts from 1"),
    (("--bench", "muse", "--set", "twins=-1"), "number of honest twins"),
    (("--bench", "muse", "--splits", "sust_9"), "sust_9"),
])  # fmt: skip
def test_what_cannot_be_done_is_told(tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    done = typed(tmp_path, "sequence-weights", *options)
    assert done.code == 2 and re.search(says, " ".join(done.stderr.split())), done.stderr
    assert not (tmp_path / "arena.db").exists()


def test_a_benchmark_that_says_no_criteria_is_refused() -> None:
    class Other(Muse):
        @property
        def criteria(self) -> Any:
            return None

    with pytest.raises(UsageError, match="lacks the property `criteria`"):
        get_criteria(Other())
