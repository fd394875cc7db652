"""Why a person of the clinic must look at a conversation; read by what stores it, so without the dialogue itself."""

from enum import StrEnum


class Alert(StrEnum):
    """Why a person of the clinic must look at the conversation."""

    EMERGENCY = "emergency"
    POSSIBLE_EMERGENCY = "possible_emergency"
    """A sign of one that may be none: help was named, and the conversation went on."""
    HUMAN = "human"
    TOPIC = "topic"
    RESULTS = "results_or_prescription"
    DATA_REQUEST = "data_request"
    LATE = "running_late"
    CALENDAR = "calendar_unavailable"
    TROUBLE = "trouble"
    NOT_UNDERSTOOD = "not_understood"
    UNANSWERED = "unanswered"
    NOTICE = "notice_too_short"
    FILE = "file"
