"""An OpenAI-compatible chat completions endpoint, behind which a small policy stands where a model would.

Source: platform.openai.com, "Chat: create chat completion" and "Error codes". `POST /_fake/accounts` gives out keys for
some models; `GET /_fake/chats` lists what arrived, refused or not, with what was answered. Operation `chat` of
`/_fake/faults` fails or is slow, for one model (`subject`) or for all.
"""

import json
import secrets
import time
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from fakes.control import Faults, Log, json_object
from fakes.model_policy import Said, answer
from fakes.model_shapes import ModelError, check, failure

KEPT = 1000
"""Whole requests are kept, which are long."""
_LETTERS_OF_A_TOKEN = 4


class Account(BaseModel):
    """A key, and the models that it opens."""

    model_config = ConfigDict(extra="forbid")

    api_key: str = Field(min_length=1)
    models: list[str] = Field(min_length=1)
    reasons: bool = Field(False, description="they think before they answer, and refuse what such models refuse")


def model_routes(faults: Faults) -> APIRouter:
    """Build the endpoint and what steers it; it opens to nobody until a key is given out."""
    models: dict[str, Account] = {}
    log = Log(KEPT)
    router = APIRouter()

    @router.post("/_fake/accounts", status_code=204)
    async def account(given: Account) -> None:
        models[given.api_key] = given

    @router.get("/_fake/chats")
    async def chats(model: str | None = None, after: int = 0) -> dict[str, Any]:
        return log.read(after=after, model=model)

    @router.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        body = await json_object(request)
        entry = log.add(model=(body or {}).get("model"), status=200, received=json.dumps(body, ensure_ascii=False))
        try:
            opened = _opened(models, request.headers.get("authorization", ""))
            said = await _said(body, opened, faults)
        except ModelError as error:
            entry |= {"status": error.status, "error": error.body}
            return error.response()
        message = _message(said)
        entry["said"] = message
        return JSONResponse(_completion(entry["model"], message, len(entry["received"])))

    return router


def _opened(models: dict[str, Account], authorization: str) -> Account:
    """What the caller's key opens. Raises ModelError without a key, or with one that was not given out."""
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or not key:
        text = "You didn't provide an API key. You need to provide it in an Authorization header using Bearer auth."
        raise ModelError(text, status=401)
    if key not in models:
        raise ModelError(f"Incorrect API key provided: {key[:3]}***{key[-4:]}.", code="invalid_api_key", status=401)
    return models[key]


async def _said(body: dict[str, Any] | None, opened: Account, faults: Faults) -> Said:
    """The model's word. Raises ModelError: what is asked for is not there or malformed, or a fault was asked for."""
    if body is None:
        raise ModelError("We could not parse the JSON body of your request. The API expects a JSON payload.")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise ModelError("you must provide a model parameter")
    if body["model"] not in opened.models:
        text = f"The model `{body['model']}` does not exist or you do not have access to it."
        raise ModelError(text, code="model_not_found", status=404)
    check(body, reasons=opened.reasons)
    fault = await faults.take("chat", body["model"])
    if fault is not None:
        raise failure(fault.http_status or 500, fault.message)
    offered = [] if body.get("tool_choice") == "none" else [one["function"]["name"] for one in body.get("tools", ())]
    return answer(body["messages"], offered)


def _message(said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.content, "refusal": None, "annotations": []}
    if said.tool is not None:
        function = {"name": said.tool, "arguments": json.dumps(said.arguments, ensure_ascii=False)}
        message["tool_calls"] = [{"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}]
    return message


def _completion(model: str, message: dict[str, Any], received: int) -> dict[str, Any]:
    prompt, words = received // _LETTERS_OF_A_TOKEN, len(json.dumps(message)) // _LETTERS_OF_A_TOKEN
    ended = "tool_calls" if "tool_calls" in message else "stop"
    return {
        "id": f"chatcmpl-{secrets.token_hex(14)}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": ended}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": words, "total_tokens": prompt + words},
        "service_tier": "default",
        "system_fingerprint": None,
    }
