"""Fills into the ledger: each once, by the venue's trade id, split over the dealings that the order serves.

A fee in dollars goes to the fees account; one in the token itself reduces what the dealings get; one in a third token
is paid out of the operator's own purse at the venue, and the dealings pay the purse its worth at the mark.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from uuid import UUID

from django.db import connection

from indices import selectors as index_selectors
from portfolios.brokers.base import BrokerFill
from portfolios.core.allocation import split
from portfolios.core.money import CENT, EXACT, USD_SCALE, from_base, price_base, to_base, value_of
from portfolios.models import Account, Allocation, BlockOrder, Dealing, Fill, LedgerAsset
from portfolios.services import accounts, ledger
from portfolios.services.bulk import numbers, rows_copy

_TARGET = (
    "portfolios_fill (block_order_id, venue, venue_trade_id, quantity, price, notional, fee, fee_asset_id, "
    "fee_quantity, used, quote_amount, quote_fee, filled_at, entry_id)"
)


class VenueMismatch(RuntimeError):
    """A venue reports something that cannot be: its order stops until an operator has looked."""


@dataclass(frozen=True)
class _Amounts:
    """A fill in base units: `used` of the allocations, `tokens` into or out of the pots, `dollars` out of or into them.
    `purse` is what the operator's purse gets in dollars, `fee_units` the fee where it is taken in `fee_asset`."""

    quantity: int
    notional: int
    fee: int
    fee_asset: LedgerAsset | None
    fee_units: int
    used: int
    tokens: int
    dollars: int
    purse: int


def fills_post(lines: Sequence[tuple[BlockOrder, BrokerFill]]) -> int:
    """Every fill in the books exactly once, in the order given; how many were new. Inside the caller's transaction,
    with the block orders locked. Raises VenueMismatch, and posts nothing, where more would be filled than ordered."""
    known = _known(lines)
    fresh = {(block.venue, fill.trade_id): (block, fill) for block, fill in lines}
    fresh = {key: line for key, line in fresh.items() if key not in known}
    if fresh:
        _post(list(fresh.values()))
    return len(fresh)


def _known(lines: Sequence[tuple[BlockOrder, BrokerFill]]) -> set[tuple[str, str]]:
    """(venue, trade id) of those that are in the books already."""
    rows = Fill.objects.filter(
        venue__in={block.venue for block, _ in lines},
        venue_trade_id__in=[fill.trade_id for _, fill in lines],
    )
    return set(rows.values_list("venue", "venue_trade_id"))


def _post(lines: Sequence[tuple[BlockOrder, BrokerFill]]) -> None:
    allocations = _allocations(list(dict.fromkeys(block.pk for block, _ in lines)))
    pots = _pots({row.dealing_id for rows in allocations.values() for row in rows})
    drafts, amounts = [], []
    for block, fill in lines:
        amount = _amounts(block, fill, _open(block, allocations[block.pk]))
        drafts.append(_draft(block, fill, amount, allocations[block.pk], pots))
        amounts.append(amount)
    entries = ledger.entries_post(drafts)
    _filled_store([row for rows in allocations.values() for row in rows])
    rows_copy(
        _TARGET,
        (
            (
                block.pk,
                block.venue,
                fill.trade_id,
                fill.quantity,
                fill.price,
                fill.notional,
                from_base(amount.fee, USD_SCALE),
                None if amount.fee_asset is None else amount.fee_asset.pk,
                0 if amount.fee_asset is None else from_base(amount.fee_units, amount.fee_asset.scale),
                from_base(amount.used, block.size_scale),
                fill.quote_amount,
                fill.quote_fee,
                block.cycle.priced_at,
                entry.pk,
            )
            for (block, fill), amount, entry in zip(lines, amounts, entries, strict=True)
        ),
    )


def _allocations(blocks: Sequence[UUID]) -> dict[UUID, list[Allocation]]:
    """Block order id -> its allocations."""
    allocations: dict[UUID, list[Allocation]] = defaultdict(list)
    for row in Allocation.objects.filter(block_order__in=blocks).order_by("dealing_id"):
        allocations[row.block_order_id].append(row)
    return allocations


def _pots(dealings: Collection[int]) -> dict[int, Account]:
    """Dealing id -> the account of its portfolio's tokens and dollars."""
    rows = Dealing.objects.select_related("portfolio").filter(pk__in=dealings)
    return {row.pk: accounts.portfolio_assets(row.portfolio) for row in rows}


def _filled_store(rows: Sequence[Allocation]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE portfolios_allocation a SET filled = v.filled "
            "FROM unnest(%s::bigint[], %s::numeric[]) AS v(id, filled) WHERE a.id = v.id",
            [numbers(row.pk for row in rows), numbers(row.filled for row in rows)],
        )


def _amounts(block: BlockOrder, fill: BrokerFill, room: int) -> _Amounts:
    selling = block.side == BlockOrder.Side.SELL
    quantity, notional = to_base(fill.quantity, block.asset.scale), to_base(fill.notional, USD_SCALE)
    fee, asset, units = to_base(fill.fee, USD_SCALE), None, 0
    in_kind = purse = 0
    if fill.fee_token:
        asset = _fee_asset(block, fill.fee_token)
        units = int(EXACT.scaleb(fill.fee_quantity, asset.scale).to_integral_value(ROUND_CEILING))
        if asset == block.asset:
            in_kind = units
        else:
            fee = purse = _worth(block, fill.fee_token, asset, units)
    wanted = quantity + in_kind if selling else notional + fee
    # A fee that turns out dearer than was kept back for it is the operator's loss, never more of an investor's money.
    over = max(0, wanted - room)
    if wanted == over or over > (in_kind if selling else max(fee, CENT)):
        raise VenueMismatch(
            f"{block.venue}: fill {fill.trade_id} is larger than what is open of order {block.pk}"
        )
    used = wanted - over
    if selling:
        purse -= max(0, fee - notional)
        return _Amounts(
            quantity,
            notional,
            fee,
            asset,
            units,
            used,
            tokens=used,
            dollars=max(0, notional - fee),
            purse=purse,
        )
    return _Amounts(
        quantity,
        notional,
        fee,
        asset,
        units,
        used,
        tokens=quantity - in_kind,
        dollars=used,
        purse=purse - over,
    )


def _draft(
    block: BlockOrder,
    fill: BrokerFill,
    amount: _Amounts,
    allocations: Sequence[Allocation],
    pots: Mapping[int, Account],
) -> ledger.Draft:
    token, usd, venue = block.asset, accounts.usd(), accounts.venue(block.venue)
    selling = block.side == BlockOrder.Side.SELL
    scale, sign = block.size_scale, -1 if selling else 1
    parts = split(amount.used, [row.open_base(scale) for row in allocations])
    tokens, dollars = split(amount.tokens, parts), split(amount.dollars, parts)
    legs: list[ledger.Leg] = []

    def leg(account: Account, asset: LedgerAsset, units: int) -> None:
        if units:
            legs.append(ledger.Leg(account, asset, from_base(units, asset.scale)))

    for row, units, micro, part in zip(allocations, tokens, dollars, parts, strict=True):
        pot = pots[row.dealing_id]
        leg(pot, token, sign * units)
        leg(pot, usd, -sign * micro)
        row.filled += from_base(part, scale)
    leg(venue, token, -sign * amount.quantity)
    leg(venue, usd, sign * amount.notional)
    if amount.fee_asset is None:
        leg(accounts.trading_fees(), usd, amount.fee)
        if amount.purse:
            leg(accounts.operator_purse(), usd, amount.purse)
    else:
        leg(accounts.trading_fees(), amount.fee_asset, amount.fee_units)
        leg(accounts.operator_purse(), usd, amount.purse)
        if amount.fee_asset != token:
            leg(accounts.operator_purse(), amount.fee_asset, -amount.fee_units)
        elif selling:
            leg(accounts.operator_purse(), token, amount.used - amount.quantity - amount.fee_units)
    return ledger.Draft(
        reference=f"fill:{block.venue}:{fill.trade_id}",
        kind="fill",
        effective_at=block.cycle.priced_at,
        description=f"{'Sold' if selling else 'Bought'} {token.code.removeprefix('token:')}",
        legs=legs,
    )


def _fee_asset(block: BlockOrder, slug: str) -> LedgerAsset:
    code = f"token:{slug}"
    if code == block.asset.code:
        return block.asset
    found = LedgerAsset.objects.filter(code=code).first()
    return found if found is not None else accounts.token_assets_ensure({slug: _mark(block, slug)})[slug]


def _mark(block: BlockOrder, slug: str) -> Decimal:
    code = f"token:{slug}"
    if code in block.cycle.marks:
        return Decimal(block.cycle.marks[code])
    marks = index_selectors.mark_prices([slug], at=block.cycle.priced_at)
    if slug not in marks:
        raise VenueMismatch(f"{block.venue}: a fee was taken in {slug}, which has no price now")
    return marks[slug]


def _worth(block: BlockOrder, slug: str, asset: LedgerAsset, units: int) -> int:
    """Micro-dollars, rounded up: the purse must not lose by rounding."""
    return value_of(units, asset.scale, price_base(_mark(block, slug))) + 1 if units else 0


def _open(block: BlockOrder, allocations: Sequence[Allocation]) -> int:
    return sum(row.open_base(block.size_scale) for row in allocations)
