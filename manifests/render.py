"""Write manifests/base/operator.yaml from the Helm chart, so that both ways of installing give the same objects.

`python manifests/render.py` writes, `--check` compares. Needs helm, the one of the local
cluster's tools. Reads the chart and writes its one file; touches nothing else.
"""

# ruff: noqa: INP001 - a script beside the data it writes

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "charts" / "atendeai"
BASE = ROOT / "manifests" / "base" / "operator.yaml"
NAMESPACE = "atendeai-system"
KUBERNETES = "v1.35.0"
HEAD = "# Rendered from charts/atendeai by `python manifests/render.py`. Do not edit.\n"


def helm() -> str:
    """Return the path of helm."""
    found = subprocess.run(
        [sys.executable, str(ROOT / "e2e" / "cluster"), "bin", "helm"], check=True, capture_output=True, text=True
    )
    return found.stdout.split()[-1]


def template(*arguments: str) -> list[dict[str, Any]]:
    """Return the objects of the chart, rendered as release `atendeai`; raises CalledProcessError."""
    command = [helm(), "template", "atendeai", str(CHART), "--namespace", NAMESPACE, "--kube-version", KUBERNETES]
    done = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def without_helm(document: dict[str, Any]) -> dict[str, Any]:
    """Take off what only Helm wants to find again."""
    labels = document["metadata"].get("labels", {})
    labels.pop("helm.sh/chart", None)
    if labels.get("app.kubernetes.io/managed-by") == "Helm":
        del labels["app.kubernetes.io/managed-by"]
    return document


def base() -> str:
    """Return the text of the base: everything but the definitions, which crds/ itself gives to kustomize."""
    documents = [without_helm(one) for one in template("--set", "crds.enabled=false")]
    return HEAD + yaml.safe_dump_all(documents, sort_keys=False, width=120)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or compare; return the exit status."""
    parser = argparse.ArgumentParser(prog="manifests/render.py", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on a difference")
    text = base()
    if not parser.parse_args(arguments).check:
        BASE.write_text(text, encoding="utf-8")
        return 0
    if BASE.exists() and BASE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{BASE.relative_to(ROOT)} differs from the chart: run `python manifests/render.py`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
