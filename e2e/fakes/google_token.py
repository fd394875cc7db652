"""The token endpoint: the grants, bearer tokens and their end.

Assertions of service accounts (RFC 7523), authorization codes with PKCE (RFC 7636), refresh tokens, revocation
(RFC 7009).
"""

import base64
import hashlib
import json
import secrets
import time
from collections import OrderedDict
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fakes.google_errors import GoogleError, TokenError
from fakes.google_shapes import opens

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = (
    "https://www.googleapis.com/auth/calendar",
    "https://www.googleapis.com/auth/calendar.events",
    "https://www.googleapis.com/auth/calendar.freebusy",
    "https://www.googleapis.com/auth/calendar.readonly",
)
LIFETIME = 3599
CODE_LIFETIME = 600
MOST_TOKENS = 10_000


class Tokens:
    """Who may have a token, and which tokens are out."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        """Public keys (PEM) by service account."""
        self.refresh: dict[str, dict[str, str]] = {}
        """Account, client and scope by refresh token."""
        self.clients: dict[str, dict[str, Any]] = {}
        """Client secret, account, redirect addresses, and what the account says at the consent page, by client id."""
        self._codes: dict[str, tuple[dict[str, str], float]] = {}
        self.grants = 0
        self._issued: OrderedDict[str, tuple[str, float, str]] = OrderedDict()

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
        kind, more = form.get("grant_type"), {"scope": SCOPES[0]}
        if kind == JWT_GRANT:
            account, more["scope"] = self._by_assertion(form.get("assertion", ""), endpoints)
        elif kind == "refresh_token":
            account = self._by_refresh(form)
            more["scope"] = self.refresh[form["refresh_token"]].get("scope", SCOPES[0])
        elif kind == "authorization_code":
            account, more = self._by_code(form)
        else:
            raise TokenError("unsupported_grant_type", f"Invalid grant_type: {kind or ''}")
        token = "ya29." + secrets.token_urlsafe(48)
        self.grants += 1
        self._issued[token] = (account, time.time() + LIFETIME, more["scope"])
        while len(self._issued) > MOST_TOKENS:
            self._issued.popitem(last=False)
        return {"access_token": token, "expires_in": LIFETIME, "token_type": "Bearer", **more}

    def new_code(self, query: dict[str, str]) -> str:
        """Give out an authorization code for what a consent page was asked for."""
        code = "4/" + secrets.token_urlsafe(32)
        self._codes[code] = (query, time.time() + CODE_LIFETIME)
        return code

    def revoke(self, token: str) -> None:
        """End a refresh token, or an access token with the grant behind it (RFC 7009). Raises TokenError."""
        if token in self.refresh:
            self.withdraw(self.refresh[token]["account"])
        elif token in self._issued:
            self.withdraw(self._issued[token][0])
        else:
            raise TokenError("invalid_token", "Token expired or revoked")

    def withdraw(self, account: str) -> None:
        """Take back what a person consented to, as they can in their account's settings."""
        self.refresh = {name: one for name, one in self.refresh.items() if one["account"] != account}
        for name in [name for name, one in self._issued.items() if one[0] == account]:
            del self._issued[name]

    def revoke_all(self) -> None:
        """Make every token that is out invalid, as an administrator can."""
        self._issued.clear()

    def account(self, authorization: str, operation: str) -> str:
        """Return whose bearer token it is. Raises GoogleError: no valid token, or one that does not allow the call."""
        scheme, _, token = authorization.partition(" ")
        found = self._issued.get(token.strip()) if scheme.lower() == "bearer" else None
        if found is None or found[1] < time.time():
            raise GoogleError("authError")
        if not opens(operation, found[2]):
            raise GoogleError("insufficientPermissions")
        return found[0]

    def _by_refresh(self, form: dict[str, str]) -> str:
        known = self.refresh.get(form.get("refresh_token", ""))
        if known is None:
            raise TokenError("invalid_grant", "Token has been expired or revoked.")
        if (form.get("client_id"), form.get("client_secret")) != (known["client_id"], known["client_secret"]):
            raise TokenError("invalid_client", "Unauthorized", 401)
        return known["account"]

    def _by_code(self, form: dict[str, str]) -> tuple[str, dict[str, str]]:
        asked, until = self._codes.pop(form.get("code", ""), ({}, 0.0))
        if until < time.time():
            raise TokenError("invalid_grant", "Malformed auth code.")
        client = self.clients.get(form.get("client_id", ""))
        if client is None or client["client_secret"] != form.get("client_secret"):
            raise TokenError("invalid_client", "Unauthorized", 401)
        if form["client_id"] != asked["client_id"]:
            raise TokenError("invalid_grant", "Bad Request")
        if form.get("redirect_uri") != asked["redirect_uri"]:
            raise TokenError("redirect_uri_mismatch", "Bad Request")
        if "code_challenge" in asked:
            if "code_verifier" not in form:
                raise TokenError("invalid_grant", "Missing code verifier.")
            if _challenge(form["code_verifier"], asked.get("code_challenge_method")) != asked["code_challenge"]:
                raise TokenError("invalid_grant", "Invalid code verifier.")
        scope = client["grants"] or asked["scope"]
        more = {"scope": scope}
        if asked.get("access_type") == "offline":
            more["refresh_token"] = "1//" + secrets.token_urlsafe(48)
            self.refresh[more["refresh_token"]] = {
                "account": client["account"],
                "client_id": form["client_id"],
                "client_secret": form["client_secret"],
                "scope": scope,
            }
        return client["account"], more

    def _by_assertion(self, assertion: str, endpoints: set[str]) -> tuple[str, str]:
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
        return issuer, " ".join(asked)


def _challenge(verifier: str, method: str | None) -> str:
    if method != "S256":
        return verifier
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
