"""auth and user side by side, see `pair.py`."""

from tests.auth.pair import desk, identity

__all__ = ["desk", "identity"]
