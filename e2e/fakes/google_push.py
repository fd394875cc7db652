"""Watch channels: opening them, and the notifications that follow a change (headers only, empty body).

Source: developers.google.com, "Google Calendar API: get push notifications".
"""

import asyncio
import hashlib
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from fakes.google_errors import GoogleError
from fakes.google_state import GoogleState

WEEK = 7 * 24 * 3600


class Pusher:
    """Sends notifications in the background; owns its connections and tasks, and ends both in `close`."""

    def __init__(self, state: GoogleState) -> None:
        self._state = state
        self.connect_to: str | None = None
        """`https://host:port` to connect to in place of the address's own, whose host then travels as Host and SNI."""
        self.unverified: set[str] = set()
        """Hosts whose domain nobody has proven to own: Google opens no channel to them."""
        self.transport: httpx.AsyncBaseTransport | None = None
        """How notifications travel in place of the network, in a test of one process."""
        self._client: httpx.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def forget(self) -> None:
        """Go back to how it began: notifications travel the network, to the address that they are for."""
        self.connect_to, self.transport = None, None
        self.unverified.clear()

    async def close(self) -> None:
        """Cancel what is under way and close the connections; what is sent later opens its own."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def changed(self, calendar_id: str) -> None:
        """Tell every live channel of a calendar that something changed."""
        for channel in list(self._state.channels.values()):
            if channel["calendar_id"] != calendar_id:
                continue
            if channel["expiration"] < time.time() * 1000:
                del self._state.channels[channel["id"]]
                continue
            self.notify(channel, "exists")

    def notify(self, channel: dict[str, Any], resource_state: str) -> None:
        """Send one notification."""
        channel["number"] += 1
        headers = {
            "X-Goog-Channel-Expiration": formatdate(channel["expiration"] / 1000, usegmt=True),
            "X-Goog-Channel-ID": channel["id"],
            "X-Goog-Channel-Token": channel["token"],
            "X-Goog-Message-Number": str(channel["number"]),
            "X-Goog-Resource-ID": channel["resourceId"],
            "X-Goog-Resource-State": resource_state,
            "X-Goog-Resource-URI": channel["resourceUri"],
        }
        task = asyncio.create_task(self._post(channel["address"], headers))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, address: str, headers: dict[str, str]) -> None:
        if self._client is None:
            self._client = httpx.AsyncClient(verify=self.connect_to is None, timeout=10, transport=self.transport)
        parts = urlsplit(address)
        extensions: dict[str, Any] = {}
        url = address
        if self.connect_to:
            target = urlsplit(self.connect_to)
            url = urlunsplit((target.scheme, target.netloc, parts.path, parts.query, ""))
            headers = {**headers, "Host": parts.netloc}
            if target.scheme == "https":
                extensions["sni_hostname"] = parts.hostname
        status, problem = None, None
        try:
            status = (await self._client.post(url, headers=headers, extensions=extensions)).status_code
        except httpx.HTTPError as error:
            problem = f"{type(error).__name__}: {error}"
        self._state.calls.add(operation="push", http_status=status, problem=problem, address=address)


def open_channel(state: GoogleState, pusher: Pusher, calendar_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Open a watch channel. Raises GoogleError."""
    channel_id, address = body.get("id"), body.get("address")
    if not isinstance(channel_id, str) or not channel_id or len(channel_id) > 64:
        raise GoogleError("required", "Missing or invalid channel id.")
    if body.get("type") != "web_hook" or not isinstance(address, str):
        raise GoogleError("required", "Unknown channel type or missing address.")
    if urlsplit(address).scheme != "https":
        raise GoogleError("push.webhookUrlNotHttps", f"WebHook callback must be HTTPS: {address}")
    if urlsplit(address).hostname in pusher.unverified:
        raise GoogleError("push.webhookUrlUnauthorized", f"Unauthorized WebHook callback channel: {address}")
    if channel_id in state.channels:
        raise GoogleError("channelIdNotUnique", f"Channel id {channel_id} not unique")
    most = int((time.time() + WEEK) * 1000)
    params = body.get("params")
    ttl = str(params.get("ttl", "")) if isinstance(params, dict) else ""
    asked = str(body.get("expiration", ""))
    expiration = int(asked) if asked.isdigit() else most
    if ttl.isdigit():
        expiration = int((time.time() + int(ttl)) * 1000)
    channel = {
        "kind": "api#channel",
        "id": channel_id,
        "resourceId": hashlib.sha256(calendar_id.encode()).hexdigest()[:27],
        "resourceUri": f"https://www.googleapis.com/calendar/v3/calendars/{calendar_id}/events?alt=json",
        "expiration": min(expiration, most),
        "token": str(body.get("token") or ""),
        "address": address,
        "calendar_id": calendar_id,
        "number": 0,
    }
    state.channels[channel_id] = channel
    pusher.notify(channel, "sync")
    answer = {key: channel[key] for key in ("kind", "id", "resourceId", "resourceUri", "token")}
    return {**answer, "expiration": str(channel["expiration"])}
