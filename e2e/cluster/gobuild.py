"""Builds binaries from Go modules, each into its own cache directory, keyed by version and recipe.

A scratch module requires what is built: `go install module@version` refuses modules with replace directives. Most
groups require each other in one such module, and so share what they compile: nearly all of it is Kubernetes' client,
and what that stands on. What would be dragged up by this too far has a scratch module of its own.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster import paths, steps, versions

_RECIPE = "3"  # raise it when the way of building changes


@dataclass(frozen=True)
class Group:
    """Binaries of one module: ``packages`` maps a binary's name to its main package.

    ``alone``: built with the dependencies it names itself, and not with those of the one shared scratch module.
    """

    module: str
    version: str
    packages: dict[str, str]
    link: dict[str, str] = field(default_factory=dict)
    alone: bool = False
    main: str = ""
    # Blank imports of the main packages (all of this module) -> the imports they are built with instead.
    imports: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def scratch(self) -> str:
        """The name of the scratch module that it is built in."""
        return f"{paths.digest(self.module)}-{self.version}" if self.alone else "shared"

    def source(self) -> str:
        """The text of a main package of our own, named by its path under images/; empty when the module has one."""
        return (paths.HERE / "images" / self.main).read_text() if self.main else ""


_K8S = "k8s.io/kubernetes"
_MAJOR, _MINOR, _PATCH = versions.KUBERNETES.lstrip("v").split(".")
_KUBE_VERSION = {
    "gitVersion": versions.KUBERNETES,
    "gitMajor": _MAJOR,
    "gitMinor": _MINOR,
    "gitTreeState": "clean",
}
_CONTAINERD = "github.com/containerd/containerd/v2"
_CNI = "github.com/containernetworking/plugins"
_PROM = "github.com/prometheus-operator/prometheus-operator"
_PROMETHEUS = "github.com/prometheus/prometheus"

GROUPS: tuple[Group, ...] = (
    Group(
        _K8S,
        versions.KUBERNETES,
        {
            name: f"{_K8S}/cmd/{name}"
            for name in (
                "kubeadm",
                "kubelet",
                "kubectl",
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kube-proxy",
            )
        },
        {
            f"{package}.{name}": value
            for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
            for name, value in _KUBE_VERSION.items()
        },
    ),
    Group(
        "go.etcd.io/etcd/server/v3",
        versions.ETCD,
        {"etcd": "go.etcd.io/etcd/server/v3"},
    ),
    Group("sigs.k8s.io/kind", versions.KIND, {"kind": "sigs.k8s.io/kind"}),
    Group(
        _CONTAINERD,
        versions.CONTAINERD,
        {
            "containerd": f"{_CONTAINERD}/cmd/containerd",
            "containerd-shim-runc-v2": f"{_CONTAINERD}/cmd/containerd-shim-runc-v2",
            "ctr": f"{_CONTAINERD}/cmd/ctr",
        },
        {f"{_CONTAINERD}/version.Version": versions.CONTAINERD},
        alone=True,  # it speaks a later version of the container runtime interface
    ),
    Group(
        _CNI,
        versions.CNI_PLUGINS,
        {
            "ptp": f"{_CNI}/plugins/main/ptp",
            "loopback": f"{_CNI}/plugins/main/loopback",
            "host-local": f"{_CNI}/plugins/ipam/host-local",
            "portmap": f"{_CNI}/plugins/meta/portmap",
        },
        {f"{_CNI}/pkg/utils/buildversion.BuildVersion": versions.CNI_PLUGINS},
        alone=True,  # it has nothing in common with the others
    ),
    Group(
        "github.com/coredns/coredns",
        versions.COREDNS,
        {"coredns": "./coredns"},
        main="coredns/main.go",
    ),
    Group(
        "github.com/rancher/local-path-provisioner",
        versions.LOCAL_PATH_PROVISIONER,
        {"local-path-provisioner": "github.com/rancher/local-path-provisioner"},
        {"main.VERSION": versions.LOCAL_PATH_PROVISIONER},
    ),
    Group(
        _PROM,
        versions.PROMETHEUS_OPERATOR,
        {
            "prometheus-operator": f"{_PROM}/cmd/operator",
            "prometheus-config-reloader": f"{_PROM}/cmd/prometheus-config-reloader",
        },
        {"github.com/prometheus/common/version.Version": versions.PROMETHEUS_OPERATOR.lstrip("v")},
    ),
    Group(
        _PROMETHEUS,
        versions.PROMETHEUS_MODULE,
        {name: f"{_PROMETHEUS}/cmd/{name}" for name in ("prometheus", "promtool")},
        {"github.com/prometheus/common/version.Version": versions.PROMETHEUS},
        alone=True,  # the operator's module would drag it up
        # Of two dozen kinds of service discovery the Prometheus Operator writes these; the others are the client
        # libraries of as many clouds.
        imports={
            f"{_PROMETHEUS}/plugins": tuple(
                f"{_PROMETHEUS}/discovery/{kind}" for kind in ("file", "http", "kubernetes")
            )
        },
    ),
    Group(
        "helm.sh/helm/v3",
        versions.HELM,
        {"helm": "helm.sh/helm/v3/cmd/helm"},
        # Which Kubernetes `helm template` and `helm lint` take for granted where they ask no cluster: as helm's own
        # Makefile does, that of its client library. Without it v1.20, which the chart refuses.
        {
            "helm.sh/helm/v3/internal/version.version": versions.HELM,
            **{
                f"helm.sh/helm/v3/pkg/{package}.k8sVersion{name}": value
                for package in ("chartutil", "lint/rules")
                for name, value in (("Major", _MAJOR), ("Minor", _MINOR))
            },
        },
    ),
)

_BY_BINARY = {binary: group for group in GROUPS for binary in group.packages}
BINARIES = frozenset(_BY_BINARY)

# -s -w: no symbol tables, which are a third of the size and of the linking time.
_BUILD = ("nice", "-n", "10", "go", "build", "-mod=mod", "-trimpath", "-buildvcs=false")
# GOGC: the compiler collects its garbage less often, for a tenth of its time and some hundred MiB.
_ENV = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-modcacherw", "GOGC": "800"}
_REMEDY = "check that `go env GOPROXY` answers (`go mod download` uses it) and run the same command again: it resumes"


def group_of(binary: str) -> Group:
    """The group that a binary is built in."""
    return _BY_BINARY[binary]


def path(binary: str) -> Path:
    """Where a binary is, or will be, kept."""
    group = _BY_BINARY[binary]
    parts = [_RECIPE, group.module, group.packages[binary], repr(sorted(group.link.items())), group.source()]
    if group.imports:
        parts.append(repr(sorted(group.imports.items())))
    recipe = paths.digest(*parts, length=6)
    return paths.cache() / "bin" / f"{binary}-{group.version}-{recipe}" / binary


def missing(binaries: Iterable[str]) -> list[str]:
    """Those of the binaries that are not in the cache."""
    return [binary for binary in binaries if not path(binary).is_file()]


def ensure(binaries: Iterable[str]) -> None:
    """Build what is missing, group by group in the table's order. Raises StepFailedError."""
    wanted = set(missing(binaries))
    for group in GROUPS:
        names = sorted(wanted & set(group.packages))
        if names:
            with paths.lock(f"go-{group.scratch}"):
                names = missing(names)
                if names:
                    with steps.step(f"go build {group.module}@{group.version}: {' '.join(names)}"):
                        _build(group, names)


def module_directory(module: str, version: str) -> Path:
    """The module's source in Go's own module cache (downloaded if needed). Raises StepFailedError."""
    return Path(_download(module, version)["Dir"])


def _download(module: str, version: str) -> dict[str, str]:
    out = steps.run(
        ["go", "mod", "download", "-json", f"{module}@{version}"],
        env=_ENV,
        cwd=paths.cache(),
        remedy=_REMEDY,
    )
    answer: dict[str, str] = json.loads(out)
    return answer


def staging_requires(go_mod: str, version: str) -> list[str]:
    """Require lines for the staging modules of a k8s.io/kubernetes go.mod, which it requires as v0.0.0 and replaces.

    Kubernetes v1.X.Y publishes them as v0.X.Y. They are required and not replaced, for with -trimpath a replaced
    package is compiled under the version it was required in, which is another one to the compiler's cache.
    """
    published = "v0." + version.lstrip("v").split(".", 1)[1]
    names = re.findall(r"^\s*(?:require\s+)?(k8s\.io/[\w./-]+) v0\.0\.0\s*$", go_mod, re.MULTILINE)
    return [f"require {name} {published}" for name in names]


def with_imports(text: str, imports: Mapping[str, tuple[str, ...]]) -> str:
    """A Go file's text in which each blank import of a key has become blank imports of what the key stands for."""

    def others(line: re.Match[str]) -> str:
        return "\n".join(f'\t_ "{name}"' for name in imports[line[1]]) if line[1] in imports else line[0]

    return re.sub(r'^\t_ "([^"]+)".*$', others, text, flags=re.MULTILINE)


def own_copy(group: Group, package: str, scratch: Path) -> str:
    """Copy a main package into the scratch module with other imports; Go lets no overlay into its module cache.

    Returns the copy's path for `go build`. Raises StepFailedError when the package imports none of what is exchanged.
    """
    source = module_directory(group.module, group.version) / package.removeprefix(f"{group.module}/")
    copy = scratch / output_name(package)
    shutil.rmtree(copy, ignore_errors=True)
    exchanged = False
    for file in sorted(source.glob("*.go")):
        if not file.name.endswith("_test.go"):
            text = file.read_text()
            new = with_imports(text, group.imports)
            exchanged = exchanged or new != text
            paths.write_whole(copy / file.name, new)
    if not exchanged:
        raise steps.StepFailedError(
            f"{package} {group.version} imports none of {', '.join(group.imports)}",
            remedy="look at the table in gobuild.py",
        )
    return f"./{copy.name}"


def _scratch(group: Group) -> Path:
    """The directory of the scratch module that a group is built in.

    It stays in the cache: with go.sum written, an interrupted build resumes without the network.
    """
    required = [group] if group.alone else [one for one in GROUPS if not one.alone]
    lines = ["module scratch", "", "go 1.25.0", "", *(f"require {one.module} {one.version}" for one in required)]
    if not group.alone:
        go_mod = Path(_download(_K8S, versions.KUBERNETES)["GoMod"]).read_text()
        lines += staging_requires(go_mod, versions.KUBERNETES)
    manifest = "\n".join(lines) + "\n"
    scratch = paths.cache() / "go" / group.scratch
    stamp = scratch / "recipe"
    if not stamp.exists() or stamp.read_text() != manifest:
        scratch.mkdir(parents=True, exist_ok=True)
        paths.write_whole(scratch / "go.mod", manifest)
        paths.write_whole(stamp, manifest)
    return scratch


def _build(group: Group, names: list[str]) -> None:
    scratch = _scratch(group)
    if group.main:
        for package in group.packages.values():
            paths.write_whole(scratch / package / "main.go", group.source())
    flags = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in group.link.items())])
    packages = {name: group.packages[name] for name in names}
    if group.imports:
        packages = {name: own_copy(group, package, scratch) for name, package in packages.items()}
    with paths.building(scratch / "out") as out:
        # All packages of a group at once: they share most of what they compile.
        steps.run(
            [*_BUILD, "-ldflags", flags, "-o", f"{out}/", *packages.values()],
            cwd=scratch,
            env=_ENV,
            what=f"go build {' '.join(names)} {group.version}",
            remedy=_REMEDY,
        )
        for name, package in packages.items():
            with paths.building(path(name).parent) as final:
                shutil.move(out / output_name(package), final / name)


def output_name(package: str) -> str:
    """What `go build` calls a main package's binary: the last path element that is not a major version."""
    words = [word for word in package.split("/") if not re.fullmatch(r"v\d+", word)]
    return words[-1]
