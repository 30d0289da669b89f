"""What `up` does before it serves, for installations that start web, worker and beat themselves."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from config.preparing import database_prepare, market_prepare


class Command(BaseCommand):
    """Migrations, then market and indices; harmless when everything is there."""

    help = "Migrate the database and load what a first start needs."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Both have happened."""
        database_prepare()
        market_prepare()
