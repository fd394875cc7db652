"""OpenAI as a clinic's model and transcription find it: one server, one base URL, at which faults are asked for.

What each endpoint does is in `model` and in `transcription`.
"""

from fastapi import FastAPI

from fakes.model import model_routes
from fakes.transcription import create_transcription


def create_openai() -> FastAPI:
    """Build the app."""
    app = create_transcription()
    app.include_router(model_routes(app.state.faults))
    return app
