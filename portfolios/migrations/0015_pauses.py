"""The kill switch, and how much of a plan a rebalance trades."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0014_fees")]
    operations: ClassVar[list] = []
