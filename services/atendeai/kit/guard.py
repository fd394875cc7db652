"""What happens to a routed request before its endpoint.

Internal calls prove themselves, public ones are counted, and a query that the route does not read is refused.
"""

from __future__ import annotations

from fastapi import Request

from atendeai.kit.identity import Principal, authenticate, optional_person
from atendeai.kit.limits import Limiter, client_address, limit_of, network_of
from atendeai.kit.parameters import refuse_unknown
from atendeai.kit.tenancy import Tenant, current_tenant


async def guard(request: Request) -> None:
    """Refuse what may not go on. Everything under /internal needs a service token, everything under /api a clinic.

    A request that a fast route has guarded and then left to the router is not counted again.
    """
    state: dict[str, bool] = request.scope.setdefault("state", {})
    if state.get("guarded"):
        return
    state["guarded"] = True
    await _admit(request)
    await refuse_unknown(request)


async def ample(request: Request, tenant: Tenant) -> Principal | None:
    """Return the person asking where `guard` will let them pass, as far as can be told without asking; else None."""
    person = await optional_person(request, tenant)
    limiter: Limiter = request.app.state.kit.limiter
    return person if person is not None and limiter.ample(tenant, "api", _subject(person)) else None


def _subject(person: Principal) -> str:
    return f"subject:{person.subject}"


async def _admit(request: Request) -> None:
    path = request.scope["path"]
    if path.startswith("/internal/"):
        await authenticate(request, await current_tenant(request), "service")
        return
    limit = limit_of(request)
    if limit == "none":
        return
    tenant = await current_tenant(request)
    limiter: Limiter = request.app.state.kit.limiter
    if limit == "auth":
        who = f"address:{network_of(client_address(request))}"
    else:
        person = await optional_person(request, tenant)
        who = _subject(person) if person is not None else f"address:{network_of(client_address(request))}"
    add_headers(request, await limiter.hit(tenant, limit, who))


async def limit_account(request: Request, tenant: Tenant, account: str) -> None:
    """Count a sign-in attempt against the account it names (folded to lower case), beside the address.

    Raises a 429 problem, or `Unavailable` while Redis is away.
    """
    limiter: Limiter = request.app.state.kit.limiter
    add_headers(request, await limiter.hit(tenant, "auth", f"account:{account.strip().lower()}"))


def add_headers(request: Request, headers: dict[str, str]) -> None:
    """Have headers sent with the answer, whatever the answer will be."""
    request.scope.setdefault("atendeai", {}).setdefault("headers", {}).update(headers)
