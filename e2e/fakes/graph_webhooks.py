"""The Graph fake as a sender of webhooks: builds the payload, signs the raw body, delivers, repeats like the real one.

The real platform repeats an unanswered webhook for up to seven days with growing pauses; here the pauses are shorter.
"""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

import httpx

from fakes.graph_state import Account, GraphState

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each repetition; the last goes on."""


def sign(body: bytes, app_secret: str) -> str:
    """Return the value of X-Hub-Signature-256 for a raw body."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()


def envelope(account: Account, value: dict[str, Any]) -> dict[str, Any]:
    """Wrap one change the way the platform does."""
    return {
        "object": "whatsapp_business_account",
        "entry": [
            {
                "id": account.business_account_id,
                "changes": [
                    {
                        "field": "messages",
                        "value": {
                            "messaging_product": "whatsapp",
                            "metadata": {
                                "display_phone_number": account.display_phone_number,
                                "phone_number_id": account.phone_number_id,
                            },
                            **value,
                        },
                    },
                ],
            },
        ],
    }


def news(account: Account, field: str, value: dict[str, Any]) -> dict[str, Any]:
    """Wrap a change that is about the business account, not about one of its numbers."""
    change = {"field": field, "value": value}
    entry = {"id": account.business_account_id, "time": int(time.time()), "changes": [change]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def inbound_value(user: dict[str, str], name: str, wamid: str, message: dict[str, Any]) -> dict[str, Any]:
    """Build the value of an inbound message; whoever hides their number comes with a user id alone."""
    contact: dict[str, Any] = {"profile": {"name": name}, **user}
    sender: dict[str, str] = {}
    if "wa_id" in user:
        sender["from"] = user["wa_id"]
    if "user_id" in user:
        sender["from_user_id"] = user["user_id"]
    body = {**sender, "id": wamid, "timestamp": str(int(time.time())), **message}
    # News of the system comes without contacts.
    return {"messages": [body]} if message.get("type") == "system" else {"contacts": [contact], "messages": [body]}


def status_value(
    user: dict[str, str],
    wamid: str,
    status: str,
    error: dict[str, Any] | None = None,
    *,
    opaque: str | None = None,
) -> dict[str, Any]:
    """Build the value of a status of a sent message; `opaque` is what the sender gave along with the message."""
    body: dict[str, Any] = {"id": wamid, "status": status, "timestamp": str(int(time.time()))}
    if "wa_id" in user:
        body["recipient_id"] = user["wa_id"]
    if "user_id" in user:
        body["recipient_user_id"] = user["user_id"]
    if opaque is not None:
        body["biz_opaque_callback_data"] = opaque
    if error:
        body["errors"] = [error]
    else:
        body["pricing"] = {
            "billable": False,
            "pricing_model": "PMP",
            "category": "service",
            "type": "free_customer_service",
        }
    return {"statuses": [body]}


class Deliverer:
    """Sends webhooks; owns the connections and the background tasks, and ends both in `close`."""

    _MOST = 64

    def __init__(self, state: GraphState, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._state = state
        self._transport = transport
        self._clients: dict[tuple[bool, str | None], httpx.AsyncClient] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(self._MOST)

    async def close(self) -> None:
        """Cancel what is still to be repeated and close the connections; what is sent later opens its own."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()
        self._gate = asyncio.Semaphore(self._MOST)

    def later(self, account: Account, values: list[dict[str, Any]], delay: float) -> None:
        """Deliver several changes one after the other in the background, a delay before each."""

        async def run() -> None:
            for value in values:
                await asyncio.sleep(delay)
                await self.deliver(account, envelope(account, value))

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def deliver(
        self, account: Account, payload: dict[str, Any], *, secret: str | None = None, repeat: bool = True
    ) -> int | None:
        """Deliver a payload, repeating while it is not answered 2xx; the last HTTP status, None when never reached."""
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        status: int | None = None
        for attempt in range(1 + (account.redeliveries if repeat else 0)):
            if attempt:
                await asyncio.sleep(PAUSES[min(attempt, len(PAUSES)) - 1])
            status = await self.post(account, body, sign(body, secret or account.app_secret))
            if status is not None and 200 <= status < 300:
                break
        return status

    async def verify(self, account: Account, callback: str, token: str) -> str | None:
        """Ask an address whether it wants this account's webhooks, as the platform does; what is wrong, or None.

        The address is reached where the account's `callback_url` says, under the host that the address names.
        """
        target, challenge = account.callback_url or callback, secrets.token_hex(8)
        client, headers, extensions = self._door(account, target, urlsplit(callback).hostname)
        question = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": challenge}
        try:
            answer = await client.get(target, params=question, headers=headers, extensions=extensions)
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}"
        return None if answer.status_code == 200 and answer.text == challenge else f"HTTP {answer.status_code}"

    def _door(
        self, account: Account, url: str, host: str | None
    ) -> tuple[httpx.AsyncClient, dict[str, str], dict[str, Any]]:
        """Return a client for an address under a host, and the headers and extensions that name that host."""
        headers = {"Host": host} if host else {}
        extensions = {"sni_hostname": host} if host and urlsplit(url).scheme == "https" else {}
        # A TLS connection belongs to the server name it was opened for, so each host has connections of its own.
        key = (account.verify_tls, host)
        client = self._clients.get(key)
        if client is None:
            client = httpx.AsyncClient(
                transport=self._transport,
                verify=account.verify_tls,
                timeout=20,
                limits=httpx.Limits(max_connections=self._MOST, keepalive_expiry=30),
            )
            self._clients[key] = client
        return client, headers, extensions

    async def post(self, account: Account, body: bytes, signature: str) -> int | None:
        """Post one body once; the HTTP status, None when there was no answer."""
        if account.callback_url is None:
            return None
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": signature,
            "User-Agent": "facebookexternalua",
        }
        client, addressed, extensions = self._door(account, account.callback_url, account.host)
        headers |= addressed
        started = time.monotonic()
        status, problem = None, None
        try:
            async with self._gate:
                answer = await client.post(account.callback_url, content=body, headers=headers, extensions=extensions)
            status = answer.status_code
        except httpx.HTTPError as error:
            problem = f"{type(error).__name__}: {error}"
        self._state.deliveries.add(
            phone_number_id=account.phone_number_id,
            http_status=status,
            problem=problem,
            seconds=round(time.monotonic() - started, 4),
            bytes=len(body),
        )
        return status
