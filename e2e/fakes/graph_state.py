"""What the Graph fake remembers: accounts, the 24-hour windows, rate limits and every message it accepted."""

import base64
import secrets
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fakes.control import Faults, Log
from fakes.graph_rules import same_person

WINDOW_SECONDS = 24 * 3600
BOUND = 50_000
"""How many windows, pairs and messages are remembered before the oldest are forgotten."""
MEDIA_BOUND = 64
"""How many media."""


class Account(BaseModel):
    """One business phone number and where its webhooks go."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str = Field(min_length=1)
    access_token: str
    app_secret: str
    callback_url: str | None = Field(None, description="where webhooks go; none are sent without it")
    host: str | None = Field(None, description="Host header and TLS server name of the callback, when not the URL's")
    verify_tls: bool = True
    business_account_id: str = "100000000000000"
    display_phone_number: str = "551130000000"
    verified_name: str = "Clínica"
    window: Literal["call", "status", "off"] = Field("call", description="how text outside the 24 hours is refused")
    statuses: list[Literal["sent", "delivered", "read"]] = ["sent", "delivered", "read"]
    status_delay_seconds: float = Field(0.05, ge=0, le=60)
    shuffle_statuses: bool = Field(False, description="statuses arrive in the opposite order")
    redeliveries: int = Field(40, ge=0, description="how often a webhook that was not answered 2xx is repeated")
    throughput_per_second: int = Field(80, ge=1)
    pair_burst: int = Field(45, ge=1)
    pair_interval_seconds: float = Field(6, gt=0)
    token_days: float | None = Field(None, description="days until the access token ends; absent: it never does")
    allowed_recipients: list[str] | None = Field(None, description="exact numbers; others are refused with 131030")
    review: Literal["approve", "pending", "reject"] = Field("approve", description="what becomes of a new template")
    registered: bool = Field(True, description="the number is registered; otherwise sending is refused with 133010")
    pin: str | None = Field(None, description="the two-step PIN; absent: the first registration sets it")
    quality_rating: Literal["GREEN", "YELLOW", "RED", "UNKNOWN"] = "GREEN"
    messaging_limit: str = Field("TIER_250", description="the portfolio's messaging limit")


@dataclass
class Media:
    """One file, from either side. `address` replaces where its bytes are said to be; `declared_size` their number."""

    id: str
    phone_number_id: str
    mime_type: str
    content: bytes
    sha256: str
    address: str | None = None
    declared_size: int | None = None
    address_until: float = 0.0


class GraphState:
    """Everything in memory, bounded."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._begin({})

    def _begin(self, accounts: dict[str, Account]) -> None:
        self.accounts = accounts
        self.faults.clear()
        self.messages = Log()
        self.reads = Log()
        self.refusals = Log()
        self.deliveries = Log()
        self.media_reads = Log()
        self.media: OrderedDict[str, Media] = OrderedDict()
        self.templates: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self._windows: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._users: OrderedDict[tuple[str, str], dict[str, str]] = OrderedDict()
        self._sent: dict[str, deque[float]] = {}
        self._pairs: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._known_ids: OrderedDict[str, None] = OrderedDict()

    def remembered(self) -> dict[str, Any]:
        """What Meta would still know after a restart; its limits count from then on anew."""
        return {name: value for name, value in vars(self).items() if name not in {"faults", "_sent", "_pairs"}}

    def recall(self, memory: dict[str, Any]) -> None:
        """Put back what `remembered` gave."""
        vars(self).update(memory)

    def reset(self, *, accounts: bool) -> None:
        """Forget what happened; the accounts too when told so."""
        totals = self.messages.total, self.deliveries.total
        self._begin({} if accounts else self.accounts)
        self.messages.total, self.deliveries.total = totals

    # ------------------------------------------------------------ people and windows
    def heard_from(self, account: Account, user: dict[str, str], at: float | None = None) -> None:
        """Open the 24-hour window of a person who wrote at a time (epoch seconds; now when absent)."""
        for identity in (user.get("wa_id"), user.get("user_id")):
            if identity:
                key = (account.phone_number_id, same_person(identity) if identity.isdigit() else identity)
                _put(self._windows, key, time.time() if at is None else at)
                _put(self._users, key, user)

    def window_open(self, account: Account, to: str) -> bool:
        """Say whether free text may still go to that person."""
        at = self._windows.get((account.phone_number_id, _key(to)))
        return at is not None and time.time() - at < WINDOW_SECONDS

    def user(self, account: Account, to: str) -> dict[str, str]:
        """Return how the platform names a person: as they wrote, otherwise as they were addressed."""
        known = self._users.get((account.phone_number_id, _key(to)))
        return known or ({"wa_id": to.lstrip("+")} if _key(to).isdigit() else {"user_id": to})

    # ------------------------------------------------------------ limits
    def limited(self, account: Account, to: str) -> int | None:
        """Count a message against the limits; the error code of the one that is hit, or None."""
        now = time.monotonic()
        recent = self._sent.setdefault(account.phone_number_id, deque())
        while recent and now - recent[0] >= 1:
            recent.popleft()
        if len(recent) >= account.throughput_per_second:
            return 130429
        pair = (account.phone_number_id, _key(to))
        tokens, since = self._pairs.get(pair, (float(account.pair_burst), now))
        tokens = min(float(account.pair_burst), tokens + (now - since) / account.pair_interval_seconds)
        if tokens < 1:
            _put(self._pairs, pair, (tokens, now))
            return 131056
        _put(self._pairs, pair, (tokens - 1, now))
        recent.append(now)
        return None

    # ------------------------------------------------------------ business accounts and media
    def templates_of(self, business_account_id: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the templates of a WhatsApp Business Account by name and language."""
        return self.templates.setdefault(business_account_id, {})

    def remember(self, media: Media) -> None:
        """Keep a file; the oldest goes when there are too many."""
        self.media[media.id] = media
        while len(self.media) > MEDIA_BOUND:
            self.media.popitem(last=False)

    # ------------------------------------------------------------ messages
    def new_wamid(self, number: str, *, inbound: bool) -> str:
        """Mint a message id of the platform's form and remember it."""
        raw = f"\x1d\x06{number}\x15\x02{'2' if inbound else '1'}".encode() + secrets.token_bytes(18)
        wamid = "wamid." + base64.b64encode(raw).decode()
        _put(self._known_ids, wamid, None)
        return wamid

    def knows(self, wamid: str) -> bool:
        """Say whether a message id was ever given out here."""
        return wamid in self._known_ids

    def account_of_token(self, token: str) -> Account | None:
        """Return an account the token may act for."""
        return next((a for a in self.accounts.values() if secrets.compare_digest(a.access_token, token)), None)


def _key(to: str) -> str:
    return same_person(to) if to.lstrip("+").isdigit() else to


def _put(table: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    table[key] = value
    table.move_to_end(key)
    while len(table) > BOUND:
        table.popitem(last=False)
