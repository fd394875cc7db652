"""Voices into words, by an OpenAI-compatible endpoint, where the clinic has one and has agreed to it.

Source: platform.openai.com, "Audio: create transcription" (`POST {base}/audio/transcriptions`, multipart).
"""

from __future__ import annotations

import httpx
import orjson
import structlog
from prometheus_client import Counter

from atendeai.kit.clinic_config import ClinicConfig
from atendeai.kit.http import OutsideClient
from atendeai.kit.metrics import begun
from atendeai.whatsapp.media_types import EXTENSIONS

_SECONDS = 25.0
MOST_TEXT = 8192

TRANSCRIPTIONS = begun(
    Counter(
        "atendeai_whatsapp_transcriptions_total", "Voice messages by what became of their transcription.", ("outcome",)
    ),
    "written",
    "silent",
    "failed",
)

log = structlog.get_logger(__name__)


class Transcriber:
    """One per process."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = OutsideClient(transport=transport, timeout=httpx.Timeout(_SECONDS, connect=5.0))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def words(self, config: ClinicConfig, voice: bytes, mime_type: str) -> str | None:
        """Write a voice message down; None where there is no endpoint, no consent, no answer or no word in it.

        The patient is then asked to write: a voice never waits for an endpoint that is away.
        """
        wanted = config.settings.ai.transcription
        if wanted is None or not config.settings.ai.privacy.acknowledged:
            return None
        key = config.credentials.ai.api_key
        try:
            answer = await self._client.post(
                f"{wanted.base_url.rstrip('/')}/audio/transcriptions",
                headers={"Authorization": f"Bearer {key}"} if key else {},
                data={"model": wanted.model, "language": "pt", "response_format": "json"},
                files={"file": (f"voz.{EXTENSIONS.get(mime_type, 'ogg')}", voice, mime_type)},
            )
            said = orjson.loads(answer.content) if answer.is_success else None
        except (httpx.HTTPError, httpx.InvalidURL, orjson.JSONDecodeError) as error:
            TRANSCRIPTIONS.labels("failed").inc()
            log.warning("transcription_failed", error=type(error).__name__)
            return None
        text = said.get("text") if isinstance(said, dict) else None
        if not answer.is_success or not isinstance(text, str):
            TRANSCRIPTIONS.labels("failed").inc()
            log.warning("transcription_failed", status=answer.status_code)
            return None
        text = text.replace("\x00", "").strip()[:MOST_TEXT]
        TRANSCRIPTIONS.labels("written" if text else "silent").inc()
        return text or None
