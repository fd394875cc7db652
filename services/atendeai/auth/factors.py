"""The second factor: codes of an authenticator app (TOTP, RFC 6238) and recovery codes that replace it once each.

The secret is sealed with the clinic's data key together with whose it is, so that a row copied to another account opens
nothing. A code serves once: its time step is noted, and that step and earlier ones are refused from then on.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import orjson
import pyotp
import structlog
from cryptography.fernet import InvalidToken
from pyotp.exceptions import OTPVerificationError

from atendeai.auth.factor_repository import Factor, FactorRepository
from atendeai.auth.factor_schemas import Enrolled, FactorState
from atendeai.auth.passwords import WRONG_PASSWORD
from atendeai.auth.repository import AuthRepository, Credential
from atendeai.auth.schemas import Challenge
from atendeai.auth.sessions import fingerprint
from atendeai.kit import audit, clock
from atendeai.kit.db import Database
from atendeai.kit.errors import conflict, invalid, not_found, unauthenticated
from atendeai.kit.identity import Principal
from atendeai.kit.tenancy import Tenant

CHALLENGE_LIFETIME = timedelta(minutes=5)
CHALLENGE_ATTEMPTS = 5
WINDOW = 1
"""Time steps of 30 seconds that a clock may be off, either way (RFC 6238, section 5.2, recommends one)."""

RECOVERY_CODES = 10
_DIGITS = re.compile(r"^\d{6}$")
_WRONG = "The code is wrong, was used already or is no longer valid; type the one that the app shows now."
_NO_CHALLENGE = "The challenge has ended; sign in with the password again."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Factors:
    """The second factors of the clinics."""

    database: Database

    async def state(self, tenant: Tenant, user_id: UUID) -> FactorState:
        """Whether a factor guards the account."""
        async with self.database.transaction(tenant) as connection:
            repository = FactorRepository(connection, tenant.id)
            found = await repository.factor(user_id)
            confirmed = found.confirmed_at if found else None
            left = await repository.recovery_codes_left(user_id) if confirmed else 0
        return FactorState(enabled=confirmed is not None, confirmed_at=confirmed, recovery_codes_left=left)

    async def begin(self, tenant: Tenant, who: Principal, email: str) -> Enrolled:
        """A new secret, which guards nothing until `confirm`. Raises a 409 problem when a factor is there."""
        user_id, secret = UUID(who.subject), pyotp.random_base32()
        async with self.database.transaction(tenant) as connection:
            stored = await FactorRepository(connection, tenant.id).begin(
                user_id, _seal(tenant, user_id, secret), now=clock.now()
            )
            if not stored:
                raise conflict("second-factor-active", "A second factor guards this account already; remove it first.")
            await audit.record(
                connection, tenant.id, who, "auth.begin-second-factor", f"user:{user_id}", reason="asked-by-holder"
            )
        uri = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=tenant.config.display_name)
        return Enrolled(secret=secret, uri=uri)

    async def confirm(self, tenant: Tenant, who: Principal, code: str) -> list[str]:
        """Prove that the app has the secret; from now on it guards the account. Returns the recovery codes."""
        user_id = UUID(who.subject)
        async with self.database.transaction(tenant) as connection:
            repository = FactorRepository(connection, tenant.id)
            found = await repository.factor(user_id, lock=True)
            if found is None:
                raise not_found("second factor", "No second factor was begun; begin one first.")
            if found.confirmed_at is not None:
                raise conflict("second-factor-active", "A second factor guards this account already.")
            if not await _take_digits(repository, tenant, found, code):
                raise invalid("code", "it is not the code that the app shows now")
            await repository.drop_challenges(user_id)
            codes = await _new_codes(repository, user_id)
            await audit.record(
                connection, tenant.id, who, "auth.enable-second-factor", f"user:{user_id}", reason="asked-by-holder"
            )
        return codes

    async def renew_codes(self, tenant: Tenant, who: Principal, code: str) -> list[str]:
        """New recovery codes for a code of the app; the earlier ones end."""
        user_id = UUID(who.subject)
        async with self.database.transaction(tenant) as connection:
            repository = FactorRepository(connection, tenant.id)
            found = await _confirmed(repository, user_id)
            if not await _take_digits(repository, tenant, found, code):
                raise invalid("code", "it is not the code that the app shows now, or it was used already")
            codes = await _new_codes(repository, user_id)
            await audit.record(
                connection, tenant.id, who, "auth.renew-recovery-codes", f"user:{user_id}", reason="asked-by-holder"
            )
        return codes

    async def remove(self, tenant: Tenant, who: Principal, code: str) -> None:
        """Take one's own factor away, for a code of the app or a recovery code."""
        user_id = UUID(who.subject)
        async with self.database.transaction(tenant) as connection:
            repository = FactorRepository(connection, tenant.id)
            found = await _confirmed(repository, user_id)
            if not await _take(repository, tenant, found, code):
                raise invalid("code", "it is neither the code that the app shows now nor an unused recovery code")
            await repository.remove(user_id)
            await audit.record(
                connection, tenant.id, who, "auth.remove-second-factor", f"user:{user_id}", reason="asked-by-holder"
            )

    async def challenge(self, tenant: Tenant, proven: Credential) -> Challenge | None:
        """A challenge for somebody who knew the password; None when no factor guards the account.

        Raises a 401 problem when the password is another one by now, whose challenges ended with it.
        """
        user_id = proven.user_id
        now, token = clock.now(), secrets.token_urlsafe(32)
        async with self.database.transaction(tenant) as connection:
            repository = FactorRepository(connection, tenant.id)
            found = await repository.factor(user_id)
            if found is None or found.confirmed_at is None:
                return None
            if not await AuthRepository(connection, tenant.id).holds(user_id, proven.password_hash):
                raise unauthenticated(WRONG_PASSWORD, error="invalid_grant")
            await repository.add_challenge(
                user_id=user_id,
                email=proven.email,
                fingerprint=fingerprint(token),
                now=now,
                expires_at=now + CHALLENGE_LIFETIME,
            )
        return Challenge(challenge=token, expires_in=int(CHALLENGE_LIFETIME.total_seconds()))

    async def challenged(self, tenant: Tenant, challenge: str) -> tuple[UUID, str]:
        """Whose challenge it is and the e-mail it was given for. Raises a 401 problem when it has ended."""
        async with self.database.transaction(tenant) as connection:
            found = await FactorRepository(connection, tenant.id).challenged(fingerprint(challenge), now=clock.now())
        if found is None:
            raise unauthenticated(_NO_CHALLENGE, error="invalid_grant")
        return found

    async def answer(self, tenant: Tenant, challenge: str, code: str) -> None:
        """Take a challenge's code. A challenge serves once and bears few wrong answers. Raises a 401 problem."""
        digest = fingerprint(challenge)
        async with self.database.transaction(tenant) as connection:
            repository = FactorRepository(connection, tenant.id)
            given = await repository.challenged(digest, now=clock.now())
            # The factor before the challenge, as whoever takes it away does.
            found = await repository.factor(given[0], lock=True) if given is not None else None
            counted = await repository.count_attempt(digest, most=CHALLENGE_ATTEMPTS, now=clock.now())
            if found is None or not counted:
                raise unauthenticated(_NO_CHALLENGE, error="invalid_grant")
            right = found.confirmed_at is not None and await _take(repository, tenant, found, code)
            if right:
                await repository.drop_challenge(digest)
            if right and not _is_digits(code):
                left = {"left": await repository.recovery_codes_left(found.user_id)}
                person, target = f"person:{found.user_id}", f"user:{found.user_id}"
                await audit.record(
                    connection, tenant.id, person, "auth.use-recovery-code", target, left, reason="sign-in"
                )
        if not right:  # said only now: the count of wrong answers must be committed
            raise unauthenticated(_WRONG, error="invalid_grant")


async def _confirmed(repository: FactorRepository, user_id: UUID) -> Factor:
    found = await repository.factor(user_id, lock=True)
    if found is None or found.confirmed_at is None:
        raise not_found("second factor", "No second factor guards this account.")
    return found


async def _take(repository: FactorRepository, tenant: Tenant, factor: Factor, code: str) -> bool:
    """Whether a code of the app or a recovery code is right; it is used up by this transaction."""
    if _is_digits(code):
        return await _take_digits(repository, tenant, factor, code)
    return await repository.use_recovery_code(factor.user_id, _code_fingerprint(factor.user_id, code), now=clock.now())


async def _take_digits(repository: FactorRepository, tenant: Tenant, factor: Factor, code: str) -> bool:
    secret = _open(tenant, factor)
    if secret is None or not _is_digits(code):
        return False
    now = clock.now()
    try:
        step = pyotp.TOTP(secret).verify_and_get_timecode(_plain(code), for_time=now, valid_window=WINDOW)
    except OTPVerificationError:
        return False
    return await repository.take_step(factor.user_id, step, now=now)


async def _new_codes(repository: FactorRepository, user_id: UUID) -> list[str]:
    """Ten codes of 80 random bits: long enough that a fast hash keeps them."""
    codes = [_grouped(pyotp.random_base32(32)[:16]) for _ in range(RECOVERY_CODES)]
    await repository.set_recovery_codes(user_id, [_code_fingerprint(user_id, code) for code in codes])
    return codes


def _grouped(code: str) -> str:
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def _is_digits(code: str) -> bool:
    """Whether it is a code of the app; all others are recovery codes."""
    return bool(_DIGITS.match(_plain(code)))


def _plain(code: str) -> str:
    """A code as typed, without the blanks and dashes that make it readable."""
    return re.sub(r"[\s-]", "", code).upper()


def _code_fingerprint(user_id: UUID, code: str) -> str:
    return fingerprint(f"{user_id}:{_plain(code)}")


def _seal(tenant: Tenant, user_id: UUID, secret: str) -> bytes:
    return tenant.config.cipher.encrypt(orjson.dumps({"user": str(user_id), "secret": secret}))


def _open(tenant: Tenant, factor: Factor) -> str | None:
    try:
        sealed = orjson.loads(tenant.config.cipher.decrypt(factor.secret))
    except InvalidToken:
        log.error("second_factor_unreadable", clinic_id=str(tenant.id))  # noqa: TRY400 - nothing to trace
        return None
    return str(sealed["secret"]) if sealed["user"] == str(factor.user_id) else None
