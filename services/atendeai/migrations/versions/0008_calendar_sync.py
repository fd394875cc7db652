"""Calendar: how far each calendar was read, the channels that tell of changes, and a person's consent.

`calendar_event.google_updated_at` is what Google called our own last writing of the event, so that it is not taken for
somebody else's; rows from before have none. `conflict` is what the appointment service was last told of it.
`calendar_sync.reading` counts the readers of a calendar: only the latest one's writing counts.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from atendeai.migrations.tenant import create_tenant_table

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
TABLES = ("calendar_sync", "calendar_channel", "calendar_consent", "calendar_consent_request")


def upgrade() -> None:
    op.add_column("calendar_event", sa.Column("google_updated_at", MOMENT), schema="atendeai")
    op.add_column("calendar_event", sa.Column("conflict", sa.Text()), schema="atendeai")
    op.add_column(
        "calendar_event", sa.Column("told", sa.Integer(), nullable=False, server_default="0"), schema="atendeai"
    )
    op.create_check_constraint(
        "calendar_event_conflict", "calendar_event", "conflict IN ('moved', 'overlapped')", schema="atendeai"
    )
    create_tenant_table(
        "calendar_sync",
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.Column("sync_token", sa.Text()),
        sa.Column("last_synced_at", MOMENT),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("error", sa.Text()),
        sa.Column("watch_refused", sa.Text()),
        sa.Column("watch_again_at", MOMENT),
        sa.Column("reading", sa.BigInteger(), nullable=False, server_default="0"),
        primary_key=("calendar_id",),
    )
    create_tenant_table(
        "calendar_channel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("resource_id", sa.Text()),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("heard_at", MOMENT),
    )
    op.create_index("calendar_channel_by_calendar", "calendar_channel", ["clinic_id", "calendar_id"], schema="atendeai")
    create_tenant_table(
        "calendar_consent",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=False),
        sa.Column("granted_at", MOMENT, nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("refused_at", MOMENT),
        primary_key=("client_id",),
    )
    create_tenant_table(
        "calendar_consent_request",
        sa.Column("state_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("verifier", sa.LargeBinary(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        primary_key=("state_sha256",),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table, schema="atendeai")
    op.drop_constraint("calendar_event_conflict", "calendar_event", schema="atendeai")
    for column in ("told", "conflict", "google_updated_at"):
        op.drop_column("calendar_event", column, schema="atendeai")
