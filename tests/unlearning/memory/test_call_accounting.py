"""What a request costs: calls and tokens of models that are asked while it is carried out, whoever asks them."""

from dataclasses import replace

import pytest
from random_memories import TARGET, about, walker

from agents.memory.reflection import write_reflections
from agents.models.scripted import Scripted
from arena.spec import build
from arena.usage import Call, Usage
from unlearning.conversion.conversion import Conversion, render_conversion
from unlearning.conversion.data import compute_oracle_edits
from unlearning.experiments.experiment import run_trial
from unlearning.memory.call_accounting import open_account, record_usage
from unlearning.methods.memory.compose import Compose
from unlearning.methods.memory.converted import Converted
from unlearning.methods.memory.deletion import SelectiveReplay
from unlearning.metrics.weight_change import cost

ONE = Usage((Call("m", input_tokens=3, output_tokens=2),))


def test_what_is_spent_counts_for_all_that_are_open_and_for_none_that_is_closed() -> None:
    record_usage(ONE)
    with open_account() as outer:
        record_usage(ONE)
        with open_account() as inner:
            record_usage(ONE)
        record_usage(ONE)
    record_usage(ONE)
    assert (outer.calls, outer.tokens, inner.calls, inner.tokens) == (3, 15, 1, 5)


def test_an_account_is_closed_when_something_fails() -> None:
    with pytest.raises(RuntimeError), open_account() as account:
        raise RuntimeError
    record_usage(ONE)
    assert account.calls == 0


async def test_a_trial_has_the_cost_of_its_method() -> None:
    request = about(TARGET)
    words = render_conversion(Conversion("state", (TARGET,), compute_oracle_edits(walker().memory, request)))
    wrong = render_conversion(Conversion("state", (TARGET,), {}))
    for replies, calls in (((words,), 1), ((wrong,), 3)):
        trial, seconds = await run_trial(walker(), request, Converted(model=Scripted(replies=replies)))
        assert trial.cost["calls"] == calls and trial.cost["seconds"] == seconds
        assert (await cost(trial, of="calls")).value == calls
        tokens = (await cost(trial, of="tokens")).value
        assert tokens is not None and tokens > 100 * calls
    free, _ = await run_trial(walker(), request, build("method", "selective-replay"))
    assert (await cost(free, of="calls")).value == 0 and (await cost(free, of="flops")).value is None


async def test_notes_that_a_model_writes_anew_are_calls_of_the_request() -> None:
    model = Scripted(replies=("It was a walk.",))
    noted = replace(walker(), memory=(await write_reflections(walker().memory, model)).memory)
    method = Compose((SelectiveReplay(writer=model), "write-gate"))
    trial, _ = await run_trial(noted, about(TARGET), method)
    episodes = len({event.episode for event in noted.memory.log})
    assert trial.cost["calls"] == episodes, "each of the three walks came by the target"
