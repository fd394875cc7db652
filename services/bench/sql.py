"""The statements of the services, as the peer runs them: taken from the services where they are theirs alone."""

from __future__ import annotations

from atendeai.appointment.models import NEVER_LISTED
from atendeai.domain.appointment_states import Status
from atendeai.whatsapp.ingest_repository import MEET, STORE

STATUSES = [status.value for status in Status]
LAPSED_REASONS = list(NEVER_LISTED)

# As `AppointmentRepository.list_between` writes it for the days of a diary, with the driver's placeholders.
_LIST = (
    "SELECT a.id, a.status, a.starts_at, a.ends_at, a.service_code, a.service_name, a.professional_code,"
    " a.professional_name, a.patient_id, a.patient_name, a.contact_id, a.expires_at, a.confirmed_at, a.cancel_reason,"
    " a.cancel_code, a.source, a.calendar_state, a.calendar_version, a.calendar_error, a.created_at, a.updated_at,"
    " a.version, a.agreed_at, a.waitlist_id, a.conflict, a.notice_version FROM atendeai.appointment a"
    " WHERE a.clinic_id = $1 AND a.status = ANY($2::text[]) AND coalesce(a.cancel_reason, '') <> ALL($3::text[])"
    " AND a.starts_at >= $5 AND a.starts_at < $6 ORDER BY a.starts_at, a.id LIMIT $4"
)
_AUDIT = (
    "INSERT INTO atendeai.audit_event (clinic_id, id, at, actor, action, target, details)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb)"
)


def statements() -> dict[str, str]:
    """Return them by what the peer calls them."""
    return {"meet": MEET, "store": STORE, "list": _LIST, "audit": _AUDIT}
