"""How the packaging tests render: the project's own script for the chart, kubectl for kustomize."""

import functools
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
CRDS = ROOT / "crds"

_spec = importlib.util.spec_from_file_location("render", ROOT / "manifests" / "render.py")
assert _spec is not None
assert _spec.loader is not None
_render = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_render)

CHART: Path = _render.CHART
without_helm = _render.without_helm


@functools.cache
def helm() -> str:
    """Return the path of helm."""
    path: str = _render.helm()
    return path


def template(*arguments: str) -> list[dict[str, Any]]:
    """Return the objects of the chart."""
    documents: list[dict[str, Any]] = _render.template(*arguments)
    return documents


@functools.cache
def kubectl() -> str:
    """Return the path of kubectl."""
    found = subprocess.run(
        [sys.executable, str(ROOT / "e2e" / "cluster"), "bin", "kubectl"], check=True, capture_output=True, text=True
    )
    return found.stdout.split()[-1]


def kustomize(folder: Path) -> list[dict[str, Any]]:
    """Return the objects of a kustomization."""
    done = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def copied_overlay(target: Path) -> Path:
    """Copy what the local overlay consists of, so that a test writes nothing into the tree."""
    for folder in ("crds", "manifests"):
        shutil.copytree(ROOT / folder, target / folder)
    return target / "manifests" / "overlays" / "local"
