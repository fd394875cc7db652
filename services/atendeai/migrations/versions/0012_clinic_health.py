# ruff: noqa: S608 - every name in these statements is a constant of this file
"""The clinic's profile: what staff add to it, and its history; the history of the parts' health.

`clinic_additions` and `profile_version` are of the kind of `clinic_config`, whose rows they go with: one row, or a
bounded number, for each clinic, guarded by row security and not partitioned. So the history can be kept by a trigger,
in the transaction that changes either row, whoever changes it and whether or not a service runs.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from atendeai.migrations.tenant import as_finder, as_migrator, create_tenant_table, guard

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SCHEMA = "atendeai"
MOMENT = sa.DateTime(timezone=True)
KEPT_VERSIONS = 200

# What of a configuration row is the clinic's profile in the wide sense; credentials and limits are not.
DECLARED = """jsonb_build_object(
        'displayName', c.display_name, 'timezone', c.settings -> 'timezone', 'locale', c.settings -> 'locale',
        'persona', coalesce(c.settings #> '{ai,persona}', '{}'::jsonb),
        'handoffTopics', coalesce(c.settings #> '{ai,handoff,topics}', '[]'::jsonb),
        'reminders', coalesce(c.settings -> 'reminders', '{}'::jsonb), 'profile', c.profile)"""

# Owned by the finder: history may be read by a clinic, but not rewritten. One clinic's changes take turns, so that
# versions are numbered without gaps; each statement here sees what the change before it committed.
KEEP_VERSION = f"""
CREATE FUNCTION atendeai.keep_profile_version() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    said jsonb; added jsonb; who text; why text; declared_by bigint; last atendeai.profile_version%ROWTYPE;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('atendeai.profile:' || NEW.clinic_id::text, 0));
    SELECT {DECLARED}, c.generation INTO said, declared_by
        FROM atendeai.clinic_config c WHERE c.clinic_id = NEW.clinic_id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT a.document, a.changed_by, a.reason INTO added, who, why
        FROM atendeai.clinic_additions a WHERE a.clinic_id = NEW.clinic_id;
    added := coalesce(added, '{{}}'::jsonb);
    SELECT * INTO last FROM atendeai.profile_version v
        WHERE v.clinic_id = NEW.clinic_id ORDER BY v.version DESC LIMIT 1;
    IF FOUND AND last.declared = said AND last.additions = added THEN
        RETURN NULL;
    END IF;
    INSERT INTO atendeai.profile_version
        (clinic_id, version, at, source, actor, generation, reason, declared, additions)
    VALUES (NEW.clinic_id, coalesce(last.version, 0) + 1, clock_timestamp(),
        CASE TG_TABLE_NAME WHEN 'clinic_config' THEN 'resource' ELSE 'staff' END,
        CASE TG_TABLE_NAME WHEN 'clinic_config' THEN NULL ELSE who END, declared_by,
        CASE TG_TABLE_NAME WHEN 'clinic_config' THEN NULL ELSE why END, said, added);
    DELETE FROM atendeai.profile_version v
        WHERE v.clinic_id = NEW.clinic_id AND v.version <= coalesce(last.version, 0) + 1 - {KEPT_VERSIONS};
    RETURN NULL;
END $$
"""

# The age of every queue at once, of what this login may take; who that is, see `work_backlog` of 0001.
BACKLOGS = """
CREATE FUNCTION atendeai.work_backlogs()
RETURNS TABLE (queue text, oldest_seconds double precision, pending bigint) LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT w.queue, greatest(extract(epoch FROM now() - min(w.due_since)), 0)::double precision, count(*)
    FROM atendeai.work w WHERE w.due_since <= now() AND CASE WHEN session_user = 'atendeai_pool'
        THEN EXISTS (SELECT FROM atendeai.clinic_config c
            WHERE c.clinic_id = w.clinic_id AND c.isolation = 'Shared' AND NOT c.suspended)
        ELSE w.clinic_id = substr(session_user::text, 8)::uuid END
    GROUP BY w.queue;
END $$
"""


def upgrade() -> None:
    _profile()
    _health()


def downgrade() -> None:
    op.drop_column("whatsapp_channel", "token_expires_at", schema=SCHEMA)
    with as_finder():
        op.execute("DROP FUNCTION atendeai.work_backlogs()")
    op.drop_table("pool_health_change", schema=SCHEMA)
    op.drop_table("health_change", schema=SCHEMA)
    op.execute("DROP TRIGGER keep_version ON atendeai.clinic_config")
    op.drop_table("clinic_additions", schema=SCHEMA)
    with as_finder():
        op.execute("DROP FUNCTION atendeai.keep_profile_version()")
    op.drop_table("profile_version", schema=SCHEMA)


def _profile() -> None:
    op.create_table(
        "clinic_additions",
        sa.Column("clinic_id", sa.Uuid(), primary_key=True),
        sa.Column("document", JSONB(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        schema=SCHEMA,
    )
    guard("clinic_additions", "SELECT, INSERT, UPDATE")
    op.create_table(
        "profile_version",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text()),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("declared", JSONB(), nullable=False),
        sa.Column("additions", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "version"),
        sa.CheckConstraint("source IN ('resource', 'staff')", name="profile_version_source"),
        schema=SCHEMA,
    )
    guard("profile_version", "SELECT")
    op.execute("GRANT SELECT ON atendeai.clinic_additions TO atendeai_finder")
    op.execute("GRANT SELECT, INSERT, DELETE ON atendeai.profile_version TO atendeai_finder")
    with as_finder():
        op.execute(KEEP_VERSION)
        op.execute("REVOKE ALL ON FUNCTION atendeai.keep_profile_version() FROM PUBLIC")
        op.execute("GRANT EXECUTE ON FUNCTION atendeai.keep_profile_version() TO atendeai_owner")
    for table in ("clinic_config", "clinic_additions"):
        op.execute(
            f"CREATE TRIGGER keep_version AFTER INSERT OR UPDATE ON atendeai.{table}"
            " FOR EACH ROW EXECUTE FUNCTION atendeai.keep_profile_version()"
        )
    # What staff add reaches every service the way the operator's row does.
    op.execute(
        "CREATE TRIGGER notify AFTER INSERT OR UPDATE OR DELETE ON atendeai.clinic_additions"
        " FOR EACH ROW EXECUTE FUNCTION atendeai.notify_config()"
    )
    with as_migrator():
        op.execute(
            "INSERT INTO atendeai.profile_version"
            " (clinic_id, version, at, source, generation, declared, additions)"
            f" SELECT c.clinic_id, 1, c.updated_at, 'resource', c.generation, {DECLARED}, '{{}}'::jsonb"
            " FROM atendeai.clinic_config c"
        )


def _health() -> None:
    # When the access token ends, as Meta last said: it is called degraded some time before.
    op.add_column("whatsapp_channel", sa.Column("token_expires_at", MOMENT), schema=SCHEMA)
    create_tenant_table("health_change", *_change(), sa.Index("health_change_at", "clinic_id", "at", "id"))
    # Of the pool's own parts, which are no clinic's: nothing in it is anybody's data, so every clinic may read it.
    op.create_table("pool_health_change", *_change(), sa.PrimaryKeyConstraint("id"), schema=SCHEMA)
    op.create_index("pool_health_change_at", "pool_health_change", ["at", "id"], schema=SCHEMA)
    op.execute("GRANT SELECT, INSERT, DELETE ON atendeai.pool_health_change TO atendeai_pool")
    op.execute("GRANT SELECT ON atendeai.pool_health_change TO atendeai_clinic")
    with as_finder():
        op.execute(BACKLOGS)
        op.execute("REVOKE ALL ON FUNCTION atendeai.work_backlogs() FROM PUBLIC")
        op.execute("GRANT EXECUTE ON FUNCTION atendeai.work_backlogs() TO atendeai_pool, atendeai_clinic")


def _change() -> list[sa.schema.SchemaItem]:
    states = "('up', 'degraded', 'down')"
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("was", sa.Text()),
        sa.Column("became", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.CheckConstraint(f"was IN {states} AND became IN {states}", name="states"),
    ]
