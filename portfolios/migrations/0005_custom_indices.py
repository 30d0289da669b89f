import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

KEPT = {"free": 1, "silver": 3, "gold": 10, "platinum": 50}


def plans_fill(apps, schema_editor):
    plan = apps.get_model("portfolios", "Plan")
    for slug, number in KEPT.items():
        plan.objects.filter(slug=slug).update(custom_indices=number)


class Migration(migrations.Migration):
    dependencies = [
        ("indices", "0003_families"),
        ("portfolios", "0004_cycle_halts"),
    ]

    operations = [
        migrations.AddField(
            model_name="plan",
            name="custom_indices",
            field=models.PositiveSmallIntegerField(
                default=1, help_text="How many indices of one's own it lets a person keep."
            ),
        ),
        migrations.RunPython(plans_fill, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="portfolio",
            constraint=models.UniqueConstraint(
                condition=Q(kind="personal"),
                fields=("index", "owner"),
                name="portfolio_one_of_ones_own",
            ),
        ),
        migrations.CreateModel(
            name="CustomIndex",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=64)),
                ("based_on", models.SlugField(help_text="Slug of the index whose rules it began with.", max_length=64)),
                ("share_token", models.CharField(blank=True, max_length=32, null=True, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("archived_at", models.DateTimeField(blank=True, help_text="Wall clock, UTC.", null=True)),
                (
                    "index",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="indices.index"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="custom_indices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "custom indices",
                "ordering": ["-created_at", "-id"],
                "indexes": [models.Index(fields=["user", "archived_at"], name="custom_index_by_user")],
            },
        ),
    ]
