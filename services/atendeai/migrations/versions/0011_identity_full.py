"""Identity: where sessions come from, second factors, resets of passwords, the auditor, reasons in the audit log.

What is random and long (recovery codes, challenges, reset tokens) is kept as its SHA-256. A factor's secret must be
read again, so it is sealed with the clinic's data key.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from atendeai.migrations.tenant import as_migrator, create_tenant_table, partition_foreign_key

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SCHEMA = "atendeai"
MOMENT = sa.DateTime(timezone=True)
ROLES_BEFORE = "ARRAY['owner', 'admin', 'professional', 'receptionist']"
ROLES = "ARRAY['owner', 'admin', 'professional', 'receptionist', 'auditor']"
TABLES = ("recovery_code", "totp_factor", "login_challenge", "password_reset")


def _roles(known: str) -> None:
    op.execute("ALTER TABLE atendeai.user_account DROP CONSTRAINT user_account_roles_check")
    op.execute(
        "ALTER TABLE atendeai.user_account ADD CONSTRAINT user_account_roles_check"
        f" CHECK (roles <@ {known} AND cardinality(roles) > 0)"
    )


def upgrade() -> None:
    for column in (
        sa.Column("user_agent", sa.Text()),
        sa.Column("address", sa.Text()),
        sa.Column("expires_at", MOMENT),
    ):
        op.add_column("session", column, schema=SCHEMA)
    with as_migrator():
        op.execute(
            "UPDATE atendeai.session s SET expires_at = coalesce("
            "(SELECT max(t.expires_at) FROM atendeai.refresh_token t"
            " WHERE t.clinic_id = s.clinic_id AND t.session_id = s.id), s.last_used_at)"
        )
    # The default is for pods of the version before, which go on signing people in while this one is rolled out.
    op.alter_column(
        "session", "expires_at", nullable=False, server_default=sa.text("now() + interval '7 days'"), schema=SCHEMA
    )
    op.add_column("invitation", sa.Column("created_at", MOMENT), schema=SCHEMA)
    op.add_column("invitation", sa.Column("invited_by", sa.Text()), schema=SCHEMA)
    op.add_column("audit_event", sa.Column("reason", sa.Text()), schema=SCHEMA)
    op.create_index("audit_event_actor", "audit_event", ["clinic_id", "actor", "at"], schema=SCHEMA)
    _roles(ROLES)
    create_tenant_table(
        "totp_factor",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        # Until a code has proven that the app has the secret, it guards nothing.
        sa.Column("confirmed_at", MOMENT),
        # The last time step whose code was taken: that code and earlier ones are refused (RFC 6238, section 5.2).
        sa.Column("last_step", sa.BigInteger(), nullable=False, server_default="0"),
        primary_key=("user_id",),
    )
    create_tenant_table(
        "recovery_code",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_sha256", sa.Text(), nullable=False),
        sa.Column("used_at", MOMENT),
        primary_key=("user_id", "code_sha256"),
    )
    partition_foreign_key("recovery_code", "user_id", "totp_factor", target_column="user_id", on_delete="CASCADE")
    create_tenant_table(
        "login_challenge",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        primary_key=("token_sha256",),
    )
    create_tenant_table(
        "password_reset",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.UniqueConstraint("clinic_id", "token_sha256", name="password_reset_token_key"),
        primary_key=("user_id",),
    )


def downgrade() -> None:
    for table in TABLES:
        op.execute(sa.text("DELETE FROM atendeai.partition_template WHERE table_name = :name").bindparams(name=table))
        op.drop_table(table, schema=SCHEMA)
    with as_migrator():
        # Nobody may do more after a downgrade than before: an auditor who is nothing else is locked out.
        op.execute(
            "UPDATE atendeai.user_account SET status = 'deactivated', roles = ARRAY['receptionist']"
            " WHERE roles = ARRAY['auditor']"
        )
        op.execute(
            "UPDATE atendeai.user_account SET roles = array_remove(roles, 'auditor') WHERE 'auditor' = ANY(roles)"
        )
    _roles(ROLES_BEFORE)
    op.drop_index("audit_event_actor", "audit_event", schema=SCHEMA)
    op.drop_column("audit_event", "reason", schema=SCHEMA)
    op.drop_column("invitation", "invited_by", schema=SCHEMA)
    op.drop_column("invitation", "created_at", schema=SCHEMA)
    for column in ("expires_at", "address", "user_agent"):
        op.drop_column("session", column, schema=SCHEMA)
