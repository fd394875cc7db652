"""A steady load of signed webhooks at HAProxy's port, and the account of what was acknowledged."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field

import httpx

from local import edge, world

PATIENTS = 500
"""So many that the answers to one of them stay within the platform's limit for a pair (one message in 6 s)."""


@dataclass
class Account:
    """What happened to each offered message: when it was offered, and whether a 200 came back."""

    offered: list[tuple[float, str]] = field(default_factory=list)
    acknowledged: list[tuple[float, str]] = field(default_factory=list)
    refused: list[tuple[float, str]] = field(default_factory=list)
    """When, and why: a status or an error's name."""

    def share(self, begin: float, end: float) -> float:
        """The share of the messages offered in [begin, end) that were acknowledged; 1.0 when none was offered."""
        offered = {wamid for at, wamid in self.offered if begin <= at < end}
        got = {wamid for _, wamid in self.acknowledged if wamid in offered}
        return len(got) / len(offered) if offered else 1.0

    def recovered(self, after: float, run: int) -> float | None:
        """Seconds from `after` until the offer behind the last refused one, once `run` later ones are acknowledged.

        None until then; 0.0 when none was refused. Offers still under way say nothing yet.
        """
        last = max((at for at, _ in self.refused if at >= after), default=None)
        got = {wamid for _, wamid in self.acknowledged}
        good = [at for at, wamid in self.offered if wamid in got and at > (after if last is None else last)]
        if len(good) < run:
            return None
        return 0.0 if last is None else min(good) - after

    def reasons(self, after: float) -> str:
        """Why offers after a moment were refused, in seconds from it: for a test's message."""
        return ", ".join(f"{at - after:.1f}s {why}" for at, why in sorted(self.refused) if at >= after)


async def offer(
    local: world.LocalClinic, app_secret: str, account: Account, *, rate: float, until: asyncio.Event, limit: float
) -> None:
    """Offer `rate` messages a second, open loop, until told to stop or `limit` seconds have passed.

    An unacknowledged message is not offered again: what counts is what was acknowledged. Load goes to 127.0.0.1 only.
    """
    base = f"https://127.0.0.1:{world.HTTPS}"
    began = time.monotonic()
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
    async with (
        httpx.AsyncClient(
            base_url=base,
            verify=False,  # noqa: S501 - the certificate is the operator's own, on loopback
            headers={"Host": local.host},
            timeout=10,
            limits=limits,
        ) as door,
        asyncio.TaskGroup() as group,
    ):

        async def one(number: int) -> None:
            wamid = f"wamid.load.{uuid.uuid4().hex}"
            payload = edge.text_message(
                local, f"5521{number % PATIENTS + 900000000:09d}", "oi", name="Carga", wamid=wamid
            )
            body, headers = edge.signed(payload, app_secret)
            at = time.monotonic()
            account.offered.append((at, wamid))
            try:
                answer = await door.post(
                    "/webhook/whatsapp", content=body, headers=headers, extensions={"sni_hostname": local.host}
                )
                why = "" if answer.status_code == 200 else str(answer.status_code)
            except httpx.HTTPError as error:
                why = type(error).__name__
            if why:
                account.refused.append((at, why))
            else:
                account.acknowledged.append((time.monotonic(), wamid))

        number = 0
        while not until.is_set() and time.monotonic() - began < limit:
            group.create_task(one(number))
            number += 1
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
