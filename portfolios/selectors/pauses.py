"""What is paused now, in words for everybody."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from portfolios.models import Pause


@dataclass(frozen=True)
class Pauses:
    """Every reason is a sentence, empty where nothing is paused. `everything` is part of all the others."""

    everything: str = ""
    buys: str = ""
    sells: str = ""
    withdrawals: str = ""
    assets: Mapping[str, str] = field(default_factory=dict)
    indices: Mapping[str, str] = field(default_factory=dict)
    venues: Mapping[str, str] = field(default_factory=dict)

    def reason_for(self, *, side: str = "", asset: str = "", index: str = "", venue: str = "") -> str:
        """Why an order of this side (buy or sell), token, index or venue must not go out now, or empty."""
        sides = {"buy": self.buys, "sell": self.sells}
        return (
            self.everything
            or sides.get(side, "")
            or self.assets.get(asset, "")
            or self.indices.get(index, "")
            or self.venues.get(venue, "")
        )


def pauses() -> Pauses:
    """What is paused at this moment of the wall clock."""
    rows = list(Pause.objects.filter(ended_at__isnull=True).values_list("scope", "target", "reason"))
    by_scope = {scope: reason for scope, target, reason in rows if not target}
    everything = by_scope.get(Pause.Scope.ALL, "")

    def targets(wanted: str) -> dict[str, str]:
        return {target: reason for scope, target, reason in rows if scope == wanted}

    return Pauses(
        everything=everything,
        buys=everything or by_scope.get(Pause.Scope.BUYS, ""),
        sells=everything or by_scope.get(Pause.Scope.SELLS, ""),
        withdrawals=everything or by_scope.get(Pause.Scope.WITHDRAWALS, ""),
        assets=targets(Pause.Scope.ASSET),
        indices=targets(Pause.Scope.INDEX),
        venues=targets(Pause.Scope.VENUE),
    )
