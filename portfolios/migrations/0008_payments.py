"""Ways in and out: allow-list, approvals, provider events and disputes."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0007_book_triggers")]
    operations: ClassVar[list] = []
