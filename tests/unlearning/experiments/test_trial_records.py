"""The book of trials: what is done is not done again, what fails is written down, nothing is half."""

from pathlib import Path

from arena.errors import UsageError
from arena.store.store import Store
from unlearning.experiments.trial_records import Case, TrialRecord, find_finished, measure_cases
from unlearning.probe import Reading

CASES = [Case("agents", "here", "state", name, 0, {"method": name}) for name in ("one", "two", "three")]


async def entry(case: Case) -> TrialRecord:
    if case.method == "two":
        raise UsageError("two cannot be done")
    return TrialRecord("the mill", {"leak": Reading(0.5, (0.0, 1.0), 0.1, 0.9, 0.25, 1.0)}, 0.5)


def quiet(*_: object) -> None:
    pass


async def test_a_failed_case_is_written_down_and_the_next_is_taken(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        heard: list[tuple[str, bool, str]] = []
        failed = await measure_cases(
            store, CASES, entry, lambda case, made, why: heard.append((case.method, made is None, why))
        )
        assert failed == 1 and [name for name, lost, _ in heard if lost] == ["two"]
        assert "cannot be done" in heard[1][2]
        with store.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT method, status, error FROM trial ORDER BY method").all()
            values = connection.exec_driver_sql("SELECT count(*), sum(lift), sum(recovered) FROM forgetting").one()
    assert [tuple(row)[:2] for row in rows] == [("one", "over"), ("three", "over"), ("two", "error")]
    assert "two cannot be done" in rows[2].error
    assert tuple(values) == (2, 0.5, 2 / 3)


async def test_what_is_in_the_book_is_not_measured_again(tmp_path: Path) -> None:
    done: list[str] = []

    async def counted(case: Case) -> TrialRecord:
        done.append(case.method)
        return await entry(case)

    with Store.open(tmp_path / "a.db") as store:
        await measure_cases(store, CASES, counted, quiet)
        await measure_cases(store, CASES, counted, quiet)
        assert done == ["one", "two", "three", "two"]  # what failed is taken up again
        assert find_finished(store, [case.id for case in CASES]) == {CASES[0].id, CASES[2].id}
        await measure_cases(store, CASES[:1], counted, quiet, again=True)
    assert done[-1] == "one"


def test_equal_specs_are_one_trial_and_other_settings_are_another() -> None:
    assert (
        Case("agents", "x", "state", "label", 0, {"a": 1}).id == Case("agents", "y", "state", "other", 1, {"a": 1}).id
    )
    assert (
        Case("agents", "x", "state", "label", 0, {"a": 1}).id != Case("weights", "x", "state", "label", 0, {"a": 1}).id
    )
