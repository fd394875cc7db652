"""What the operator process is told by its environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from atendeai_operator.stack.facts import InfraImages

_IMAGES = {
    "postgres": "postgres",
    "postgresExporter": "postgres_exporter",
    "redis": "redis",
    "redisExporter": "redis_exporter",
    "kong": "kong",
    "envoy": "envoy",
    "haproxy": "haproxy",
    "operator": "operator",
}
_OPTIONAL_IMAGES = {
    "prometheus": "prometheus",
    "prometheusVersion": "prometheus_version",
    "alertmanager": "alertmanager",
    "alertmanagerVersion": "alertmanager_version",
}


class SettingsError(Exception):
    """The environment lacks something, or holds something that cannot be read."""


@dataclass(frozen=True)
class OperatorSettings:
    """The operator's own settings."""

    images: InfraImages
    namespace: str
    """Where the operator runs; its leases live here."""
    identity: str
    """Name of this process, for the leader's lease."""
    watch_namespaces: tuple[str, ...] = ()
    """Namespaces to look at; none means all."""
    kubeconfig: Path | None = None
    """None means the pod's service account."""
    port: int = 8080
    """Port of /healthz, /readyz and /metrics."""
    concurrency: int = 8
    """Reconciles that run at once."""
    log_level: str = "INFO"


def images(text: str) -> InfraImages:
    """Return the images of the infrastructure from their JSON; SettingsError when one is missing."""
    try:
        given = json.loads(text)
    except ValueError as error:
        raise SettingsError("ATENDEAI_IMAGES is not JSON") from error
    missing = sorted(set(_IMAGES) - set(given))
    if missing:
        raise SettingsError(f"ATENDEAI_IMAGES lacks {', '.join(missing)}")
    found = {field: str(given[key]) for key, field in _IMAGES.items()}
    found |= {field: str(given.get(key) or "") for key, field in _OPTIONAL_IMAGES.items()}
    return InfraImages(**found)


def from_environment(environ: Mapping[str, str] = os.environ) -> OperatorSettings:
    """Return the settings; SettingsError when something is missing."""
    try:
        kubeconfig = environ.get("KUBECONFIG")
        return OperatorSettings(
            images=images(environ["ATENDEAI_IMAGES"]),
            namespace=environ["ATENDEAI_NAMESPACE"],
            identity=environ.get("POD_NAME") or os.uname().nodename,
            watch_namespaces=tuple(
                name.strip() for name in environ.get("WATCH_NAMESPACES", "").split(",") if name.strip()
            ),
            kubeconfig=Path(kubeconfig) if kubeconfig else None,
            port=int(environ.get("ATENDEAI_PORT", "8080")),
            concurrency=int(environ.get("ATENDEAI_CONCURRENCY", "8")),
            log_level=environ.get("ATENDEAI_LOG_LEVEL", "INFO").upper(),
        )
    except KeyError as error:
        raise SettingsError(f"the environment lacks {error.args[0]}") from error
    except ValueError as error:
        raise SettingsError(str(error)) from error
