"""WhatsApp: templates, media, preferences, number changes, and what Meta says of the account.

A file lives as long as the message it came with (the foreign key cascades), so whatever deletes old messages deletes
their files too. Its bytes are stored outside the row and uncompressed: audio, pictures and PDF hardly get smaller.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from atendeai.migrations.tenant import as_migrator, create_tenant_table, partition_foreign_key

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KINDS = "'text', 'buttons', 'list'"
MEDIA_KINDS = "'audio', 'document', 'image', 'sticker', 'video'"

ADDED: dict[str, tuple[sa.Column[object], ...]] = {
    "whatsapp_contact": (
        sa.Column("opted_out_at", sa.DateTime(timezone=True)),
        sa.Column("marketing_stopped_at", sa.DateTime(timezone=True)),
    ),
    "whatsapp_inbound": (
        sa.Column("media_id", sa.Uuid()),
        sa.Column("transcribed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("edited_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("typing", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("read_marked_at", sa.DateTime(timezone=True)),
    ),
    "whatsapp_outbound": (
        sa.Column("template", pg.JSONB()),
        sa.Column("as_template", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("media_id", sa.Uuid()),
    ),
    "whatsapp_channel": (
        sa.Column("quality_rating", sa.Text()),
        sa.Column("messaging_limit", sa.Text()),
        sa.Column("account_event", sa.Text()),
        sa.Column("account_event_at", sa.DateTime(timezone=True)),
        sa.Column("onboarding", pg.JSONB()),
        sa.Column("account_checked_at", sa.DateTime(timezone=True)),
        sa.Column("templates_synced_at", sa.DateTime(timezone=True)),
        sa.Column("templates_problem", sa.Text()),
    ),
}


def _outbound_kinds(kinds: str) -> None:
    op.execute("ALTER TABLE atendeai.whatsapp_outbound DROP CONSTRAINT whatsapp_outbound_kind")
    op.execute(
        f"ALTER TABLE atendeai.whatsapp_outbound ADD CONSTRAINT whatsapp_outbound_kind CHECK (kind IN ({kinds}))"
    )


def upgrade() -> None:
    for table, columns in ADDED.items():
        for column in columns:
            op.add_column(table, column.copy(), schema="atendeai")
    _outbound_kinds(f"{KINDS}, {MEDIA_KINDS}")
    create_tenant_table(
        "whatsapp_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("category", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("meta_id", sa.Text()),
        sa.Column("body", sa.Text()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("clinic_id", "name", "language", name="whatsapp_template_name"),
    )
    create_tenant_table(
        "whatsapp_media",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("inbound_id", sa.Uuid()),
        sa.Column("contact_id", sa.Uuid()),
        sa.Column("meta_id", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("declared_type", sa.Text()),
        sa.Column("mime_type", sa.Text()),
        sa.Column("filename", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("size", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("expected", sa.Integer()),
        sa.Column("sha256", sa.Text()),
        sa.Column("content", sa.LargeBinary()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("state IN ('waiting', 'stored', 'refused', 'erased')", name="whatsapp_media_state"),
        sa.Index("whatsapp_media_inbound", "clinic_id", "inbound_id"),
        sa.Index("whatsapp_media_created", "clinic_id", "created_at"),
    )
    op.execute("ALTER TABLE atendeai.whatsapp_media ALTER COLUMN content SET STORAGE EXTERNAL")
    partition_foreign_key("whatsapp_media", "inbound_id", "whatsapp_inbound", on_delete="CASCADE")


def downgrade() -> None:
    op.execute("DELETE FROM atendeai.partition_template WHERE table_name IN ('whatsapp_media', 'whatsapp_template')")
    for table in ("media", "template"):
        op.drop_table(f"whatsapp_{table}", schema="atendeai")
    with as_migrator():
        op.execute(f"DELETE FROM atendeai.whatsapp_outbound WHERE kind IN ({MEDIA_KINDS})")  # noqa: S608 - a constant
    _outbound_kinds(KINDS)
    for table, columns in ADDED.items():
        for column in columns:
            op.drop_column(table, column.name, schema="atendeai")
