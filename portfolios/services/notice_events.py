"""What happened that people have not been told: found in rows, told once, whoever moved the money and whenever."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.urls import reverse

from indices import selectors as index_selectors
from portfolios.models import (
    Account,
    Announcement,
    Balance,
    LedgerAsset,
    Notice,
    NoticeKind,
    Order,
    Pause,
    Portfolio,
    Rebalance,
    Switch,
)
from portfolios.selectors.stops import Stop, stops_now
from portfolios.services.notices import announce, announced, notice_send
from signals import selectors as signal_selectors
from signals.core import figures

BATCH = 500

_HOLDERS = """
SELECT o.user_id, '' FROM portfolios_order o WHERE o.portfolio_id = %(portfolio)s AND o.status = 'settled'
GROUP BY o.user_id HAVING SUM(CASE o.side WHEN 'invest' THEN o.units ELSE -o.units END) > 0
"""
"""Who holds units, by the orders that gave and took them."""

_HOLDERS_THEN = """
SELECT o.user_id,
       ' Your share of the cost: $' || to_char(round(%(cost)s * SUM(CASE o.side WHEN 'invest' THEN o.units
           ELSE -o.units END) / %(issued)s, 2), 'FM999,999,999,990.00') || '.'
FROM portfolios_order o
WHERE o.portfolio_id = %(portfolio)s AND o.status = 'settled' AND o.dealing_id < %(dealing)s
GROUP BY o.user_id HAVING SUM(CASE o.side WHEN 'invest' THEN o.units ELSE -o.units END) > 0
"""
"""Who held units when a dealing began; dealings of one portfolio come in the order of their ids."""

_BOOK_OWNERS = """
SELECT DISTINCT b.owner_id, '' FROM portfolios_book b
WHERE b.nominee_id = %(portfolio)s AND (b.cash > 0 OR 0 < ANY(b.quantities))
"""

_OWNERS = """
SELECT DISTINCT c.user_id, '' FROM portfolios_balance b
JOIN portfolios_account c ON c.id = b.account_id AND c.kind IN ('cash', 'reserved') AND c.user_id IS NOT NULL
JOIN portfolios_portfolio f ON f.units_id = b.asset_id
WHERE b.amount > 0 AND f.id = ANY(%(portfolios)s)
UNION
SELECT DISTINCT k.owner_id, '' FROM portfolios_book k
WHERE k.nominee_id = ANY(%(portfolios)s) AND (k.cash > 0 OR 0 < ANY(k.quantities))
"""

_CONCERNED = (
    _OWNERS
    + """
UNION
SELECT DISTINCT o.user_id, '' FROM portfolios_order o
WHERE o.status = 'accepted' AND o.portfolio_id = ANY(%(portfolios)s)
"""
)

_WITH_MONEY = """
SELECT DISTINCT c.user_id, '' FROM portfolios_balance b
JOIN portfolios_account c ON c.id = b.account_id AND c.kind IN ('cash', 'reserved') AND c.user_id IS NOT NULL
WHERE b.amount > 0
UNION
SELECT DISTINCT k.owner_id, '' FROM portfolios_book k WHERE k.cash > 0 OR 0 < ANY(k.quantities)
"""

_TOLD = "SELECT n.user_id, '' FROM portfolios_notice n WHERE n.key = %(told)s"


def events_tell(*, now: datetime) -> int:
    """Everybody has been told what happened to their money up to now; how many events there were."""
    told = orders_tell(now=now)
    told += rebalances_tell(now=now)
    told += pauses_tell(now=now)
    if signal_selectors.market_active_or_none() is not None:
        told += waits_tell()
        told += freezes_tell()
    return told


@transaction.atomic
def orders_tell(*, now: datetime, limit: int = BATCH) -> int:
    """A notice for every order that was settled, or given back by us, and not told of; how many. What a person
    cancelled they know. The legs of a switch are told by the switch."""
    rows = list(
        Order.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(status__in=[Order.Status.SETTLED, Order.Status.CANCELLED], told_at=None)
        .select_related("user", "portfolio__index", "book__nominee__index")
        .order_by("created_at")[:limit]
    )
    legs = _legs_of_switches([row.pk for row in rows])
    for row in rows:
        if row.pk in legs:
            continue
        if row.status == Order.Status.SETTLED:
            _executed(row)
        elif row.reason != Order.CANCELLED_BY_OWNER:
            notice_send(
                row.user,
                kind=NoticeKind.ORDER_SKIPPED,
                key=f"order:{row.pk}",
                title=f"Your order for {row.holding_name} was not carried out",
                text=f"Everything that was set aside for it is yours to use again. {row.reason}",
                url=reverse("portfolios:order", args=[row.pk]),
            )
    Order.objects.filter(pk__in=[row.pk for row in rows]).update(told_at=now)
    return len(rows)


def rebalances_tell(*, now: datetime, limit: int = BATCH) -> int:
    """Every holder has a notice of each rebalance that was done or given up and not told of; how many rebalances."""
    waiting = Rebalance.objects.filter(
        status__in=[Rebalance.Status.DONE, Rebalance.Status.SKIPPED], told_at=None
    ).order_by("id")
    told = 0
    for pk in list(waiting.values_list("pk", flat=True)[:limit]):
        with transaction.atomic():
            row = (
                Rebalance.objects.select_for_update(skip_locked=True, of=("self",))
                .filter(pk=pk, told_at=None)
                .select_related("portfolio__index", "decision", "dealing")
                .first()
            )
            if row is None:
                continue
            if row.status == Rebalance.Status.DONE:
                _rebalanced(row)
            elif row.reason != Rebalance.NOBODY:
                _skipped(row)
            Rebalance.objects.filter(pk=pk).update(told_at=now)
            told += 1
    return told


def waits_tell() -> int:
    """Whoever holds a portfolio whose due rebalance waits, or has an order that does, knows why; how many waits were
    new."""
    due = list(
        Rebalance.objects.filter(status=Rebalance.Status.DUE).select_related("portfolio__index", "decision")
    )
    known = Notice.objects.filter(
        user=OuterRef("user"),
        key=Concat(Value("order:"), Cast(OuterRef("pk"), CharField()), Value(":waits")),
    )
    orders = list(
        Order.objects.filter(~Exists(known), status=Order.Status.ACCEPTED)
        .select_related("portfolio__index", "user")
        .order_by("created_at", "id")[:BATCH]
    )
    if not due and not orders:
        return 0
    found = stops_now([*(row.portfolio for row in due), *(row.portfolio for row in orders)])
    told = 0
    for row in due:
        reason = found.get(row.portfolio_id, Stop()).rebalances
        key = f"rebalance:{row.pk}:waits"
        if reason and not announced(key):
            told += bool(
                announce(
                    *_audience(row.portfolio),
                    kind=NoticeKind.PAUSED,
                    key=key,
                    title=f"The rebalance of {row.portfolio.index.name} waits",
                    text=f"Nothing was traded and nothing is lost: you hold what you held. {reason}",
                    url=_index_page(row.portfolio),
                )
            )
    for order in orders:
        stop = found.get(order.portfolio_id, Stop())
        reason = stop.deals or (stop.invests if order.side == Order.Side.INVEST else stop.redeems)
        if reason:
            notice_send(
                order.user,
                kind=NoticeKind.PAUSED,
                key=f"order:{order.pk}:waits",
                title=f"Your order for {order.portfolio.index.name} waits",
                text="What was set aside for it is untouched, and it keeps its place. You may cancel it. "
                + reason,
                url=reverse("portfolios:order", args=[order.pk]),
            )
    return told


def freezes_tell() -> int:
    """Whoever holds a token whose price was frozen knows it, once per freeze; how many freezes were new."""
    if not signal_selectors.market_guarded():
        return 0
    holders: dict[str, list[int]] = {}
    names: dict[str, str] = {}
    rows = Balance.objects.filter(
        account__kind__in=[Account.Kind.ASSETS, Account.Kind.BOOKS],
        asset__kind=LedgerAsset.Kind.TOKEN,
        amount__gt=0,
    )
    for slug, name, portfolio in rows.values_list(
        "asset__token__slug", "asset__token__name", "account__portfolio_id"
    ):
        if slug is not None and portfolio is not None:
            holders.setdefault(slug, []).append(portfolio)
            names[slug] = str(name)
    halted = signal_selectors.halts(sorted(holders), at=signal_selectors.market_time())
    told = 0
    for slug, halt in sorted(halted.items()):
        if halt.status != "frozen" or halt.marked_at is None:
            continue
        key = f"freeze:{slug}:{halt.marked_at:%Y%m%dT%H%M%S}"
        if not announced(key):
            told += bool(
                announce(
                    _OWNERS,
                    {"portfolios": sorted(set(holders[slug]))},
                    kind=NoticeKind.PRICE_FROZEN,
                    key=key,
                    title=f"The price of {names[slug]} is in doubt",
                    text=f"You hold it, and nothing of yours was traded at that price. {halt.reason} "
                    f"Until then it counts at {figures.price(halt.mark)}.",
                    url=reverse("signals:token", args=[slug]),
                )
            )
    return told


def pauses_tell(*, now: datetime) -> int:
    """Whoever a pause touches knows that it began, and those know when it ended; how many of both were new."""
    told = 0
    for pause in Pause.objects.filter(told_at=None).order_by("id"):
        audience = _touched(pause)
        if audience is not None and pause.ended_at is None:
            announce(
                *audience,
                kind=NoticeKind.PAUSED,
                key=f"pause:{pause.pk}",
                title=f"{_subject(pause)} for now",
                text=f"{pause.reason} What you own is yours as before, and what waits keeps its place.",
            )
            told += 1
        Pause.objects.filter(pk=pause.pk).update(told_at=now)
    ended = Announcement.objects.filter(key__startswith="pause:").exclude(key__endswith=":ended")
    for key in ended.values_list("key", flat=True):
        over = Pause.objects.filter(pk=int(key.removeprefix("pause:")), ended_at__isnull=False).first()
        if over is not None and not announced(f"{key}:ended"):
            announce(
                _TOLD,
                {"told": key},
                kind=NoticeKind.PAUSED,
                key=f"{key}:ended",
                title=f"No longer: {_subject(over)[0].lower()}{_subject(over)[1:]}",
                text="It is over. Orders that waited are carried out now, and nothing was lost.",
            )
            told += 1
    return told


def _legs_of_switches(orders: Sequence[UUID]) -> set[UUID | None]:
    rows = Switch.objects.filter(Q(redeem_id__in=orders) | Q(invest_id__in=orders))
    return {leg for pair in rows.values_list("redeem_id", "invest_id") for leg in pair}


def _executed(row: Order) -> None:
    name = row.holding_name
    price = "" if row.unit_price is None else f" at {figures.price(row.unit_price)} a unit"
    # A personal portfolio has no units: it owns the tokens themselves.
    units = "" if row.units is None else f"{figures.quantity(row.units, 9)} units{price}"
    cost = f"Trading cost you {figures.usd_exact(row.cost_usd)}, which is inside that amount."
    if row.side == Order.Side.INVEST:
        paid = figures.usd(row.amount)
        title = f"{paid} invested in {name}"
        text = f"{paid} became {units}." if units else f"{paid} bought tokens for it."
    else:
        paid = figures.usd(row.proceeds)
        title = f"{paid} from {name}"
        text = f"{paid} is in your cash{f' for {units}' if units else ''}."
    notice_send(
        row.user,
        kind=NoticeKind.ORDER_EXECUTED,
        key=f"order:{row.pk}",
        title=title,
        text=" ".join(filter(None, (text, cost, row.reason))),
        url=reverse("portfolios:order", args=[row.pk]),
    )


def _rebalanced(row: Rebalance) -> None:
    dealing = getattr(row, "dealing", None)
    audience = _audience(row.portfolio)
    if dealing is not None and dealing.units_before > 0 and row.portfolio.kind != Portfolio.Kind.NOMINEE:
        audience = (
            _HOLDERS_THEN,
            {
                "portfolio": row.portfolio_id,
                "dealing": dealing.pk,
                "cost": row.cost_usd,
                "issued": dealing.units_before,
            },
        )
    mark = index_selectors.receipt_marks([row.decision_id]).get(row.decision_id)
    whole = "for all portfolios like it" if _is_personal(row) else "in the whole portfolio"
    traded = (
        f"{figures.usd(row.turnover_usd)} was traded {whole}, at a cost of {figures.usd(row.cost_usd)}."
        if row.turnover_usd
        else "Nothing had to be traded."
    )
    told = f" Receipt No. {mark.sequence} says what changed and by which rule." if mark is not None else ""
    announce(
        *audience,
        kind=NoticeKind.REBALANCED,
        key=f"rebalance:{row.pk}",
        title=f"{_name(row)} was rebalanced",
        text=f"It follows the decision of {row.decision.as_of:%-d %B %Y} now. {traded}"
        + ("{share}" if row.cost_usd else "")
        + told,
        url=reverse("indices:receipt", args=[mark.index_slug, mark.sequence])
        if mark is not None and mark.is_public and not _is_personal(row)
        else _page(row),
    )


def _skipped(row: Rebalance) -> None:
    announce(
        *_audience(row.portfolio),
        kind=NoticeKind.PAUSED,
        key=f"rebalance:{row.pk}",
        title=f"{_name(row)} was not rebalanced",
        text=f"Nothing was traded for the decision of {row.decision.as_of:%-d %B %Y}. {row.reason}",
        url=_page(row),
    )


def _page(row: Rebalance) -> str:
    return reverse("portfolios:personal_list") if _is_personal(row) else _index_page(row.portfolio)


def _is_personal(row: Rebalance) -> bool:
    return row.portfolio.kind == Portfolio.Kind.NOMINEE


def _name(row: Rebalance) -> str:
    """One text goes to every owner, whatever each calls it."""
    index = row.portfolio.index.name
    return f"Your personal portfolio of {index}" if _is_personal(row) else index


def _audience(portfolio: Portfolio) -> tuple[str, dict[str, Any]]:
    """Who holds something of this portfolio now."""
    if portfolio.kind == Portfolio.Kind.NOMINEE:
        return _BOOK_OWNERS, {"portfolio": portfolio.pk}
    return _HOLDERS, {"portfolio": portfolio.pk}


def _touched(pause: Pause) -> tuple[str, dict[str, Any]] | None:
    """Whom a pause touches; None where nobody is told: which venue rests is not a person's business."""
    if pause.scope == Pause.Scope.VENUE:
        return None
    if pause.scope == Pause.Scope.INDEX:
        concerned = Portfolio.objects.filter(index__slug=pause.target)
    elif pause.scope == Pause.Scope.ASSET:
        concerned = Portfolio.objects.filter(
            Q(accounts__kind__in=[Account.Kind.ASSETS, Account.Kind.BOOKS]),
            accounts__balances__asset__token__slug=pause.target,
            accounts__balances__amount__gt=0,
        )
    else:
        return _WITH_MONEY, {}
    return _CONCERNED, {"portfolios": sorted(set(concerned.values_list("pk", flat=True)))}


def _subject(pause: Pause) -> str:
    return {
        Pause.Scope.ALL: "Nothing is bought, sold or paid out",
        Pause.Scope.BUYS: "Nothing is bought",
        Pause.Scope.SELLS: "Nothing is sold",
        Pause.Scope.WITHDRAWALS: "No withdrawal is paid out",
        Pause.Scope.ASSET: f"{pause.target} is not traded",
        Pause.Scope.INDEX: f"{pause.target} is not dealt in",
        Pause.Scope.VENUE: f"{pause.target} is not used",
    }[Pause.Scope(pause.scope)]


def _index_page(portfolio: Portfolio) -> str:
    slug = portfolio.index.slug
    name = "portfolios:custom_index" if index_selectors.is_custom(slug) else "indices:detail"
    return reverse(name, args=[slug])
