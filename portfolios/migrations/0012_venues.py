"""Venues: accounts, limits, fees in tokens, reconciliations."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0011_nominee_dealing")]
    operations: ClassVar[list] = []
