"""What the whatsapp service keeps: contacts, messages in and out, statuses, and the health of the channel."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from atendeai.migrations.tenant import create_tenant_table, partition_foreign_key

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    create_tenant_table(
        "whatsapp_contact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wa_id", sa.Text()),
        sa.Column("number_key", sa.Text()),
        sa.Column("user_id", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("merged_into", sa.Uuid()),
        _moment("last_inbound_at"),
        _moment("created_at", nullable=False),
        _moment("updated_at", nullable=False),
        sa.UniqueConstraint("clinic_id", "number_key", name="whatsapp_contact_number"),
        sa.UniqueConstraint("clinic_id", "user_id", name="whatsapp_contact_user"),
    )
    create_tenant_table(
        "whatsapp_inbound",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wamid", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reply_id", sa.Text()),
        sa.Column("context_wamid", sa.Text()),
        sa.Column("content", pg.JSONB(), nullable=False),
        _moment("sent_at", nullable=False),
        _moment("received_at", nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        _moment("handed_on_at"),
        sa.Column("refused_status", sa.Integer()),
        sa.UniqueConstraint("clinic_id", "wamid", name="whatsapp_inbound_wamid"),
        sa.Index("whatsapp_inbound_contact", "clinic_id", "contact_id", "sent_at"),
        sa.Index("whatsapp_inbound_sent", "clinic_id", "sent_at", "id"),
        sa.Index(
            "whatsapp_inbound_waiting",
            "clinic_id",
            "contact_id",
            postgresql_where=sa.text("handed_on_at IS NULL"),
        ),
    )
    create_tenant_table(
        "whatsapp_outbound",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", pg.JSONB(), nullable=False),
        sa.Column("reply_to", sa.Uuid()),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("wamid", sa.Text()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("error_code", sa.Integer()),
        sa.Column("error_title", sa.Text()),
        sa.Column("error_details", sa.Text()),
        _moment("created_at", nullable=False),
        _moment("due_at", nullable=False),
        _moment("sent_at"),
        _moment("delivered_at"),
        _moment("read_at"),
        _moment("failed_at"),
        sa.UniqueConstraint("clinic_id", "idempotency_key", name="whatsapp_outbound_key"),
        sa.UniqueConstraint("clinic_id", "wamid", name="whatsapp_outbound_wamid"),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'delivered', 'read', 'failed')", name="whatsapp_outbound_state"
        ),
        sa.CheckConstraint("kind IN ('text', 'buttons', 'list')", name="whatsapp_outbound_kind"),
        sa.Index("whatsapp_outbound_contact", "clinic_id", "contact_id", "created_at"),
        sa.Index("whatsapp_outbound_created", "clinic_id", "created_at", "id"),
        sa.Index("whatsapp_outbound_sent", "clinic_id", "sent_at"),
        sa.Index(
            "whatsapp_outbound_open",
            "clinic_id",
            "contact_id",
            "created_at",
            postgresql_where=sa.text("state IN ('queued', 'sending')"),
        ),
    )
    create_tenant_table(
        "whatsapp_status",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wamid", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        _moment("at", nullable=False),
        sa.Column("error_code", sa.Integer()),
        sa.Column("error_title", sa.Text()),
        sa.Column("error_details", sa.Text()),
        _moment("received_at", nullable=False),
        sa.UniqueConstraint("clinic_id", "wamid", "status", name="whatsapp_status_once"),
    )
    # One row for each clinic, its id being the clinic's: the account's last refusal and the last check of its token.
    create_tenant_table(
        "whatsapp_channel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("error_code", sa.Integer()),
        sa.Column("error_title", sa.Text()),
        sa.Column("error_details", sa.Text()),
        _moment("error_at"),
        sa.Column("token_valid", sa.Boolean()),
        _moment("token_checked_at"),
        sa.Column("token_problem", sa.Text()),
    )
    partition_foreign_key("whatsapp_inbound", "contact_id", "whatsapp_contact")
    partition_foreign_key("whatsapp_outbound", "contact_id", "whatsapp_contact")


def downgrade() -> None:
    op.execute("DELETE FROM atendeai.partition_template WHERE table_name LIKE 'whatsapp_%'")
    for table in ("channel", "status", "outbound", "inbound", "contact"):
        op.drop_table(f"whatsapp_{table}", schema="atendeai")
