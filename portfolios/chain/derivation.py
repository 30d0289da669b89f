"""Deposit addresses from an extended public key (BIP-32): no secret is needed, so none is here.

https://github.com/bitcoin/bips/blob/master/bip-0032.mediawiki (public parent key to public child key),
https://eips.ethereum.org/EIPS/eip-55 (checksum of addresses).
"""

from __future__ import annotations

import hashlib
import hmac

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_XPUB = bytes.fromhex("0488b21e")
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def address_checked(text: str) -> str:
    """The address with its checksum. One in a single case has none and is given one; a wrong one is refused.

    Raises ValueError with a sentence for the person.
    """
    from eth_utils import is_hex_address, to_checksum_address

    bare = text.strip()
    if not is_hex_address(bare) or not bare.startswith("0x"):
        raise ValueError("Write an Ethereum address: 0x and 40 hexadecimal digits.")
    checked = str(to_checksum_address(bare))
    digits = bare[2:]
    if digits not in (digits.lower(), digits.upper()) and bare != checked:
        raise ValueError("The address has a typing error: its capital letters do not fit. Copy it again.")
    if int(bare, 16) == 0:
        raise ValueError("What is sent to the zero address is lost. Write your own address.")
    return checked


def addresses_derived(xpub: str, first: int, count: int) -> list[tuple[str, str]]:
    """(path below the key, address) of the children 0/`first` ... of an account's extended public key, as wallets
    number their receiving addresses. Raises ValueError where `xpub` is none."""
    from eth_keys import keys

    point, chain = _parsed(xpub)
    point, chain = _child(point, chain, 0)
    found: list[tuple[str, str]] = []
    for number in range(first, first + count):
        child, _ = _child(point, chain, number)
        public = keys.PublicKey.from_compressed_bytes(child)
        found.append((f"0/{number}", public.to_checksum_address()))
    return found


def _child(point: bytes, chain: bytes, number: int) -> tuple[bytes, bytes]:
    from eth_keys import keys
    from eth_keys.backends.native.jacobian import fast_add, fast_multiply
    from eth_keys.constants import SECPK1_G

    digest = hmac.new(chain, point + number.to_bytes(4), hashlib.sha512).digest()
    tweak = int.from_bytes(digest[:32])
    if tweak >= _ORDER:  # pragma: no cover - one number in 2^127
        raise ValueError(f"child {number} of the extended key does not exist; leave it out")
    body = keys.PublicKey.from_compressed_bytes(point).to_bytes()
    parent = int.from_bytes(body[:32]), int.from_bytes(body[32:])
    x, y = fast_add(fast_multiply(SECPK1_G, tweak), parent)
    return bytes([2 + y % 2]) + x.to_bytes(32), digest[32:]


def _parsed(xpub: str) -> tuple[bytes, bytes]:
    number = 0
    for letter in xpub.strip():
        place = _ALPHABET.find(letter)
        if place < 0:
            raise ValueError("The extended public key has letters that none has; it begins with xpub.")
        number = number * 58 + place
    try:
        whole = number.to_bytes(82)
    except OverflowError:
        raise ValueError("The extended public key is too long.") from None
    body, check = whole[:78], whole[78:]
    if hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4] != check or body[:4] != _XPUB:
        raise ValueError(
            "This is not an extended public key (xpub...), or it has a typing error. Never give an xprv."
        )
    return body[45:78], body[13:45]
