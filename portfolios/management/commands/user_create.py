"""`manage.py user_create EMAIL --password-stdin --verified`: a user for scripts."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from portfolios.services.accounts import user_create


class Command(BaseCommand):
    help = (
        "Create a user. The password is read from the terminal, or from standard input with --password-stdin."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--password-stdin", action="store_true", help="Read the password from standard input."
        )
        parser.add_argument("--verified", action="store_true", help="Mark the address as verified.")

    def handle(self, *args: Any, **options: Any) -> None:
        password = (
            sys.stdin.readline().rstrip("\n") if options["password_stdin"] else getpass.getpass("Password: ")
        )
        try:
            user = user_create(options["email"], password, verified=options["verified"])
        except ValidationError as error:
            raise CommandError("password: " + " ".join(error.messages)) from error
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(user.email)
