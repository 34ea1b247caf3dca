"""The whole suite runs without a network: sockets reach 127.0.0.1 only."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from secrets import token_hex

import pytest
import pytest_socket
from postgres_server import NoServer, maker_of_databases, server
from skip_policy import SkipPolicy

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
if "ARENA_TEST_GPU" not in os.environ:  # models of tests lie on the CPU, where equal bits can be asked for
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
KEYS = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "ARENA_DB", "ARENA_OFFLINE")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-unexpected-skips",
        action="store_true",
        help="fail where a test is skipped for a reason that is not listed",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Programs that tests start can be interrupted, also where a shell started the suite in the background or under
    nohup: a signal that is ignored would stay so in them."""
    if config.getoption("--no-unexpected-skips"):
        config.pluginmanager.register(SkipPolicy())
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test marked `few(n)` the default run takes the first n cases; the others are marked slow."""
    seen: Counter[str] = Counter()
    for item in items:
        if (few := item.get_closest_marker("few")) is not None:
            name = item.nodeid.partition("[")[0]
            if seen[name] >= few.args[0]:
                item.add_marker("slow")
            seen[name] += 1


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No keys from outside, settings of a new user, and no host but this one."""
    monkeypatch.setenv("ARENA_CONFIG", str(tmp_path_factory.getbasetemp() / "settings" / token_hex(4)))
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    pytest_socket.socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)
    yield
    pytest_socket._remove_restrictions()


@pytest.fixture(scope="module")
def postgres_host() -> Iterator[str]:
    """The URL of a PostgreSQL server for this file alone, whose log no other test writes; {} for a database's name."""
    try:
        with server() as url:
            yield url
    except NoServer as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def new_database(postgres_host: str) -> Callable[[], str]:
    """A function that makes an empty database on that server and returns its URL."""
    return maker_of_databases(postgres_host)
