"""The error codes of the WhatsApp Cloud API, as its documentation lists them, in the Graph API's JSON shape.

Source: developers.facebook.com, "WhatsApp Cloud API: error codes" and "Webhooks: statuses".
"""

import secrets
from dataclasses import dataclass
from typing import Any

from fastapi.responses import JSONResponse

HREF = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"


@dataclass(frozen=True)
class Known:
    """One documented error: its HTTP status, its title and what it means."""

    http_status: int
    title: str
    details: str


KNOWN: dict[int, Known] = {
    1: Known(500, "An unknown error occurred", "Possibly a temporary issue."),
    2: Known(503, "Service temporarily unavailable", "Temporary issue due to downtime or overload."),
    4: Known(429, "Application request limit reached", "The app has reached its API call rate limit."),
    100: Known(400, "Invalid parameter", "The request has a parameter that is not supported or misspelled."),
    190: Known(401, "Invalid OAuth access token - Cannot parse access token", "The access token is not valid."),
    368: Known(
        403, "Temporarily blocked for policies violations", "The account was restricted for a policy violation."
    ),
    80007: Known(429, "Rate limit issues", "The WhatsApp Business Account has reached its rate limit."),
    130429: Known(429, "Rate limit hit", "Cloud API message throughput has been reached."),
    130472: Known(400, "User's number is part of an experiment", "The message was not sent as part of an experiment."),
    131000: Known(500, "Something went wrong", "Message failed to send due to an unknown error."),
    131008: Known(400, "Required parameter is missing", "The request is missing a required parameter."),
    131009: Known(400, "Parameter value is not valid", "One or more parameter values are invalid."),
    131016: Known(503, "Service unavailable", "A service is temporarily unavailable."),
    131026: Known(400, "Message undeliverable", "Unable to deliver the message to this recipient."),
    131030: Known(400, "Recipient phone number not in allowed list", "Add the recipient to the list and try again."),
    131031: Known(403, "Account has been locked", "The business account was restricted or disabled."),
    131042: Known(400, "Business eligibility payment issue", "There is a problem with the payment method."),
    131047: Known(
        400,
        "Re-engagement message",
        "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
    ),
    131048: Known(429, "Spam rate limit hit", "Too many earlier messages were blocked or flagged as spam."),
    131049: Known(400, "Message not delivered", "Not delivered to maintain healthy ecosystem engagement."),
    131051: Known(400, "Unsupported message type", "The message type is not supported."),
    131056: Known(
        429,
        "(Business Account, Consumer Account) pair rate limit hit",
        "Too many messages sent from the sender phone number to the same recipient in a short period of time.",
    ),
    2200: Known(400, "Callback verification failed", "The callback did not answer the verification as it must."),
    131053: Known(400, "Media upload error", "The media could not be taken: its type or its size."),
    132000: Known(400, "Number of parameters does not match the expected number of params", "See the template."),
    132001: Known(404, "Template name does not exist in the translation", "No such template in that language."),
    132012: Known(400, "Parameter format does not match format in the created template", "See the template."),
    132015: Known(400, "Template is paused", "The template is paused due to low quality."),
    132016: Known(400, "Template is disabled", "The template was paused too many times and is now disabled."),
    132018: Known(400, "There is an issue with the parameters in your template", "See the template."),
    133005: Known(400, "Two step verification PIN mismatch", "The two-step verification PIN is incorrect."),
    133010: Known(400, "Phone number not registered", "The phone number is not registered on the platform."),
}
UNKNOWN = Known(400, "Error", "An error of the platform.")


def refusal(
    code: int,
    details: str | None = None,
    *,
    message: str | None = None,
    subcode: int | None = None,
    http_status: int | None = None,
) -> JSONResponse:
    """Answer a call with an error of the Graph API."""
    known = KNOWN.get(code, UNKNOWN)
    error: dict[str, Any] = {
        "message": message or (known.title if code == 190 else f"(#{code}) {known.title}"),
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details or known.details},
        "fbtrace_id": "A" + secrets.token_urlsafe(16),
    }
    if subcode is not None:
        error["error_subcode"] = subcode
    return JSONResponse({"error": error}, http_status or known.http_status)


def status_error(code: int, details: str | None = None) -> dict[str, Any]:
    """Describe an error the way a `failed` status carries it."""
    known = KNOWN.get(code, UNKNOWN)
    return {
        "code": code,
        "title": known.title,
        "message": known.title,
        "error_data": {"details": details or known.details},
        "href": HREF,
    }
