"""The application images: the checkout's packages over their locked dependencies, in layers that change apart.

Dependencies are installed on the host with pip, from the lock file with hashes; the code is copied over them. A change
of code alone rebuilds one small layer.
"""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster import engine, images, paths, steps

BASE_VERSION = "2.0.0-dev"
_PUBLIC_BASE = "docker.io/library/python:3.11-slim-bookworm"
_PYTHON = "3.11"
_RECIPE = "1"  # raise it when the way of installing changes
# What the AtendeAIStack takes as spec.version and, without its tag, as spec.image.repository.
_TAG = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?", re.ASCII)
_REGISTRY = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(:\d{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")


@dataclass(frozen=True)
class App:
    """One application image: its lock file and the directories it carries (repository path -> name in the image)."""

    name: str
    lock: str
    packages: dict[str, str]
    product: bool = True
    """Whether it carries the product's version; what is not of the product changes by itself."""

    @property
    def repository(self) -> str:
        """The image's name without its tag."""
        return f"atendeai/{self.name}"


APPS = (
    App("operator", "requirements-operator.lock", {"operator/atendeai_operator": "atendeai_operator"}),
    App("services", "requirements-services.lock", {"services/atendeai": "atendeai"}),
    App("fakes", "requirements-services.lock", {"e2e/fakes": "fakes"}, product=False),
)


def version(root: Path = paths.REPOSITORY, *, product: bool = True) -> str:
    """The product's one version, or that of the rest: a hash over the images' sources, locks and recipes.

    The faked outside world has a version of its own: as at Meta or Google, nothing restarts there because a clinic's
    software is updated.
    """
    parts: list[str | bytes] = [_RECIPE]
    for file in _inputs(root, [item for item in APPS if item.product == product]):
        parts += [str(file.relative_to(root)), file.read_bytes()]
    return f"{BASE_VERSION}.{_numeric_safe(paths.digest(*parts, length=10))}"


def _numeric_safe(text: str) -> str:
    """A prerelease identifier of digits alone may not begin with a zero (semver.org, 9): such a hash gets a letter."""
    return f"h{text[1:]}" if text.isdecimal() else text


def _inputs(root: Path, apps: Sequence[App]) -> list[Path]:
    found: set[Path] = set()
    for app in apps:
        found.add(root / app.lock)
        for package in app.packages:
            found.update(file for file in (root / package).rglob("*") if _belongs(file, root / package))
    recipes = paths.HERE / "images"
    found.update((recipes / name / "Dockerfile") for name in ("app", "deps", "python"))
    # A recipe outside the given root (tests use another one) counts by its content all the same.
    return sorted(file for file in found if file.is_file() and file.is_relative_to(root))


def _belongs(file: Path, package: Path) -> bool:
    """Caches, tests and hidden files are no part of an image."""
    parts = file.relative_to(package).parts
    skipped = any(part.startswith(".") or part in {"__pycache__", "tests"} for part in parts)
    return file.is_file() and not skipped and file.suffix != ".pyc"


def ensure(mode: str, apps: Sequence[App] = APPS) -> list[str]:
    """Build the application images that the engine lacks. Returns their references. Raises StepFailedError."""
    references = []
    for app in apps:
        reference = f"{app.repository}:{version(product=app.product)}"
        if not images.exists(reference):
            with paths.lock(f"app-{app.name}"), steps.step(f"build image {reference}"):
                _build(app, reference, mode)
                images.forget_old(app.repository, keep=reference)
        references.append(reference)
    return references


def publish(mode: str, registry: str, tag: str = "", *, push: bool = False) -> list[str]:
    """Build the product's images and name them for a registry, where they are pushed to if so wanted.

    ``registry``: host and path (``registry.example.com/atendeai``). ``tag``: by default the checkout's own version.
    Returns the references, the operator's first. Raises StepFailedError.
    """
    tag = tag or version()
    if not _TAG.fullmatch(tag):
        raise steps.StepFailedError(
            f"{tag!r} is no version", remedy="the stack's spec.version takes the form 2.1.0 or 2.1.0-rc.1"
        )
    registry = registry.rstrip("/")
    if not _REGISTRY.fullmatch(registry):
        raise steps.StepFailedError(
            f"{registry!r} names no registry",
            remedy="it is a host and a path in lower case, without a scheme: registry.example.com/atendeai",
        )
    product = [item for item in APPS if item.product]
    references = [f"{registry}/{item.name}:{tag}" for item in product]
    for built, reference in zip(ensure(mode, product), references, strict=True):
        engine.docker("tag", built, reference)
    for reference in references if push else ():
        with steps.step(f"push {reference}"):
            engine.docker(
                "push", "-q", reference, remedy=f"docker login {registry.partition('/')[0]}, and run it again"
            )
    return references


def dependencies(mode: str) -> list[str]:
    """Build the images that the application images stand on. Returns their references. Raises StepFailedError."""
    return list(dict.fromkeys(_dependencies(app, mode) for app in APPS))


def _build(app: App, reference: str, mode: str) -> None:
    base = _dependencies(app, mode)
    with paths.scratch(app.name) as scratch:
        for package, name in app.packages.items():
            source = paths.REPOSITORY / package
            if not source.is_dir():
                raise steps.StepFailedError(f"{package} is not there", remedy="run this from a whole checkout")
            for file in source.rglob("*"):
                if _belongs(file, source):
                    # A copy, not a link: an editor that writes in place must not reach into a running build.
                    target = scratch / "lib" / name / file.relative_to(source)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, target)
        images.docker_build(
            reference,
            (paths.HERE / "images/app/Dockerfile").read_text(),
            {"lib": scratch / "lib"},
            base_image=base,
        )


def _dependencies(app: App, mode: str) -> str:
    """The image with Python and an application's locked dependencies. Returns its reference."""
    lock = paths.REPOSITORY / app.lock
    if not lock.is_file():
        raise steps.StepFailedError(f"{app.lock} is not there", remedy="`make lock` writes the lock files")
    python = _python_base(mode)
    dockerfile = (paths.HERE / "images/deps/Dockerfile").read_text()
    key = paths.digest(_RECIPE, lock.read_bytes(), python, dockerfile, length=10)
    reference = f"{images.LOCAL}/deps:{app.lock.removesuffix('.lock').removeprefix('requirements-')}-{key}"
    if not images.exists(reference):
        images.docker_build(reference, dockerfile, {"lib": _installed(lock)}, base_image=python)
    return reference


def _python_base(mode: str) -> str:
    if mode == "build":
        return images.build(images.RECIPES["python"])
    if not images.exists(_PUBLIC_BASE):
        with steps.step(f"pull {_PUBLIC_BASE}"):
            engine.docker("pull", "-q", _PUBLIC_BASE)
    return _PUBLIC_BASE


def _installed(lock: Path) -> Path:
    """The dependencies of a lock file, installed into a cache directory."""
    target = paths.cache() / "pip" / f"{lock.stem}-{paths.digest(_RECIPE, lock.read_bytes())}"
    if target.exists():
        return target
    with paths.lock("pip"):
        if not target.exists():
            with steps.step(f"pip install {lock.name}"), paths.building(target) as scratch:
                command = [*images.pip(), "install", "-q", "--require-hashes", "--no-deps", "--no-compile"]
                # Wheels for the image's Python, whichever runs here.
                command += ["--only-binary=:all:", "--python-version", _PYTHON, "--implementation", "cp"]
                command += [f"--platform={name}" for name in _platforms()]
                steps.run(
                    [*command, "--target", str(scratch), "-r", str(lock)],
                    what=f"pip install -r {lock.name}",
                    remedy=f"check that pip reaches its index; every dependency needs a wheel for Python {_PYTHON}",
                )
    return target


def _platforms() -> list[str]:
    machine = platform.machine()
    # Debian 12 has glibc 2.36; pip does not derive the older tags from a newer one when they are given by hand.
    return [f"manylinux_2_{minor}_{machine}" for minor in range(36, 16, -1)] + [f"manylinux2014_{machine}"]
