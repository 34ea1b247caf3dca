"""Run foreign code that may never return, such as a chat template, with a time limit."""

import ctypes
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Late(Exception):
    """It took longer than it may; it was stopped."""


def within(seconds: float, function: Callable[[], T]) -> T:
    """The result of `function`, or its exception; raises Late where it takes longer.

    It runs in a thread of its own, in which Late is raised at the next Python instruction: a loop in Python ends.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(function())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    while thread.is_alive():  # again, where foreign code has caught it
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Late))
        thread.join(0.1)
        if not outcome and not thread.is_alive():
            raise Late
    if failure:
        raise failure[0]
    return outcome[0]
