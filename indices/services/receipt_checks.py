"""Every receipt of an index, checked against itself, its chain, and what is stored and recomputed."""

from collections.abc import Iterable

from indices.core.receipt_chain import Record, chain_faults
from indices.core.receipt_facts import Filed, fact_faults
from indices.core.receipts import Execution
from indices.core.rulebook import Decision as Decided
from indices.models import Decision, Index, Receipt, SigningKey, TargetWeight, WeightCommitment
from indices.selectors.indices import resolved


def receipts_verify(
    index: Index | str,
    *,
    decisions: Iterable[Decided] = (),
    executions: Iterable[Execution] = (),
) -> list[str]:
    """What is wrong with the receipts of an index; empty where all is well.

    Chain, digests, signatures and commitments, then every receipt against the stored decision, weights and commitment.
    With recomputed `decisions` and `executions` also the drifted weights, trades, turnover, cost and level it tells.
    """
    found = resolved(index)
    records = receipt_records(found)
    faults = chain_faults(found.slug, records, public_keys())
    if any("not a JSON object" in fault for fault in faults):
        return faults
    return faults + fact_faults(decisions_filed(found), records, decisions=decisions, executions=executions)


def receipt_records(index: Index) -> list[Record]:
    """Every receipt of `index` as it was published, in order."""
    rows = Receipt.objects.filter(index=index).order_by("sequence")
    columns = ("sequence", "kind", "previous_digest", "digest", "body", "key__key_id", "signature")
    return [Record(*row) for row in rows.values_list(*columns)]


def public_keys() -> dict[str, str]:
    """Key id -> public key, of every key that ever signed."""
    return dict(SigningKey.objects.values_list("key_id", "public_key"))


def decisions_filed(index: Index) -> list[Filed]:
    """Every stored decision of `index`, oldest first."""
    weights: dict[int, dict[str, tuple[str, int | None]]] = {}
    lines = TargetWeight.objects.filter(decision__index=index).order_by()
    for key, slug, weight, rank in lines.values_list("decision_id", "asset__slug", "weight", "rank"):
        weights.setdefault(key, {})[slug] = (f"{weight:.18f}", rank)
    kept = {row.decision_id: row for row in WeightCommitment.objects.filter(decision__index=index)}
    return [
        Filed(
            as_of=row.as_of,
            effective_on=row.effective_on,
            epoch=row.epoch,
            version=row.rulebook.version,
            rules_digest=row.rulebook.digest,
            input_hash=row.input_hash,
            turnover=row.turnover,
            is_held=row.is_held,
            weights=weights.get(row.pk, {}),
            reasons=row.reasons,
            promised=kept[row.pk].digest if row.pk in kept else None,
            salt=kept[row.pk].salt if row.pk in kept else None,
        )
        for row in Decision.objects.filter(index=index).select_related("rulebook").order_by("as_of")
    ]
