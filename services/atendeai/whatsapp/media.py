"""Files: fetched once for each message, checked, kept in the clinic's own partition; and given to Meta to be sent.

Source: developers.facebook.com, "WhatsApp Cloud API: media": the id leads to an address that is good for five minutes
and wants the token. Ids of webhooks expire after seven days, those of uploads after thirty.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import structlog
from prometheus_client import Counter

from atendeai.kit import clock
from atendeai.kit.metrics import begun
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue
from atendeai.whatsapp import media_repository as repository
from atendeai.whatsapp.failures import Course, Failure
from atendeai.whatsapp.graph import TOO_LARGE, GraphClient
from atendeai.whatsapp.inbox import INBOUND_QUEUE
from atendeai.whatsapp.media_repository import Media
from atendeai.whatsapp.media_types import EXTENSIONS, MOST_BYTES, fits, recognise
from atendeai.whatsapp.transcription import Transcriber

MOST_ATTEMPTS = 12
"""With the pauses below, a file is given up after about forty minutes."""
_LONGEST_PAUSE = 300
_HELD_BY_META = timedelta(days=29)
_HEX_SHA256 = 64
_METAS_HOSTS = (".fbsbx.com", ".fbcdn.net", ".whatsapp.net")
_LATER = frozenset({Course.RETRY, Course.SLOW_DOWN, Course.SLOW_DOWN_PAIR, Course.CHANNEL_BROKEN})
ELSEWHERE = Failure(0, "The file's address is not one of Meta's", None, 400)
NOT_AS_SAID = Failure(0, "The file is not what it was said to be", None, 503)
WRONG_TYPE = Failure(0, "The file is of a type that is not taken", None, 415)

FILES = begun(
    Counter("atendeai_whatsapp_files_total", "Files of messages by what became of them.", ("outcome",)),
    "stored",
    "retried",
    "refused",
)

log = structlog.get_logger(__name__)


def is_metas(url: str, base_url: str) -> bool:
    """Whether the clinic's token may be shown to the host of an address: the Graph API's own, or one of Meta's."""
    try:
        asked, base = httpx.URL(url), httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError):
        return False
    if (asked.scheme, asked.host, asked.port) == (base.scheme, base.host, base.port):
        return bool(asked.host)
    return asked.scheme == "https" and asked.host.endswith(_METAS_HOSTS)


class Files:
    """Files of the clinics this process serves."""

    def __init__(self, kit: Kit, graph: GraphClient, transcriber: Transcriber) -> None:
        self._kit = kit
        self._graph = graph
        self._transcriber = transcriber

    # ------------------------------------------------------------ from Meta
    async def fetch(self, tenant: Tenant, key: str) -> datetime | None:
        """Fetch one file, write down what a voice says, and let its message go on; when to look again."""
        async with self._kit.database.transaction(tenant) as connection:
            media = await repository.get(connection, tenant.id, UUID(key))
        if media is None or media.ready_at is not None or media.inbound_id is None:
            return None
        if media.state == "waiting":
            fetched = await self._fetched(tenant, media)
            if isinstance(fetched, Failure):
                return await self._failed(tenant, media, fetched)
            mime_type, body = fetched
            async with self._kit.database.transaction(tenant) as connection:
                sha256 = hashlib.sha256(body).hexdigest()
                await repository.stored(connection, tenant.id, media.id, mime_type, body, sha256)
            FILES.labels("stored").inc()
        transcript = await self._transcript(tenant, media)
        async with self._kit.database.transaction(tenant) as connection:
            await repository.ready(connection, tenant.id, media, transcript, clock.now())
            await enqueue(connection, tenant.id, INBOUND_QUEUE, str(media.contact_id))
        return None

    async def _fetched(self, tenant: Tenant, media: Media) -> tuple[str, bytes] | Failure:
        whatsapp = tenant.config.settings.whatsapp
        described = await self._graph.ask(
            tenant.config, "GET", media.meta_id or "", params={"phone_number_id": whatsapp.phone_number_id}
        )
        if described.failure is not None:
            return described.failure
        url, size, sha256 = (described.body.get(name) for name in ("url", "file_size", "sha256"))
        if not isinstance(url, str) or not is_metas(url, whatsapp.base_url):
            return ELSEWHERE
        if isinstance(size, int) and size > MOST_BYTES:
            return TOO_LARGE
        body = await self._graph.download(tenant.config, url, MOST_BYTES)
        if isinstance(body, Failure):
            return body
        told = isinstance(sha256, str) and len(sha256) == _HEX_SHA256
        if told and hashlib.sha256(body).hexdigest() != str(sha256).lower():
            return NOT_AS_SAID
        mime_type = recognise(body, media.declared_type)
        return (mime_type, body) if mime_type is not None and fits(media.kind, mime_type) else WRONG_TYPE

    async def _failed(self, tenant: Tenant, media: Media, failure: Failure) -> datetime | None:
        later = failure.course in _LATER and media.attempts + 1 < MOST_ATTEMPTS
        now = clock.now()
        log.warning("file_not_fetched", media_id=str(media.id), code=failure.code, again=later)
        FILES.labels("retried" if later else "refused").inc()
        async with self._kit.database.transaction(tenant) as connection:
            if later:
                await repository.tried(connection, tenant.id, media.id, failure.title)
                return now + timedelta(seconds=min(_LONGEST_PAUSE, 2**media.attempts))
            await repository.refused(connection, tenant.id, media.id, failure.title, now)
            await enqueue(connection, tenant.id, INBOUND_QUEUE, str(media.contact_id))
        return None

    async def _transcript(self, tenant: Tenant, media: Media) -> str | None:
        if media.kind != "audio" or tenant.config.settings.ai.transcription is None:
            return None
        async with self._kit.database.transaction(tenant) as connection:
            kept = await repository.get(connection, tenant.id, media.id)
            voice = await repository.content(connection, tenant.id, media.id)
        if kept is None or kept.state != "stored" or kept.mime_type is None:
            return None
        return await self._transcriber.words(tenant.config, voice, kept.mime_type)

    # ------------------------------------------------------------ to Meta
    async def upload(self, tenant: Tenant, media_id: UUID) -> str | Failure:
        """Give a file to Meta and return its id there; an upload that Meta still holds is not given again."""
        async with self._kit.database.transaction(tenant) as connection:
            media = await repository.get(connection, tenant.id, media_id)
            if media is None or media.state != "stored" or media.mime_type is None:
                return Failure(0, "The file is not there any more", None, 410)
            lately = media.kind == "upload" and clock.now() - media.created_at < _HELD_BY_META
            if media.meta_id is not None and lately:
                return media.meta_id
            body = await repository.content(connection, tenant.id, media_id)
        name = media.filename or f"arquivo.{EXTENSIONS.get(media.mime_type, 'bin')}"
        answer = await self._graph.ask(
            tenant.config,
            "POST",
            f"{tenant.config.settings.whatsapp.phone_number_id}/media",
            data={"messaging_product": "whatsapp", "type": media.mime_type},
            files={"file": (name, body, media.mime_type)},
        )
        meta_id = answer.body.get("id")
        if answer.failure is not None:
            return answer.failure
        if not isinstance(meta_id, str) or not meta_id:
            return Failure(0, "The Graph API took the file without an id", None, 502)
        async with self._kit.database.transaction(tenant) as connection:
            await repository.at_meta(connection, tenant.id, media_id, meta_id)
        return meta_id
