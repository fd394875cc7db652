"""The models' verdict on the fixture resources; `pipeline/test_crds.py` has the API server's."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from atendeai_operator.api.clinic import ClinicResource
from atendeai_operator.api.schema import check_change
from atendeai_operator.api.stack import StackResource
from tests.fixtures.cases import Case, cases

MODELS: dict[str, type[StackResource | ClinicResource]] = {"AtendeAIStack": StackResource, "Clinic": ClinicResource}


def test_there_are_enough_of_both() -> None:
    found = cases()
    assert len([case for case in found if case.accepted]) >= 12
    assert len([case for case in found if not case.accepted]) >= 40


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
