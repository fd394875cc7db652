"""What of an image is sent to a node that has most of it already."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cluster import engine, loading, paths, steps

DEPENDENCIES, CODE, TEST = b"a layer of wheels", b"a layer of code", b"another layer of code"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _link(archive: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    archive.addfile(entry)


def _config(*layers: bytes) -> bytes:
    root = {"type": "layers", "diff_ids": [_digest(layer) for layer in layers]}
    return json.dumps({"architecture": "amd64", "os": "linux", "rootfs": root}).encode()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Two images on the same dependencies as `docker save` writes them: the second links to the first one's layer."""
    path = tmp_path / "saved.tar"
    with tarfile.open(path, "w") as archive:
        _add(archive, "1/layer.tar", DEPENDENCIES)
        _add(archive, "2/layer.tar", CODE)
        _link(archive, "3/layer.tar", "../1/layer.tar")
        _add(archive, "4/layer.tar", TEST)
        _add(archive, "app.json", _config(DEPENDENCIES, CODE))
        _add(archive, "fake.json", _config(DEPENDENCIES, TEST))
        images = [
            {"Config": "app.json", "RepoTags": ["a/app:1", "a/app:2"], "Layers": ["1/layer.tar", "2/layer.tar"]},
            {"Config": "fake.json", "RepoTags": ["localhost/fake:1"], "Layers": ["3/layer.tar", "4/layer.tar"]},
        ]
        _add(archive, "manifest.json", json.dumps(images).encode())
    return path


def _layout(path: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    with tarfile.open(path) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    return files, json.loads(files["index.json"])


def test_a_layer_that_the_node_has_is_left_out(saved: Path, tmp_path: Path) -> None:
    assert loading.without(saved, {_digest(DEPENDENCIES), _digest(b"something else")}, tmp_path / "lacked.tar")
    files, index = _layout(tmp_path / "lacked.tar")
    blobs = {name.removeprefix("blobs/sha256/"): data for name, data in files.items() if name.startswith("blobs/")}
    assert all(_digest(data) == f"sha256:{name}" for name, data in blobs.items())
    assert DEPENDENCIES not in blobs.values()
    assert CODE in blobs.values()
    assert TEST in blobs.values()
    assert [image["annotations"]["io.containerd.image.name"] for image in index["manifests"]] == [
        "docker.io/a/app:1",
        "docker.io/a/app:2",
        "localhost/fake:1",
    ]
    for image, layers in zip(index["manifests"], [(DEPENDENCIES, CODE)] * 2 + [(DEPENDENCIES, TEST)], strict=True):
        manifest = json.loads(blobs[image["digest"].removeprefix("sha256:")])
        assert [(layer["digest"], layer["size"]) for layer in manifest["layers"]] == [
            (_digest(layer), len(layer)) for layer in layers
        ]
        assert blobs[manifest["config"]["digest"].removeprefix("sha256:")] == _config(*layers)


def test_a_node_without_anything_gets_every_layer_once(saved: Path, tmp_path: Path) -> None:
    assert loading.without(saved, set(), tmp_path / "lacked.tar")
    with tarfile.open(tmp_path / "lacked.tar") as archive:
        names = archive.getnames()
    assert len(names) == len(set(names))
    assert {f"blobs/sha256/{hashlib.sha256(layer).hexdigest()}" for layer in (DEPENDENCIES, CODE, TEST)} <= set(names)


def test_an_archive_of_another_form_is_sent_as_it_is(tmp_path: Path) -> None:
    newer = tmp_path / "newer.tar"
    with tarfile.open(newer, "w") as archive:
        _add(archive, "oci-layout", b"{}")
        _add(archive, "manifest.json", b"[]")
    assert not loading.without(newer, set(), tmp_path / "lacked.tar")
    squashed = tmp_path / "squashed.tar"
    with tarfile.open(squashed, "w") as archive:
        _add(archive, "1/layer.tar", CODE)
        _add(archive, "app.json", _config(DEPENDENCIES, CODE))
        _add(archive, "manifest.json", json.dumps([{"Config": "app.json", "Layers": ["1/layer.tar"]}]).encode())
    assert not loading.without(squashed, set(), tmp_path / "lacked.tar")


@pytest.mark.parametrize("refused", [False, True])
def test_a_node_that_refuses_what_it_lacks_is_sent_everything(
    saved: Path, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    def docker(*arguments: str | Path, **_: object) -> str:
        if arguments[0] == "save":
            Path(arguments[2]).write_bytes(saved.read_bytes())
        return _digest(DEPENDENCIES) if "content" in arguments else ""

    sent: list[bool] = []

    def pipe(producer: tuple[str, Path], *consumers: object, what: str) -> None:
        sent.append(DEPENDENCIES in producer[1].read_bytes())
        assert len(consumers) == 2
        if refused and not sent[-1]:
            raise steps.StepFailedError(what)

    monkeypatch.setattr(engine, "docker", docker)
    monkeypatch.setattr(engine, "pipe", pipe)
    monkeypatch.setattr(engine, "client", lambda: "docker")
    monkeypatch.setattr(paths, "cache", lambda: saved.parent)
    loading.load(["a/app:1", "localhost/fake:1"])
    assert sent == ([False, True] if refused else [False])
