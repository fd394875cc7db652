"""Debian packages: what is installed on this machine (never started), and single files out of a package."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from cluster import paths, steps, versions

ENGINE = ("docker.io", "containerd", "runc", "iptables")
BUILD = ("debootstrap", "gcc", "libc6-dev")
# Debian names the server package by its major version; the contract is PostgreSQL 15 and Redis 7.
TESTS = ("postgresql-15", "redis-server", "pgbouncer")

_POLICY = Path("/usr/sbin/policy-rc.d")
_APT = ("apt-get", "-y", "-q", "-o", "DPkg::Lock::Timeout=600", "--no-install-recommends")
_REMEDY = "run as root on Debian 12 with its package sources reachable (`apt-get update` must succeed)"

# Binaries of Debian packages that serve outside an image too: name -> (package, path inside it).
EXTRACTED = {
    "alertmanager": ("prometheus-alertmanager", "usr/bin/prometheus-alertmanager"),
    "amtool": ("prometheus-alertmanager", "usr/bin/amtool"),
    "postgres_exporter": ("prometheus-postgres-exporter", "usr/bin/prometheus-postgres-exporter"),
    "busybox": ("busybox-static", "bin/busybox"),
    "redis_exporter": ("prometheus-redis-exporter", "usr/bin/prometheus-redis-exporter"),
}


def installed(package: str) -> bool:
    """Whether dpkg knows the package as installed."""
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", package],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0 and done.stdout == "installed"


def ensure(packages: Iterable[str]) -> None:
    """Install what is missing, without starting any service. Raises StepFailedError."""
    wanted = [package for package in packages if not installed(package)]
    if not wanted:
        return
    if os.geteuid():
        raise steps.StepFailedError(
            f"these Debian packages are missing: {' '.join(wanted)}",
            remedy=f"as root: apt-get install {' '.join(wanted)}",
        )
    with paths.lock("apt"):
        wanted = [package for package in wanted if not installed(package)]
        if not wanted:
            return
        with steps.step(f"apt-get install {' '.join(wanted)}"), _nothing_starts():
            update()
            steps.run(
                [*_APT, "install", *wanted],
                env={"DEBIAN_FRONTEND": "noninteractive"},
                what=f"apt-get install {' '.join(wanted)}",
                remedy=_REMEDY,
            )


@functools.cache
def update() -> None:
    """Refresh the package lists, at most once a run. Raises StepFailedError."""
    steps.run([*_APT, "update"], what="apt-get update", remedy=_REMEDY)


def candidate(package: str) -> str:
    """The version that apt would install. Raises StepFailedError when apt knows none."""
    for attempt in (1, 2):
        out = steps.run(["apt-cache", "policy", package])
        for line in out.splitlines():
            word, _, value = line.strip().partition(":")
            if word == "Candidate" and value.strip() != "(none)":
                return value.strip()
        if attempt == 1:
            update()
    raise steps.StepFailedError(f"apt knows no package {package}", remedy=_REMEDY)


def extracted(binary: str) -> Path:
    """Path of a binary out of its Debian package, unpacked into the cache, not installed. Raises StepFailedError."""
    package, inside = EXTRACTED[binary]
    kept = sorted((paths.cache() / "deb").glob(f"{package}-{versions.DEBIAN_SUITE}-*"))
    if kept:
        return kept[-1] / inside
    with paths.lock(f"deb-{package}"):
        target = paths.cache() / "deb" / f"{package}-{versions.DEBIAN_SUITE}-{_plain(candidate(package))}"
        if not target.exists():
            with steps.step(f"unpack Debian's {package}"), paths.building(target) as scratch:
                download = scratch / "download"
                download.mkdir()
                # apt fetches as its own user where it can; the cache of root is closed to it, hence as root.
                steps.run(
                    [*_APT, "-o", "APT::Sandbox::User=root", "download", package],
                    cwd=download,
                    remedy=_REMEDY,
                )
                (archive,) = download.glob("*.deb")
                steps.run(["dpkg-deb", "-x", archive, scratch])
                shutil.rmtree(download)
        return target / inside


def upstream_version(binary: str) -> str:
    """The upstream version of an extracted binary's package: ``2.42.0+ds-5+deb12u1`` gives ``2.42.0``."""
    tree = extracted(binary)
    while tree.parent.name != "deb":
        tree = tree.parent
    version = tree.name.split(f"-{versions.DEBIAN_SUITE}-", 1)[1]
    return upstream(version)


def upstream(version: str) -> str:
    """The upstream part of a Debian version: no epoch, no Debian revision, no repackaging mark."""
    without_epoch = version.split(":", 1)[-1]
    without_revision = without_epoch.rsplit("-", 1)[0]
    for mark in ("+", "~"):
        without_revision = without_revision.split(mark, 1)[0]
    return without_revision


def _plain(version: str) -> str:
    """A Debian version as part of a file name: without its epoch."""
    return version.split(":", 1)[-1]


@contextlib.contextmanager
def _nothing_starts() -> Iterator[None]:
    """Packages start their services on installation unless policy-rc.d forbids it (invoke-rc.d(8))."""
    if _POLICY.exists():
        yield
        return
    paths.write_whole(_POLICY, "#!/bin/sh\nexit 101\n", mode=0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
