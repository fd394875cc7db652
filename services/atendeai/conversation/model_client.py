"""One call to an OpenAI-compatible endpoint: `POST <baseURL>/chat/completions` with tools.

Source: platform.openai.com, "Chat Completions API". Whatever is not a well-formed answer is a `ModelError`.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atendeai.conversation.metrics import MODEL_SECONDS, MODEL_STATUSES, MODEL_TOKENS, MODELS

MOST_BYTES = 256 * 1024
_MOST_COMPLETION = 600
_CONNECT_SECONDS = 3.0


class ModelError(Exception):
    """The model did not answer as it must; ``reason`` is a short English code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Function(_Loose):
    """Which tool is called, and its arguments as JSON text."""

    name: str = Field(max_length=64)
    arguments: str = Field(default="{}", max_length=4000)


class ToolCall(_Loose):
    """A call of a tool."""

    id: str = Field(max_length=200)
    function: Function


class Said(_Loose):
    """What a model says: words, calls of tools, or both."""

    content: str | None = Field(default=None, max_length=8000)
    tool_calls: list[ToolCall] | None = Field(default=None, max_length=8)


class _Choice(_Loose):
    message: Said


class _Usage(_Loose):
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)


class _Completion(_Loose):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


@dataclass(frozen=True)
class Endpoint:
    """Where the model is and who pays for it."""

    base_url: str
    model: str
    api_key: str


async def complete(
    client: httpx.AsyncClient,
    endpoint: Endpoint,
    messages: Sequence[dict[str, Any]],
    tools: Sequence[dict[str, Any]],
    seconds: float,
) -> Said:
    """Ask the model once, for at most so many seconds, its answer's last byte included. Raises `ModelError`."""
    started, status, body = time.perf_counter(), "none", bytearray()
    try:
        async with (
            asyncio.timeout(seconds),
            client.stream(
                "POST",
                f"{endpoint.base_url.rstrip('/')}/chat/completions",
                content=orjson.dumps(
                    {
                        "model": endpoint.model,
                        "messages": list(messages),
                        "tools": list(tools),
                        "temperature": 0,
                        "max_tokens": _MOST_COMPLETION,
                    }
                ),
                headers={"Authorization": f"Bearer {endpoint.api_key}", "Content-Type": "application/json"},
                timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS)),
                follow_redirects=False,
            ) as response,
        ):
            status = str(response.status_code)
            if response.status_code != httpx.codes.OK:
                limited = response.status_code == httpx.codes.TOO_MANY_REQUESTS
                raise ModelError("rate-limited" if limited else "refused")
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise ModelError("malformed")
    except (TimeoutError, httpx.TimeoutException):
        raise ModelError("timeout") from None
    except (httpx.HTTPError, httpx.InvalidURL):
        raise ModelError("unreachable") from None
    finally:
        MODEL_SECONDS.labels(MODELS(endpoint.model), MODEL_STATUSES(status)).observe(time.perf_counter() - started)
    try:
        completion = _Completion.model_validate_json(bytes(body))
    except ValidationError:
        raise ModelError("malformed") from None
    if completion.usage is not None:
        model = MODELS(endpoint.model)
        MODEL_TOKENS.labels(model, "prompt").inc(completion.usage.prompt_tokens)
        MODEL_TOKENS.labels(model, "completion").inc(completion.usage.completion_tokens)
    return completion.choices[0].message
