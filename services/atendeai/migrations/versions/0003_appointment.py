"""Appointments: patients, appointments with their exclusion constraint, and what happened to each.

A row that is live takes up its professional's time: the exclusion constraint stands on every clinic's partition (the
partitioned parent refuses it) and names the statuses of `domain.appointment_states.LIVE`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from atendeai.migrations.tenant import create_tenant_table, partition_foreign_key, partition_statement

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STATUSES = (
    "'proposed', 'pending', 'waitlist', 'booked', 'arrived', 'checked-in', 'fulfilled', 'cancelled', 'noshow',"
    " 'entered-in-error'"
)
LIVE = "'proposed', 'pending', 'booked', 'arrived', 'checked-in'"


def upgrade() -> None:
    create_tenant_table(
        "patient",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Uuid()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.UniqueConstraint("clinic_id", "contact_id", "name_key"),
    )
    create_tenant_table(
        "appointment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("service_name", sa.Text(), nullable=False),
        sa.Column("professional_code", sa.Text(), nullable=False),
        sa.Column("professional_name", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Uuid()),
        sa.Column("patient_name", sa.Text()),
        sa.Column("contact_id", sa.Uuid()),
        sa.Column("expires_at", MOMENT),
        sa.Column("confirmed_at", MOMENT),
        sa.Column("cancel_reason", sa.Text()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("calendar_state", sa.Text(), nullable=False, server_default="none"),
        sa.Column("calendar_version", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("calendar_error", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.CheckConstraint(f"status IN ({STATUSES})", name="appointment_status"),
        sa.CheckConstraint("ends_at > starts_at", name="appointment_in_order"),
        # A hold without an end would keep its time for ever.
        sa.CheckConstraint("status <> 'proposed' OR expires_at IS NOT NULL", name="appointment_hold_ends"),
        sa.CheckConstraint(
            "calendar_state IN ('none', 'pending', 'synced', 'failed')", name="appointment_calendar_state"
        ),
    )
    op.create_index("appointment_by_time", "appointment", ["clinic_id", "starts_at", "id"], schema="atendeai")
    op.create_index(
        "appointment_by_professional",
        "appointment",
        ["clinic_id", "professional_code", "starts_at"],
        schema="atendeai",
    )
    op.create_index(
        "appointment_by_contact", "appointment", ["clinic_id", "contact_id", "starts_at"], schema="atendeai"
    )
    partition_statement(
        "appointment",
        "ALTER TABLE {partition} ADD CONSTRAINT appointment_slot_{hex} EXCLUDE USING gist"
        " (professional_code WITH =, tstzrange(starts_at, ends_at) WITH &&)"
        f" WHERE (status IN ({LIVE}))",
    )
    partition_foreign_key("appointment", "patient_id", "patient")
    create_tenant_table(
        "appointment_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text()),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("details", JSONB(), nullable=False),
    )
    op.create_index(
        "appointment_event_by_appointment",
        "appointment_event",
        ["clinic_id", "appointment_id", "version"],
        schema="atendeai",
    )
    partition_foreign_key("appointment_event", "appointment_id", "appointment")
