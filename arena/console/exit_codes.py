"""The exit codes of the command `arena`."""

OVER = 0  # all episodes finished
FAILED = 1  # something else went wrong
USAGE = 2  # usage error; nothing was played
SOME_FAILED = 3  # finished, but some episodes failed
CUT = 4  # stopped by the budget
INTERRUPTED = 130  # stopped by Ctrl-C; all answers are recorded
STATUS = {OVER: "over", SOME_FAILED: "failed", CUT: "cut", INTERRUPTED: "interrupted"}  # run statuses by exit code
ENOUGH = "enough"  # status of a run stopped by its rule `until`; exit code as for "over"
CODES = {**{status: code for code, status in STATUS.items()}, ENOUGH: OVER}
