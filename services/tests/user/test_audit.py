"""The audit log: every change of an account with actor and reason, read by those who oversee the clinic."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import httpx
import pytest

from atendeai.kit.testing.clinics import make_clinic
from tests.auth.pair import PASSWORD, Identity, bearer

pytestmark = pytest.mark.integration
PATH = "/api/v1/audit"


async def read(desk: Identity, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
    return await desk.user.get(PATH, params=query, headers=headers or desk.clinic.headers("auditor"))


async def test_every_change_is_there_with_actor_and_reason_and_no_name_in_it(desk: Identity) -> None:
    owner = await desk.owner()
    owner_id = (await desk.get("me", owner)).json()["id"]
    bia = await desk.colleague(owner)
    path = f"/api/v1/users/{bia.id}"
    change = {"roles": ["professional"], "reason": "passou a atender"}
    assert (await desk.user.patch(path, json=change, headers=bearer(owner))).status_code == 200
    await desk.user.patch(path, json={"name": "Beatriz Reis"}, headers=bearer(owner))
    assert (await desk.user.delete(path, params={"reason": "saiu"}, headers=bearer(owner))).status_code == 204
    password = {"current_password": PASSWORD, "new_password": "outra frase bem comprida"}
    assert (await desk.auth.post("/api/v1/auth/password", json=password, headers=bearer(owner))).status_code == 204
    assert (await desk.auth.post("/api/v1/auth/logout", headers=bearer(owner))).status_code == 204
    events = (await read(desk, page_size=200)).json()["items"]
    told = {(one["action"], one["actor"], one["reason"]) for one in events}
    me, her = f"person:{owner_id}", f"person:{bia.id}"
    assert told >= {
        ("user.create-owner", "service:auth", "declared-by-clinic-resource"),
        ("auth.register", me, "invitation-taken-up"),
        ("user.invite", me, "invited"),
        ("user.accept-invitation", her, "invitation-taken-up"),
        ("user.update", me, "passou a atender"),
        ("user.update", me, "corrected"),
        ("user.update", me, "saiu"),
        ("auth.change-password", me, "asked-by-holder"),
        ("auth.logout", me, "asked-by-holder"),
    }
    assert all(one["reason"] for one in events)
    moved = next(one for one in events if (one["action"], one["reason"]) == ("user.update", "passou a atender"))
    assert moved["details"]["roles"] == {"before": ["receptionist"], "after": ["professional"]}
    named = {(one["actor"], one.pop("actor_name")) for one in events}
    assert named >= {("service:auth", None), (me, "Dona Rosa"), (her, "Beatriz Reis")}, "also of who has left"
    for secret in ("bia", "beatriz", "dona", "sol.example", "frase"):
        assert secret not in json.dumps(events).lower()
        assert secret not in str(await desk.audit()).lower()


async def test_it_is_filtered_and_paged_without_gap_or_repetition(desk: Identity) -> None:
    owner = await desk.owner()
    for _ in range(6):
        await desk.login("dona@sol.example")
    whole = (await read(desk, page_size=200)).json()["items"]
    assert [one["at"] for one in whole] == sorted((one["at"] for one in whole), reverse=True)
    seen: list[dict[str, Any]] = []
    query: dict[str, Any] = {"page_size": 3}
    while True:
        page = (await read(desk, **query)).json()
        seen += page["items"]
        if page["next_page_token"] is None:
            break
        query["page_token"] = page["next_page_token"]
    assert [one["id"] for one in seen] == [one["id"] for one in whole]
    actor = f"person:{(await desk.get('me', owner)).json()['id']}"
    signed_in = (await read(desk, actor=actor, action="auth.sign-in")).json()["items"]
    assert len(signed_in) == 7
    target = signed_in[0]["target"]
    assert [one["target"] for one in (await read(desk, target=target)).json()["items"]] == [target]
    middle = whole[len(whole) // 2]["at"]
    until = (await read(desk, until=middle, page_size=200)).json()["items"]
    since = (await read(desk, since=middle, page_size=200)).json()["items"]
    assert [one["id"] for one in since + until] == [one["id"] for one in whole]
    assert all(datetime.fromisoformat(one["at"]) < datetime.fromisoformat(middle) for one in until)


@pytest.mark.parametrize("role", ["owner", "admin", "auditor", "professional", "receptionist"])
async def test_who_may_read_it(desk: Identity, role: str) -> None:
    answer = await read(desk, desk.clinic.headers(role))
    assert answer.status_code == (200 if role in {"owner", "admin", "auditor"} else 403)


async def test_another_clinics_log_is_another_clinics(desk: Identity) -> None:
    await desk.owner()
    other = await make_clinic(desk.clinic.stack)
    assert (await read(desk, {"Authorization": f"Bearer {other.token('owner')}"})).status_code == 401


@pytest.mark.parametrize(
    ("field", "value"), [("actor", "a b"), ("since", "2026"), ("page_size", "0"), ("action", ""), ("sort", "actor")]
)
async def test_a_filter_that_is_none_is_named(desk: Identity, field: str, value: str) -> None:
    refused = await read(desk, None, **{field: value})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
