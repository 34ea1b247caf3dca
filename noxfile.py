"""Tasks of the project: `nox -l` lists them, `nox -s lint types` runs some; what follows `--` goes to the tool.

Tasks run in the environment that nox itself runs in, with the extra `dev` installed; nothing is downloaded.
"""

import sys

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["fmt", "lint", "types", "test"]


def run(session: nox.Session, module: str, *arguments: str) -> None:
    """Runs a tool of this environment as `python -m MODULE`, with what was typed behind `--` at the end."""
    session.run(sys.executable, "-m", module, *arguments, *session.posargs)


@nox.session
def fmt(session: nox.Session) -> None:
    """Format the code in place, and sort its imports."""
    run(session, "ruff", "check", "--quiet", "--select", "I", "--fix", ".")
    run(session, "ruff", "format", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Look for faults and for what is not formatted; nothing is changed."""
    run(session, "ruff", "check", ".")
    run(session, "ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the four packages."""
    run(session, "mypy")


@nox.session
def test(session: nox.Session) -> None:
    """All tests but the slow ones; a skip for another reason than those in tests/support/skip_policy.py fails."""
    run(session, "pytest", "-n", "2", "--no-unexpected-skips")


@nox.session
def slow(session: nox.Session) -> None:
    """The slow tests alone: hours on two cores."""
    run(session, "pytest", "-n", "2", "-m", "slow")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed as ratios against baselines of the same run; `-- play store` names the benches."""
    session.run(sys.executable, "tests/bench/all.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Hold README and docs to the code: links lead somewhere, code blocks run, commands print what is shown."""
    run(session, "pytest", "-n", "2", "tests/test_readme.py", "tests/test_docs.py")


@nox.session
def coverage(session: nox.Session) -> None:
    """Branch coverage of the tests; `-- --cov=arena/store tests/arena/store` for one room."""
    chosen = session.posargs or ["--cov"]
    session.run(sys.executable, "-m", "pytest", "-n", "2", "--cov-report=term-missing:skip-covered", *chosen)
