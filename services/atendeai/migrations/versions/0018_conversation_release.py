"""Conversations: when one was last given back to the attendant; what staff wrote before takes it no more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SCHEMA = "atendeai"


def upgrade() -> None:
    op.add_column("conversation", sa.Column("released_at", sa.DateTime(timezone=True)), schema=SCHEMA)


def downgrade() -> None:
    op.drop_column("conversation", "released_at", schema=SCHEMA)
