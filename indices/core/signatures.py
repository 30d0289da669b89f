"""Ed25519 (RFC 8032): who signed a receipt, provable by anybody who has the public key."""

import hashlib

SEED_BYTES = 32
_KEY_ID_LENGTH = 16


class SignatureError(ValueError):
    """A key cannot be used; the message says what it must be."""


def public_key_of(seed: str) -> str:
    """The public key that belongs to the private `seed`, both hexadecimal. Raises SignatureError."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    raw = _private(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return str(raw.hex())


def key_id_of(public_key: str) -> str:
    """The name of a key: the first 16 hexadecimal digits of the SHA-256 of the public key's 32 bytes."""
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:_KEY_ID_LENGTH]


def signed(seed: str, digest: str) -> str:
    """The signature of the 32 bytes of `digest`, everything hexadecimal. The same input gives the same signature."""
    return str(_private(seed).sign(bytes.fromhex(digest)).hex())


def is_signed_by(public_key: str, digest: str, signature: str) -> bool:
    """Whether `signature` of the 32 bytes of `digest` was made with the private half of `public_key`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), bytes.fromhex(digest))
    except (InvalidSignature, ValueError):
        return False
    return True


def _private(seed: str):  # type: ignore[no-untyped-def]  # the library is loaded where it is used only
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        raw = bytes.fromhex(seed)
    except ValueError as error:
        raise SignatureError(f"signing key: must be {2 * SEED_BYTES} hexadecimal digits") from error
    if len(raw) != SEED_BYTES:
        raise SignatureError(f"signing key: must be {SEED_BYTES} bytes, got {len(raw)}")
    return Ed25519PrivateKey.from_private_bytes(raw)
