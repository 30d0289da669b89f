"""Orders of personal portfolios behind a nominee."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0010_orders")]
    operations: ClassVar[list] = []
