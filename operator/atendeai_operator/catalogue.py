"""The eight services, one row each: what the operator must know of a service, and nowhere else.

A ninth service is one row here and one folder under ``services/atendeai/``. Pure: this room imports nothing of the
operator, so everything may import it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Resources:
    """Requests and limits of one container, as Kubernetes quantities; an empty string sets none."""

    cpu_request: str = "20m"
    memory_request: str = "96Mi"
    cpu_limit: str = ""
    memory_limit: str = "256Mi"


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its place in the cluster, on the edge and in the network.

    ``prefixes`` are the path prefixes the edge sends here; ``public`` are the paths below them that need no token
    (the service checks something else instead: a password, a signature, a secret address), each with all paths under
    it. ``flood_exempt`` paths are asked by few addresses very often (Meta's webhooks), so the guard per address is
    wider there.
    """

    name: str
    port: int
    prefixes: tuple[str, ...]
    public: tuple[str, ...] = ()
    flood_exempt: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()  # the services it asks over HTTP
    outside: bool = False  # reaches the world beyond the cluster
    asks_gateway: bool = False  # reads the gateway's own health
    reports: bool = False  # tells the operator how the world outside treats the clinic
    runs_for_suspended: bool = False  # stays in the stack's pool whatever the pool's setting
    resources: Resources = field(default_factory=Resources)


CATALOGUE: Final[tuple[Service, ...]] = (
    Service(
        "auth",
        3001,
        prefixes=("/api/v1/auth",),
        # a password, an invitation, a refresh token, the token of a reset
        public=("/api/v1/auth/login", "/api/v1/auth/register", "/api/v1/auth/refresh", "/api/v1/auth/reset"),
        calls=("user",),
        # argon2id takes its memory for each hash in flight
        resources=Resources(memory_limit="384Mi"),
    ),
    Service("user", 3002, prefixes=("/api/v1/users", "/api/v1/audit"), calls=("auth",)),
    Service("clinic", 3003, prefixes=("/api/v1/clinics",)),
    Service(
        "health",
        3004,
        prefixes=("/health",),
        public=("/health",),
        calls=("auth", "user", "clinic", "conversation", "appointment", "whatsapp", "calendar"),
        asks_gateway=True,
    ),
    Service(
        "conversation",
        3005,
        prefixes=("/api/v1/conversations",),
        calls=("appointment", "whatsapp"),
        outside=True,  # a language model, where one is configured
        resources=Resources(memory_limit="384Mi"),
    ),
    Service(
        "appointment",
        3006,
        prefixes=("/api/v1/appointments",),
        public=("/api/v1/appointments/feeds",),  # calendar programs subscribe by an address that is the secret
        calls=("calendar", "whatsapp"),
    ),
    Service(
        "whatsapp",
        3007,
        prefixes=("/webhook/whatsapp", "/api/v1/whatsapp"),
        public=("/webhook/whatsapp",),
        flood_exempt=("/webhook/whatsapp",),
        calls=("conversation", "appointment"),
        outside=True,
        reports=True,
        runs_for_suspended=True,
    ),
    Service(
        "calendar",
        3008,
        prefixes=("/api/v1/calendar",),
        public=("/api/v1/calendar/push", "/api/v1/calendar/oauth/callback"),
        flood_exempt=("/api/v1/calendar/push",),
        calls=("appointment",),
        outside=True,
        reports=True,
    ),
)

BY_NAME: Final = MappingProxyType({service.name: service for service in CATALOGUE})
WEBHOOK_SERVICE: Final = BY_NAME["whatsapp"]
WEBHOOK_PATH: Final = "/webhook/whatsapp"


@dataclass(frozen=True, slots=True)
class Probe:
    """How the kubelet watches a service; all times in seconds."""

    path: str
    period: int
    timeout: int
    failures: int


# Period, timeout and failures of the seed; the start-up probe spends its 40 s in small steps so that a service that
# is up after two seconds is not waited for any longer.
LIVENESS: Final = Probe("/health/live", period=30, timeout=10, failures=3)
STARTUP: Final = Probe("/health/live", period=2, timeout=2, failures=20)
READINESS: Final = Probe("/health/ready", period=5, timeout=3, failures=2)

METRICS_PATH: Final = "/metrics"
SERVICE_UID: Final = 65532
