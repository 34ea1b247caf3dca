"""The same calls through the official SDK, for what it alone can do."""

from typing import Any

from openai import APIConnectionError, APIStatusError, APITimeoutError, AsyncOpenAI

from agents.kept import kept
from agents.wire import Answer, Failures, answered

FAILURES = Failures(APIStatusError, APITimeoutError, APIConnectionError)


async def create(url: str | None, key: str, request: dict[str, Any], seconds: float) -> Answer:
    """The server's answer, read to its end. Raises TimeoutError, or Lost where the connection failed."""
    client = await kept(
        ("openai", url, key),
        lambda: AsyncOpenAI(api_key=key, base_url=url, max_retries=0),
        lambda made: made.close,
    )
    return await answered(client.chat.completions.with_raw_response.create(**request, timeout=seconds), FAILURES)
