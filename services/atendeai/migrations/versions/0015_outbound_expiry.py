"""WhatsApp: a message that is worth nothing after a moment is not sent after it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("whatsapp_outbound", sa.Column("expires_at", sa.DateTime(timezone=True)), schema="atendeai")


def downgrade() -> None:
    op.drop_column("whatsapp_outbound", "expires_at", schema="atendeai")
