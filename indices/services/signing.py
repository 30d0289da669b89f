"""The key that signs receipts: the operator's, or one made here once."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from indices.core import signatures
from indices.models import SigningKey


def seed_current() -> str:
    """The private key in force, in hexadecimal: that of the settings, or the one in SIGNING_KEY_FILE, made once."""
    return settings.BELLWETHER_SIGNING_KEY or _kept(Path(settings.SIGNING_KEY_FILE))


def key_current() -> tuple[str, SigningKey]:
    """The private key in force and the published row of its public half; the row is there from now on.

    Raises signatures.SignatureError for a key that is none.
    """
    seed = seed_current()
    public = signatures.public_key_of(seed)
    row, _ = SigningKey.objects.get_or_create(
        public_key=public, defaults={"key_id": signatures.key_id_of(public)}
    )
    return seed, row


def _kept(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_hex(signatures.SEED_BYTES))
        # Two processes may get here at once: the first file stays, and both read it.
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="utf-8").strip()
