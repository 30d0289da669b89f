"""The tiny world of money as a live market, quoted by four sources."""

from datetime import UTC, datetime, timedelta

from signals import services as signal_services
from signals.models import Candle, Freeze, Market
from tests.quotes import FEEDS, quote
from tests.worlds import FIRST_DAY, TOKENS, close_of, decision_create, world_create

TODAY = FIRST_DAY + timedelta(days=40)
START = datetime(2022, 2, 11, tzinfo=UTC)


class Live:
    """The tiny world as a live market whose tokens are quoted by four sources, round after round."""

    def __init__(self, weights=None, **prices):
        self.world = world_create(today=TODAY, weights=weights)
        Candle.objects.update(source="coingecko")
        Market.objects.update(source="live", settings={"exchange": "kraken"})
        self.world.market.refresh_from_db()
        self.at = START
        self.prices = {slug: close_of(slug, TODAY) for slug in TOKENS} | prices
        self.round()

    def round(self, after=timedelta(minutes=2), only=None, **prices):
        """A round at these prices; the others stay. `only` names how many sources speak."""
        self.at += after
        self.prices |= prices
        for source in FEEDS[:only]:
            quote(source, self.prices, self.at)
        Market.objects.update(time=self.at)
        return signal_services.marks_judge(at=self.at)

    def fall(self, slug, to):
        """`slug` falls by so much that it is frozen."""
        assert self.round(**{slug: self.prices[slug] * to}).frozen == 1

    def confirm(self):
        freeze = Freeze.objects.get(ended_at__isnull=True)
        assert freeze.candidate is not None
        signal_services.freeze_confirm(
            freeze.pk, candidate=freeze.candidate, by="operator@example.org", at=self.at
        )

    def weigh(self, **weights):
        """Six days later, in the next week, a new decision is in force."""
        self.round(after=timedelta(days=6))
        decision_create(self.world, as_of=self.at.date() - timedelta(days=1), weights=weights, lag_days=0)
