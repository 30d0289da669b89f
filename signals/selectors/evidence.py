"""What may be said of the grades, by the last validation."""

from dataclasses import dataclass
from datetime import datetime

from signals.models import Experiment


@dataclass(frozen=True)
class Evidence:
    """`level` is E0 to E3; `wording` the only sentence about performance that may stand beside a grade.

    `made_at` is when the validation was made, None where there was none: then the level is E0.
    """

    level: str
    wording: str
    made_at: datetime | None


def evidence() -> Evidence:
    """The evidence of the latest validation; one query, without its document."""
    from signals.core.report import WORDING

    columns = ("result__evidence", "result__wording", "made_at")
    found = Experiment.objects.filter(kind="validation").order_by("-pk").values_list(*columns).first()
    if found is None or found[0] not in WORDING:
        return Evidence("E0", WORDING["E0"], None)
    return Evidence(*found)
