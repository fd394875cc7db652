"""Write the lock files: every dependency pinned with hashes, and no download address in any of them.

`requirements.lock` is the development environment; the images are built from the two smaller ones, which are cut
from the same pins so that what was tested is what ships.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys

EXTRAS: dict[str, tuple[str, ...]] = {
    "requirements.lock": ("operator", "services", "cli", "dev", "build"),
    "requirements-services.lock": ("services",),
    "requirements-operator.lock": ("operator", "cli"),
}


def compile_lock(output: str, extras: tuple[str, ...]) -> None:
    """Pin the given extras into `output`; the smaller files follow the pins of the whole one."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--generate-hashes", "--no-emit-index-url"]
    command += ["--no-emit-find-links", "--no-header", "--python-version", "3.11", "--output-file", output]
    for extra in extras:
        command += ["--extra", extra]
    if output != "requirements.lock":
        command += ["--constraints", "requirements.lock"]
    subprocess.run([*command, "pyproject.toml"], check=True)
    text = pathlib.Path(output).read_text(encoding="utf-8")
    if "://" in text:
        raise SystemExit(f"{output} carries an address; keep names, versions and hashes only")


def main() -> None:
    """Compile the files named on the command line, the whole one first."""
    for output in sorted(sys.argv[1:] or EXTRAS, key=lambda name: name != "requirements.lock"):
        compile_lock(output, EXTRAS[output])


if __name__ == "__main__":
    main()
