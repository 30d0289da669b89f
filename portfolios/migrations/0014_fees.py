"""Fees accrued as units."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0013_tax_lots")]
    operations: ClassVar[list] = []
