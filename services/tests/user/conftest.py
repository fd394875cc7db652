"""auth and user side by side, see `pair.py`."""

from tests.auth.pair import identity

__all__ = ["identity"]
