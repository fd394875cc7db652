"""The shapes of the Calendar API: parameters and scopes of the methods, properties of the resources.

Source: the published discovery document, calendar v3, revision 20261030
(https://calendar-json.googleapis.com/$discovery/rest?version=v3). What nobody here uses (conferences, attachments, the
properties of special events) is left open.
"""

from typing import Any

COMMON = "alt fields key oauth_token prettyPrint quotaUser userIp"
"""Parameters of every method."""

PARAMETERS: dict[str, str] = {
    "events.list": (
        "alwaysIncludeEmail eventTypes iCalUID maxAttendees maxResults orderBy pageToken "
        "privateExtendedProperty q sharedExtendedProperty showDeleted showHiddenInvitations "
        "singleEvents syncToken timeMax timeMin timeZone updatedMin"
    ),
    "events.watch": (
        "alwaysIncludeEmail eventTypes iCalUID maxAttendees maxResults orderBy pageToken "
        "privateExtendedProperty q sharedExtendedProperty showDeleted showHiddenInvitations "
        "singleEvents syncToken timeMax timeMin timeZone updatedMin"
    ),
    "events.insert": (
        "conferenceDataVersion eventLabelVersion maxAttendees sendNotifications sendUpdates supportsAttachments"
    ),
    "events.get": "alwaysIncludeEmail maxAttendees timeZone",
    "events.patch": (
        "alwaysIncludeEmail conferenceDataVersion eventLabelVersion maxAttendees sendNotifications "
        "sendUpdates supportsAttachments"
    ),
    "events.delete": "sendNotifications sendUpdates",
    "freebusy": "",
    "channels.stop": "",
}

_SCOPES: dict[str, str] = {
    "events.list": (
        "calendar calendar.app.created calendar.events calendar.events.freebusy calendar.events.owned "
        "calendar.events.owned.readonly calendar.events.public.readonly calendar.events.readonly "
        "calendar.readonly"
    ),
    "events.watch": (
        "calendar calendar.app.created calendar.events calendar.events.freebusy calendar.events.owned "
        "calendar.events.owned.readonly calendar.events.public.readonly calendar.events.readonly "
        "calendar.readonly"
    ),
    "events.insert": "calendar calendar.app.created calendar.events calendar.events.owned",
    "events.get": (
        "calendar calendar.app.created calendar.events calendar.events.freebusy calendar.events.owned "
        "calendar.events.owned.readonly calendar.events.public.readonly calendar.events.readonly "
        "calendar.readonly"
    ),
    "events.patch": "calendar calendar.app.created calendar.events calendar.events.owned",
    "events.delete": "calendar calendar.app.created calendar.events calendar.events.owned",
    "freebusy": "calendar calendar.events.freebusy calendar.freebusy calendar.readonly",
    "channels.stop": (
        "calendar calendar.acls calendar.acls.readonly calendar.app.created calendar.calendarlist "
        "calendar.calendarlist.readonly calendar.events calendar.events.freebusy calendar.events.owned "
        "calendar.events.owned.readonly calendar.events.public.readonly calendar.events.readonly "
        "calendar.readonly calendar.settings calendar.settings.readonly"
    ),
}
"""Any of these opens the method; each begins with https://www.googleapis.com/auth/."""

_PLAIN: dict[str, str] = {
    "Channel": "address expiration id kind params payload resourceId resourceUri token type",
    "Error": "domain reason",
    "Event": (
        "anyoneCanAddSelf attachments attendees attendeesOmitted birthdayProperties colorId conferenceData "
        "created creator description end endTimeUnspecified etag eventLabelId eventType extendedProperties "
        "focusTimeProperties gadget guestsCanInviteOthers guestsCanModify guestsCanSeeOtherGuests "
        "hangoutLink htmlLink iCalUID id kind location locked organizer originalStartTime "
        "outOfOfficeProperties privateCopy recurrence recurringEventId reminders sequence source start "
        "status summary transparency updated visibility workingLocationProperties"
    ),
    "Event.creator": "displayName email id self",
    "Event.extendedProperties": "private shared",
    "Event.organizer": "displayName email id self",
    "Event.reminders": "overrides useDefault",
    "Event.source": "title url",
    "EventAttendee": (
        "additionalGuests asyncOperation comment displayName email id optional organizer resource responseStatus self"
    ),
    "EventDateTime": "date dateTime timeZone",
    "EventReminder": "method minutes",
    "Events": (
        "accessRole defaultReminders description etag items kind nextPageToken nextSyncToken summary timeZone updated"
    ),
    "FreeBusyCalendar": "busy errors",
    "FreeBusyGroup": "calendars errors",
    "FreeBusyRequest": "calendarExpansionMax groupExpansionMax items timeMax timeMin timeZone",
    "FreeBusyRequestItem": "id",
    "FreeBusyResponse": "calendars groups kind timeMax timeMin",
    "TimePeriod": "end start",
}
_NESTED: dict[tuple[str, str], str] = {
    ("Event", "attendees"): "EventAttendee",
    ("Event", "creator"): "Event.creator",
    ("Event", "end"): "EventDateTime",
    ("Event", "extendedProperties"): "Event.extendedProperties",
    ("Event", "organizer"): "Event.organizer",
    ("Event", "originalStartTime"): "EventDateTime",
    ("Event", "reminders"): "Event.reminders",
    ("Event", "source"): "Event.source",
    ("Event", "start"): "EventDateTime",
    ("Event.reminders", "overrides"): "EventReminder",
    ("Events", "defaultReminders"): "EventReminder",
    ("Events", "items"): "Event",
    ("FreeBusyCalendar", "busy"): "TimePeriod",
    ("FreeBusyCalendar", "errors"): "Error",
    ("FreeBusyGroup", "errors"): "Error",
    ("FreeBusyRequest", "items"): "FreeBusyRequestItem",
    ("FreeBusyResponse", "calendars"): "*FreeBusyCalendar",
    ("FreeBusyResponse", "groups"): "*FreeBusyGroup",
}
"""Which properties hold resources in their turn; an asterisk: a map of them."""


def unknown_properties(schema: str, value: Any, path: str = "") -> list[str]:
    """Return the paths inside `value` that the schema does not know."""
    if isinstance(value, list):
        return [bad for one in value for bad in unknown_properties(schema, one, f"{path}[]")]
    if not isinstance(value, dict):
        return [path or "."]
    known = _PLAIN[schema].split()
    found = []
    for name, inner in value.items():
        where = f"{path}.{name}".lstrip(".")
        if name not in known:
            found.append(where)
            continue
        nested = _NESTED.get((schema, name))
        if nested is None or inner is None:
            continue
        if not nested.startswith("*"):
            found += unknown_properties(nested, inner, where)
        elif isinstance(inner, dict):
            found += [
                bad for key, one in inner.items() for bad in unknown_properties(nested[1:], one, f"{where}.{key}")
            ]
    return found


def unknown_parameters(operation: str, names: list[str]) -> list[str]:
    """Return the query parameters that the method does not take."""
    known = f"{PARAMETERS[operation]} {COMMON}".split()
    return [name for name in names if name not in known]


def opens(operation: str, scope: str) -> bool:
    """Whether a token of this scope (several, with spaces between) may call the method."""
    prefix = "https://www.googleapis.com/auth/"
    return any(f"{prefix}{one}" in scope.split() for one in _SCOPES[operation].split())
