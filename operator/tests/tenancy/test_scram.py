import pytest

from atendeai_operator.tenancy import scram


def test_the_example_of_rfc_7677() -> None:
    # Section 3: user "user", password "pencil"; the proofs there derive from these two keys.
    salt = bytes.fromhex("5b6d99689d1235 8eec a04b14 1236fa81".replace(" ", ""))

    stored = scram.verifier("pencil", salt)

    assert stored == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
        "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_a_verifier_matches_its_password_alone() -> None:
    stored = scram.verifier("secret", b"0123456789abcdef", 10)

    assert scram.matches(stored, "secret")
    assert not scram.matches(stored, "Secret")
    assert not scram.matches("md5d41d8cd98f00b204e9800998ecf8427e", "secret")
    assert not scram.matches(None, "secret")


@pytest.mark.parametrize("password", ["", "ação", "a\nb"])
def test_what_would_need_normalising_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        scram.verifier(password, b"salt")
