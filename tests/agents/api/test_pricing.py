import sys

import pytest

pytest.importorskip("genai_prices")

from agents.api.pricing import Tokens, compute_price

MILLION = Tokens(1_000_000, 1_000_000)


def test_a_known_model_of_a_known_provider() -> None:
    assert compute_price("gpt-4o-mini", MILLION, provider="openai") == pytest.approx(0.15 + 0.60)


def test_a_dated_name_is_the_same_model() -> None:
    assert compute_price("gpt-4o-mini-2024-07-18", MILLION, provider="openai") == pytest.approx(0.15 + 0.60)


def test_the_provider_is_known_by_its_address() -> None:
    url = "https://api.groq.com/openai/v1"
    assert compute_price("llama-3.1-8b-instant", MILLION, provider="openai", url=url) == pytest.approx(0.05 + 0.08)


def test_what_is_read_from_a_cache_costs_less() -> None:
    cached = Tokens(1_000_000, 0, cache_read=1_000_000)
    assert compute_price("gpt-4o-mini", cached, provider="openai") == pytest.approx(0.075)


@pytest.mark.parametrize(
    ("model", "tokens", "provider", "url"),
    [
        ("no-such-model", MILLION, "openai", None),
        ("", MILLION, "openai", None),
        ("gpt-4o-mini", MILLION, "no-such-provider", None),
        ("gpt-4o-mini", MILLION, "openai", "http://127.0.0.1:8000/v1"),
        ("gpt-4o-mini", Tokens(None, 5), "openai", None),
        ("gpt-4o-mini", Tokens(5, None), "openai", None),
        ("gpt-4o-mini", Tokens(5, 5, cache_read=100), "openai", None),
    ],
)
def test_what_is_not_known_is_none_and_never_zero(model: str, tokens: Tokens, provider: str, url: str | None) -> None:
    assert compute_price(model, tokens, provider=provider, url=url) is None


def test_a_given_price_decides() -> None:
    assert compute_price("gpt-4o-mini", MILLION, provider="openai", usd_per_million=(1.0, 2.0)) == 3.0
    assert (
        compute_price("mine", Tokens(500, 0), provider="", url="http://localhost", usd_per_million=(1.0, 2.0)) == 0.0005
    )
    assert compute_price("mine", Tokens(500, 9), provider="", usd_per_million=(0.0, 0.0)) == 0.0


def test_without_the_tables_every_price_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert compute_price("gpt-4o-mini", MILLION, provider="openai") is None
