from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portfolios', '0003_billing_day'),
    ]

    operations = [
        migrations.AddField(
            model_name='dealingcycle',
            name='halted',
            field=models.JSONField(blank=True, default=dict, help_text='Asset code -> why the price guard kept it from being traded.'),
        ),
    ]
