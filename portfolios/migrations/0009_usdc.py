"""USDC: deposit addresses and transfers seen on chain."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0008_payments")]
    operations: ClassVar[list] = []
