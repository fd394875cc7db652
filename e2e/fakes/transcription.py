"""An OpenAI-compatible transcription endpoint: it hears in every voice what it was told to hear.

Source: platform.openai.com, "Audio: create transcription". `/_fake/voices` sets the key that is asked for and what is
heard, and lists what arrived; operation `transcribe` can be made to fail at `/_fake/faults`.
"""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict

from fakes.control import Faults, Log, fault_routes
from fakes.graph_media import form

FORMATS = frozenset(["flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"])
MOST_BYTES = 25 * 1024 * 1024


class Voices(BaseModel):
    """What is heard from now on."""

    model_config = ConfigDict(extra="forbid")

    heard: str = "Quero marcar uma consulta."
    api_key: str | None = None


def create_transcription() -> FastAPI:
    """Build the app."""
    app = FastAPI(title="Transcription fake", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.voices = Voices()
    faults, log = Faults(), Log()
    app.state.faults = faults
    app.include_router(fault_routes(faults))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.put("/_fake/voices", status_code=204)
    async def tell(voices: Voices) -> None:
        app.state.voices = voices

    @app.get("/_fake/voices")
    async def arrived(after: int = 0) -> dict[str, Any]:
        return log.read(after=after)

    @app.post("/v1/audio/transcriptions")
    async def transcribe(request: Request) -> Response:
        voices: Voices = app.state.voices
        fault = await faults.take("transcribe")
        if fault:
            return _refused(fault.http_status or 500, fault.message or "The server had an error.")
        if voices.api_key and request.headers.get("authorization") != f"Bearer {voices.api_key}":
            return _refused(401, "Incorrect API key provided.")
        fields = form(request.headers.get("content-type", ""), await request.body())
        wrong = _wrong(fields)
        if wrong:
            return _refused(400, wrong)
        mime_type, content = fields["file"]
        log.add(model=fields["model"][1].decode(), mime_type=mime_type, bytes=len(content))
        return JSONResponse({"text": voices.heard})

    return app


def _wrong(fields: dict[str, tuple[str, bytes]]) -> str | None:
    if not fields.get("model", ("", b""))[1]:
        return "you must provide a model parameter"
    if "file" not in fields:
        return "you must provide a file parameter"
    subtype = fields["file"][0].partition("/")[2]
    if subtype not in FORMATS:
        return f"Invalid file format. Supported formats: {sorted(FORMATS)}"
    return "Maximum content size limit exceeded" if len(fields["file"][1]) > MOST_BYTES else None


def _refused(status: int, message: str) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, status)
