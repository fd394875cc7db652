# ruff: noqa: S608 - every name in these statements is a constant of this file
"""What the kit itself stands on: who the current clinic is, configuration, claims, work, audit, idempotency."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from atendeai.migrations.tenant import APPEND_ONLY, READ_WRITE, as_finder, create_tenant_table, guard

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# STABLE, never IMMUTABLE: a cached plan would keep the previous clinic's answer. A RETURN body is parsed once, so no
# search_path can change what it means, and it is still inlined.
CURRENT_CLINIC = r"""
CREATE FUNCTION atendeai.current_clinic() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN current_user::text ~ '^clinic_[0-9a-f]{32}$' THEN substr(current_user::text, 8)::uuid END
"""

NOTIFY_CONFIG = """
CREATE FUNCTION atendeai.notify_config() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('atendeai_config', coalesce(NEW.clinic_id, OLD.clinic_id)::text);
    RETURN NULL;
END $$
"""

NOTIFY_REVOKED = """
CREATE FUNCTION atendeai.notify_revoked() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('atendeai_revoked', NEW.clinic_id::text || ':' || NEW.sid);
    RETURN NULL;
END $$
"""

DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"

# Whose work a login may take: the pool that of Shared clinics that are awake, a clinic's own login its own.
SERVED_BY_POOL = (
    "EXISTS (SELECT FROM atendeai.clinic_config c"
    " WHERE c.clinic_id = w.clinic_id AND c.isolation = 'Shared' AND NOT c.suspended)"
)
OWN = "w.clinic_id = substr(session_user::text, 8)::uuid"


def _claim(scope: str) -> str:
    return f"""
    WITH candidate AS (
        SELECT w.clinic_id, w.queue, w.key, w.ready_at FROM atendeai.work w
        WHERE w.queue = wanted AND w.ready_at <= now() AND {scope}
        ORDER BY w.ready_at LIMIT most FOR UPDATE OF w SKIP LOCKED
    ), taken AS (
        UPDATE atendeai.work w SET leased_until = now() + lease, due_at = 'infinity', attempts = w.attempts + 1,
            lease_token = gen_random_uuid(), lease_changes = w.changes
        FROM candidate c WHERE w.clinic_id = c.clinic_id AND w.queue = c.queue AND w.key = c.key
        RETURNING w.clinic_id, w.key, w.lease_token, w.attempts, c.ready_at
    )
    SELECT t.clinic_id, t.key, t.lease_token, t.attempts FROM taken t ORDER BY t.ready_at"""


def _backlog(scope: str) -> str:
    return f"""
    SELECT coalesce(greatest(extract(epoch FROM now() - min(w.due_since)), 0), 0)::double precision, count(*)
    FROM atendeai.work w WHERE w.queue = wanted AND w.due_since <= now() AND {scope}"""


# Functions that look across clinics: ids only. session_user is the login (SECURITY DEFINER changes current_user).
FINDERS = {
    "clinic_by_host(text)": f"""
CREATE FUNCTION atendeai.clinic_by_host(host text) RETURNS uuid LANGUAGE sql STABLE {DEFINER} AS $$
    SELECT c.clinic_id FROM atendeai.claim c WHERE c.kind = 'host' AND c.value = lower(host)
$$""",
    "clinic_by_phone(text)": f"""
CREATE FUNCTION atendeai.clinic_by_phone(phone text) RETURNS uuid LANGUAGE sql STABLE {DEFINER} AS $$
    SELECT c.clinic_id FROM atendeai.claim c WHERE c.kind = 'phone' AND c.value = phone
$$""",
    "shared_clinics()": f"""
CREATE FUNCTION atendeai.shared_clinics() RETURNS SETOF uuid LANGUAGE sql STABLE {DEFINER} AS $$
    SELECT c.clinic_id FROM atendeai.clinic_config c WHERE c.isolation = 'Shared' AND NOT c.suspended
$$""",
    # While leased, due_at is infinity: what an enqueue asks for meanwhile is what remains when the lease is given up.
    "claim_work(text, integer, interval)": f"""
CREATE FUNCTION atendeai.claim_work(wanted text, most integer, lease interval)
RETURNS TABLE (clinic_id uuid, key text, token uuid, attempts integer) LANGUAGE plpgsql VOLATILE {DEFINER} AS $$
BEGIN
    IF session_user = 'atendeai_pool' THEN
        RETURN QUERY {_claim(SERVED_BY_POOL)};
    ELSE
        RETURN QUERY {_claim(OWN)};
    END IF;
END $$""",
    "work_backlog(text)": f"""
CREATE FUNCTION atendeai.work_backlog(wanted text)
RETURNS TABLE (oldest_seconds double precision, pending bigint) LANGUAGE plpgsql STABLE {DEFINER} AS $$
BEGIN
    IF session_user = 'atendeai_pool' THEN
        RETURN QUERY {_backlog(SERVED_BY_POOL)};
    ELSE
        RETURN QUERY {_backlog(OWN)};
    END IF;
END $$""",
}


def upgrade() -> None:
    op.execute(CURRENT_CLINIC)
    op.execute("REVOKE ALL ON FUNCTION atendeai.current_clinic() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION atendeai.current_clinic() TO atendeai_clinic, atendeai_pool, atendeai_finder")
    op.execute(NOTIFY_CONFIG)
    op.execute(NOTIFY_REVOKED)
    op.execute("REVOKE ALL ON FUNCTION atendeai.notify_config(), atendeai.notify_revoked() FROM PUBLIC")
    _configuration()
    _work()
    _records()
    _finders()


def _configuration() -> None:
    op.create_table(
        "partition_template",
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "position", "statement"),
        schema="atendeai",
    )
    op.create_table(
        "clinic_config",
        sa.Column("clinic_id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("isolation", sa.Text(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("settings", pg.JSONB(), nullable=False),
        sa.Column("profile", pg.JSONB(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("credentials", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("isolation IN ('Dedicated', 'Shared')", name="clinic_config_isolation"),
        schema="atendeai",
    )
    guard("clinic_config", "SELECT")
    op.execute(
        "CREATE TRIGGER notify AFTER INSERT OR UPDATE OR DELETE ON atendeai.clinic_config"
        " FOR EACH ROW EXECUTE FUNCTION atendeai.notify_config()"
    )
    op.create_table(
        "claim",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("kind", "value"),
        sa.CheckConstraint("kind IN ('host', 'phone')", name="claim_kind"),
        sa.Index("claim_clinic", "clinic_id"),
        schema="atendeai",
    )


def _work() -> None:
    op.create_table(
        "work",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("lease_token", sa.Uuid()),
        sa.Column("lease_changes", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("changes", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column(
            "ready_at",
            sa.DateTime(timezone=True),
            sa.Computed("coalesce(leased_until, due_at)", persisted=True),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("clinic_id", "queue", "key"),
        sa.Index("work_ready", "queue", "ready_at"),
        schema="atendeai",
    )
    guard("work", READ_WRITE)
    # A queue's rows come and go all day: clean early, or every claim walks over the dead ones.
    op.execute(
        "ALTER TABLE atendeai.work SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0,"
        " autovacuum_vacuum_threshold = 1000)"
    )


def _records() -> None:
    op.create_table(
        "revoked_session",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "sid"),
        schema="atendeai",
    )
    guard("revoked_session", READ_WRITE)
    op.execute(
        "CREATE TRIGGER notify AFTER INSERT ON atendeai.revoked_session"
        " FOR EACH ROW EXECUTE FUNCTION atendeai.notify_revoked()"
    )
    create_tenant_table(
        "audit_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("details", pg.JSONB(), nullable=False, server_default=sa.text("'{}'::jsonb")),
        sa.Index("audit_event_at", "clinic_id", "at"),
        sa.Index("audit_event_target", "clinic_id", "target", "at"),
        grants=APPEND_ONLY,
    )
    create_tenant_table(
        "idempotency_key",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("body", sa.LargeBinary(), nullable=False, server_default=sa.text("''::bytea")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Index("idempotency_key_created", "clinic_id", "created_at"),
        primary_key=("scope", "key"),
    )


def _finders() -> None:
    op.execute("GRANT SELECT ON atendeai.clinic_config, atendeai.claim TO atendeai_finder")
    op.execute("GRANT SELECT, UPDATE ON atendeai.work TO atendeai_finder")
    with as_finder():
        for signature, statement in FINDERS.items():
            op.execute(statement)
            op.execute(f"REVOKE ALL ON FUNCTION atendeai.{signature} FROM PUBLIC")
            op.execute(f"GRANT EXECUTE ON FUNCTION atendeai.{signature} TO atendeai_pool, atendeai_clinic")
