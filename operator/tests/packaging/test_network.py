"""The chart's NetworkPolicy against what the operator has to reach."""

from __future__ import annotations

import pytest

from atendeai_operator.catalogue import CATALOGUE
from atendeai_operator.gateway.model import ADMIN_PORT, PROXY_PORT
from tests.packaging import rendering
from tests.unit.build.netpol import Object, Pod, may

REPORTING = [(row.name, row.port) for row in CATALOGUE if row.reports]
SILENT = [(row.name, row.port) for row in CATALOGUE if not row.reports]


@pytest.fixture(scope="module")
def documents() -> list[Object]:
    return list(rendering.template())


def _may(documents: list[Object], component: str, port: int) -> bool:
    (deployment,) = [document for document in documents if document["kind"] == "Deployment"]
    operator = Pod("atendeai-system", deployment["spec"]["template"]["metadata"]["labels"])
    labels = {"app.kubernetes.io/part-of": "atendeai", "app.kubernetes.io/component": component}
    return may(documents, operator, Pod("clinics", labels), port)


@pytest.mark.parametrize(
    ("component", "port"), [("postgres", 5432), ("redis", 6379), ("gateway", PROXY_PORT), *REPORTING]
)
def test_the_operator_reaches_what_it_asks(documents: list[Object], component: str, port: int) -> None:
    assert _may(documents, component, port)


@pytest.mark.parametrize(("component", "port"), [("gateway", ADMIN_PORT), *SILENT])
def test_and_nothing_else(documents: list[Object], component: str, port: int) -> None:
    assert not _may(documents, component, port)
