"""From where on the health service calls something degraded, and how often it looks.

The operator sets these from `spec.monitoring.thresholds` of the stack; `atendeai_health_threshold` shows them, so that
the alerts compare with the very numbers that `/health` goes by.
"""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class HealthSettings(BaseSettings):
    """The environment with the prefix `ATENDEAI_HEALTH_`; seconds, shares of one."""

    model_config = SettingsConfigDict(
        env_prefix="ATENDEAI_HEALTH_", frozen=True, extra="ignore", env_ignore_empty=True, allow_inf_nan=False
    )

    latency_seconds: float = Field(default=1.0, gt=0)
    """A part that takes longer to say how it is."""

    queue_age_seconds: float = Field(default=60.0, gt=0)
    """Work that has been due for longer."""

    outbound_failure_ratio: float = Field(default=0.1, gt=0, le=1)
    """A greater share of the last quarter of an hour's messages that failed for good."""

    token_left_seconds: float = Field(default=604800.0, gt=0)
    """An access token that ends sooner."""

    watch_seconds: float = Field(default=15.0, gt=0)
    """Between two looks without anybody asking."""

    channel_seconds: float = Field(default=60.0, gt=0)
    """For how long what a channel said is good."""

    kept_days: int = Field(default=30, ge=1, le=3650)
    """How long changes are kept."""

    @property
    def thresholds(self) -> dict[str, float]:
        """The thresholds by the signal that is compared with them."""
        return {
            "latency_seconds": self.latency_seconds,
            "queue_age_seconds": self.queue_age_seconds,
            "outbound_failure_ratio": self.outbound_failure_ratio,
            "token_left_seconds": self.token_left_seconds,
        }
