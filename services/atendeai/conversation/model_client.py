"""One call to an OpenAI-compatible endpoint: `POST <baseURL>/chat/completions` with tools.

Source: platform.openai.com, "Chat Completions API". Whatever is not a well-formed answer is a `ModelError`.

Models that reason refuse what others take: any temperature but their own, and `max_tokens`, in place of which they know
`max_completion_tokens`; older servers know only the former. A model is asked the old way until it has said so.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atendeai.conversation.metrics import MODEL_SECONDS, MODEL_STATUSES, MODEL_TOKENS, MODELS

MOST_BYTES = 256 * 1024
_MOST_COMPLETION = 600
_MOST_REASONING = 4000
"""Tokens of an answer where what the model thinks to itself counts as well."""
_WISHES: Mapping[str, Mapping[str, int]] = {
    "temperature": {"temperature": 0},
    "max_tokens": {"max_tokens": _MOST_COMPLETION},
}
_INSTEAD: Mapping[str, Mapping[str, int]] = {"max_tokens": {"max_completion_tokens": _MOST_REASONING}}
_CONNECT_SECONDS = 3.0


class ModelError(Exception):
    """The model did not answer as it must; ``reason`` is a short English code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _UnwantedError(Exception):
    """The model does not take a parameter that it was asked with; its name."""


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


class _Refusal(_Loose):
    message: str | None = None
    param: str | None = None


class _Refused(_Loose):
    error: _Refusal


@dataclass(frozen=True)
class Endpoint:
    """Where the model is and who pays for it."""

    base_url: str
    model: str
    api_key: str


_unwanted: dict[tuple[str, str], frozenset[str]] = {}
"""By address and model: the wishes that it refused, for as long as this process lives."""


async def complete(
    client: httpx.AsyncClient,
    endpoint: Endpoint,
    messages: Sequence[dict[str, Any]],
    tools: Sequence[dict[str, Any]],
    seconds: float,
) -> Said:
    """Ask the model once, for at most so many seconds, its answer's last byte included. Raises `ModelError`."""
    content: dict[str, Any] = {"model": endpoint.model, "messages": list(messages), "tools": list(tools)}
    who, ends = (endpoint.base_url, endpoint.model), time.monotonic() + seconds
    while True:
        unwanted = _unwanted.get(who, frozenset())
        wishes = [_INSTEAD.get(name, {}) if name in unwanted else wish for name, wish in _WISHES.items()]
        asked = content | {name: value for wish in wishes for name, value in wish.items()}
        try:
            return await _ask(client, endpoint, asked, ends - time.monotonic())
        except _UnwantedError as refused:
            if str(refused) in unwanted:
                raise ModelError("refused") from None
            _unwanted[who] = _unwanted.get(who, frozenset()) | {str(refused)}


async def _ask(client: httpx.AsyncClient, endpoint: Endpoint, asked: dict[str, Any], seconds: float) -> Said:
    started, status, body = time.perf_counter(), "none", bytearray()
    try:
        async with (
            asyncio.timeout(seconds),
            client.stream(
                "POST",
                f"{endpoint.base_url.rstrip('/')}/chat/completions",
                content=orjson.dumps(asked),
                headers={"Authorization": f"Bearer {endpoint.api_key}", "Content-Type": "application/json"},
                timeout=httpx.Timeout(max(0.0, seconds), connect=max(0.0, min(seconds, _CONNECT_SECONDS))),
                follow_redirects=False,
            ) as response,
        ):
            status = str(response.status_code)
            if response.status_code not in (httpx.codes.OK, httpx.codes.BAD_REQUEST):
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
    if status == str(httpx.codes.BAD_REQUEST):
        raise _refusal(bytes(body))
    try:
        completion = _Completion.model_validate_json(bytes(body))
    except ValidationError:
        raise ModelError("malformed") from None
    if completion.usage is not None:
        model = MODELS(endpoint.model)
        MODEL_TOKENS.labels(model, "prompt").inc(completion.usage.prompt_tokens)
        MODEL_TOKENS.labels(model, "completion").inc(completion.usage.completion_tokens)
    return completion.choices[0].message


def _refusal(body: bytes) -> Exception:
    """What a 400 means: a wish that the model does not take, or anything else."""
    try:
        error = _Refused.model_validate_json(body).error
    except ValidationError:
        return ModelError("refused")
    for name in _WISHES:
        if error.param == name or (error.param is None and f"'{name}'" in (error.message or "")):
            return _UnwantedError(name)
    return ModelError("refused")
