"""WhatsApp: contacts that turned out to be one person, of whom the other services have yet to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SCHEMA = "atendeai"


def upgrade() -> None:
    op.add_column("whatsapp_contact", sa.Column("join_told_at", sa.DateTime(timezone=True)), schema=SCHEMA)
    op.create_index(
        "whatsapp_contact_join_untold",
        "whatsapp_contact",
        ["clinic_id", "merged_into"],
        schema=SCHEMA,
        postgresql_where=sa.text("merged_into IS NOT NULL AND join_told_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("whatsapp_contact_join_untold", "whatsapp_contact", schema=SCHEMA)
    op.drop_column("whatsapp_contact", "join_told_at", schema=SCHEMA)
