"""What can be held: indices and the versions of their rulebooks."""

from django.db import models
from django.db.models import F, Q


class Index(models.Model):
    """A named index. Its rules live in versioned rulebooks; its history is derived and may be rebuilt.

    `house` indices are ours and public; a `twin` is the passive counterpart of the AI index `twin_of`; a `custom` one
    was built by an investor. Only house indices are in the lists; who may see a custom one is not decided here.
    """

    class Kind(models.TextChoices):
        HOUSE = "house", "House"
        TWIN = "twin", "Passive twin"
        CUSTOM = "custom", "Custom"

    class Family(models.TextChoices):
        MARKET_CAP = "market_cap", "Market cap"
        THEMATIC = "thematic", "Thematic"
        AI = "ai", "AI-powered"

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=96)
    family = models.CharField(max_length=16, choices=Family)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.HOUSE)
    twin_of = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="twin", null=True, blank=True
    )
    is_tokenized = models.BooleanField(
        default=False, help_text="Its units are meant to live on chain as well."
    )
    summary = models.CharField(max_length=240, blank=True)
    is_published = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=100)
    retired_at = models.DateTimeField(
        null=True, blank=True, help_text="Since then it decides nothing more. Wall clock, UTC."
    )

    class Meta:
        ordering = ["position", "slug"]
        verbose_name_plural = "indices"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="twin", twin_of__isnull=False) | (~Q(kind="twin") & Q(twin_of__isnull=True)),
                name="index_twin_of_something",
            ),
            models.CheckConstraint(condition=~Q(twin_of=F("id")), name="index_not_its_own_twin"),
        ]

    def __str__(self) -> str:
        return self.name


class RulebookVersion(models.Model):
    """An immutable version of an index's rulebook; the newest is in force. Going back to old rules is a new version."""

    index = models.ForeignKey(Index, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    body = models.JSONField(help_text="The canonical dict form of the rulebook.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the canonical JSON.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["index", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["index", "version"], name="rulebook_version_key"),
        ]

    def __str__(self) -> str:
        return f"{self.index_id} v{self.version}"
