"""The consent page: it consents at once, as the account that the OAuth client was made for, and leads back with a code.

Source: developers.google.com/identity/protocols/oauth2/web-server; RFC 7636 for PKCE. What Google shows as an error
page (unknown client, an address that is not registered) is 400 here; everything else leads back with `error`.
"""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from fakes.google_state import GoogleState
from fakes.google_token import SCOPES


def consent_routes(state: GoogleState) -> APIRouter:
    """Build the page that a browser is sent to."""
    router = APIRouter()

    @router.get("/o/oauth2/v2/auth")
    async def page(request: Request) -> Response:
        query = dict(request.query_params)
        client = state.tokens.clients.get(query.get("client_id", ""))
        if client is None:
            return PlainTextResponse("Error 401: invalid_client", 401)
        if query.get("redirect_uri") not in client["redirect_uris"]:
            return PlainTextResponse("Error 400: redirect_uri_mismatch", 400)
        error = _trouble(query, client)
        answer = {"error": error} if error else {"code": state.tokens.new_code(query), "scope": query["scope"]}
        if "state" in query:
            answer["state"] = query["state"]
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(answer)}", 302)

    @router.post("/_fake/withdraw", status_code=204)
    async def withdraw(account: str) -> None:
        """Take back what the account consented to, as a person does in its settings."""
        state.tokens.withdraw(account)

    return router


def _trouble(query: dict[str, str], client: dict[str, Any]) -> str | None:
    if query.get("response_type") != "code":
        return "unsupported_response_type"
    asked = query.get("scope", "").split()
    if not asked or not set(asked) <= set(SCOPES):
        return "invalid_scope"
    if "code_challenge" in query and query.get("code_challenge_method", "plain") not in {"S256", "plain"}:
        return "invalid_request"
    return "access_denied" if client["denies"] else None
