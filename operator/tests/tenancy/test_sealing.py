from cryptography.fernet import Fernet

from atendeai_operator.tenancy.sealing import Sealed, holds, seal

CREDENTIALS = {"whatsapp": {"access-token": "EAAB"}, "jwt": {"active": "k1", "keys": {"k1": "c2VjcmV0"}}}


def test_what_was_sealed_opens_with_the_stack_key_alone() -> None:
    stack, data = Fernet.generate_key(), Fernet.generate_key()
    sealed = seal(stack, data, CREDENTIALS)

    unwrapped = Fernet(stack).decrypt(sealed.wrapped_key)

    assert unwrapped == data
    assert b"EAAB" in Fernet(unwrapped).decrypt(sealed.credentials)
    assert b"EAAB" not in sealed.credentials


def test_sealing_twice_differs_yet_holds() -> None:
    stack, data = Fernet.generate_key(), Fernet.generate_key()
    first, second = seal(stack, data, CREDENTIALS), seal(stack, data, CREDENTIALS)

    assert first.credentials != second.credentials
    assert holds(stack, data, CREDENTIALS, first)
    assert holds(stack, data, CREDENTIALS, second)


def test_another_key_another_content_or_a_damaged_row_do_not_hold() -> None:
    stack, data = Fernet.generate_key(), Fernet.generate_key()
    sealed = seal(stack, data, CREDENTIALS)

    assert not holds(Fernet.generate_key(), data, CREDENTIALS, sealed)
    assert not holds(stack, Fernet.generate_key(), CREDENTIALS, sealed)
    assert not holds(stack, data, {**CREDENTIALS, "ai": {"api-key": "x"}}, sealed)
    assert not holds(stack, data, CREDENTIALS, Sealed(sealed.wrapped_key, b"damaged"))
