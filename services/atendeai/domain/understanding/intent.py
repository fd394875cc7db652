"""The intents, and their order of precedence."""

from enum import StrEnum


class Intent(StrEnum):
    """What a patient wants with a message."""

    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    BOOK = "book"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    CONFIRM_YES = "confirm_yes"
    CONFIRM_NO = "confirm_no"
    LIST_APPOINTMENTS = "list_appointments"
    ASK_AVAILABILITY = "ask_availability"
    ASK_HOURS = "ask_hours"
    ASK_ADDRESS = "ask_address"
    ASK_PRICE = "ask_price"
    ASK_INSURANCE = "ask_insurance"
    ASK_SERVICE = "ask_service"
    RUNNING_LATE = "running_late"
    HUMAN = "human"
    OPT_OUT = "opt_out"
    DATA_REQUEST = "data_request"
    EMERGENCY = "emergency"
    RESULTS = "results_or_prescription"
    OUT_OF_SCOPE = "out_of_scope"


PRECEDENCE: tuple[Intent, ...] = (
    Intent.EMERGENCY,
    Intent.OPT_OUT,
    Intent.DATA_REQUEST,
    Intent.RESCHEDULE,
    Intent.CANCEL,
    Intent.BOOK,
    Intent.HUMAN,
    Intent.RESULTS,
    Intent.RUNNING_LATE,
    Intent.LIST_APPOINTMENTS,
    Intent.ASK_PRICE,
    Intent.ASK_INSURANCE,
    Intent.ASK_ADDRESS,
    Intent.ASK_AVAILABILITY,
    Intent.ASK_HOURS,
    Intent.ASK_SERVICE,
    Intent.CONFIRM_NO,
    Intent.CONFIRM_YES,
    Intent.THANKS,
    Intent.GOODBYE,
    Intent.GREETING,
    Intent.OUT_OF_SCOPE,
)
"""Of several in one message the first counts. Within "what changes something", the narrower wording comes first."""

CHANGES = frozenset({Intent.CANCEL, Intent.RESCHEDULE, Intent.BOOK, Intent.OPT_OUT, Intent.DATA_REQUEST})
QUESTIONS = frozenset(
    {
        Intent.LIST_APPOINTMENTS,
        Intent.ASK_AVAILABILITY,
        Intent.ASK_HOURS,
        Intent.ASK_ADDRESS,
        Intent.ASK_PRICE,
        Intent.ASK_INSURANCE,
        Intent.ASK_SERVICE,
    }
)
PROFILE_QUESTIONS = QUESTIONS - {Intent.LIST_APPOINTMENTS, Intent.ASK_AVAILABILITY}
"""Questions that the clinic's profile answers."""
COURTESIES = frozenset({Intent.GREETING, Intent.THANKS, Intent.GOODBYE})
