"""The owner of a local clinic at work, at the front door like everybody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from local import edge, kubectl, world

PASSWORD = "uma senha bem comprida"


def sign_in(local: world.LocalClinic) -> dict[str, Any]:
    """Sign the owner in, by the invitation the first time and by password afterwards, and return the tokens."""
    invitation = kubectl.secret(f"{local.name}-owner-invitation", world.NAMESPACE)
    assert invitation is not None
    body = {"invitation": invitation["token"], "name": "Dona da Clínica", "password": PASSWORD}
    with edge.client(local.host) as door:
        answer = door.post("/api/v1/auth/register", json=body)
        if answer.status_code == 409:
            answer = door.post("/api/v1/auth/login", json={"email": invitation["email"], "password": PASSWORD})
        assert answer.status_code in {200, 201}, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


@contextmanager
def desk(local: world.LocalClinic) -> Iterator[httpx.Client]:
    """A client of the clinic's API that is signed in as the owner, for as long as an access token is good."""
    bearer = f"Bearer {sign_in(local)['access_token']}"
    with edge.client(local.host, headers={"Authorization": bearer}) as door:
        yield door


def asked(door: httpx.Client, path: str, **query: Any) -> dict[str, Any]:
    """What the API answers to a GET; asserts that it is 200."""
    answer = door.get(path, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def conversation_of(door: httpx.Client, name: str) -> dict[str, Any]:
    """The conversation with the patient of that name, as staff find it in their list."""
    listed = asked(door, "/api/v1/conversations")["items"]
    found: list[dict[str, Any]] = [item for item in listed if item["contact_name"] == name]
    assert found, f"no conversation with {name} among the last {len(listed)}"
    return found[0]
