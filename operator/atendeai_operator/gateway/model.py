"""What the edge must do, said once: sites, routes, tokens, limits. Kong and Envoy are two renderings of this.

Who may read an answer from a page of the web is said here too. HAProxy, which stands before both, is told that: it adds
to what Kong and Envoy answer by themselves, and to its own errors, what a service says in its own answers.

Pure. It knows paths and hosts but neither product. The number of sites grows with the Dedicated clinics alone: all
Shared clinics are one site, and so are all suspended ones, because routes are what makes a gateway's reload slow
(a Kong beyond 5000 routes takes some ten seconds of errors).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from atendeai_operator.catalogue import CATALOGUE, WEBHOOK_PATH, WEBHOOK_SERVICE, Service

PROXY_PORT: Final = 8000
TLS_PORT: Final = 8443
ADMIN_PORT: Final = 8001
GUI_PORT: Final = 8002
STATUS_PORT: Final = 8100

MAX_BODY_BYTES: Final = 1024 * 1024
MAX_WEBHOOK_BYTES: Final = 4 * MAX_BODY_BYTES
"""Meta gathers updates up to 3 MB (developers.facebook.com, "Webhooks": payload size)."""
MAX_HEADER_KIB: Final = 32
AUDIENCE: Final = "atendeai"
ISSUER_PREFIX: Final = "atendeai:"
# What a caller could forge and a service would believe.
FORGEABLE_HEADERS: Final = ("X-Clinic-ID",)

# CORS as the services answer it, at the paths where they do.
CORS_PATH: Final = "/api/"
CORS_METHODS: Final = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
CORS_REQUEST_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID"
CORS_EXPOSED_HEADERS: Final = (
    "X-Request-ID, X-Clinic-ID, Retry-After, RateLimit, RateLimit-Policy, Location, ETag, Idempotency-Replayed"
)
CORS_PREFLIGHT_SECONDS: Final = 600
ORIGINS_FILE: Final = "origins.map"  # HAProxy's map of who may read what


@dataclass(frozen=True, slots=True)
class Guard:
    """Requests a second that one address may send, and how many it may save up."""

    per_second: int
    burst: int


# Coarse: the exact limits are the services' own. Many staff may share one address, and so does everybody behind a
# NodePort; a webhook's few addresses speak for all of Meta's traffic.
API_GUARD: Final = Guard(per_second=200, burst=400)
WEBHOOK_GUARD: Final = Guard(per_second=2000, burst=4000)


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a service is reached inside the cluster.

    ``name`` is unique within an edge and free of dots, at which gateways cut the names of their metrics.
    """

    name: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Route:
    """One path, with everything under it, to one upstream.

    ``token`` demands a person's valid token; ``guard`` takes the place of the edge's own; ``patient`` says that who
    asks would rather wait for some seconds than hear that nobody takes the connection, and that what is sent twice is
    done once; ``max_body`` is in bytes.
    """

    path: str
    upstream: Upstream
    token: bool
    guard: Guard | None = None
    patient: bool = False
    max_body: int = MAX_BODY_BYTES


@dataclass(frozen=True, slots=True)
class Answer:
    """What the edge says by itself where no route matches; a problem document (RFC 9457)."""

    status: int
    title: str
    detail: str


UNKNOWN_HOST: Final = Answer(404, "Not Found", "No clinic answers at this host.")
UNKNOWN_PATH: Final = Answer(404, "Not Found", "There is nothing at this path.")
SUSPENDED: Final = Answer(503, "Service Unavailable", "This clinic is suspended.")


@dataclass(frozen=True, slots=True)
class Key:
    """One key that signs tokens of one clinic: ``secret`` is base64url without padding, of the key's bytes."""

    clinic_id: str
    kid: str
    secret: str = field(repr=False)

    @property
    def issuer(self) -> str:
        """The ``iss`` of every token signed with it."""
        return ISSUER_PREFIX + self.clinic_id


@dataclass(frozen=True, slots=True)
class Site:
    """A set of hosts that are treated alike.

    ``keys`` verify the tokens of this site. A site with ``issuer`` belongs to one clinic and accepts no other's
    tokens; the site of the pool accepts those of all Shared clinics, and the service behind it tells them apart.
    """

    name: str
    hosts: tuple[str, ...]
    routes: tuple[Route, ...]
    otherwise: Answer
    keys: tuple[Key, ...] = ()
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """Everything one gateway does, in a fixed order: equal inputs render to equal bytes.

    ``origins`` are pairs of a host and an origin whose pages may read what is answered there; ``credentials`` says
    whether with credentials. ``standby`` are upstreams to which a route has led, or will: a gateway that is told of
    routes and of upstreams one after the other must know of an upstream before its first route and after its last.
    """

    sites: tuple[Site, ...]
    guard: Guard = API_GUARD
    origins: tuple[tuple[str, str], ...] = ()
    credentials: bool = True
    standby: tuple[Upstream, ...] = ()

    @property
    def upstreams(self) -> tuple[Upstream, ...]:
        """Every upstream that a route leads to, once, by name."""
        found = {route.upstream.name: route.upstream for site in self.sites for route in site.routes}
        return tuple(found[name] for name in sorted(found))

    @property
    def known(self) -> tuple[Upstream, ...]:
        """Every upstream that a gateway knows of, once, by name: those that a route leads to, and those that wait."""
        found = {upstream.name: upstream for upstream in (*self.standby, *self.upstreams)}
        return tuple(found[name] for name in sorted(found))

    @property
    def keys(self) -> tuple[Key, ...]:
        """Every key once, by its id."""
        found = {key.kid: key for site in self.sites for key in site.keys}
        return tuple(found[kid] for kid in sorted(found))


@dataclass(frozen=True, slots=True)
class Tenant:
    """One clinic as the edge sees it.

    ``namespace`` is where a Dedicated clinic's services run; ``origins`` are those of web pages that may call its API;
    ``standby`` is the namespace of services of its own that answered, or will, while the pool takes its messages in.
    """

    name: str
    clinic_id: str
    hosts: tuple[str, ...]
    dedicated: bool
    suspended: bool
    namespace: str = ""
    keys: tuple[Key, ...] = ()
    origins: tuple[str, ...] = ()
    standby: str = ""


@dataclass(frozen=True, slots=True)
class Pool:
    """The stack's own services: ``services`` are those that run (whatsapp always does)."""

    namespace: str
    prefix: str  # object names are <prefix>-<service>
    services: frozenset[str]


def edge(
    pool: Pool,
    tenants: Iterable[Tenant],
    *,
    own_hosts: Iterable[str] = (),
    cluster_domain: str = "cluster.local",
    credentials: bool = True,
) -> Edge:
    """Say what the edge of one stack must do.

    ``own_hosts`` are the stack's own names, on which only webhooks are answered. Hosts are taken as unique: who holds
    one is settled by the claims before this. A clinic without hosts has no site, but its webhooks are still served on
    the stack's own hosts.
    """
    everyone = sorted((tenant for tenant in tenants if tenant.hosts), key=lambda tenant: tenant.clinic_id)
    pool_upstreams = {
        service.name: Upstream(
            f"pool-{service.name}",
            f"{pool.prefix}-{service.name}.{pool.namespace}.svc.{cluster_domain}",
            service.port,
        )
        for service in CATALOGUE
        if service.name in pool.services
    }
    webhook_only = _webhook_routes(pool_upstreams)
    sites: list[Site] = []

    own = tuple(sorted(set(own_hosts)))
    if own:
        sites.append(Site("stack", own, webhook_only, UNKNOWN_PATH))

    shared = [tenant for tenant in everyone if not tenant.dedicated and not tenant.suspended]
    if shared:
        sites.append(
            Site(
                "pool",
                _hosts(shared),
                _routes(pool_upstreams),
                UNKNOWN_PATH,
                keys=tuple(key for tenant in shared for key in tenant.keys),
            )
        )

    suspended = [tenant for tenant in everyone if tenant.suspended]
    if suspended:
        sites.append(Site("suspended", _hosts(suspended), webhook_only, SUSPENDED))

    sites += [
        Site(
            f"clinic-{_mark(tenant)}",
            _hosts([tenant]),
            _routes(_own(tenant, tenant.namespace, cluster_domain)),
            UNKNOWN_PATH,
            keys=tenant.keys,
            issuer=ISSUER_PREFIX + tenant.clinic_id,
        )
        for tenant in everyone
        if tenant.dedicated and not tenant.suspended
    ]
    # The webhook's alone: nobody calls the API of a clinic that rests, and every upstream costs a gateway something.
    standby = tuple(
        _own(tenant, tenant.standby, cluster_domain)[WEBHOOK_SERVICE.name] for tenant in everyone if tenant.standby
    )
    origins = {(host, origin) for tenant in everyone for host in _hosts([tenant]) for origin in tenant.origins}
    return Edge(tuple(sites), origins=tuple(sorted(origins)), credentials=credentials, standby=standby)


def _mark(tenant: Tenant) -> str:
    return tenant.clinic_id.replace("-", "")


def _own(tenant: Tenant, namespace: str, cluster_domain: str) -> dict[str, Upstream]:
    """Return a clinic's own services, by name."""
    return {
        service.name: Upstream(
            f"{_mark(tenant)}-{service.name}", f"{service.name}.{namespace}.svc.{cluster_domain}", service.port
        )
        for service in CATALOGUE
    }


def _hosts(tenants: Iterable[Tenant]) -> tuple[str, ...]:
    return tuple(sorted({host.lower() for tenant in tenants for host in tenant.hosts}))


def _webhook_routes(upstreams: dict[str, Upstream]) -> tuple[Route, ...]:
    upstream = upstreams.get(WEBHOOK_SERVICE.name)
    return (_webhook(upstream),) if upstream else ()


def _webhook(upstream: Upstream) -> Route:
    return Route(WEBHOOK_PATH, upstream, token=False, guard=WEBHOOK_GUARD, patient=True, max_body=MAX_WEBHOOK_BYTES)


def _routes(upstreams: dict[str, Upstream]) -> tuple[Route, ...]:
    """Return the routes of all services that run, the longest path first: the first match wins in both renderings."""
    routes = [route for service in CATALOGUE if service.name in upstreams for route in _service(service, upstreams)]
    return tuple(sorted(routes, key=lambda route: (-len(route.path), route.path)))


def _service(service: Service, upstreams: dict[str, Upstream]) -> Iterable[Route]:
    upstream = upstreams[service.name]
    for path in sorted({*service.prefixes, *service.public}):
        if service is WEBHOOK_SERVICE and path == WEBHOOK_PATH:
            yield _webhook(upstream)
            continue
        guard = WEBHOOK_GUARD if path in service.flood_exempt else None
        yield Route(path, upstream, token=path not in service.public, guard=guard)
