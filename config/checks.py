"""What `manage.py check --deploy` says about a deployment beyond Django's own checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security, deploy=True)
def mail_is_sent(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[checks.CheckMessage]:
    """A warning where sign-up codes would be written to files instead of being sent."""
    if not settings.EMAIL_TO_FILES:
        return []
    return [
        checks.Warning(
            "EMAIL_URL is not set: mail is written to files and nobody can confirm an address.",
            hint="Set EMAIL_URL, e.g. smtp+tls://user:password@mail.example.org:587",
            id="bellwether.W001",
        )
    ]
