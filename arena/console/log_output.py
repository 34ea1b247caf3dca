"""Log handler for `arena -v`: records of arena's loggers on stderr, one line each, without keys.

Every module that logs has a logger of its own name (`logging.getLogger(__name__)`), at `info` what a user may want to
know of a run (retries, waits, loaded weights, resumed episodes, work that was skipped), at `debug` what explains how it
came about (cache hits, single requests, handled exceptions). Nothing is logged above `info`: what users have to know is
printed by `arena.console.notices`, with and without a log.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from arena.console.stdio import print_event, say
from arena.redaction import redact

PACKAGES = ("arena", "games", "agents", "unlearning")  # packages whose loggers are shown
LEVELS = (logging.NOTSET, logging.INFO, logging.DEBUG)  # level by the number of -v, at most two


class LogHandler(logging.Handler):
    """Prints each record on stderr: `12:00:01 info arena.store.database: opened …`; as an event of JSON with `json`.

    Keys of the environment are taken out of the message and of the traceback below it. Other lines than the first are
    indented, so that a record ends where the next line begins with a time.
    """

    def __init__(self, json: bool = False) -> None:
        super().__init__()
        self.json = json
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = redact(self.format(record))
            level = record.levelname.lower()
            if self.json:
                print_event("log", level=level, logger=record.name, message=text)
                return
            clock = logging.Formatter().formatTime(record, "%H:%M:%S")
            say(f"{clock} {level} {record.name}: {text}".replace("\n", "\n    "), stderr=True)
        except Exception:
            self.handleError(record)


def is_log_shown() -> bool:
    """Whether the log goes to stderr, so that no live display may draw there."""
    return any(isinstance(handler, LogHandler) for handler in logging.getLogger(PACKAGES[0]).handlers)


@contextmanager
def show_log(verbosity: int, json: bool = False) -> Iterator[None]:
    """Context manager that shows the log: nothing for 0, from `info` for 1, from `debug` for 2 or more."""
    level = LEVELS[min(verbosity, len(LEVELS) - 1)]
    if level == logging.NOTSET:
        yield
        return
    handlers = [] if is_log_shown() else [LogHandler(json)]
    before = {name: logging.getLogger(name).level for name in PACKAGES}
    for name in PACKAGES:
        logger = logging.getLogger(name)
        logger.handlers += handlers
        logger.setLevel(level)
    try:
        yield
    finally:
        for name, old in before.items():
            logger = logging.getLogger(name)
            logger.handlers = [one for one in logger.handlers if one not in handlers]
            logger.setLevel(old)
