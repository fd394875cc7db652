"""Images of the engine into the nodes: what a node's containerd already holds is not sent to it again.

`docker save` writes an image whole. Most of an application image are its dependencies, which the nodes have from their
start: so the archive is written anew as an OCI image layout (github.com/opencontainers/image-spec, image-layout.md)
without the blobs that are there. containerd keeps blobs by their digest, whichever image they came with.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import tarfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from cluster import engine, kind, paths, steps

_OCI = "application/vnd.oci.image"
_IMPORT = ("ctr", "-n", "k8s.io", "images", "import", "--digests", "--snapshotter=overlayfs", "-")


def load(references: list[str]) -> None:
    """Load images of the engine into the nodes that lack them; nodes that lack the same ones share one stream."""
    lacking: dict[tuple[str, ...], list[str]] = {}
    for node in kind.NODES:
        there = _images_on(node)
        wanted = tuple(name for name in references if canonical(name) not in there)
        if wanted:
            lacking.setdefault(wanted, []).append(node)
    for wanted, nodes in lacking.items():
        names = ", ".join(name.rsplit("/", 1)[1].split(":")[0] for name in wanted)
        with steps.step(f"load into {' and '.join(nodes)}: {names}"), paths.scratch("load") as scratch:
            archive = scratch / "saved.tar"
            engine.docker("save", "-o", archive, *wanted)
            there = set.intersection(*map(_content_of, nodes))
            lacked = scratch / "lacked.tar"
            try:
                if without(archive, there, lacked):
                    _send(lacked, nodes)
                    continue
            except steps.StepFailedError:
                # The node may have dropped a blob since it was asked, and names it: then with all that belongs to it.
                steps.say("a node lacks more than it said: everything is sent")
            _send(archive, nodes)


def _send(archive: Path, nodes: list[str]) -> None:
    engine.pipe(
        ["cat", archive],
        *([engine.client(), "exec", "-i", node, *_IMPORT] for node in nodes),
        what=f"load images into {', '.join(nodes)}",
    )


def _images_on(node: str) -> set[str]:
    """The names of the images that a node's containerd has."""
    return set(engine.docker("exec", node, "ctr", "-n", "k8s.io", "images", "ls", "-q").split())


def _content_of(node: str) -> set[str]:
    """The digests of the blobs that a node's containerd has, whole ones only."""
    return set(engine.docker("exec", node, "ctr", "-n", "k8s.io", "content", "ls", "-q").split())


def canonical(reference: str) -> str:
    """An image name as containerd keeps it: ``a/b:1`` is ``docker.io/a/b:1`` (distribution reference rules)."""
    first, slash, _ = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return reference
    return f"docker.io/{reference}" if slash else f"docker.io/library/{reference}"


def without(archive: Path, there: Collection[str], target: Path) -> bool:
    """Write the images of a `docker save` to ``target`` without the layers whose digests are ``there``.

    False, and nothing to be used, for an archive of another form than the one of engines with a store of their own:
    layers as they are unpacked, so that a layer's digest is the one that the image's configuration tells (its diff id).
    """
    with tarfile.open(archive) as saved:
        members = {member.name: member for member in saved}
        if "manifest.json" not in members or "oci-layout" in members:
            return False
        with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as written:
            layout = _Layout(saved, members, there, written)
            return all(layout.add(image) for image in json.loads(_read(saved, "manifest.json"))) and layout.close()


class _Layout:
    """An OCI image layout that is being written."""

    def __init__(
        self, saved: tarfile.TarFile, members: dict[str, tarfile.TarInfo], there: Collection[str], to: tarfile.TarFile
    ) -> None:
        self.saved, self.members, self.to = saved, members, to
        self.written = set(there)
        self.images: list[dict[str, Any]] = []

    def add(self, image: dict[str, Any]) -> bool:
        """Add one image of a saved archive's manifest; False when its layers are not the ones its digests are of."""
        config = _read(self.saved, image["Config"])
        diff_ids = json.loads(config)["rootfs"]["diff_ids"]
        if len(diff_ids) != len(image["Layers"]):
            return False
        layers = []
        for digest, name in zip(diff_ids, image["Layers"], strict=True):
            member = self._file(name)
            layers.append(_descriptor(f"{_OCI}.layer.v1.tar", digest, member.size))
            if digest not in self.written:
                self._put(f"blobs/{digest.replace(':', '/')}", member.size, self.saved.extractfile(member))
                self.written.add(digest)
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": f"{_OCI}.manifest.v1+json",
            "config": self._blob(f"{_OCI}.config.v1+json", config),
            "layers": layers,
        }
        described = self._blob(manifest["mediaType"], json.dumps(manifest).encode())
        # containerd's own annotation for the name an image is to have (core/images/annotations.go).
        self.images += [
            described | {"annotations": {"io.containerd.image.name": canonical(tag)}} for tag in image["RepoTags"]
        ]
        return True

    def close(self) -> bool:
        """Write what makes the blobs a layout."""
        self._whole("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        self._whole("index.json", json.dumps({"schemaVersion": 2, "manifests": self.images}).encode())
        return True

    def _file(self, name: str) -> tarfile.TarInfo:
        """The file of that name; a layer that two images share may be a link in the one saved later."""
        member = self.members[name]
        while member.issym():
            member = self.members[posixpath.normpath(posixpath.join(posixpath.dirname(member.name), member.linkname))]
        return member

    def _blob(self, media_type: str, data: bytes) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if digest not in self.written:
            self._whole(f"blobs/{digest.replace(':', '/')}", data)
            self.written.add(digest)
        return _descriptor(media_type, digest, len(data))

    def _whole(self, name: str, data: bytes) -> None:
        self._put(name, len(data), io.BytesIO(data))

    def _put(self, name: str, size: int, content: Any) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = size
        self.to.addfile(entry, content)


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    content = archive.extractfile(name)
    if content is None:
        raise steps.StepFailedError(f"{name} of a saved image is no file")
    return content.read()
