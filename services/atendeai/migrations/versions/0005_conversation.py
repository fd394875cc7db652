"""Conversations: where each one stands, what patients wrote, and the replies on their way out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from atendeai.migrations.tenant import create_tenant_table, partition_foreign_key

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_tenant_table(
        "conversation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("contact_name", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False, server_default="open"),
        sa.Column("outcome", sa.Text(), nullable=False, server_default="nothing_booked"),
        sa.Column("alert", sa.Text()),
        sa.Column("alert_at", MOMENT),
        sa.Column("handed_off_at", MOMENT),
        sa.Column("opted_out", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("state", JSONB(), nullable=False, server_default="{}"),
        # Where the next message or reply goes in the transcript; the row's lock hands positions out one by one.
        sa.Column("last_position", sa.BigInteger(), nullable=False, server_default="0"),
        # Counts changes of `state`: who read an older one must read again before writing.
        sa.Column("revision", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("last_message_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.UniqueConstraint("clinic_id", "contact_id"),
        sa.CheckConstraint("status IN ('open', 'handed_off')", name="conversation_status"),
    )
    op.create_index(
        "conversation_by_last_message", "conversation", ["clinic_id", "last_message_at", "id"], schema="atendeai"
    )
    create_tenant_table(
        "conversation_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("handled_at", MOMENT),
        sa.Column("intent", sa.Text()),
        # What the turn was told so far, kept until it is done: a turn cut short goes on where it was.
        sa.Column("journal", JSONB()),
        sa.UniqueConstraint("clinic_id", "conversation_id", "position"),
    )
    op.create_index(
        "conversation_message_unhandled",
        "conversation_message",
        ["clinic_id", "conversation_id", "position"],
        schema="atendeai",
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    create_tenant_table(
        "reply",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="queued"),
        sa.Column("error", sa.Text()),
        sa.Column("outbound_id", sa.Uuid()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("passed_on_at", MOMENT),
        sa.UniqueConstraint("clinic_id", "conversation_id", "position"),
        sa.CheckConstraint("state IN ('queued', 'passed_on', 'refused')", name="reply_state"),
    )
    op.create_index(
        "reply_queued",
        "reply",
        ["clinic_id", "contact_id", "position"],
        schema="atendeai",
        postgresql_where=sa.text("state = 'queued'"),
    )
    partition_foreign_key("conversation_message", "conversation_id", "conversation")
    partition_foreign_key("reply", "conversation_id", "conversation")
