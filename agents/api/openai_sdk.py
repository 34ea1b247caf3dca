"""The same calls through OpenAI's official SDK, for features that only the SDK has."""

from typing import Any

from openai import APIConnectionError, APIStatusError, APITimeoutError, AsyncOpenAI, DefaultAsyncHttpxClient

from agents.api.http_parsing import Failures, HttpResponse, unwrap_response
from agents.api.loop_resources import get_resource
from agents.api.sdk_client import make_hooks

FAILURES = Failures(APIStatusError, APITimeoutError, APIConnectionError)


async def create(url: str, key: str, request: dict[str, Any], seconds: float, only_key: bool) -> HttpResponse:
    """The server's answer, read to its end. Raises TimeoutError, or Lost where the connection failed.

    only_key: nothing else that the SDK finds in the environment is sent.
    """
    client = await get_resource(
        ("openai", url, key, only_key),
        lambda: AsyncOpenAI(
            api_key=key,
            base_url=url,
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(event_hooks=make_hooks(url, key, only_key)),
        ),
        lambda made: made.close,
    )
    return await unwrap_response(client.chat.completions.with_raw_response.create(**request, timeout=seconds), FAILURES)
