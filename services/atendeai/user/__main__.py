"""`python -m atendeai.user`: serve."""

from __future__ import annotations

from atendeai.kit.start import importing

with importing():
    from atendeai.kit.main import run
    from atendeai.user.app import create_app

if __name__ == "__main__":
    run("user", create_app)
