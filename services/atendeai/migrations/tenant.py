"""How a revision makes a tenant table: partitioned by clinic, guarded by row security, granted to the clinics' roles.

What PostgreSQL cannot declare on a partitioned parent (EXCLUDE constraints, foreign keys between partitions) is
registered in `atendeai.partition_template`; whoever makes a clinic's partition runs those statements on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

SCHEMA = "atendeai"
READ_WRITE = "SELECT, INSERT, UPDATE, DELETE"
APPEND_ONLY = "SELECT, INSERT"

BEFORE_ATTACH = 0
AFTER_ALL_ATTACHED = 100
"""Statements that name other tables' partitions run once all of the clinic's partitions are attached."""


def create_tenant_table(
    name: str,
    *columns: sa.schema.SchemaItem,
    primary_key: Sequence[str] = ("id",),
    grants: str = READ_WRITE,
) -> None:
    """Create `atendeai.<name>`, partitioned by `clinic_id`, with primary key (clinic_id, *primary_key).

    Row security is enabled and forced with policy `tenant`; `grants` go to `atendeai_clinic`. Do not give `clinic_id`
    yourself. Unique constraints must contain it. Statuses are text with a CHECK (an enum's `=` is not leakproof, so
    row security would keep it from its index); identities are UUIDs (LIKE copies an identity as a second sequence).
    """
    op.create_table(
        name,
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("clinic_id", *primary_key),
        schema=SCHEMA,
        postgresql_partition_by="LIST (clinic_id)",
    )
    guard(name, grants)


def guard(name: str, grants: str) -> None:
    """Enable and force row security by `clinic_id` on a table, and grant it to the clinics' roles."""
    for statement in (
        f"ALTER TABLE {SCHEMA}.{name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {SCHEMA}.{name} FORCE ROW LEVEL SECURITY",
        (
            f"CREATE POLICY tenant ON {SCHEMA}.{name}"
            f" USING (clinic_id = {SCHEMA}.current_clinic()) WITH CHECK (clinic_id = {SCHEMA}.current_clinic())"
        ),
        f"GRANT {grants} ON {SCHEMA}.{name} TO atendeai_clinic",
    ):
        op.execute(statement)


def partition_statement(table: str, statement: str, *, position: int = BEFORE_ATTACH) -> None:
    """Register a statement for every clinic's partition of `table`.

    Placeholders: `{partition}` (schema-qualified and quoted), `{partition:other}` (the same clinic's partition of
    another table; position 100 or more), `{hex}` (the clinic's id; index and constraint names are unique in a schema
    and at most 63 bytes, so keep the rest under 30).
    """
    if position < AFTER_ALL_ATTACHED and "{partition:" in statement:
        raise ValueError("a statement that names another partition runs after all are attached: position >= 100")
    op.get_bind().execute(
        sa.text(
            "INSERT INTO atendeai.partition_template (table_name, position, statement)"
            " VALUES (:table, :position, :statement)"
        ),
        {"table": table, "position": position, "statement": statement},
    )


def partition_foreign_key(
    table: str, column: str, target: str, *, target_column: str = "id", on_delete: str = "NO ACTION"
) -> None:
    """Declare a foreign key from partition to partition: (clinic_id, column) → target (clinic_id, target_column).

    On the parents it would make every ATTACH lock all referenced partitions against writes.
    """
    partition_statement(
        table,
        f"ALTER TABLE {{partition}} ADD CONSTRAINT {table}_{column}_fk FOREIGN KEY (clinic_id, {column})"
        f" REFERENCES {{partition:{target}}} (clinic_id, {target_column}) ON DELETE {on_delete}",
        position=AFTER_ALL_ATTACHED,
    )


@contextmanager
def as_migrator() -> Iterator[None]:
    """Run statements as the migrator, who sees all clinics' rows: for revisions that move data."""
    op.execute("RESET ROLE")
    yield
    op.execute("SET ROLE atendeai_owner")


@contextmanager
def as_finder() -> Iterator[None]:
    """Run statements as `atendeai_finder`: functions created in the block are its own and bypass row security.

    Such functions return ids only, are SECURITY DEFINER with `SET search_path = pg_catalog, pg_temp`, and are revoked
    from PUBLIC and granted one by one.
    """
    op.execute(f"GRANT CREATE ON SCHEMA {SCHEMA} TO atendeai_finder")
    op.execute("SET ROLE atendeai_finder")
    yield
    op.execute("SET ROLE atendeai_owner")
    op.execute(f"REVOKE CREATE ON SCHEMA {SCHEMA} FROM atendeai_finder")
