"""Recurring plans, switches and notices."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0009_usdc")]
    operations: ClassVar[list] = []
