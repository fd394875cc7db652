"""Secrets that are created if absent, completed if a key is missing, and otherwise never written."""

from __future__ import annotations

from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptography.fernet import Fernet

from atendeai_operator.api import names
from atendeai_operator.kube.client import Cluster
from atendeai_operator.kube.kinds import SECRET
from atendeai_operator.pipeline.errors import InvalidSpec, KubeError, Waiting

Mint = Callable[[], bytes]
Complete = Callable[[Mapping[str, bytes]], Mapping[str, bytes]]
"""Takes what is there, and returns what must be written beside the keys that are minted one by one."""
HS256_BYTES = 32


class Ensure(Protocol):
    """`ensure` for one owner: by the part of the name, the keys, the type."""

    async def __call__(self, part: str, keys: dict[str, Mint], kind: str = "Opaque") -> dict[str, bytes]:
        """Return the data of a minted Secret."""


def decoded(secret: Mapping[str, Any] | None) -> dict[str, bytes] | None:
    """Return a Secret's data decoded, None when there is no Secret."""
    if secret is None:
        return None
    return {key: b64decode(value or "") for key, value in (secret.get("data") or {}).items()}


def encoded(data: Mapping[str, bytes]) -> dict[str, str]:
    """Return data as a Secret carries it."""
    return {key: b64encode(value).decode() for key, value in data.items()}


def ours(secret: Mapping[str, Any]) -> bool:
    """Tell whether a Secret was made by this operator."""
    return (secret["metadata"].get("labels") or {}).get(names.LABEL_MANAGED_BY) == names.FIELD_MANAGER


def refuse_foreign(secret: Mapping[str, Any]) -> None:
    """Raise InvalidSpec when a Secret of a minted name was made by somebody else."""
    if not ours(secret):
        name = secret["metadata"]["name"]
        raise InvalidSpec(
            "metadata.name",
            f"Secret {name} exists and was not made by this operator: rename it, or give this resource another name",
            code="NameTaken",
        )


def unusable(secret: str, key: str, why: str, remedy: str) -> InvalidSpec:
    """Return the error for a minted value that somebody has made unusable."""
    return InvalidSpec("metadata.name", f"Secret {secret}, key {key}: {why}; {remedy}", code="MintedSecretUnusable")


@dataclass(frozen=True)
class Checked:
    """A minted Secret, read with the doubt that somebody may have edited it. Each method raises InvalidSpec."""

    name: str
    data: Mapping[str, bytes] = field(repr=False)

    def text(self, key: str) -> str:
        """Return a value that goes into addresses and statements: visible ASCII, nothing else."""
        value = self.data.get(key, b"")
        text = value.decode("ascii", "replace")
        if not text or not value.isascii() or not text.isprintable() or " " in text:
            raise self._unusable(key, "is no text of visible ASCII characters without blanks")
        return text

    def fernet_key(self, key: str) -> bytes:
        """Return a Fernet key, in its text form."""
        text = self.text(key)
        try:
            Fernet(text)
        except ValueError as error:
            raise self._unusable(key, "is no Fernet key (32 bytes in URL-safe base64)") from error
        return text.encode()

    def signing_key(self, key: str) -> str:
        """Return base64url text of at least 32 bytes, what RFC 7518 section 3.2 asks of a key for HS256."""
        text = self.text(key)
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            raw = b""
        if len(raw) < HS256_BYTES:
            raise self._unusable(key, f"is not {HS256_BYTES} bytes or more in base64url")
        return text

    def _unusable(self, key: str, why: str) -> InvalidSpec:
        return unusable(self.name, key, why, "write the old value back, or remove the key: a new one is then minted")


async def ensure(
    cluster: Cluster,
    *,
    namespace: str,
    name: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    keys: Mapping[str, Mint],
    kind: str = "Opaque",
    complete: Complete = lambda _: {},
) -> dict[str, bytes]:
    """Return the data of a minted Secret; what is missing of it is minted, what is there is never overwritten.

    `complete` is for values that are minted together: it alone may overwrite what is left of them.
    """
    live = await cluster.get(SECRET, namespace, name)
    if live is None:
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": dict(labels),
                "annotations": dict(annotations),
            },
            "type": kind,
            "data": encoded({**{key: mint() for key, mint in keys.items()}, **complete({})}),
        }
        try:
            live = await cluster.create(body)
        except KubeError as error:
            if not error.conflict:
                raise
            live = await cluster.get(SECRET, namespace, name)
    if live is None or live["metadata"].get("deletionTimestamp"):
        raise Waiting(f"Secret {name} is being deleted", retry_in=1, code="Terminating")
    refuse_foreign(live)
    data = decoded(live) or {}
    missing = {**{key: mint() for key, mint in keys.items() if not data.get(key)}, **complete(data)}
    if missing:
        body = {
            "metadata": {"resourceVersion": live["metadata"]["resourceVersion"]},
            "data": encoded(missing),
        }
        data = decoded(await cluster.patch(SECRET, namespace, name, body)) or {}
    return data
