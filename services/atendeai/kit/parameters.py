"""Query parameters that a route does not declare are refused, as unknown fields of a body are.

`?statuss=booked` would otherwise be the whole list, and look like an answer to what was asked. Routes that somebody
outside calls, who adds parameters of their own, are marked (`any_query`), health and metrics too; what is in no
document is left alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from atendeai.kit.errors import Problem, invalid_fields
from atendeai.kit.identity import Principal, authenticate
from atendeai.kit.methods import misplaced
from atendeai.kit.tenancy import current_tenant

__all__ = ["any_query", "is_strict", "refuse_unknown", "unproven", "wants_person"]

_MARK = "__atendeai_any_query__"
_SHOWN = 100
"""Characters of a parameter's name that are repeated."""

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


def any_query(endpoint: _Endpoint) -> _Endpoint:
    """Mark an endpoint whose callers are not ours and may send more than it reads."""
    setattr(endpoint, _MARK, True)
    return endpoint


@dataclass(frozen=True, slots=True)
class Known:
    """What a route reads of a query, and whether it tells anything to people alone who have proven who they are."""

    names: tuple[str, ...]
    proven: bool


def is_strict(route: Any) -> bool:
    """Whether a route refuses what it does not read of a query."""
    return bool(getattr(route, "include_in_schema", False)) and not getattr(route.endpoint, _MARK, False)


async def refuse_unknown(request: Request) -> None:
    """Raise a 422 problem that names what the request's route does not read.

    A 401 comes before it for whoever is nobody, and a 405 for a method that the address does not take.
    """
    if not request.scope["query_string"]:
        return
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or not is_strict(route):
        return
    known = _known(request, route)
    unknown = [name for name in request.query_params if name not in known.names]
    if not unknown:
        return
    nobody = await unproven(request)
    if nobody is not None:
        raise nobody
    elsewhere = misplaced(request.app, request.method, request.url.path)
    if elsewhere is not None:
        raise elsewhere
    reason = f"is no parameter of this request; it takes {', '.join(known.names) or 'none'}"
    raise invalid_fields(
        [{"field": name[:_SHOWN] or '""', "reason": reason, "code": "extra_forbidden"} for name in unknown]
    )


async def unproven(request: Request) -> Problem | None:
    """Return the 401 of a caller who has not proven who they are, where the request's route wants that.

    What FastAPI refuses before the route's dependencies (a body that is no JSON) is told to nobody else either.
    """
    route, internal = request.scope.get("route"), request.scope["path"].startswith("/internal/")
    if not internal and not (isinstance(route, APIRoute) and _known(request, route).proven):
        return None
    try:
        await authenticate(request, await current_tenant(request), "service" if internal else "person")
    except Problem as problem:
        return problem
    return None


def _known(request: Request, route: APIRoute) -> Known:
    """Look at a route when it is asked for: to look at all takes as long as a whole app's start."""
    memory: dict[object, Known] = request.app.state.parameters
    known = memory.get(route.endpoint)
    if known is None:
        known = Known(tuple(dict.fromkeys(_names(route.dependant))), wants_person(route.dependant))
        memory[route.endpoint] = known
    return known


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for one in dependant.dependencies:
        yield from _names(one)


def wants_person(dependant: Dependant | None) -> bool:
    """Whether a route depends on somebody being proven: on anything that answers with who it is."""
    if dependant is None:
        return False
    return any(_proves(one.call) or wants_person(one) for one in dependant.dependencies)


def _proves(call: Any) -> bool:
    if call is None or inspect.isclass(call):
        return False
    try:
        return get_type_hints(call).get("return") is Principal
    except (NameError, TypeError):  # hints that only its own module could resolve: none of identity's
        return False
