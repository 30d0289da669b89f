"""What came into and went out of a person's accounts that is not money: the raw material of tax lots.

Cents throughout: people pay and are paid in whole cents, so parts of a cost are whole cents too, and printed sums add
up.
"""

import re
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

from portfolios.core.money import CENT, to_base
from portfolios.core.statement import nearest
from portfolios.core.taxlots import Acquired, Disposed, Method
from portfolios.models import Entry, LedgerAsset, LotChoice, Order, Switch, TaxYear, User
from portfolios.selectors.activity.movements import Movement, movements
from portfolios.selectors.taxes.assets import Happened, TaxedAsset
from portfolios.selectors.taxes.tokens import tokens_happened
from signals.core import figures

_ORDER = re.compile(r"order:([0-9a-f-]{36}):settle$")
_MONEY = LedgerAsset.Kind.CURRENCY


def methods(user: User) -> dict[int, Method]:
    """Year -> the rule that the user has chosen for it."""
    return {row.year: Method(row.method) for row in TaxYear.objects.filter(user=user)}


def happened(user: User, rules: dict[int, Method]) -> list[Happened]:
    """By asset, in the order of names. The number of queries grows with personal portfolios only."""
    moved = [line for line in movements(user) if any(line.others.values())]
    codes = {code for line in moved for code, units in line.others.items() if units}
    assets = _assets(codes)
    orders = {str(row.pk): row for row in Order.objects.filter(user=user, status=Order.Status.SETTLED)}
    switched = set(Switch.objects.filter(user=user).values_list("redeem_id", flat=True))
    undone = dict(
        Entry.objects.filter(
            pk__in=[line.entry_id for line in moved if line.kind == "reversal"], reverses__isnull=False
        ).values_list("pk", "reverses_id")
    )
    choices: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for choice in LotChoice.objects.filter(user=user).order_by("id"):
        # Units of every index have the ledger's one scale for units.
        choices[str(choice.order_id)].append((str(choice.lot_id), to_base(choice.units, 12)))
    found = {code: Happened(asset) for code, asset in assets.items()}
    for line in moved:
        named = _ORDER.match(line.reference)
        order = orders.get(named[1]) if named else None
        for code, units in line.others.items():
            if units > 0 and code in found:
                found[code].acquired.append(_acquired(line, units, order))
            elif units < 0 and code in found:
                item = _disposed(line, -units, order, undone.get(line.entry_id))
                if order is not None:
                    if order.pk in switched:
                        item = replace(item, kind="switch")
                    found[code].orders[item.key] = order.pk
                    if rules.get(item.day.year) is Method.SPECIFIC:
                        item = replace(item, chosen=(*item.chosen, *choices.get(str(order.pk), [])))
                found[code].disposed.append(item)
    return sorted([*found.values(), *tokens_happened(user)], key=lambda one: (one.asset.name, one.asset.code))


def _acquired(line: Movement, units: int, order: Order | None) -> Acquired:
    kind, cost = "received", None
    if order is not None and order.side == Order.Side.INVEST and order.amount is not None:
        kind, cost = "purchase", _cents(order.amount)
    elif line.kind == "reversal":
        kind = "returned"
    elif line.net < 0:
        kind, cost = "purchase", nearest(-line.net) // CENT
    return Acquired(str(line.entry_id), line.entry_id, figures.market_day(line.at), units, cost, kind)


def _disposed(line: Movement, units: int, order: Order | None, undoes: int | None) -> Disposed:
    kind, proceeds = "given", None
    chosen: tuple[tuple[str, int], ...] = ()
    if order is not None and order.side == Order.Side.REDEEM and order.proceeds is not None:
        kind, proceeds = "sale", _cents(order.proceeds)
    elif line.kind == "reversal":
        # What an undone entry had brought is taken back from that very lot.
        kind, chosen = "undone", ((str(undoes), units),) if undoes is not None else ()
    elif line.kind.startswith("fee"):
        kind = "fee"
    elif line.net > 0:
        kind, proceeds = "sale", nearest(line.net) // CENT
    return Disposed(
        str(line.entry_id), line.entry_id, figures.market_day(line.at), units, proceeds, kind, chosen
    )


def _cents(amount: Decimal) -> int:
    return to_base(amount.quantize(Decimal("0.01")), 2)


def _assets(codes: set[str]) -> dict[str, TaxedAsset]:
    rows = (
        LedgerAsset.objects.filter(code__in=codes)
        .exclude(kind=_MONEY)
        .select_related("token", "portfolio__index")
    )
    found = {}
    for row in rows:
        if row.token is not None:
            found[row.code] = TaxedAsset(row.code, row.token.name, row.token.slug, row.scale)
        else:
            index = row.portfolio.index
            found[row.code] = TaxedAsset(row.code, index.name, index.slug, row.scale)
    return found
