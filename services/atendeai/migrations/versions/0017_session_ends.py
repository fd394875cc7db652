"""Identity: the refresh tokens of a session are found by it, so that what has ended can go."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SCHEMA = "atendeai"


def upgrade() -> None:
    # Also for the foreign key: a session that is deleted takes its tokens along.
    op.create_index("refresh_token_session_idx", "refresh_token", ["clinic_id", "session_id"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_index("refresh_token_session_idx", "refresh_token", schema=SCHEMA)
