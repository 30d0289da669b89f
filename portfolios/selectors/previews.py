"""What an investment would do, before anybody commits to it."""

from decimal import Decimal

from indices import selectors as index_selectors
from portfolios.core.allocation import split
from portfolios.core.fees import cost_estimate
from portfolios.core.money import CENT, UNIT_SCALE, USD_SCALE, from_base, to_base
from portfolios.core.valuation import unit_price, units_worth
from portfolios.selectors.market import volumes
from portfolios.selectors.records import InvestPreview
from portfolios.selectors.valuations import portfolio, valuations
from signals import selectors as signal_selectors

MINIMUM_INVESTMENT = Decimal("50.00")


def invest_preview(index_slug: str, amount: Decimal) -> InvestPreview | None:
    """What investing `amount` USD would do at marks of now, or None where the index has no decision in force.

    The cost is estimated as if the whole amount were traded at once in the target weights.
    """
    index = index_selectors.index(index_slug)
    moment = signal_selectors.market_time()
    decision = index_selectors.decision_in_force(index, as_of=signal_selectors.last_closed_day())
    if decision is None:
        return None
    weights = index_selectors.target_weights(decision)
    slugs = sorted(weights)
    sizes = split(to_base(amount, USD_SCALE), [to_base(weights[slug], 18) for slug in slugs])
    traded = volumes(slugs, at=moment)
    cost = sum(cost_estimate(size, traded.get(slug)) for slug, size in zip(slugs, sizes, strict=True))
    pool = portfolio(index_slug)
    value, issued = 0, 0
    if pool is not None:
        valuation = valuations([pool.pk], at=moment)[pool.pk]
        value, issued = valuation.value, valuation.units
    net = max(0, to_base(amount, USD_SCALE) - cost)
    units = units_worth(net, value, issued) if value > 0 or issued <= 0 else 0
    return InvestPreview(
        index_slug=index.slug,
        index_name=index.name,
        amount=amount,
        minimum=MINIMUM_INVESTMENT,
        token_count=len(slugs),
        cost_usd=from_base(-(-cost // CENT) * CENT, USD_SCALE),
        unit_price=unit_price(value, issued),
        units=from_base(units, UNIT_SCALE),
    )
