"""The exit codes of the command `arena`."""

OVER = 0  # all episodes finished
FAILED = 1  # something else went wrong
USAGE = 2  # what was asked for cannot be done; nothing was played
SOME_FAILED = 3  # finished, but some episodes failed
CUT = 4  # stopped by the budget
INTERRUPTED = 130  # stopped by Ctrl-C; all answers are recorded
STATUS = {OVER: "over", SOME_FAILED: "failed", CUT: "cut", INTERRUPTED: "interrupted"}  # of a run, by exit code
ENOUGH = "enough"  # of a run that its rule `until` has stopped; its exit code is that of one that is over
CODES = {**{status: code for code, status in STATUS.items()}, ENOUGH: OVER}
