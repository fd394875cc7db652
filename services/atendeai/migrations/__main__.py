"""`python -m atendeai.migrations upgrade|current|check`, with ATENDEAI_DATABASE_URL naming the migrator."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError, OperationalError

from atendeai.kit.environment import EXIT_CONFIGURATION, ConfigurationError, database_url

USAGE = "usage: python -m atendeai.migrations upgrade|current|check"


def config() -> Config:
    """Return Alembic's configuration; there is no ini file."""
    made = Config(stdout=sys.stdout)
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.set_main_option("path_separator", "os")
    return made


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code: 0 done, 1 behind or failed, 2 called or configured wrongly."""
    if len(arguments) != 1 or arguments[0] not in ("upgrade", "current", "check"):
        print(USAGE, file=sys.stderr)
        return 2
    try:
        database_url("migrations", os.environ)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIGURATION
    try:
        if arguments[0] == "upgrade":
            command.upgrade(config(), "head")
        else:
            command.current(config(), check_heads=arguments[0] == "check", verbose=False)
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, OperationalError, DBAPIError) as error:
        print(f"migration failed: {type(error).__name__}: {getattr(error, 'orig', error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
