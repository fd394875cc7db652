"""One edge for the tests of all renderings: two Dedicated clinics, two Shared ones, a suspended one, webhooks alone."""

from __future__ import annotations

import base64
import time
from typing import Any

import jwt

from atendeai_operator.catalogue import CATALOGUE
from atendeai_operator.gateway import model
from tests.unit.build.samples import clinic_id, key32

__all__ = ["NAMES", "OWN_HOST", "clinic_id", "edge", "host", "secret", "tenant", "token"]

NAMES = ("sol", "mar", "lua", "rio", "sono")
OWN_HOST = "hooks.atendeai.local"


def host(name: str) -> str:
    """The host of a clinic."""
    return f"{name}.atendeai.local"


def secret(name: str) -> bytes:
    """The bytes of a clinic's key."""
    return key32(f"jwt {name}")


def tenant(name: str, **changes: Any) -> model.Tenant:
    """A clinic: `sol` and `mar` are Dedicated, `sono` is Dedicated and suspended, the others are Shared."""
    identity = str(clinic_id(name))
    text = base64.urlsafe_b64encode(secret(name)).decode().rstrip("=")
    usual: dict[str, Any] = {
        "name": name,
        "clinic_id": identity,
        "hosts": (host(name),),
        "dedicated": name in ("sol", "mar", "sono"),
        "suspended": name == "sono",
        "namespace": f"atendeai-{name}",
        "standby": f"atendeai-{name}" if name == "sono" else "",
        "keys": (model.Key(identity, f"kid-{name}", text),),
    }
    return model.Tenant(**(usual | changes))


def edge(*names: str, pool: frozenset[str] | None = None) -> model.Edge:
    """The edge of these clinics, all of them by default."""
    services = frozenset(row.name for row in CATALOGUE) if pool is None else pool
    tenants = [tenant(name) for name in names or NAMES]
    return model.edge(model.Pool("atendeai", "dev", services), tenants, own_hosts=[OWN_HOST])


def token(name: str, *, key: bytes | None = None, kid: str | None = None, **changes: Any) -> str:
    """A person's token of a clinic; `changes` replace claims, None takes one away."""
    identity, now = str(clinic_id(name)), int(time.time())
    claims: dict[str, Any] = {
        "iss": f"atendeai:{identity}",
        "aud": "atendeai",
        "sub": "somebody",
        "clinic_id": identity,
        "iat": now,
        "exp": now + 900,
    }
    claims = {claim: value for claim, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, key or secret(name), algorithm="HS256", headers={"kid": kid or f"kid-{name}"})
