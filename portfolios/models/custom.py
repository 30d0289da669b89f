"""Indices that people built for themselves."""

from django.conf import settings
from django.db import models


class CustomIndex(models.Model):
    """Whose an index is that somebody built, and who may look at it: the owner, and whoever has the share link.

    Its rules and its history are the index's own. `name` is what its owner calls it.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="custom_indices"
    )
    index = models.OneToOneField("indices.Index", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=64)
    based_on = models.SlugField(max_length=64, help_text="Slug of the index whose rules it began with.")
    share_token = models.CharField(max_length=32, unique=True, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True, help_text="Wall clock, UTC.")

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "custom indices"
        indexes = [models.Index(fields=["user", "archived_at"], name="custom_index_by_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.name}"
