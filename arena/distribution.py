"""Distribution name of this package, and the command that installs one of its extras.

The name differs from that of the import package and of the command: `arena` on the package index is another project.
"""

from pathlib import Path

from arena.cache_register import memoize

NAME = "forgetting-arena"


def install_line(extra: str) -> str:
    """The command that installs `extra` as this package was installed: from a checkout, a folder, or by name."""
    source, runs_there = _origin()
    if runs_there:
        return f"pip install -e '{source}[{extra}]'"
    return f"pip install '{NAME}[{extra}] @ {Path(source).as_uri()}'" if source else f"pip install '{NAME}[{extra}]'"


@memoize("code")
def _origin() -> tuple[str, bool]:
    """The folder this package was installed from, or "", and whether the install is editable."""
    import json  # takes 30 ms, and only errors need it
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import unquote, urlsplit
    from urllib.request import url2pathname

    checkout = Path(__file__).parent.parent
    if (checkout / "pyproject.toml").is_file():
        return str(checkout), True
    try:
        direct = json.loads(distribution(NAME).read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        direct = {}
    return (url2pathname(unquote(urlsplit(direct["url"]).path)), False) if "dir_info" in direct else ("", False)
