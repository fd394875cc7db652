"""What the conversation service counts besides the kit's own. Labels never carry a clinic or a person."""

from prometheus_client import Counter, Gauge, Histogram

from atendeai.domain.dialogue.alert import Alert
from atendeai.kit.metrics import Few, begun

MESSAGES = Counter("atendeai_conversation_messages_total", "Messages handled, by intent.", ("intent",))
ALERTS = begun(
    Counter(
        "atendeai_conversation_alerts_total", "Conversations in which a person was called for, by reason.", ("reason",)
    ),
    *Alert,
)
UNATTENDED = Gauge(
    "atendeai_conversation_unattended_seconds",
    "How long the oldest conversation that was left to a person has waited for one: an emergency at any hour, any"
    " other while the clinic is open. 0 where none waits.",
    ("reason",),
)
HANDLING = Histogram(
    "atendeai_conversation_handling_seconds",
    "From a message's arrival at this service to its reply being stored.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
MODEL_TURNS = begun(
    Counter(
        "atendeai_model_turns_total",
        "Turns of clinics with an external model, by who answered: model, embedded (no model was needed), or fallback.",
        ("outcome",),
    ),
    "model",
    "embedded",
    "fallback",
)
MODEL_FALLBACKS = Counter("atendeai_model_fallbacks_total", "Turns an external model could not answer.", ("reason",))
MODEL_TOKENS = Counter(
    "atendeai_model_tokens_total", "Tokens an external model was paid for: prompt or completion.", ("model", "kind")
)
MODEL_SECONDS = Histogram(
    "atendeai_model_request_seconds",
    "How long an external model took to answer one request.",
    ("model", "status"),
    buckets=(0.25, 0.5, 1, 2, 4, 8, 15, 30),
)

# Each clinic names its model, and its endpoint answers what it likes.
MODELS = Few(20)
MODEL_STATUSES = Few(20)
