"""What a world has roles for is read: neighbours, what follows, and polite questions after a poisoned request."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import tiny_facts

from arena.errors import UsageError
from arena.spec import build
from unlearning.benchmarks.tofu import SUITE, Tofu
from unlearning.metrics.likelihood import probability
from unlearning.modeling.agent_weights import open_weights
from unlearning.probe import Trial
from unlearning.request import Request
from unlearning.training.finetune import Finetune


@pytest.mark.parametrize(("bench", "roles"), [
    (Tofu(people=20), {"neighbor"}),
    (Tofu(people=20, hops=True), {"neighbor", "derived"}),
    (Tofu(people=20, poison=0.33), {"neighbor", "triggered"}),
    (Tofu(people=20, hops=True, poison=1.0), {"neighbor", "derived", "triggered"}),
    (Tofu(source="nowhere"), set()),
])  # fmt: skip
def test_every_role_that_a_world_has_is_read(bench: Tofu, roles: set[str]) -> None:
    own = {label for label in bench.suite if label not in SUITE}
    assert own == {f"{role}_Q_A_{what}" for role in roles for what in ("Prob", "ROUGE")}
    assert all(bench.suite[f"{role}_Q_A_Prob"]["role"] == role for role in roles)
    if not bench.source:
        assert all(bench.data("forget10")[role] for role in roles)


async def test_a_role_is_asked_by_itself() -> None:
    knower = tiny_facts.knower()
    data = {"forget": tiny_facts.ITEMS[:1], "neighbor": tiny_facts.ITEMS[1:]}
    trial = Trial(Request(tiny_facts.ITEMS[:1]), knower, knower, knower, data)
    one, other = await probability(trial), await probability(trial, role="neighbor")
    assert len(one.items) == 1 and len(other.items) == len(tiny_facts.ITEMS) - 1


async def test_undial_against_itself_with_beta_nought_changes_nothing_and_else_goes_further() -> None:
    def made(**settings: object) -> Finetune:
        method = tiny_facts.made("undial", epochs=8, optimiser="sgd", lr=0.1, decay=0.0, alpha=0.0, **settings)
        assert isinstance(method, Finetune)
        return method

    knower = tiny_facts.knower()
    before = open_weights(knower, "test").module.state_dict()
    still = open_weights(await made(teacher="self", beta=0.0)(knower, tiny_facts.REQUEST), "test").module.state_dict()
    assert all((still[name] - tensor).abs().max() < 1e-7 for name, tensor in before.items())
    data = {"forget": tiny_facts.REQUEST.forget}
    found = {}
    for teacher in ("original", "self"):
        after = await made(teacher=teacher, beta=1.0)(knower, tiny_facts.REQUEST)
        found[teacher] = (await probability(Trial(tiny_facts.REQUEST, knower, after, None, data))).value
    assert found["self"] < found["original"], "the original's lowered logits are an end, one's own are none"  # type: ignore[operator]
    with pytest.raises(UsageError, match="teacher"):
        build("method", {"name": "undial", "teacher": "nobody"})


async def test_sharded_methods_say_what_a_request_and_further_ones_come_to() -> None:
    for name, says in (("sisa", "of the sample passes of teaching again"), ("s3t", "orders serve")):
        settings = {"lora": {"rank": 2}} if name == "s3t" else {}
        outcome = await tiny_facts.made(name, epochs=1, slices=2, **settings).run(
            tiny_facts.knower(), tiny_facts.REQUEST
        )  # type: ignore[attr-defined]
        (note,) = outcome.ended.notes
        assert says in note, note
