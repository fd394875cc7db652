"""Conversations: what a reply offers to be tapped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # As whatsapp is to send it: `kind` (buttons or list) and `choices`; null for plain text.
    op.add_column("reply", sa.Column("options", JSONB()), schema="atendeai")


def downgrade() -> None:
    op.drop_column("reply", "options", schema="atendeai")
