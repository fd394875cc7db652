"""The Graph API's side of sending: one HTTP call, and what its answer means. Holds connections, no state.

Source: developers.facebook.com, "WhatsApp Cloud API: messages". The API has no idempotency keys; what the call gives
along (`biz_opaque_callback_data`) comes back with every status, which is how a lost answer is recognised.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from atendeai.kit.clinic_config import ClinicConfig
from atendeai.kit.http import OutsideClient
from atendeai.whatsapp.failures import Failure

_SECONDS = 20.0
_CONNECT_SECONDS = 5.0
_LONGEST = 1000
_LAST_MOMENT = 2**33
"""Seconds since the epoch, in the year 2242: what is later is no moment that somebody meant."""
TOO_LARGE = Failure(0, "The file is larger than what is kept", None, 413)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The platform has the message."""

    wamid: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The platform does not have it, and said why; or it was never reached."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Unsure:
    """The request went out and no answer told what became of it."""

    failure: Failure


Outcome = Accepted | Refused | Unsure


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform said to any other call: its document, and the failure it describes, if it is one."""

    body: dict[str, Any]
    failure: Failure | None = None
    subcode: int | None = None

    @property
    def ok(self) -> bool:
        """Whether it did what was asked."""
        return self.failure is None


class GraphClient:
    """One per process."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = OutsideClient(
            transport=transport,
            timeout=httpx.Timeout(_SECONDS, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=30),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def send(self, config: ClinicConfig, payload: dict[str, Any]) -> Outcome:
        """Send one message as this clinic. Never raises for what the network or the platform does."""
        try:
            answer = await self._client.post(
                f"{_number_url(config)}/messages",
                content=orjson.dumps(payload),
                headers={**_authorization(config), "Content-Type": "application/json"},
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            return Refused(Failure(0, f"The Graph API cannot be reached ({type(error).__name__})", None, 503))
        except (httpx.TransportError, httpx.InvalidURL) as error:
            return Unsure(Failure(0, f"The Graph API did not answer ({type(error).__name__})", None, 504))
        return _outcome(answer)

    async def ask(
        self,
        config: ClinicConfig,
        method: str,
        path: str,
        *,
        json: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        data: dict[str, str] | None = None,
        files: dict[str, tuple[str, bytes, str]] | None = None,
    ) -> Answer:
        """Call any other edge, `path` being what follows the version. Never raises for network or platform."""
        headers = _authorization(config)
        content = None
        if json is not None:
            content, headers["Content-Type"] = orjson.dumps(json), "application/json"
        try:
            answer = await self._client.request(
                method,
                f"{_version_url(config)}/{path}",
                content=content,
                params=params,
                data=data,
                files=files,
                headers=headers,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Answer({}, Failure(0, f"The Graph API cannot be reached ({type(error).__name__})", None, 503))
        body = _json(answer) or {}
        if answer.is_success:
            return Answer(body)
        described = body.get("error")
        subcode = described.get("error_subcode") if isinstance(described, dict) else None
        return Answer(body, _failure(answer), subcode if isinstance(subcode, int) else None)

    async def download(self, config: ClinicConfig, url: str, most: int) -> bytes | Failure:
        """Fetch a file's bytes with the clinic's token, at most `most` of them. The caller has checked the host."""
        content = bytearray()
        try:
            # Uncompressed, so that what is counted is what arrives.
            headers = {**_authorization(config), "Accept-Encoding": "identity"}
            async with self._client.stream("GET", url, headers=headers) as answer:
                if not answer.is_success:
                    return Failure(0, f"HTTP {answer.status_code}", "The file was not given.", answer.status_code)
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > most:
                        return TOO_LARGE
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Failure(0, f"The file cannot be fetched ({type(error).__name__})", None, 503)
        return bytes(content)

    async def check(self, config: ClinicConfig) -> Failure | None:
        """Ask for the clinic's own number: None when the token may use it, otherwise why not."""
        try:
            answer = await self._client.get(
                _number_url(config), params={"fields": "id,display_phone_number"}, headers=_authorization(config)
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Failure(0, f"The Graph API cannot be reached ({type(error).__name__})", None, 503)
        return None if answer.is_success else _failure(answer)

    async def token_ends(self, config: ClinicConfig) -> datetime | None:
        """Ask when the clinic's access token ends; None when it never does, or when the Graph API does not say.

        Source: developers.facebook.com, "Graph API: debug_token"; `expires_at` is 0 for a token without an end.
        """
        asked = {"input_token": config.credentials.whatsapp.access_token}
        try:
            answer = await self._client.get(
                f"{_version_url(config)}/debug_token", params=asked, headers=_authorization(config)
            )
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
        data = (_json(answer) or {}).get("data") if answer.is_success else None
        ends = data.get("expires_at") if isinstance(data, dict) else None
        return datetime.fromtimestamp(ends, UTC) if isinstance(ends, int) and 0 < ends < _LAST_MOMENT else None


def _version_url(config: ClinicConfig) -> str:
    whatsapp = config.settings.whatsapp
    return f"{whatsapp.base_url.rstrip('/')}/{whatsapp.graph_version}"


def _number_url(config: ClinicConfig) -> str:
    return f"{_version_url(config)}/{config.settings.whatsapp.phone_number_id}"


def _authorization(config: ClinicConfig) -> dict[str, str]:
    return {"Authorization": f"Bearer {config.credentials.whatsapp.access_token}"}


def _outcome(answer: httpx.Response) -> Outcome:
    if answer.is_success:
        body = _json(answer)
        messages = body.get("messages") if body else None
        if isinstance(messages, list) and messages and isinstance(messages[0], dict) and messages[0].get("id"):
            return Accepted(str(messages[0]["id"]))
        return Unsure(Failure(0, "The Graph API answered without a message id", None, answer.status_code))
    failure = _failure(answer)
    # A gateway in between that gives up says nothing about what the platform did behind it.
    if failure.code == 0 and answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Unsure(failure)
    return Refused(failure)


def _failure(answer: httpx.Response) -> Failure:
    body = _json(answer)
    error = body.get("error") if body else None
    if not isinstance(error, dict):
        return Failure(0, f"HTTP {answer.status_code}", None, answer.status_code)
    code, data = error.get("code"), error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    return Failure(
        code if isinstance(code, int) else 0,
        str(error.get("message") or f"HTTP {answer.status_code}")[:_LONGEST],
        str(details)[:_LONGEST] if details else None,
        answer.status_code,
    )


def _json(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        body = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None
