"""The operator as a process of its own, whole but for database, cache and what it asks of the pods."""

from __future__ import annotations

import asyncio

from atendeai_operator import logs
from atendeai_operator.__main__ import main
from atendeai_operator.settings import from_environment
from tests.pipeline.answering import FakeProbing
from tests.pipeline.world import FakeTenancy

if __name__ == "__main__":
    logs.configure("INFO")
    asyncio.run(main(from_environment(), FakeTenancy(), FakeProbing()))
