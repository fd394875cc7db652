"""The table of permissions says what the product promises, and every route of every service asks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from atendeai.kit.identity import permitted
from atendeai.kit.permissions import (
    GRANTABLE,
    PERMISSIONS,
    Role,
    allowed,
    document,
    main,
    may_manage,
)

CHANGES_NOTHING = {"account.self"}
"""What an auditor may do that changes something: their own password and sessions."""


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_owners_may_do_everything_and_who_has_no_role_of_ours_nothing(permission: str) -> None:
    assert allowed(permission, ["owner"])
    assert not allowed(permission, ["superuser"])
    assert not allowed(permission, [])


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_an_auditor_reads_and_changes_nothing(permission: str) -> None:
    reads = permission.endswith(".read")
    assert allowed(permission, ["auditor"]) == (reads or permission in CHANGES_NOTHING)


@pytest.mark.parametrize("permission", [name for name in PERMISSIONS if name.startswith("users.")])
@pytest.mark.parametrize("role", ["professional", "receptionist"])
def test_who_works_with_patients_has_no_say_over_accounts(permission: str, role: str) -> None:
    assert not allowed(permission, [role])


def test_several_roles_add_up() -> None:
    assert allowed("appointments.write", ["auditor", "receptionist"])
    assert allowed("audit.read", ["auditor", "receptionist"])


def test_an_unknown_permission_is_noticed_when_a_route_is_made() -> None:
    with pytest.raises(KeyError):
        permitted("appointments.raed")
    with pytest.raises(KeyError):
        allowed("appointments.raed", ["owner"])


def test_nobody_manages_or_gives_a_role_above_their_own() -> None:
    assert may_manage(["owner"], list(Role))
    assert may_manage(["admin"], [role for role in Role if role is not Role.OWNER])
    assert not may_manage(["admin"], ["owner"])
    assert not may_manage(["admin", "auditor"], ["receptionist", "owner"])
    for role in ("professional", "receptionist", "auditor", "superuser"):
        assert not may_manage([role], ["receptionist"])
    assert set(GRANTABLE) == set(Role)


def test_the_printed_table_is_the_one_that_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = Path(__file__).parents[2] / "permissions.md"
    assert printed.read_text(encoding="utf-8") == document(), "run `make permissions`"
    for permission, row in PERMISSIONS.items():
        assert f"| `{permission}` | {' | '.join('✓' if role in row.roles else '' for role in Role)} |" in document()
    copy = tmp_path / "permissions.md"
    assert main([str(copy), "--check"]) == 1
    assert "make permissions" in capsys.readouterr().err
    assert main([str(copy)]) == main(["--check", str(copy)]) == 0
