"""Makes an API key and prints its secret, the only time it can be seen."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portfolios.models import User
from portfolios.services.api_keys import SCOPES, ApiKeyError, api_key_create


class Command(BaseCommand):
    help = "Make an API key for a user and print it (once)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--scopes", default="read", help=f"comma-separated, of: {', '.join(SCOPES)} (default: read)"
        )
        parser.add_argument("--name", default="command line", help="what the key is for")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].strip().lower()).first()
        if user is None:
            raise CommandError(f"email: no user {options['email']}. Make one with user_create.")
        if not user.is_active:
            raise CommandError(f"email: the account {user.email} is switched off; a key would open nothing.")
        try:
            _, secret = api_key_create(user, name=options["name"], scopes=options["scopes"].split(","))
        except ApiKeyError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(secret)
