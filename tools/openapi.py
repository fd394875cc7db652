"""Write the OpenAPI document of every service, or check that the written ones are true. Needs no database.

`python tools/openapi.py FOLDER` writes `FOLDER/<service>.json`; with `--check` it writes nothing, and fails where a
file differs from what the service's code says.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from importlib.metadata import version
from pathlib import Path

from pydantic import SecretStr

from atendeai.kit.settings import SERVICE_PORTS, Settings


def document(service: str) -> str:
    """Return a service's document; its app is built, and nothing is opened."""
    app = importlib.import_module(f"atendeai.{service}.app").create_app(
        Settings(
            service=service,
            version=version("atendeai"),
            database_url=SecretStr("postgresql://nowhere/none"),
            redis_url=SecretStr("redis://nowhere"),
        )
    )
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write or check the documents; 1 when one of them is not what it should be."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--check", action="store_true")
    chosen = arguments.parse_args()
    stale = []
    for service in SERVICE_PORTS:
        path, text = chosen.folder / f"{service}.json", document(service)
        if chosen.check:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                stale.append(str(path))
        else:
            path.write_text(text, encoding="utf-8")
    stale += [str(path) for path in chosen.folder.glob("*.json") if path.stem not in SERVICE_PORTS]
    if stale:
        print(f"not what the services' code says: {', '.join(stale)}; run `make openapi` and look at the difference")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
