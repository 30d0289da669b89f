"""Tax lots and statements."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0012_venues")]
    operations: ClassVar[list] = []
