"""The kind node image where no registry has one: kind's own files, the built binaries, the preloaded images.

The result is what `kind build node-image` makes, from sources that a package registry carries. The steps and the
adjustments follow kind's pkg/build/nodeimage and images/base.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cluster import debian, engine, gobuild, images, paths, steps, versions

_RECIPE = "2"  # raise it when an adjustment below changes
_IN_NODE = {
    "kubeadm": "usr/bin",
    "kubelet": "usr/bin",
    "kubectl": "usr/bin",
    "containerd": "usr/local/bin",
    "containerd-shim-runc-v2": "usr/local/bin",
    "ctr": "usr/local/bin",
    "ptp": "opt/cni/bin",
    "host-local": "opt/cni/bin",
    "loopback": "opt/cni/bin",
    "portmap": "opt/cni/bin",
}
_CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
BINARIES = (*_IN_NODE, *_CONTROL_PLANE, "kube-proxy", "coredns", "local-path-provisioner", "kind")

# Looking for garbage is a fifth of what a busy API server does, and not much less of the others' work. Memory up to the
# limit, beyond which Go looks as often as ever, is cheaper here (pkg.go.dev/runtime#hdr-Environment_Variables).
_ROOMY = {"GOGC": "400", "GOMEMLIMIT": "1200MiB"}

PROVISIONER = f"{images.LOCAL}/local-path-provisioner:{versions.LOCAL_PATH_PROVISIONER}"
HELPER = f"{images.LOCAL}/local-path-helper:{versions.DEBIAN_SUITE}"
_FURNISHED = f"{images.LOCAL}/node-furnished"


def reference(more: Sequence[str] = ()) -> str:
    """The node image's tag: the Kubernetes version and the hash of everything inside, `more` images among it."""
    parts = [_RECIPE, versions.KIND, versions.DEBIAN_SUITE, versions.PAUSE, *more]
    parts += [str(gobuild.path(name).relative_to(paths.cache())) for name in BINARIES]
    parts += [(images._FOLDERS / name / "Dockerfile").read_text() for name in ("node-base", "node", "kube-proxy")]  # noqa: SLF001
    return f"{images.LOCAL}/node:{versions.KUBERNETES}-{paths.digest(*parts, length=10)}"


def ensure(more: Sequence[str] = ()) -> str:
    """Build the node image unless the engine has it. Returns its reference. Raises StepFailedError.

    ``more`` are images of the engine that each node has from its start: what is put in once is not sent to every node
    of every cluster, and a node unpacks only what it runs.
    """
    tag = reference(more)
    if images.exists(tag):
        return tag
    with paths.lock("node-image"):
        if not images.exists(tag):
            gobuild.ensure(BINARIES)
            with steps.step("build node image"):
                _build(tag, more)
    return tag


def furnish(image: str, more: Sequence[str]) -> str:
    """A node image that carries further images, one layer over the given one. Returns its reference.

    For what comes late where nothing is cached yet, or changes more often than what the node itself is made of.
    """
    tag = f"{_FURNISHED}:{versions.KUBERNETES}-{paths.digest(image, *more, length=10)}"
    if not images.exists(tag):
        with paths.lock("node-image"):
            if not images.exists(tag):
                with steps.step("build node image with all that will run there"):
                    _carry(image, more, tag)
                    images.forget_old(_FURNISHED, keep=tag)
    return tag


def _build(tag: str, more: Sequence[str]) -> None:
    bare = f"{tag}-bare"
    kind_source = gobuild.module_directory("sigs.k8s.io/kind", versions.KIND)
    preloaded = _preloaded_images()
    with paths.scratch("node") as scratch:
        root = scratch / "rootfs"
        shutil.copytree(kind_source / "images/base/files", root)
        for path in (root, *root.rglob("*")):
            # Files of the module cache carry no executable bit; kind's Dockerfile sets it in the same two places.
            runs = path.is_dir() or path.parent in {root / "kind/bin", root / "usr/local/bin"}
            path.chmod(0o755 if runs else 0o644)
        _adjust(root, kind_source, pause=next(name for name in preloaded if "/pause:" in name))
        for name, folder in _IN_NODE.items():
            images.place(gobuild.path(name), root / folder / name)
        images.docker_build(
            bare,
            (paths.HERE / "images/node/Dockerfile").read_text(),
            {"rootfs": root},
            base_image=images.build(images.RECIPES["node-base"]),
            what="docker build of the node image",
        )
    for name, local in preloaded.items():
        engine.docker("tag", local, name)
    _carry(bare, [*preloaded, *more], tag)


def _carry(image: str, names: Sequence[str], tag: str) -> None:
    """Give a node image more images to carry, and the result another name."""
    with _container(image) as container:
        engine.docker("exec", "-d", container, "containerd")
        _wait_for_containerd(container)
        engine.pipe(
            [engine.client(), "save", *names],
            [engine.client(), "exec", "-i", container, *_IMPORT, "--no-unpack", "-"],
            what="import the preloaded images into the node image",
        )
        engine.docker("exec", container, "pkill", "containerd")
        engine.docker(
            "commit",
            "--change",
            'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]',
            "--change",
            "CMD []",
            container,
            tag,
        )


_IMPORT = ("ctr", "-n", "k8s.io", "images", "import", "--label=io.cri-containerd.pinned=pinned", "--digests")


@contextmanager
def _container(image: str) -> Iterator[str]:
    container = engine.docker(
        "run",
        "-d",
        "--privileged",
        "--label=atendeai.build=node",
        "--entrypoint=sleep",
        image,
        "infinity",
        remedy="the engine cannot run privileged containers; its log is in the cache's engine folder",
    ).strip()
    try:
        yield container
    finally:
        steps.succeeds([engine.client(), "rm", "-f", "-v", container])


def _wait_for_containerd(container: str) -> None:
    script = "for i in $(seq 100); do ctr version >/dev/null 2>&1 && exit 0; sleep 0.1; done; exec ctr version"
    engine.docker("exec", container, "bash", "-c", script, what="containerd inside the node image")


def _adjust(root: Path, kind_source: Path, pause: str) -> None:
    """What differs from kind's own files, and why."""
    config = root / "etc/containerd/config.toml"
    text = config.read_text()
    # Lowering a score needs CAP_SYS_RESOURCE, which a node of a restricted host lacks.
    text = text.replace("restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
    text = re.sub(r'sandbox_image = "[^"]+"', f'sandbox_image = "{pause}"', text)
    config.write_text(text)
    service = root / "etc/systemd/system/containerd.service"
    kept = [line for line in service.read_text().splitlines() if not re.match(r"(Limit\w+|OOMScoreAdjust)=", line)]
    service.write_text("\n".join(kept) + "\n")
    manager = root / "etc/systemd/system.conf.d"
    manager.mkdir(parents=True)
    defaults = " ".join(f'"{name}={value}"' for name, value in _ROOMY.items())
    # For the kubelet and containerd; what runs in containers has an environment of its own.
    (manager / "roomy.conf").write_text(f"[Manager]\nDefaultEnvironment={defaults}\n")
    (root / "kind/version").write_text(versions.KUBERNETES)
    manifests = root / "kind/manifests"
    manifests.mkdir()
    source = (kind_source / "pkg/build/nodeimage/const_storage.go").read_text()
    (manifests / "default-storage.yaml").write_text(storage_manifest(source, PROVISIONER, HELPER))
    (manifests / "default-cni.yaml").write_text("")


def storage_manifest(go_source: str, provisioner: str, helper: str) -> str:
    """The manifest constant of kind's const_storage.go with its two images replaced.

    Raises StepFailedError when the constant is not there in the form this was written for.
    """
    found = re.search(r"const defaultStorageManifest = `(.*)`\s*\Z", go_source, re.DOTALL)
    if not found:
        raise steps.StepFailedError(
            f"kind {versions.KIND} keeps its storage manifest in another form",
            remedy="set KIND in e2e/cluster/versions.py back to the version before",
        )
    text = found.group(1)
    for constant, image in (("storageProvisionerImage", provisioner), ("storageHelperImage", helper)):
        text = text.replace(f"` + {constant} + `", image)
    return text


def _preloaded_images() -> dict[str, str]:
    """Image name that the cluster asks for -> locally built image."""
    listed = steps.run(
        [gobuild.path("kubeadm"), "config", "images", "list", "--kubernetes-version", versions.KUBERNETES],
    ).split()
    built: dict[str, str] = {}
    for name in listed:
        short = name.rsplit("/", 1)[1].split(":")[0]
        built[name] = _pause() if short == "pause" else images.build(_recipe(short))
    built[PROVISIONER] = images.build(_recipe("local-path-provisioner"))
    built[HELPER] = _helper()
    return built


def _recipe(binary: str) -> images.Recipe:
    if binary == "kube-proxy":
        return images.RECIPES["kube-proxy"]
    # CoreDNS is started by its arguments alone; the others by name on PATH.
    changes = ['ENTRYPOINT ["/usr/local/bin/coredns"]'] if binary == "coredns" else []
    if binary in _CONTROL_PLANE:
        changes += [f"ENV {name}={value}" for name, value in _ROOMY.items()]
    return images.Recipe(
        binary,
        gobuild.group_of(binary).version,
        lambda: {f"root/usr/local/bin/{binary}": gobuild.path(binary)},
        base=None,
        folder="static",
        changes=tuple(changes),
    )


def _pause() -> str:
    """The pause container, compiled from the Kubernetes module's own source."""
    target = paths.cache() / "bin" / f"pause-{versions.KUBERNETES}-{versions.PAUSE}"
    if not target.exists():
        debian.ensure(debian.BUILD)
        source = gobuild.module_directory("k8s.io/kubernetes", versions.KUBERNETES) / "build/pause/linux/pause.c"
        with paths.building(target) as scratch:
            steps.run(
                ["gcc", "-Os", "-Wall", "-static", f"-DVERSION={versions.PAUSE}", "-s", "-o", scratch / "pause", source]
            )
    return images.build(
        images.Recipe(
            "pause",
            versions.PAUSE,
            lambda: {"root/pause": target / "pause"},
            base=None,
            folder="static",
            changes=("USER 65535:65535", 'ENTRYPOINT ["/pause"]'),
        )
    )


def _helper() -> str:
    """What the storage provisioner runs to make and remove a volume's directory: a static busybox."""
    busybox = debian.extracted("busybox")
    return images.build(
        images.Recipe(
            "local-path-helper",
            versions.DEBIAN_SUITE,
            lambda: {"root/bin/busybox": busybox},
            base=None,
            folder="static",
            changes=('RUN ["/bin/busybox", "--install", "-s", "/bin"]', 'CMD ["/bin/sh"]'),
        )
    )
