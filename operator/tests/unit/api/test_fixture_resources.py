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


def test_a_name_is_accepted_if_the_services_would_accept_it() -> None:
    def refused(kind: TypeAdapter[str], text: str) -> bool:
        try:
            kind.validate_python(text)
        except ValidationError:
            return True
        return False

    own, theirs = TypeAdapter(schema.Line), TypeAdapter(schemas.Line)
    unprinted = [char for char in map(chr, range(0xD800)) if unicodedata.category(char)[0] in "CMZ"]
    for char in (*unprinted, *"\u115f\u1160\u2800\u3164\ufeff\uffa0\ufff0\U0001d159\U000e0041\U000e0fff", "é", "字"):
        for text in (char, f"a{char}b"):
            assert refused(own, text) is refused(theirs, text), ascii(text)
    assert all(refused(own, text) for text in ("\u3164", " \u2800", "\u0301\u20dd", "\uffa0\u1160"))
    assert not refused(own, "Clínica É 字 ❤️ e\u0301")


def _broken(case: Case) -> list[str]:
    """Return what the models say against a resource, or against the change of one."""
    model = MODELS[case.resource["kind"]]
    old = model.model_validate(case.before) if case.before is not None else None
    try:
        new = model.model_validate(case.resource)
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return check_change(old, new) if old is not None else []


@pytest.mark.parametrize("case", cases(), ids=str)
def test_verdict(case: Case) -> None:
    broken = _broken(case)
    assert bool(broken) is not case.accepted, broken
    assert case.accepted or any(case.says in message for message in broken), broken
    assert not case.alone or len(broken) == 1, broken
