"""Secrets in the database, sealed: AES-256-GCM under a key that is not in the database.

BELLWETHER_VAULT_KEY holds one or more keys of 32 bytes in hexadecimal, separated by commas. The first seals; the others
still open what was sealed before. `rotate` seals everything anew, after which old keys can go.
"""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_NONCE = 12
_FORM = "v1."
"""How sealed texts begin."""


class VaultClosed(RuntimeError):
    """A secret cannot be sealed or opened; the message says which setting to look at and never the secret."""


def seal(secret: str, *, purpose: str) -> str:
    """The secret as text fit for the database. It opens only for the same `purpose` (such as "venue:kraken:secret"), so
    that sealed texts cannot be swapped. An empty secret stays empty. Raises VaultClosed."""
    if not secret:
        return ""
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(_keys()[0]).encrypt(nonce, secret.encode(), purpose.encode())
    return _FORM + base64.b64encode(nonce + sealed).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """The secret. Raises VaultClosed where no key opens it."""
    if not sealed:
        return ""
    try:
        raw = base64.b64decode(sealed.removeprefix(_FORM), validate=True)
    except ValueError as error:
        raise VaultClosed(f"{purpose}: this is no sealed secret") from error
    for key in _keys():
        try:
            return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], purpose.encode()).decode()
        except InvalidTag:
            continue
    raise VaultClosed(f"{purpose}: none of the keys in BELLWETHER_VAULT_KEY opens it")


def _keys() -> list[bytes]:
    texts = [text.strip() for text in settings.BELLWETHER_VAULT_KEY.split(",") if text.strip()]
    if not texts:
        if settings.PRODUCTION:
            raise VaultClosed("BELLWETHER_VAULT_KEY is not set: give 32 bytes, from `openssl rand -hex 32`")
        # A local run has a secret of its own that is as safe as its database.
        derived = HKDF(hashes.SHA256(), 32, None, b"bellwether vault").derive(settings.SECRET_KEY.encode())
        return [derived]
    try:
        keys = [bytes.fromhex(text) for text in texts]
    except ValueError as error:
        raise VaultClosed("BELLWETHER_VAULT_KEY: a key is not hexadecimal") from error
    if any(len(key) != 32 for key in keys):
        raise VaultClosed("BELLWETHER_VAULT_KEY: every key has 32 bytes, 64 hexadecimal digits")
    return keys
