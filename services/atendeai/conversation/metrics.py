"""What the conversation service counts besides the kit's own. Labels never carry a clinic or a person."""

from prometheus_client import Counter, Histogram

MESSAGES = Counter("atendeai_conversation_messages_total", "Messages handled, by intent.", ("intent",))
ALERTS = Counter(
    "atendeai_conversation_alerts_total", "Conversations in which a person was called for, by reason.", ("reason",)
)
HANDLING = Histogram(
    "atendeai_conversation_handling_seconds",
    "From a message's arrival at this service to its reply being stored.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
