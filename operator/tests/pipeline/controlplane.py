"""A kube-apiserver with its etcd, as real as they come, for the tests of the pipeline.

The binaries come from the local cluster's cache (`python3 e2e/cluster bin`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.processes import free_port, running, wait_for_port

REPOSITORY = Path(__file__).resolve().parents[3]
TOKEN = "test-admin"


def binaries() -> dict[str, Path]:
    """Return the paths of kube-apiserver and etcd."""
    names = ("kube-apiserver", "etcd")
    told = subprocess.run(
        [sys.executable, "e2e/cluster", "bin", *names], cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True
    )
    return {Path(line).name: Path(line) for line in told.stdout.split()}


@contextmanager
def _serving(name: str, command: list[str], port: int, folder: Path) -> Iterator[None]:
    log = folder / f"{name}.log"
    # Memory is no concern here, and looking for garbage is a fifth of a busy API server's work.
    with running(command, log, {**os.environ, "GOGC": "800"}) as process:
        wait_for_port(port, process, log)
        yield


@contextmanager
def control_plane(folder: Path) -> Iterator[Path]:
    """Run etcd and kube-apiserver in a folder; give the path of a kubeconfig."""
    found = binaries()
    client, peer, secure = free_port(), free_port(), free_port()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (folder / "sa.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    (folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
    etcd = [
        str(found["etcd"]),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{client}",
        f"--advertise-client-urls=http://127.0.0.1:{client}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]
    server = [
        str(found["kube-apiserver"]),
        f"--etcd-servers=http://127.0.0.1:{client}",
        f"--secure-port={secure}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'sa.key'}",
        f"--service-account-signing-key-file={folder / 'sa.key'}",
        "--disable-admission-plugins=ServiceAccount",
        "--allow-privileged=true",
        "--enable-priority-and-fairness=false",
        "--profiling=false",
    ]
    with (
        _serving("etcd", etcd, client, folder),
        _serving("kube-apiserver", server, secure, folder),
    ):
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "test",
                    "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
                    "clusters": [
                        {
                            "name": "test",
                            # Its own certificate: a client without one reads the system's authorities each time.
                            "cluster": {
                                "server": f"https://127.0.0.1:{secure}",
                                "certificate-authority": str(folder / "certificates" / "apiserver.crt"),
                            },
                        }
                    ],
                    "users": [{"name": "admin", "user": {"token": TOKEN}}],
                }
            )
        )
        yield kubeconfig
