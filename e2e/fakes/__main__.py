"""`python -m fakes graph|google|transcription`: serve one fake."""

import argparse

import uvicorn

from fakes.google import create_google
from fakes.graph import create_graph
from fakes.transcription import create_transcription

FAKES = {"graph": create_graph, "google": create_google, "transcription": create_transcription}


def main() -> None:
    """Parse the arguments and serve until told to stop."""
    parser = argparse.ArgumentParser(prog="fakes", description="Serve a fake of an outside system.")
    parser.add_argument("which", choices=list(FAKES))
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104 - a pod of its own
    parser.add_argument("--port", type=int, default=8080)
    arguments = parser.parse_args()
    app = FAKES[arguments.which]()
    uvicorn.run(app, host=arguments.host, port=arguments.port, access_log=False, log_level="info")


if __name__ == "__main__":
    main()
