"""The models' verdict on the fixture resources; `pipeline/test_crds.py` has the API server's."""

from __future__ import annotations

import unicodedata

import pytest
from pydantic import TypeAdapter, ValidationError

from atendeai.kit import schemas
from atendeai_operator.api import schema
from atendeai_operator.api.clinic import ClinicResource
from atendeai_operator.api.schema import check_change
from atendeai_operator.api.stack import StackResource
from tests.fixtures.cases import Case, cases

MODELS: dict[str, type[StackResource | ClinicResource]] = {"AtendeAIStack": StackResource, "Clinic": ClinicResource}


def test_there_are_enough_of_both() -> None:
    found = cases()
    assert len([case for case in found if case.accepted]) >= 12
    assert len([case for case in found if not case.accepted]) >= 40


def test_no_name_is_accepted_that_the_services_would_refuse() -> None:
    def refused(kind: TypeAdapter[str], text: str) -> bool:
        try:
            kind.validate_python(text)
        except ValidationError:
            return True
        return False

    own, theirs = TypeAdapter(schema.Line), TypeAdapter(schemas.Line)
    for char in filter(
        lambda char: unicodedata.category(char) in ("Cc", "Cf", "Zs", "Zl", "Zp"), map(chr, range(0x10000))
    ):
        for text in (char, f"a{char}b"):
            assert refused(own, text) or not refused(theirs, text), ascii(text)


@pytest.mark.parametrize("case", cases(), ids=str)
def test_verdict(case: Case) -> None:
    model = MODELS[case.resource["kind"]]
    if case.before is not None:
        old, new = model.model_validate(case.before), model.model_validate(case.resource)
        broken = check_change(old, new)
        assert bool(broken) is not case.accepted, broken
        assert case.accepted or any(case.says in message for message in broken)
    elif case.accepted:
        model.model_validate(case.resource)
    else:
        with pytest.raises(ValidationError) as refused:
            model.model_validate(case.resource)
        assert case.says in str(refused.value)
