# ruff: noqa: S608 - every name in these statements is a constant of this file
"""Work remembers which traces asked for it, so that a trace goes on where its work is done."""

from __future__ import annotations

from alembic import op

from atendeai.migrations.tenant import as_finder

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
SERVED_BY_POOL = (
    "EXISTS (SELECT FROM atendeai.clinic_config c"
    " WHERE c.clinic_id = w.clinic_id AND c.isolation = 'Shared' AND NOT c.suspended)"
)
OWN = "w.clinic_id = substr(session_user::text, 8)::uuid"
SIGNATURE = "claim_work(text, integer, interval)"


def _claim(scope: str, *more: str) -> str:
    returned = "".join(f", w.{column}" for column in more)
    selected = "".join(f", t.{column}" for column in more)
    return f"""
    WITH candidate AS (
        SELECT w.clinic_id, w.queue, w.key, w.ready_at FROM atendeai.work w
        WHERE w.queue = wanted AND w.ready_at <= now() AND {scope}
        ORDER BY w.ready_at LIMIT most FOR UPDATE OF w SKIP LOCKED
    ), taken AS (
        UPDATE atendeai.work w SET leased_until = now() + lease, due_at = 'infinity', attempts = w.attempts + 1,
            lease_token = gen_random_uuid(), lease_changes = w.changes
        FROM candidate c WHERE w.clinic_id = c.clinic_id AND w.queue = c.queue AND w.key = c.key
        RETURNING w.clinic_id, w.key, w.lease_token, w.attempts{returned}, c.ready_at
    )
    SELECT t.clinic_id, t.key, t.lease_token, t.attempts{selected} FROM taken t ORDER BY t.ready_at"""


def _replace(*more: tuple[str, str]) -> None:
    """Make `claim_work` anew, with further columns: what a function returns cannot be changed in place."""
    columns = "".join(f", {name} {kind}" for name, kind in more)
    names = [name for name, _ in more]
    with as_finder():
        op.execute(f"DROP FUNCTION atendeai.{SIGNATURE}")
        op.execute(
            f"""
CREATE FUNCTION atendeai.claim_work(wanted text, most integer, lease interval)
RETURNS TABLE (clinic_id uuid, key text, token uuid, attempts integer{columns})
LANGUAGE plpgsql VOLATILE {DEFINER} AS $$
BEGIN
    IF session_user = 'atendeai_pool' THEN
        RETURN QUERY {_claim(SERVED_BY_POOL, *names)};
    ELSE
        RETURN QUERY {_claim(OWN, *names)};
    END IF;
END $$"""
        )
        op.execute(f"REVOKE ALL ON FUNCTION atendeai.{SIGNATURE} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION atendeai.{SIGNATURE} TO atendeai_pool, atendeai_clinic")


def upgrade() -> None:
    # W3C trace contexts, the latest last: "traceparent", or "traceparent tracestate".
    op.execute("ALTER TABLE atendeai.work ADD COLUMN traces text[] NOT NULL DEFAULT '{}'")
    _replace(("traces", "text[]"))


def downgrade() -> None:
    _replace()
    op.execute("ALTER TABLE atendeai.work DROP COLUMN traces")
