"""One grammar of --set over all commands of forgetting: prefixes, bare names, misspelt ones with what may be meant."""

from pathlib import Path

import pytest
from cli_runner import arena, typed

from unlearning.cli.agent_settings import set_lessons, set_method
from unlearning.experiments.runner import AgentBenchOrder, plan_agent_bench

TEACH = ("teach", "newcomer", "--dry-run")
FORGET = ("forget", "walker", "--request", "forget the mill", "--method", "selective-replay")
SEQUENCE = ("sequence", "walker", "--request", "forget the mill")
PROBE = ("probe", "walker", "--request", "forget the mill", "--method", "icul")
AGENTS = ("bench", "agents", "--methods", "noop,icul", "--scopes", "state", "--environments", "wiki", "--dry-run")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settings")
    arena(folder, "teach", "walker", "--lessons", "2", "-q")
    return folder


@pytest.mark.few(6)
@pytest.mark.parametrize(("command", "setting", "said"), [
    (TEACH, "budgt=3", "did you mean subject.budget"), (TEACH, "mind.complance=1", "did you mean compliance"),
    (TEACH, "game.wrld=2", "did you mean world"), (TEACH, "gmae.world=2", "did you mean game"),
    (TEACH, "mind=policy", "a parameter of it is mind.NAME"),
    (FORGET, "wrter=x", "did you mean method.writer"), (FORGET, "method.wrter=x", "did you mean writer"),
    (FORGET, "benchmark.people=3", "the parts here: method"),
    (SEQUENCE, "wrter=x", "did you mean method.writer"), (SEQUENCE, "twins=2", "the parts here: method"),
    (PROBE, "methd.k=2", "did you mean method"), (PROBE, "method.zz=1", "no parameter named 'zz'"),
    (PROBE, "k", "takes a.b=c"),
    (AGENTS, "environment.size=3", "the parts here: mind, method, game, metric, attack"),
    (AGENTS, "metric.zz=3", "no parameter named 'zz'"), (AGENTS, "attack.gamse=3", "did you mean games"),
    (AGENTS, "complianc=1", "did you mean mind.compliance"), (AGENTS, "method.zz=1", "no parameter named 'zz'"),
])  # fmt: skip
def test_a_misspelt_setting_is_answered_alike(folder: Path, command: tuple[str, ...], setting: str, said: str) -> None:
    done = typed(folder, *command, "--set", setting)
    assert done.code == 2 and said in " ".join(done.stderr.split()), done.stderr


WEIGHTS = ("forget-weights", "--bench", "tofu", "--method", "npo", "--out", "it", "--dry-run")
BENCH = ("bench", "weights", "--methods", "npo,rmu,none", "--dry-run")
ROW = ("sequence-weights", "--bench", "muse", "--method", "npo,none")
MEASURE = ("measure", "local/x", "--bench", "tofu")


@pytest.mark.few(3)
@pytest.mark.parametrize(("command", "setting", "said"), [
    (WEIGHTS, "seed=2", "--set benchmark.seed=2 or --set method.seed=2"), (WEIGHTS, "epoch=2", "method.epochs"),
    (WEIGHTS, "model.dtype=float32", "the parts here: benchmark, method"), (WEIGHTS, "peple=3", "benchmark.people"),
    ((*WEIGHTS, "--measure"), "attack.bats=8", "did you mean bits"), (WEIGHTS, "attack.bits=8", "no part or parameter"),
    (BENCH, "betta=2", "method.beta"), (BENCH, "method.betta=2", "did you mean beta"),
    (BENCH, "twin=2", "trial.twins"),
    (BENCH, "metric.nw=2", "did you mean"), (BENCH, "trial.twins=many", "number of retrained twins"),
    (ROW, "twins=-1", "number of honest twins"), (ROW, "bench.twins=1", "benchmark"),
    (ROW, "ephocs=1", "method.epochs"),
    (MEASURE, "poeple=3", "benchmark.people"), (MEASURE, "method.lr=1", "the parts here: benchmark, model"),
    (MEASURE, "dtyp=float32", "model.dtype"),
])  # fmt: skip
def test_a_misspelt_setting_of_weights_is_answered_alike(
    folder: Path, command: tuple[str, ...], setting: str, said: str
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("scipy")
    done = typed(folder, *command, "--set", setting)
    assert done.code == 2 and said in " ".join(done.stderr.split()), done.stderr


@pytest.mark.parametrize("setting", ["people=12", "benchmark.people=12"])
def test_a_bare_name_and_its_prefix_say_the_same(folder: Path, setting: str) -> None:
    pytest.importorskip("torch")
    told = arena(folder, *WEIGHTS, "--set", setting, "--set", "preset=tiny", "--set", "method.epochs=3")
    assert "15 items to forget" in told and "3 epochs" in told, told


def test_lessons_take_settings_of_mind_subject_games_and_seats() -> None:
    games = [{"name": "gridworld", "preset": "unknown"}, {"name": "wiki"}]
    made = set_lessons("knower", games, "", {}, ["compliance=0.5", "budget=9", "game.world=2", "user=ann"])
    assert made.mind == {"name": "knower", "compliance": 0.5} and made.subject == {"budget": 9, "user": "ann"}
    assert [game["world"] for game in made.games] == [2, 2] and made.seats == {}
    market = set_lessons("knower", [{"name": "bargaining"}], "", {}, ["buyer.exponent=3", "world=1"])
    assert market.seats["buyer"]["exponent"] == 3 and market.games[0]["world"] == 1
    assert set_method("compose", ['steps=["noop"]']) == {"name": "compose", "steps": ["noop"]}


def test_a_bench_of_agents_measures_its_probes_with_settings() -> None:
    def specs(*settings: str) -> list[dict[str, object]]:
        order = AgentBenchOrder("noop", settings=settings, environments="wiki", scopes="state,trajectory", games=4)
        return [dict(case.spec) for case in plan_agent_bench(order).cases]

    plain, changed = specs(), specs("attack.games=3", "mind.compliance=0.5", "game.world=1")
    assert all("metrics" not in spec for spec in plain)
    for spec in changed:
        assert spec["metrics"]["adversary"]["games"] == 3  # type: ignore[index]
        assert spec["mind"]["compliance"] == 0.5 and spec["environment"]["world"] == 1  # type: ignore[index]
    assert specs("metric.measure=prefix")[0] == plain[0], "the scope state has no such metric"
