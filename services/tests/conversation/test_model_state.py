"""What the health service is told of a clinic's external model."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conversation.world import MakeWorld, World

pytestmark = pytest.mark.integration

AI = {"provider": "OpenAI", "baseURL": "http://model/v1", "model": "small", "privacy": {"acknowledged": True}}


async def told(world: World) -> dict[str, Any]:
    response = await world.client.get("/internal/v1/model", headers=world.clinic.service_headers("health"))
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_a_model_that_does_not_answer_three_times_fails_until_it_does(make_world: MakeWorld) -> None:
    answers = {"status": 500}

    async def model(_: httpx.Request) -> httpx.Response:
        if answers["status"] != 200:
            return httpx.Response(answers["status"])
        return httpx.Response(
            200, json={"choices": [{"message": {"role": "assistant", "content": "Na Rua das Flores."}}]}
        )

    world = await make_world(
        isolation="Dedicated",
        model=httpx.MockTransport(model),
        settings={"ai": AI},
        credentials={"ai": {"api-key": "k-123"}},
    )
    assert await told(world) == {"state": "unused", "turns": 0, "fallbacks": 0, "reason": None}
    for state in ("ok", "ok", "failing"):
        await world.say(uuid4(), "qual o endereço?")
        assert (await told(world))["state"] == state
    assert await told(world) == {"state": "failing", "turns": 3, "fallbacks": 3, "reason": "refused"}
    answers["status"] = 200
    await world.say(uuid4(), "qual o endereço?")
    assert await told(world) == {"state": "ok", "turns": 4, "fallbacks": 3, "reason": "refused"}


async def test_without_a_key_it_is_unconfigured_and_without_a_model_embedded(make_world: MakeWorld) -> None:
    assert (await told(await make_world(settings={"ai": AI})))["state"] == "unconfigured"
    plain = await make_world()
    assert (await told(plain))["state"] == "embedded"
    refused = await plain.client.get("/internal/v1/model", headers=plain.clinic.service_headers("whatsapp"))
    assert refused.status_code == 403
