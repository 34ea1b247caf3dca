"""Finding names in texts: whole words, in any case."""

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def naming(names: tuple[str, ...]) -> re.Pattern[str]:
    """Finds one of the names as whole words, in any case; nothing where there are no names."""
    options = "|".join(re.escape(name) for name in sorted(filter(None, names), key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{options})(?!\w)" if options else r"(?!)", re.IGNORECASE)
