"""The log: in one format, without keys, on stderr, and only where it is asked for."""

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import redirect_stderr

import pytest
from repository import ROOT

from arena.console.log_output import PACKAGES, is_log_shown, show_log

LINE = r"^\d\d:\d\d:\d\d (info|debug) [\w.]+: "


def printed(verbosity: int, level: int, message: str, *args: object, json: bool = False, **more: object) -> str:
    """What one record of one of our loggers leaves on stderr."""
    err = io.StringIO()
    with redirect_stderr(err), show_log(verbosity, json):
        logging.getLogger("agents.api.retries").log(level, message, *args, **more)  # type: ignore[arg-type]
    return err.getvalue()


@pytest.mark.parametrize(
    "verbosity, level, shown",
    [(0, logging.INFO, False), (0, logging.DEBUG, False), (1, logging.INFO, True), (1, logging.DEBUG, False),
     (2, logging.DEBUG, True), (5, logging.DEBUG, True)],
)  # fmt: skip
def test_how_often_v_was_typed_decides_what_is_shown(verbosity: int, level: int, shown: bool) -> None:
    assert ("retry 2 of 5" in printed(verbosity, level, "retry %d of %d", 2, 5)) is shown


def test_a_record_is_one_line_with_time_level_and_module() -> None:
    text = printed(1, logging.INFO, "first\nsecond")
    assert re.match(LINE + "first\n    second\n$", text, 8), text


@pytest.mark.parametrize("json_wanted", [False, True])
@pytest.mark.parametrize(
    "written", ["sk-secret-0123456789", "sk-secret-0123456789\\u002f", "736b2d7365637265742d30313233343536373839"]
)
def test_keys_are_taken_out_of_messages(written: str, json_wanted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVICE_TOKEN", "sk-secret-0123456789")
    text = printed(1, logging.INFO, "401: wrong key %s", written, json=json_wanted)
    assert "[key]" in text
    assert "0123456789" not in text and "30313233" not in text


def test_keys_are_taken_out_of_tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-0123456789")
    try:
        raise ValueError("the server wants sk-secret-0123456789")
    except ValueError:
        text = printed(2, logging.DEBUG, "failed", exc_info=True)
    assert "ValueError: the server wants [key]" in text
    assert "0123456789" not in text


def test_what_a_terminal_obeys_is_made_visible() -> None:
    assert "\x1b" not in printed(1, logging.INFO, "title \x1b]0;owned\x07")


def test_with_json_a_record_is_an_event() -> None:
    event = json.loads(printed(1, logging.INFO, "opened %s", "a.db", json=True))
    assert event == {"event": "log", "level": "info", "logger": "agents.api.retries", "message": "opened a.db"}


def test_loggers_are_as_before_afterwards() -> None:
    before = [(logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in PACKAGES]
    with show_log(1), show_log(2):
        assert is_log_shown()
        assert [len(logging.getLogger(name).handlers) for name in PACKAGES] == [1] * 4  # a record is printed once
    assert not is_log_shown()
    assert [(logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in PACKAGES] == before


def log_calls() -> Iterator[tuple[str, ast.Call, str]]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("LOGGER."):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node, ast.unparse(node.func)


def test_nothing_is_logged_above_info_so_that_nothing_is_printed_without_v() -> None:
    """Without a handler Python prints warnings; messages are formatted only where they are shown."""
    calls = list(log_calls())
    assert len(calls) > 30
    for where, node, level in calls:
        assert level in ("LOGGER.info", "LOGGER.debug"), where
        assert isinstance(node.args[0], ast.Constant), f"{where}: the first argument is a text with %s"
