"""Calendar: which Google Calendar event stands for which appointment (`id` is the appointment's).

No foreign key: the appointment is another service's, and its row may go before its event does.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from atendeai.migrations.tenant import create_tenant_table

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_tenant_table(
        "calendar_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("professional_code", sa.Text(), nullable=False),
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.CheckConstraint("state IN ('writing', 'live', 'deleted')", name="calendar_event_state"),
    )
    op.create_index("calendar_event_by_time", "calendar_event", ["clinic_id", "starts_at"], schema="atendeai")
