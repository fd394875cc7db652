"""Entry: without arguments the service; ``understand`` and ``converse`` are the shell commands."""

import sys

from atendeai.kit.start import importing


def main() -> int:
    """Serve, or run a shell command."""
    if len(sys.argv) > 1:
        from atendeai.conversation.shell import main as shell  # noqa: PLC0415 - a shell command needs no server

        return shell(sys.argv[1:])
    with importing():
        from atendeai.conversation.app import create_app  # noqa: PLC0415 - nor the server a shell
        from atendeai.kit.main import run  # noqa: PLC0415 - nor the server a shell

    run("conversation", create_app)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
