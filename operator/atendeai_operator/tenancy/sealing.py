"""Sealing of a clinic's credentials (pure but for the cipher's own randomness).

Two layers, both Fernet (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec): the stack's key wraps the
clinic's data key, the data key encrypts the credentials. A dump of the database therefore holds no credential, and a
clinic's services need only the stack's key mounted to read the one row that row security shows them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet, InvalidToken


@dataclass(frozen=True)
class Sealed:
    """The two sealed columns of `clinic_config`."""

    wrapped_key: bytes
    credentials: bytes


def seal(stack_key: bytes, data_key: bytes, credentials: Mapping[str, Any]) -> Sealed:
    """Seal `credentials` (JSON values) under `data_key`, and that under `stack_key`.

    Both keys are in Fernet's form (32 bytes in URL-safe base64). Raises ValueError for a key that is not.
    """
    return Sealed(
        wrapped_key=Fernet(stack_key).encrypt(data_key), credentials=Fernet(data_key).encrypt(_body(credentials))
    )


def holds(stack_key: bytes, data_key: bytes, credentials: Mapping[str, Any], sealed: Sealed) -> bool:
    """Tell whether `sealed` already says just that.

    Fernet's output differs each time, so equality shows only after decryption. What does not open (another stack key,
    a damaged row) does not hold.
    """
    try:
        if Fernet(stack_key).decrypt(sealed.wrapped_key) != data_key:
            return False
        return Fernet(data_key).decrypt(sealed.credentials) == _body(credentials)
    except InvalidToken:
        return False


def _body(credentials: Mapping[str, Any]) -> bytes:
    return json.dumps(credentials, separators=(",", ":"), sort_keys=True).encode()
