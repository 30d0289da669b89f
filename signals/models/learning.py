"""Models that were trained and experiments that were made. Both are written once: the database refuses the rest."""

from django.db import models
from django.utils import timezone


class ModelRun(models.Model):
    """One training: what went in, by hash, and the model that came out, as text. Append-only."""

    name = models.CharField(max_length=32, help_text="Name of the model's specification.")
    market = models.CharField(
        max_length=16, help_text="Whose candles it learned from: archive, simulated or live."
    )
    trained_through = models.DateField(help_text="Nothing after this day was read.")
    spec = models.JSONField()
    spec_hash = models.CharField(max_length=64)
    data_hash = models.CharField(max_length=64)
    code_version = models.CharField(max_length=40, help_text="Git commit, or the release.")
    seed = models.BigIntegerField()
    text = models.TextField(help_text="The whole model; no pickle.")
    sha256 = models.CharField(max_length=64, help_text="Of the text.")
    result = models.JSONField(default=dict, help_text="What the training measured.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["market", "trained_through", "spec_hash", "data_hash"], name="model_run_key"
            )
        ]
        ordering = ["-trained_through", "-pk"]

    def __str__(self) -> str:
        return f"{self.name} through {self.trained_through}"


class Experiment(models.Model):
    """One look at the data: all count when the best of them is judged. Append-only, each row chained to the last."""

    made_at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=32, help_text="training, validation, backtest ...")
    code_version = models.CharField(max_length=40)
    spec = models.JSONField()
    spec_hash = models.CharField(max_length=64)
    data_hash = models.CharField(max_length=64)
    result = models.JSONField()
    previous = models.CharField(max_length=64, blank=True, help_text="Digest of the row before.")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of all the above.")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.spec_hash[:8]}"
