"""Who a message is from, pure: matching the identities that Meta gives with the contacts that are known.

Since 2026 a sender comes with a number, with a business-scoped user id (BSUID), or with both. The id belongs to one
WhatsApp account: the same number under another id has passed to somebody else, who must not meet the first one's
history. Source: developers.facebook.com, "WhatsApp: business-scoped user IDs".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from atendeai.whatsapp.numbers import number_key


@dataclass(frozen=True, slots=True)
class Identity:
    """A sender as the webhook names them: at least one of number and user id."""

    wa_id: str | None
    user_id: str | None
    name: str | None = None

    @property
    def key(self) -> str | None:
        """What the number is compared by."""
        return number_key(self.wa_id) if self.wa_id else None


class Named(Protocol):
    """What a sender is compared with."""

    @property
    def id(self) -> UUID:
        """Of the contact."""

    @property
    def number_key(self) -> str | None:
        """What its number is compared by."""

    @property
    def user_id(self) -> str | None:
        """Of its WhatsApp account."""


@dataclass(frozen=True, slots=True)
class Known:
    """A contact that has this number or this user id."""

    id: UUID
    number_key: str | None
    user_id: str | None


@dataclass(frozen=True, slots=True)
class Match:
    """What to do: `contact` is the sender (None: make one); the others give up what is now the sender's."""

    contact: UUID | None
    loses_number: UUID | None = None
    """A contact whose number now belongs to another account."""
    merges: UUID | None = None
    """A contact that turns out to be the same person: it is pointed at the sender."""


def match(identity: Identity, known: Sequence[Named]) -> Match:
    """Decide which contact a sender is."""
    key, user_id = identity.key, identity.user_id
    by_user = next((row for row in known if row.user_id == user_id), None) if user_id else None
    by_number = next((row for row in known if row.number_key == key), None) if key else None
    if by_number is None or by_user is by_number:
        return Match(by_user.id if by_user else None)
    passed_on = bool(identity.user_id and by_number.user_id and by_number.user_id != identity.user_id)
    if passed_on:
        return Match(by_user.id if by_user else None, loses_number=by_number.id)
    return Match(by_number.id, merges=by_user.id if by_user else None)


@dataclass(frozen=True, slots=True)
class Move:
    """What to do when somebody changes number or user id: `mover` is them; `joins` turn out to be them as well."""

    mover: UUID | None
    joins: tuple[UUID, ...] = ()
    loses_number: UUID | None = None
    """A contact whose number they have now, though it is another account's."""


def move(old: Identity, new: Identity, known_old: Sequence[Known], known_new: Sequence[Known]) -> Move:
    """Decide who keeps what when `old` becomes `new`.

    Whoever already wrote from the new number is the same person, unless their user id says otherwise. The user id
    decides who moves: the old number may have passed to somebody else by now.
    """
    by_user = next((row for row in known_old if old.user_id and row.user_id == old.user_id), None)
    by_number = next((row for row in known_old if old.key and row.number_key == old.key), None)
    stranger = bool(by_number and old.user_id and by_number.user_id and by_number.user_id != old.user_id)
    mover = by_user or (None if stranger else by_number)
    if mover is None:
        return Move(None)
    others = [row for row in known_new if row.id != mover.id]
    holder = next((row for row in others if new.key and row.number_key == new.key), None)
    if holder is not None and new.user_id and holder.user_id and holder.user_id != new.user_id:
        others = [row for row in others if row.id != holder.id]
        return Move(mover.id, tuple(row.id for row in others), loses_number=holder.id)
    return Move(mover.id, tuple(row.id for row in others))
