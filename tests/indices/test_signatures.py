"""The keys that sign receipts: against the vectors of RFC 8032, and where the private one is kept."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indices.core import receipts, signatures
from indices.services.signing import key_current, seed_current

# RFC 8032, 7.1: TEST 3 signs the two bytes af 82, TEST SHA(abc) a digest.
SEED_3 = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"
PUBLIC_3 = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
SIGNATURE_3 = (
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)


def test_the_vectors_of_the_standard() -> None:
    assert signatures.public_key_of(SEED_3) == PUBLIC_3
    assert signatures.signed(SEED_3, "af82") == SIGNATURE_3
    assert signatures.is_signed_by(PUBLIC_3, "af82", SIGNATURE_3)
    assert not signatures.is_signed_by(PUBLIC_3, "af83", SIGNATURE_3)
    assert not signatures.is_signed_by(PUBLIC_3, "af82", "00" + SIGNATURE_3[2:])
    assert not signatures.is_signed_by("00", "af82", SIGNATURE_3)


@pytest.mark.parametrize("seed", ["", "zz" * 32, "00" * 31, "no hexadecimal"])
def test_what_is_no_key_is_refused(seed: str) -> None:
    with pytest.raises(signatures.SignatureError, match="signing key: must be"):
        signatures.public_key_of(seed)


@given(
    st.dictionaries(st.text(), st.recursive(st.text() | st.integers() | st.none() | st.booleans(), st.lists))
)
def test_the_canonical_text_hangs_on_the_content_alone(document: dict[str, Any]) -> None:
    again = dict(sorted(document.items(), reverse=True))
    assert receipts.canonical(document) == receipts.canonical(again)


@pytest.mark.parametrize("document", [{"a": 0.5}, {"a": [{"b": 1.0}]}, {"a": {"b": (1, float("nan"))}}])
def test_no_float_gets_into_a_receipt(document: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="is a float; write it as text"):
        receipts.canonical(document)


@given(st.floats(-1, 1))
def test_fractions_have_18_places_and_no_minus_zero(value: float) -> None:
    text = receipts.fraction(value)
    assert abs(float(text) - value) <= 1e-18 + abs(value) * 1e-15
    assert len(text.partition(".")[2]) == 18
    assert text != "-0.000000000000000000"


def test_the_private_key_is_made_once_and_readable_by_its_owner_alone(
    db: None, tmp_path: Path, settings: Any
) -> None:
    settings.BELLWETHER_SIGNING_KEY = ""
    settings.SIGNING_KEY_FILE = tmp_path / "new" / "signing_key"
    seed = seed_current()
    assert seed_current() == seed == settings.SIGNING_KEY_FILE.read_text()
    assert settings.SIGNING_KEY_FILE.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in settings.SIGNING_KEY_FILE.parent.iterdir()] == ["signing_key"]
    _, row = key_current()
    assert row.public_key == signatures.public_key_of(seed)
    assert key_current()[1] == row
    settings.BELLWETHER_SIGNING_KEY = SEED_3
    assert key_current()[1].public_key == PUBLIC_3
