"""`python -m atendeai.auth`: serve."""

from __future__ import annotations

from atendeai.kit.start import importing

with importing():
    from atendeai.auth.app import create_app
    from atendeai.kit.main import run

if __name__ == "__main__":
    run("auth", create_app)
