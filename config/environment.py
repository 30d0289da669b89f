"""Reading the environment for the settings: what must be there in production, and the local secret."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.runtime.paths import folder, write_private

MODES = ("local", "production")
REQUIRED = {
    "DATABASE_URL": "the PostgreSQL to keep the books in, e.g. postgresql://user:password@host:5432/bellwether",
    "REDIS_URL": "the Redis or Valkey for tasks and cache, e.g. redis://:password@host:6379/0",
    "SECRET_KEY": "50 or more random characters, e.g. from: openssl rand -base64 48",
    "ALLOWED_HOSTS": "the host names this site answers to, separated by commas, e.g. invest.example.org",
}


def mode(environ: Mapping[str, str]) -> str:
    """`local` or `production`, from BELLWETHER_ENV; anything else is refused."""
    chosen = environ.get("BELLWETHER_ENV") or "local"
    if chosen not in MODES:
        raise ImproperlyConfigured(f"BELLWETHER_ENV is {chosen!r}; set it to local or production.")
    return chosen


def require_production(environ: Mapping[str, str]) -> None:
    """Everything that production cannot guess is set. Raises ImproperlyConfigured that lists what is not."""
    missing = [name for name in REQUIRED if not environ.get(name)]
    if missing:
        lines = "\n".join(f"  {name}: {REQUIRED[name]}" for name in missing)
        raise ImproperlyConfigured(
            f"BELLWETHER_ENV=production does not start without these variables:\n{lines}"
        )


def local_secret(var: Path) -> str:
    """The signing key of a local run: made once, kept in var/secret_key with mode 0600."""
    path = folder(var) / "secret_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(64))
    return path.read_text(encoding="utf-8").strip()


def next_database(url: str) -> str:
    """The Redis address one database further, for the cache beside the broker.

    Raises ImproperlyConfigured when the address does not end in a database number.
    """
    base, _, number = url.rpartition("/")
    if not number.isdigit():
        raise ImproperlyConfigured(
            f"REDIS_URL must end in a database number such as /0; got the ending {number!r}."
        )
    return f"{base}/{int(number) + 1}"
