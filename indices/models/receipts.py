"""What was published and signed: receipts, commitments to weights not yet traded, and the keys that signed."""

from django.db import models
from django.db.models import Q

from indices.models.history import Decision
from indices.models.rules import Index


class SigningKey(models.Model):
    """A public key that has signed. Rows stay when a key is retired: what it signed must remain verifiable."""

    key_id = models.CharField(max_length=16, unique=True, help_text="Start of the SHA-256 of the public key.")
    public_key = models.CharField(max_length=64, unique=True, help_text="Ed25519, hexadecimal.")
    first_used_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.key_id


class WeightCommitment(models.Model):
    """The commitment to weights that are not to be seen before they are traded: SHA-256 of `salt|weights`.

    `sealed` is what the decision receipt keeps back; the settlement receipt shows it together with the salt.
    """

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="commitment")
    digest = models.CharField(max_length=64)
    salt = models.CharField(max_length=64, help_text="Secret until the settlement receipt opens it.")
    sealed = models.JSONField(help_text="Turnover and lines of the decision, secret as long.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.decision_id} {self.digest[:12]}"


class Receipt(models.Model):
    """The permanent public record of one step of an index: `body` is the canonical text whose SHA-256 is `digest`.

    Each names the digest of the one before it, so that none can be changed, left out or put in later unseen.
    """

    class Kind(models.TextChoices):
        DECISION = "decision", "Decision"
        SETTLEMENT = "settlement", "Settlement"

    index = models.ForeignKey(Index, on_delete=models.PROTECT, related_name="receipts", db_index=False)
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="receipts", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    sequence = models.PositiveIntegerField()
    previous_digest = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    body = models.TextField()
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="+", db_index=False)
    signature = models.CharField(
        max_length=128, help_text="Ed25519 over the 32 bytes of the digest, hexadecimal."
    )
    published_at = models.DateTimeField(help_text="Market time, UTC; also in the body.")
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["index", "-sequence"]
        constraints = [
            models.UniqueConstraint(fields=["index", "sequence"], name="receipt_sequence"),
            models.UniqueConstraint(fields=["decision", "kind"], name="receipt_one_per_step"),
            models.UniqueConstraint(fields=["digest"], name="receipt_digest"),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="receipt_sequence_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.index_id} #{self.sequence} {self.kind}"
