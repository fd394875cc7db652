"""The permission table says what the product promises."""

from __future__ import annotations

import pytest

from atendeai.user.permissions import Action, Role, allowed, may_manage


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("role", list(Role))
def test_only_owners_and_admins_manage_staff(action: Action, role: Role) -> None:
    assert allowed(action, [role]) == (role in {Role.OWNER, Role.ADMIN})


def test_an_unknown_role_allows_nothing() -> None:
    assert not allowed(Action.LIST, ["superuser"])


def test_an_admin_has_no_say_over_an_owner() -> None:
    assert may_manage(["owner"], ["owner", "admin"])
    assert may_manage(["admin"], ["admin", "professional", "receptionist"])
    assert not may_manage(["admin"], ["owner"])
    assert not may_manage(["receptionist"], ["receptionist"])
