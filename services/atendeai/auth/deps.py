"""What the endpoints of auth share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from atendeai.auth.accounts import Accounts
from atendeai.auth.factors import Factors
from atendeai.auth.lockout import Lockout
from atendeai.auth.service import Auth
from atendeai.auth.sessions import Client, SessionBook
from atendeai.kit.identity import Principal, permitted
from atendeai.kit.limits import client_address
from atendeai.kit.resources import KitDep, RedisDep

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""Tokens are never cached (RFC 6749, section 5.1)."""

USER_AGENT_LENGTH = 200


def _auth(request: Request, kit: KitDep, redis: RedisDep) -> Auth:
    return Auth(
        database=kit.database,
        accounts=Accounts(kit.services),
        sessions=SessionBook(kit.database),
        factors=Factors(kit.database),
        passwords=request.app.state.passwords,
        lockout=Lockout(redis),
    )


def _client(request: Request) -> Client:
    named = "".join(char for char in request.headers.get("user-agent", "") if char.isprintable()).strip()
    return Client(client_address(request), named[:USER_AGENT_LENGTH] or None)


AuthDep = Annotated[Auth, Depends(_auth)]
ClientDep = Annotated[Client, Depends(_client)]
Anybody = Annotated[Principal, Depends(permitted("account.self"))]
SecuresOthers = Annotated[Principal, Depends(permitted("users.secure"))]
