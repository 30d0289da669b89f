"""What an order would do, leg by leg and cost by cost, before anybody commits to it. The same rules size it here and in
a dealing; what differs is the moment, and who else comes or goes in the same one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from indices import selectors as index_selectors
from portfolios.core.dealing import purchase_plan, purchases_left, raising_plan
from portfolios.core.fees import PPB, fee_on, half_spread, slippage
from portfolios.core.money import (
    UNIT_SCALE,
    USD_SCALE,
    cents_down,
    from_base,
    price_base,
    to_base,
    token_scale,
    value_of,
)
from portfolios.core.valuation import Pot, Quote, fraction, unit_price, units_value, units_worth
from portfolios.errors import BelowMinimum, InsufficientFunds, InsufficientUnits, MoneyError, PlanRequired
from portfolios.models import LedgerAsset, Portfolio, User
from portfolios.selectors.admission import admitted, enough_checked, open_to, units_asked, units_free
from portfolios.selectors.balances import cash
from portfolios.selectors.fees import fee_terms
from portfolios.selectors.market import volumes
from portfolios.selectors.minimums import index_minimum
from portfolios.selectors.pauses import pauses
from portfolios.selectors.records import CashLine, OrderPreview, PreviewLeg, PreviewProblem
from portfolios.selectors.stops import Stop, stops
from portfolios.selectors.valuations import portfolio, valuations
from signals import selectors as signal_selectors

NOTHING = OrderPreview(side="", index_slug="", index_name="")

_WORDS = {
    "no_target": "No token of the index can be bought now; it stays in the portfolio as cash until one can.",
    "nothing_lacking": "Every token of the index is at its target; the rest stays in the portfolio as cash.",
    "too_small": "Each purchase would be under the smallest trade; it stays as cash until more comes.",
}


@dataclass(frozen=True)
class _Market:
    """A portfolio as a dealing of now would find it, and the market that it would deal in."""

    pot: Pot
    value: int
    issued: int
    weights: Mapping[str, Decimal]
    quotes: Mapping[str, Quote]
    tradable: Mapping[str, Quote]
    stop: Stop


def invest_preview(user: User, index_slug: str, amount: Decimal) -> OrderPreview:
    """What investing `amount` USD would do at marks of now. What stands in its way is listed in `problems`; raises
    UnknownIndex and IndexNotReady."""
    index, _ = open_to(user, index_slug)
    problems = _refused(user, index, amount)
    if amount > (have := cash(user)):
        problems.append(
            _problem(
                InsufficientFunds(
                    f"Nothing was moved: ${have:,.2f} is free and ${amount:,.2f} was asked for. Deposit the "
                    "difference, or invest less."
                )
            )
        )
    return _invested(index, portfolio(index_slug), amount, problems)


def redeem_preview(
    user: User,
    index_slug: str,
    *,
    units: Decimal | str | None = None,
    amount: Decimal | None = None,
    percent: Decimal | None = None,
) -> OrderPreview:
    """What redeeming so much (everything where nothing says how much) would do at marks of now. Raises what an order
    of that size would raise."""
    index, _ = open_to(user, index_slug)
    held = portfolio(index_slug)
    if held is None:
        raise InsufficientUnits("Nothing was moved: you hold no units of this index.")
    wanted = units_asked(held, units_free(user, held), units=units, amount=amount, percent=percent)
    market = _market(index, held)
    worth = units_value(wanted, market.value, market.issued)
    sells = raising_plan(market.pot, market.weights, market.tradable, worth)
    sizes = {
        code: value_of(quantity, market.quotes[code].scale, market.quotes[code].price)
        for code, quantity in sells.items()
    }
    legs = _legs("sell", sizes, market)
    cost = sum(_micro(leg.cost_usd) for leg in legs)
    payout = cents_down(max(0, min(worth - cost, market.pot.cash + sum(sizes.values()) - cost)))
    return replace(
        _totals(legs),
        side="redeem",
        index_slug=index.slug,
        index_name=index.name,
        amount=from_base(worth, USD_SCALE),
        units=from_base(wanted, UNIT_SCALE),
        unit_price=unit_price(market.value, market.issued),
        proceeds=from_base(payout, USD_SCALE).quantize(Decimal("0.01")),
        from_cash=from_base(max(0, min(worth, market.pot.cash)), USD_SCALE),
        waits=market.stop.deals or market.stop.redeems,
        legs=legs,
    )


def switch_preview(
    user: User,
    index_slug: str,
    into_slug: str,
    *,
    units: Decimal | str | None = None,
    amount: Decimal | None = None,
    percent: Decimal | None = None,
) -> OrderPreview:
    """The redemption, with the investment of what it is expected to bring in `into`. Raises as both would."""
    out = redeem_preview(user, index_slug, units=units, amount=amount, percent=percent)
    index, _ = open_to(user, into_slug)
    brought = out.proceeds or Decimal(0)
    into = _invested(index, portfolio(into_slug), brought, _refused(user, index, out.amount))
    return replace(out, side="switch", into=into, problems=into.problems)


def _refused(user: User, index: Any, amount: Decimal) -> list[PreviewProblem]:
    """Why an order of this size would be refused whatever money there is."""
    found = []
    for ask in (lambda: admitted(user, index.slug), lambda: enough_checked(index, amount)):
        try:
            ask()
        except (PlanRequired, BelowMinimum) as error:
            found.append(_problem(error))
    return found


def _problem(error: MoneyError) -> PreviewProblem:
    return PreviewProblem(error.field, error.code, error.message)


def _invested(
    index: Any, pool: Portfolio | None, amount: Decimal, problems: list[PreviewProblem]
) -> OrderPreview:
    market = _market(index, pool)
    micro = to_base(amount, USD_SCALE)
    sizes = purchase_plan(market.pot, market.weights, market.tradable, micro)
    legs = _legs("buy", sizes, market)
    cost = sum(_micro(leg.cost_usd) for leg in legs)
    net = max(0, micro - cost)
    priced = market.issued <= 0 or market.value > 0
    left = purchases_left(market.pot, market.weights, market.tradable, micro)
    terms = fee_terms(index.id, signal_selectors.last_closed_day())
    return replace(
        _totals(legs),
        side="invest",
        index_slug=index.slug,
        index_name=index.name,
        amount=amount,
        minimum=index_minimum(index),
        units=from_base(units_worth(net, market.value, market.issued) if priced else 0, UNIT_SCALE),
        unit_price=unit_price(market.value, market.issued),
        cash_left=[CashLine(item.why, from_base(item.amount, USD_SCALE), _WORDS[item.why]) for item in left],
        management_rate=terms.management_rate,
        performance_rate=terms.performance_rate,
        waits=market.stop.deals or market.stop.invests,
        problems=problems,
        legs=legs,
    )


def _market(index: Any, pool: Portfolio | None) -> _Market:
    moment = signal_selectors.market_time()
    decision = index_selectors.decision_in_force(index, as_of=signal_selectors.last_closed_day())
    targets = {} if decision is None else index_selectors.target_weights(decision)
    value = issued = dollars = 0
    held: dict[str, int] = {}
    stop = Stop()
    if pool is not None:
        found = valuations([pool.pk], at=moment)[pool.pk]
        value, issued = found.value, found.units
        held = {line.asset.code: line.quantity for line in found.lines if line.asset.token is not None}
        dollars = sum(line.quantity for line in found.lines if line.asset.token is None) - found.pending
        stop = stops({pool.pk: targets}, at=moment).get(pool.pk, Stop())
    slugs = sorted(targets.keys() | {code.removeprefix("token:") for code in held})
    marks = index_selectors.mark_prices(slugs, at=moment)
    traded = volumes(marks, at=moment)
    scales = dict(
        LedgerAsset.objects.filter(code__in=[f"token:{slug}" for slug in marks]).values_list("code", "scale")
    )
    quotes = {
        f"token:{slug}": Quote(
            price_base(mark), scales.get(f"token:{slug}", token_scale(mark)), traded.get(slug)
        )
        for slug, mark in marks.items()
    }
    untraded = signal_selectors.halts(slugs, at=moment).keys() | pauses().assets.keys()
    return _Market(
        pot=Pot(max(0, dollars), held),
        value=value,
        issued=issued,
        weights={f"token:{slug}": weight for slug, weight in targets.items()},
        quotes=quotes,
        tradable={code: q for code, q in quotes.items() if code.removeprefix("token:") not in untraded},
        stop=stop,
    )


def _legs(side: str, sizes: Mapping[str, int], market: _Market) -> list[PreviewLeg]:
    """One leg per token, the largest first, with its costs, each rounded up: what is shown is not too little."""
    names = signal_selectors.assets_by_slug([code.removeprefix("token:") for code in sizes])
    whole = sum(sizes.values())
    legs = []
    for code, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        quote, token = market.quotes[code], names[code.removeprefix("token:")]
        spread = -(-size * half_spread(quote.volume) // PPB)
        slipped = -(-size * slippage(size, quote.volume) // PPB)
        fee = fee_on(size)
        legs.append(
            PreviewLeg(
                token=token.slug,
                name=token.name,
                symbol=token.symbol,
                side=side,
                amount_usd=from_base(size, USD_SCALE),
                share=fraction(size, whole),
                half_spread_usd=from_base(min(spread, slipped), USD_SCALE),
                impact_usd=from_base(max(0, slipped - spread), USD_SCALE),
                fee_usd=from_base(fee, USD_SCALE),
                cost_usd=from_base(slipped + fee, USD_SCALE),
            )
        )
    return legs


def _totals(legs: list[PreviewLeg]) -> OrderPreview:
    def total(name: str) -> Decimal:
        return sum((getattr(leg, name) for leg in legs), Decimal("0.000000"))

    return replace(
        NOTHING,
        half_spread_usd=total("half_spread_usd"),
        impact_usd=total("impact_usd"),
        fee_usd=total("fee_usd"),
        cost_usd=total("cost_usd"),
    )


def _micro(amount: Decimal) -> int:
    return to_base(amount, USD_SCALE)
