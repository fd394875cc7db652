"""Appointments: waiting list, reminders, calendar conflicts, feeds.

A wish on the waiting list has a table of its own: an appointment always has a time and a professional, and the
exclusion constraint and every index rest on that, while a wish has neither. What it is offered is an appointment
(`proposed`) that names it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from atendeai.migrations.tenant import create_tenant_table, partition_foreign_key

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SCHEMA = "atendeai"
COLUMNS = ("agreed_at", "waitlist_id", "cancel_code", "conflict", "notice_version")
TABLES = ("calendar_feed", "appointment_reminder", "waitlist_entry")


def upgrade() -> None:
    # When the present time was agreed (booked or moved): reminders that were due before it are not sent.
    op.add_column("appointment", sa.Column("agreed_at", MOMENT), schema=SCHEMA)
    # The wish that this appointment was offered for.
    op.add_column("appointment", sa.Column("waitlist_id", sa.Uuid()), schema=SCHEMA)
    op.add_column("appointment", sa.Column("cancel_code", sa.Text()), schema=SCHEMA)
    # What the professional's calendar says against it.
    op.add_column("appointment", sa.Column("conflict", JSONB()), schema=SCHEMA)
    # The version of the clinic's own change that the patient has yet to be told of.
    op.add_column("appointment", sa.Column("notice_version", sa.Integer()), schema=SCHEMA)
    op.create_index(
        "appointment_by_waitlist",
        "appointment",
        ["clinic_id", "waitlist_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("waitlist_id IS NOT NULL"),
    )
    create_tenant_table(
        "waitlist_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("patient_name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("professional_code", sa.Text()),
        sa.Column("date_from", sa.Date(), nullable=False),
        sa.Column("date_to", sa.Date(), nullable=False),
        sa.Column("time_from", sa.Time()),
        sa.Column("time_to", sa.Time()),
        sa.Column("source", sa.Text(), nullable=False),
        # Who joined first is served first.
        sa.Column("joined_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("end_reason", sa.Text()),
        sa.Column("appointment_id", sa.Uuid()),
        sa.CheckConstraint("status IN ('waitlist', 'booked', 'cancelled')", name="waitlist_entry_status"),
        sa.CheckConstraint("date_to >= date_from", name="waitlist_entry_in_order"),
    )
    op.create_index(
        "waitlist_entry_by_turn", "waitlist_entry", ["clinic_id", "status", "joined_at", "id"], schema=SCHEMA
    )
    op.create_index("waitlist_entry_by_contact", "waitlist_entry", ["clinic_id", "contact_id"], schema=SCHEMA)
    create_tenant_table(
        "appointment_reminder",
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("minutes_before", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        primary_key=("appointment_id", "starts_at", "minutes_before"),
    )
    partition_foreign_key("appointment_reminder", "appointment_id", "appointment", on_delete="CASCADE")
    create_tenant_table(
        "calendar_feed",
        sa.Column("professional_code", sa.Text(), nullable=False),
        # SHA-256 of the secret in the feed's address; the secret itself is shown once and kept nowhere.
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("minted_at", MOMENT, nullable=False),
        sa.Column("minted_by", sa.Text(), nullable=False),
        sa.UniqueConstraint("clinic_id", "secret_hash"),
        primary_key=("professional_code",),
    )


def downgrade() -> None:
    for table in TABLES:
        op.execute(sa.text("DELETE FROM atendeai.partition_template WHERE table_name = :name").bindparams(name=table))
        op.drop_table(table, schema=SCHEMA)
    op.drop_index("appointment_by_waitlist", "appointment", schema=SCHEMA)
    for column in COLUMNS:
        op.drop_column("appointment", column, schema=SCHEMA)
