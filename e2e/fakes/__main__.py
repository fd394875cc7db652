"""`python -m fakes graph|google|openai`: serve one fake."""

import argparse
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from fakes.google import create_google
from fakes.graph import create_graph
from fakes.openai import create_openai

FAKES: dict[str, Callable[[Path | None], FastAPI]] = {
    "graph": lambda keep: create_graph(keep=keep),
    "google": create_google,
    "openai": lambda _: create_openai(),
}


def main() -> None:
    """Parse the arguments and serve until told to stop."""
    parser = argparse.ArgumentParser(prog="fakes", description="Serve a fake of an outside system.")
    parser.add_argument("which", choices=list(FAKES))
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104 - a pod of its own
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--keep", type=Path, help="file to remember accounts, calendars and channels in over a restart")
    arguments = parser.parse_args()
    app = FAKES[arguments.which](arguments.keep)
    # Longer than any client of ours keeps an idle connection, so that none is used again while it closes.
    uvicorn.run(
        app, host=arguments.host, port=arguments.port, access_log=False, log_level="info", timeout_keep_alive=75
    )


if __name__ == "__main__":
    main()
