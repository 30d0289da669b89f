from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("indices", "0006_level_revisions")]

    operations = [
        migrations.AddField(
            model_name="index",
            name="retired_at",
            field=models.DateTimeField(
                blank=True, help_text="Since then it decides nothing more. Wall clock, UTC.", null=True
            ),
        ),
    ]
