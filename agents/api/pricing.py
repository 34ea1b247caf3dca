"""Price of a model call in dollars, from the bundled tables of genai-prices; no network."""

import logging
from dataclasses import dataclass

from arena.cache_register import memoize

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts of one call; None where the server did not report them. `input` includes what was read from or
    written to a prompt cache (`cache_read`, `cache_write`), `output` includes what was thought and not shown."""

    input: int | None = None
    output: int | None = None
    cache_read: int = 0
    cache_write: int = 0


UNKNOWN = Tokens()


def compute_price(
    model: str,
    tokens: Tokens,
    *,
    provider: str,
    url: str | None = None,
    usd_per_million: tuple[float, float] | None = None,
) -> float | None:
    """Dollars for `tokens` of `model`; None where the count or the price is unknown, never 0 in place of unknown.

    `usd_per_million` (input, output) decides where it is given. Otherwise the provider is found by its name or, where
    `url` is given, by that address: the same model name on a server of one's own has no known price.
    """
    if tokens.input is None or tokens.output is None:
        return None
    if usd_per_million is not None:
        return (tokens.input * usd_per_million[0] + tokens.output * usd_per_million[1]) / 1e6
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    if not _is_known(model, provider, url):
        return None
    usage = Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cache_read or None,
        cache_write_tokens=tokens.cache_write or None,
    )
    try:
        if url is not None:
            price = calc_price(usage, model, provider_api_url=url)
        else:
            price = calc_price(usage, model, provider_id=provider)
    except ValueError as error:  # counts that contradict each other
        LOGGER.debug("no price for %s: %s", model, error)
        return None
    return float(price.total_price)


@memoize("endpoints", most=1_000)
def _is_known(model: str, provider: str, url: str | None) -> bool:
    """Whether the tables know that model; searching them for one they do not know takes longer than the rest."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        get_snapshot().find_provider_model(model, None, None if url is not None else provider, url)
    except (LookupError, ValueError):
        return False
    return True
