"""Start of ``python3 e2e/cluster <command>``."""

import sys
from pathlib import Path

# Python puts this directory first on its path; the package `cluster` is found from the one above.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from cluster.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
