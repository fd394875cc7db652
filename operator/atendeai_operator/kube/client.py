"""The one client of the API server: plain dictionaries in and out, every failure a `KubeError`.

The generated client of the `kubernetes` package carries the connection, its certificates and tokens; its models are
left aside, because the operator deals in whole objects and in server-side apply.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio import client as kube
from kubernetes.aio import config as kube_config
from prometheus_client import Counter

from atendeai_operator.api.names import FIELD_MANAGER
from atendeai_operator.kube.kinds import Kind, of_object
from atendeai_operator.pipeline.errors import KubeError

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"

REQUEST_TIMEOUT = 30.0
"""Seconds one request may take."""
PAGE = 500
"""Objects asked for at once in a list."""
_OK = 300

REQUESTS = Counter("atendeai_operator_api_requests", "Requests to the API server, but for the watches", ["method"])

Object = dict[str, Any]


class Transport(Protocol):
    """Carries one request to the API server; tests wrap it to count, delay and fail calls."""

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str], body: Any, content_type: str
    ) -> tuple[int, bytes]:
        """Return status and body of the answer; KubeError when there is none."""

    async def close(self) -> None:
        """End all connections."""


class HttpTransport:
    """Requests over the `kubernetes` package's connection pool."""

    def __init__(self, api: kube.ApiClient) -> None:
        self._api = api

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str], body: Any, content_type: str
    ) -> tuple[int, bytes]:
        """Send one request, with a deadline."""
        REQUESTS.labels(method).inc()
        target = f"{path}?{urlencode(query)}" if query else path
        headers = {"Accept": "application/json", "Content-Type": content_type}
        try:
            request = await self._api.param_serialize(
                method, target, header_params=headers, body=body, auth_settings=["BearerToken"]
            )
            answer = await self._api.call_api(*request, _request_timeout=REQUEST_TIMEOUT)
            return answer.status, await answer.read()
        except kube.ApiException as error:
            raise KubeError(f"{method} {path}: {error.reason}", status=error.status or 0) from error
        except (aiohttp.ClientError, ssl.SSLError, OSError, TimeoutError) as error:
            raise KubeError(f"{method} {path}: {error or type(error).__name__}") from error

    async def close(self) -> None:
        """End all connections."""
        await self._api.close()


def _proxy(host: str) -> str | None:
    """Return the proxy that the environment names for the API server (HTTPS_PROXY, NO_PROXY), if any."""
    address = urlsplit(host)
    return None if proxy_bypass(address.netloc) else getproxies().get(address.scheme)


async def connect(kubeconfig: Path | None = None) -> Cluster:
    """Return a client by kubeconfig when one is named, else by the pod's service account."""
    configuration = kube.Configuration()
    if kubeconfig:
        await kube_config.load_kube_config(config_file=str(kubeconfig), client_configuration=configuration)
    else:
        kube_config.load_incluster_config(client_configuration=configuration)
    configuration.connection_pool_maxsize = 64
    # The environment is asked once: aiohttp would ask it, and look for a netrc, in a thread before every request.
    configuration.client_session_kwargs = {"trust_env": False}
    configuration.proxy = configuration.proxy or _proxy(configuration.host)
    return Cluster(HttpTransport(kube.ApiClient(configuration)))


class Cluster:
    """What the operator asks of the API server."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def close(self) -> None:
        """End all connections."""
        await self._transport.close()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Object:
        status, raw = await self._transport.request(
            method, path, query=query or {}, body=body, content_type=content_type
        )
        try:
            answer = json.loads(raw) if raw else {}
        except ValueError:
            answer = {}
        if status >= _OK:
            detail = answer.get("message") or raw.decode(errors="replace")[:300]
            raise KubeError(f"{method} {path}: {detail}", status=status, reason=str(answer.get("reason", "")))
        return dict(answer)

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Object | None:
        """Return one object, None when it (or its kind) does not exist."""
        try:
            return await self._call("GET", kind.path(namespace, name))
        except KubeError as error:
            if error.gone:
                return None
            raise

    async def list(
        self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | str | None = None
    ) -> list[Object]:
        """Return all objects of a kind, in one namespace or in all; empty when the kind is not served.

        `labels` are values that must be there, or a selector as Kubernetes writes it.
        """
        query = {"limit": str(PAGE)}
        if labels:
            plain = labels if isinstance(labels, str) else ",".join(f"{k}={v}" for k, v in sorted(labels.items()))
            query["labelSelector"] = plain
        found: list[Object] = []
        while True:
            try:
                page = await self._call("GET", kind.path(namespace), query=query)
            except KubeError as error:
                if error.gone and not found:
                    return []
                raise
            head = {"apiVersion": kind.api_version, "kind": kind.kind}
            found += [{**head, **item} for item in page.get("items") or []]
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return found
            query["continue"] = following

    async def create(self, obj: Object) -> Object:
        """Create an object; a `KubeError` that is a conflict when it exists."""
        kind = of_object(obj)
        return await self._call(
            "POST",
            kind.path(obj["metadata"].get("namespace")),
            query={"fieldManager": FIELD_MANAGER},
            body=obj,
        )

    async def apply(self, obj: Object) -> Object:
        """Apply an object server-side, taking over fields that others hold; return what is there now."""
        kind, meta = of_object(obj), obj["metadata"]
        return await self._call(
            "PATCH",
            kind.path(meta.get("namespace"), meta["name"]),
            query={"fieldManager": FIELD_MANAGER, "force": "true"},
            body=obj,
            content_type=APPLY,
        )

    async def patch(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        body: Any,
        *,
        subresource: str = "",
        content_type: str = MERGE,
    ) -> Object:
        """Patch an object or its subresource."""
        return await self._call(
            "PATCH",
            kind.path(namespace, name, subresource),
            query={"fieldManager": FIELD_MANAGER},
            body=body,
            content_type=content_type,
        )

    async def replace(self, obj: Object) -> Object:
        """Replace an object of a known resourceVersion; a `KubeError` that is a conflict when it has changed."""
        kind, meta = of_object(obj), obj["metadata"]
        return await self._call(
            "PUT",
            kind.path(meta.get("namespace"), meta["name"]),
            query={"fieldManager": FIELD_MANAGER},
            body=obj,
        )

    async def delete(self, kind: Kind, namespace: str | None, name: str, *, uid: str | None = None) -> bool:
        """Delete an object, of that uid alone when one is given; return False when it was not there."""
        body: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            await self._call("DELETE", kind.path(namespace, name), body=body)
        except KubeError as error:
            if error.gone or (uid and error.conflict):
                return False
            raise
        return True
