"""Identity: staff accounts and invitations (user); credentials, sessions and refresh tokens (auth)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from atendeai.migrations.tenant import create_tenant_table, partition_foreign_key

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLES = "ARRAY['owner', 'admin', 'professional', 'receptionist']"


def upgrade() -> None:
    """Create the tables of user and auth."""
    create_tenant_table(
        "user_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.UniqueConstraint("clinic_id", "email", name="user_account_email_key"),
        sa.CheckConstraint("email = lower(email)", name="user_account_email_check"),
        sa.CheckConstraint(f"roles <@ {ROLES} AND cardinality(roles) > 0", name="user_account_roles_check"),
        sa.CheckConstraint("status IN ('invited', 'active', 'deactivated')", name="user_account_status_check"),
    )
    create_tenant_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("clinic_id", "token_sha256", name="invitation_token_key"),
    )
    partition_foreign_key("invitation", "user_id", "user_account", on_delete="CASCADE")

    create_tenant_table(
        "credential",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("clinic_id", "email", name="credential_email_key"),
        primary_key=("user_id",),
    )
    create_tenant_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_reason", sa.Text()),
    )
    op.create_index("session_user_idx", "session", ["clinic_id", "user_id"], schema="atendeai")
    create_tenant_table(
        "refresh_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("clinic_id", "token_sha256", name="refresh_token_token_key"),
    )
    partition_foreign_key("refresh_token", "session_id", "session", on_delete="CASCADE")


def downgrade() -> None:
    """Drop the tables of user and auth."""
    for table in ("refresh_token", "session", "credential", "invitation", "user_account"):
        op.drop_table(table, schema="atendeai")
