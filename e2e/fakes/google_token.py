"""The token endpoint: JWT bearer grant of service accounts (RFC 7523), refresh tokens, bearer tokens and their end."""

import json
import secrets
import time
from collections import OrderedDict
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fakes.google_errors import GoogleError, TokenError

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = (
    "https://www.googleapis.com/auth/calendar",
    "https://www.googleapis.com/auth/calendar.events",
    "https://www.googleapis.com/auth/calendar.freebusy",
    "https://www.googleapis.com/auth/calendar.readonly",
)
LIFETIME = 3599
MOST_TOKENS = 10_000


class Tokens:
    """Who may have a token, and which tokens are out."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        """Public keys (PEM) by service account."""
        self.refresh: dict[str, dict[str, str]] = {}
        """Account and client by refresh token."""
        self.grants = 0
        self._issued: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def new_service_account(self, email: str, token_uri: str) -> dict[str, str]:
        """Make a key pair, keep its public half, and return the credentials file of the account."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.keys[email] = public.decode()
        return {
            "type": "service_account",
            "project_id": "fake",
            "private_key_id": secrets.token_hex(20),
            "private_key": private.decode(),
            "client_email": email,
            "client_id": str(secrets.randbelow(10**21)),
            "token_uri": token_uri,
        }

    def grant(self, form: dict[str, str], endpoints: set[str]) -> dict[str, Any]:
        """Answer a token request.

        `endpoints` are the addresses this endpoint is known by, one of which must be the audience. Raises TokenError.
        """
        kind = form.get("grant_type")
        if kind == JWT_GRANT:
            account = self._by_assertion(form.get("assertion", ""), endpoints)
        elif kind == "refresh_token":
            account = self._by_refresh(form)
        else:
            raise TokenError("unsupported_grant_type", f"Invalid grant_type: {kind or ''}")
        token = "ya29." + secrets.token_urlsafe(48)
        self.grants += 1
        self._issued[token] = (account, time.time() + LIFETIME)
        while len(self._issued) > MOST_TOKENS:
            self._issued.popitem(last=False)
        return {"access_token": token, "expires_in": LIFETIME, "token_type": "Bearer", "scope": SCOPES[0]}

    def revoke_all(self) -> None:
        """Make every token that is out invalid, as an administrator can."""
        self._issued.clear()

    def account(self, authorization: str) -> str:
        """Return whose bearer token it is. Raises GoogleError(authError)."""
        scheme, _, token = authorization.partition(" ")
        found = self._issued.get(token.strip()) if scheme.lower() == "bearer" else None
        if found is None or found[1] < time.time():
            raise GoogleError("authError")
        return found[0]

    def _by_refresh(self, form: dict[str, str]) -> str:
        known = self.refresh.get(form.get("refresh_token", ""))
        if known is None:
            raise TokenError("invalid_grant", "Token has been expired or revoked.")
        if (form.get("client_id"), form.get("client_secret")) != (known["client_id"], known["client_secret"]):
            raise TokenError("invalid_client", "Unauthorized", 401)
        return known["account"]

    def _by_assertion(self, assertion: str, endpoints: set[str]) -> str:
        try:
            claimed = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.PyJWTError as error:
            raise TokenError("invalid_grant", "Bad Request") from error
        issuer = str(claimed.get("iss", ""))
        key = self.keys.get(issuer)
        if key is None:
            raise TokenError("invalid_grant", "Invalid grant: account not found")
        try:
            claims = jwt.decode(
                assertion,
                key,
                algorithms=["RS256"],
                audience=sorted(endpoints),
                leeway=10,
                options={"require": ["iss", "aud", "exp", "iat"]},
            )
        except jwt.InvalidAudienceError as error:
            raise TokenError("invalid_grant", "Invalid JWT: Failed audience check.") from error
        except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError, jwt.MissingRequiredClaimError) as error:
            message = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
            raise TokenError("invalid_grant", message) from error
        except jwt.PyJWTError as error:
            raise TokenError("invalid_grant", "Invalid JWT Signature.") from error
        if claims["exp"] - claims["iat"] > 3600:
            raise TokenError("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes).")
        asked = str(claims.get("scope", "")).split()
        if not asked or not set(asked) <= set(SCOPES):
            raise TokenError("invalid_scope", json.dumps(asked) + " is not a valid scope.")
        return issuer
