"""Conversations: consent, buttons and media, which engine answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SCHEMA = "atendeai"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    # When the patient was told how their data is used, and which wording of it they were told.
    op.add_column("conversation", sa.Column("consent_at", MOMENT), schema=SCHEMA)
    op.add_column("conversation", sa.Column("consent_version", sa.Text()), schema=SCHEMA)
    op.add_column("conversation", sa.Column("opted_out_at", MOMENT), schema=SCHEMA)
    op.add_column("conversation_message", sa.Column("reply_id", sa.Text()), schema=SCHEMA)
    op.add_column("conversation_message", sa.Column("media", JSONB()), schema=SCHEMA)
    # The embedded one, or the name of the model.
    op.add_column("reply", sa.Column("engine", sa.Text()), schema=SCHEMA)


def downgrade() -> None:
    op.drop_column("reply", "engine", schema=SCHEMA)
    op.drop_column("conversation_message", "media", schema=SCHEMA)
    op.drop_column("conversation_message", "reply_id", schema=SCHEMA)
    op.drop_column("conversation", "opted_out_at", schema=SCHEMA)
    op.drop_column("conversation", "consent_version", schema=SCHEMA)
    op.drop_column("conversation", "consent_at", schema=SCHEMA)
