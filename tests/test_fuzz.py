"""What nobody would write by hand: plans without measure and damaged databases end in a sentence, never in a traceback.

Quick here, with few seeds; the long ones are marked slow.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from cli_runner import Typed, typed
from damaged_files import damage_at_random
from repository import ROOT, SUPPORT

COMMANDS = (
    ("list", "runs"), ("list", "episodes"), ("show", "last"), ("sql", "select * from rounds"),
    ("sql", "select * from transcript"), ("verify",), ("rescore", "--diff"), ("rate",), ("notes", "seller"),
    ("fork", "last", "--at", "3", "-q"), ("forget", "seller", "--request", "forget {who}"), ("receipt",),
    ("probe", "seller", "--request", "forget {who}", "--probes", "leak_answer"), ("mentions", "Taeven"),
    ("teach", "seller", "--game", "bargaining", "--lessons", "1", "--seed", "9"), ("play", "-q"),
    ("teach", "new", "--game", "bargaining", "--lessons", "1"), ("compare", "linear", "linear"),
)  # fmt: skip
WHO = "Taeven Trava"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database that has a bit of everything."""
    folder = tmp_path_factory.mktemp("sound")
    for words in (("play", "--rounds", "2", "-n", "3", "-q"), ("play", "kuhn", "-n", "2", "-q"),
                  ("play", "--seat", "seller=haggler", "-q"), ("fork", "last", "--at", "2", "-q"),
                  ("teach", "seller", "--game", "bargaining", "--lessons", "4"),
                  ("forget", "seller", "--request", f"forget {WHO}", "--keep", "other")):  # fmt: skip
        typed(folder, *words)
    assert (folder / "arena.db").exists()
    return folder


def told(done: Typed, what: str) -> None:
    """Fails unless the command ended well or with a sentence."""
    assert "Traceback" not in done.stderr, f"{what}\n{done.stderr[-3000:]}"
    assert done.code in (0, 2, 3, 4), f"{what}\n{done.code} {done.stderr}"
    assert done.code != 2 or done.stderr.strip(), what


def fuzz_database(sound: Path, folder: Path, seed: int) -> None:
    chance = Random(f"damage {seed}")
    shutil.copytree(sound, folder, dirs_exist_ok=True)
    how = damage_at_random(folder / "arena.db", chance)
    words = [word.format(who=WHO) for word in chance.choice(COMMANDS)]
    told(typed(folder, *words), f"seed {seed}: {how}; arena {' '.join(words)}")


@pytest.mark.few(6)
@pytest.mark.parametrize("seed", [1006, 1049, *range(16)])  # the last were faults once
def test_damaged_databases_end_in_a_sentence(sound: Path, tmp_path: Path, seed: int) -> None:
    fuzz_database(sound, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1400, 10))
def test_many_damaged_databases_end_in_a_sentence(sound: Path, tmp_path: Path, start: int) -> None:
    """In processes of their own: what SQLite does with a broken page must not take this one with it."""
    for seed in range(start, start + 10):
        code = (
            f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(SUPPORT)!r}, {str(ROOT / 'tests')!r}]\n"
            "from pathlib import Path; import test_fuzz\n"
            "test_fuzz.fuzz_database(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))"
        )
        words = [sys.executable, "-c", code, str(sound), str(tmp_path / str(seed)), str(seed)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr[-3000:]


def plan_at_random(chance: Random) -> str:
    """A plan file with something out of all measure in it."""
    huge = chance.choice((str(10**9), str(10**18), str(2**63), "1" * 400, "1" * 4500, str(-(10**30))))
    deep = chance.choice((60, 500, 5000))
    many = chance.choice((30, 300))
    return chance.choice((
        f"n = {huge}", f"seed = {huge}", f"patience = {huge}", f"at_once = {huge}", f"retries = {huge}",
        f"rounds = {huge}", f"[game]\nname = 'bargaining'\ncost = {huge}", 
        f"[game]\nname = 'bargaining'\nturns = {huge}",
        f"[game]\nname = 'connect'\nwidth = {huge}", f"[seats]\nbuyer = {{name = 'boulware', exponent = {huge}}}",
        f"[sweep]\ngame.cost = [{'6, ' * many}6]\ngame.value = [{'6, ' * many}7]\ngame.spread = [{'1, ' * many}2]",
        f"[game]\nname = 'bargaining'\nitem = {'[' * deep}{']' * deep}", f"a = {'{a = ' * deep}1{'}' * deep}",
        f"[game]\nname = '{'x' * 100_000}'", f"[seats]\n{'.'.join(['a'] * deep)} = 1", "usd = inf", "usd = nan",
        f"usd = {huge}", f"n = 1\nuntil = 'surplus.buyer ci<{'0' * many}1'", 
        "n = 1_000_000\n[sweep]\ngame.cost = [1, 2]",
        f"[tournament]\nagents = ['linear(heeds={'|'.join(str(n / 1000) for n in range(many))})']",
        f"swap = {['buyer'] * many}", f"seats = {huge}", "[game]\nname = 'bargaining'\nrounds = 1e400",
        f"[game]\nname = 'llm/{'y' * many}'", "\0", "n = 1\n" * 2, f"[usd_seats]\nbuyer = {huge}",
        f"[game]\nname = 'kuhn'\npreset = {huge}", f"[seats]\nbuyer = {'[' * deep}{']' * deep}",
    ))  # fmt: skip


def fuzz_plan(folder: Path, seed: int) -> None:
    plan = plan_at_random(Random(f"plan {seed}"))
    (folder / "plan.toml").write_text(plan)
    for words in (("run", "plan.toml", "--dry-run"),):
        told(typed(folder, *words), f"seed {seed}: {plan[:200]}")


@pytest.mark.few(10)
@pytest.mark.parametrize("seed", range(40))
def test_plans_without_measure_end_in_a_sentence(tmp_path: Path, seed: int) -> None:
    fuzz_plan(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1500, 100))
def test_many_plans_without_measure_end_in_a_sentence(tmp_path: Path, start: int) -> None:
    for seed in range(start, start + 100):
        fuzz_plan(tmp_path, seed)


@pytest.mark.parametrize(("setting", "said"), [
    (f"game.cost={'[' * 300}{']' * 300}", "stand within each other"), (f"game.cost={'9' * 5000}", "cannot be read"),
    (f"game.cost={10**30}", "63 bits"), (f"buyer.exponent={'[' * 50}{']' * 50}", "stand within each other"),
])  # fmt: skip
def test_settings_without_measure_are_refused(tmp_path: Path, setting: str, said: str) -> None:
    done = typed(tmp_path, "play", "--set", setting, "--dry-run")
    assert done.code == 2 and said in done.stderr


@pytest.mark.parametrize("n", [10**7, 10**14, 10**18])
def test_more_episodes_than_one_command_plays_are_refused_at_once(tmp_path: Path, n: int) -> None:
    done = typed(tmp_path, "play", "-n", str(n), "--dry-run")
    assert done.code == 2 and "1,000,000" in done.stderr
