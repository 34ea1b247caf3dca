"""What a request costs: calls and tokens of models that are asked while it is carried out, whoever asks them."""

from dataclasses import replace

import pytest
from remembering import TARGET, about, walker

from agents.memory.reflection import reflected
from agents.models.scripted import Scripted
from arena.spec import build
from arena.usage import Call, Usage
from unlearning.conversion.conversion import Conversion, rendered
from unlearning.conversion.data import oracle_edits
from unlearning.experiments.experiment import tried
from unlearning.memory.call_accounting import accounted, spent
from unlearning.methods.memory.compose import Compose
from unlearning.methods.memory.converted import Converted
from unlearning.methods.memory.deletion import SelectiveReplay
from unlearning.metrics.weight_change import cost

ONE = Usage((Call("m", input_tokens=3, output_tokens=2),))


def test_what_is_spent_counts_for_all_that_are_open_and_for_none_that_is_closed() -> None:
    spent(ONE)
    with accounted() as outer:
        spent(ONE)
        with accounted() as inner:
            spent(ONE)
        spent(ONE)
    spent(ONE)
    assert (outer.calls, outer.tokens, inner.calls, inner.tokens) == (3, 15, 1, 5)


def test_an_account_is_closed_when_something_fails() -> None:
    with pytest.raises(RuntimeError), accounted() as account:
        raise RuntimeError
    spent(ONE)
    assert account.calls == 0


async def test_a_trial_has_the_cost_of_its_method() -> None:
    request = about(TARGET)
    words = rendered(Conversion("state", (TARGET,), oracle_edits(walker().memory, request)))
    wrong = rendered(Conversion("state", (TARGET,), {}))
    for replies, calls in (((words,), 1), ((wrong,), 3)):
        trial, seconds = await tried(walker(), request, Converted(model=Scripted(replies=replies)))
        assert trial.cost["calls"] == calls and trial.cost["seconds"] == seconds
        assert (await cost(trial, of="calls")).value == calls
        tokens = (await cost(trial, of="tokens")).value
        assert tokens is not None and tokens > 100 * calls
    free, _ = await tried(walker(), request, build("method", "selective-replay"))
    assert (await cost(free, of="calls")).value == 0 and (await cost(free, of="flops")).value is None


async def test_notes_that_a_model_writes_anew_are_calls_of_the_request() -> None:
    model = Scripted(replies=("It was a walk.",))
    noted = replace(walker(), memory=(await reflected(walker().memory, model)).memory)
    method = Compose((SelectiveReplay(writer=model), "write-gate"))
    trial, _ = await tried(noted, about(TARGET), method)
    episodes = len({event.episode for event in noted.memory.log})
    assert trial.cost["calls"] == episodes, "each of the three walks came by the target"
