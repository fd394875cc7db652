"""`python -m atendeai.calendar`: serve."""

from __future__ import annotations

from atendeai.kit.start import importing

with importing():
    from atendeai.calendar.app import create_app
    from atendeai.kit.main import run

if __name__ == "__main__":
    run("calendar", create_app)
