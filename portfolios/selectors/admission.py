"""Who may put how much where, and how many units a wish to redeem means. Questions only: orders and their previews ask
the same ones."""

from decimal import Decimal
from typing import Any

from indices import selectors as index_selectors
from portfolios.core.money import CENT, UNIT_SCALE, USD_SCALE, amount_parse, from_base, to_base
from portfolios.core.valuation import units_value
from portfolios.errors import (
    BelowMinimum,
    IndexNotReady,
    InsufficientFunds,
    InsufficientUnits,
    InvalidAmount,
    PlanRequired,
    UnknownIndex,
)
from portfolios.models import Account, Balance, Portfolio, User
from portfolios.selectors.custom import custom_index
from portfolios.selectors.minimums import MINIMUM_INVESTMENT, index_minimum
from portfolios.selectors.plans import index_allowed, plan_needed
from portfolios.selectors.valuations import valuations
from signals import selectors as signal_selectors


def open_to(user: User, index_slug: str) -> tuple[Any, User | None]:
    """The index, if this person may see it as a place for money, and whose personal portfolio follows it: the user's
    own for an index that they built, nobody's for one of ours. Raises UnknownIndex."""
    if index_selectors.is_custom(index_slug):
        own = custom_index(user, index_slug)
        if own is None:
            raise UnknownIndex(f"Nothing was moved: you have no index {index_slug!r}.")
        return own.index, user
    index = next((row for row in index_selectors.index_list() if row.slug == index_slug), None)
    if index is None:
        raise UnknownIndex(f"Nothing was moved: there is no index {index_slug!r}.")
    return index, None


def admitted(user: User, index_slug: str) -> tuple[Any, User | None]:
    """What `open_to` answers, if this person may put money into the index now. Raises UnknownIndex, PlanRequired,
    IndexNotReady."""
    index, owner = open_to(user, index_slug)
    if not index_allowed(user, index.slug):
        needed = plan_needed(index.slug)
        which = f"the {needed.name} plan or a larger one" if needed is not None else "another plan"
        raise PlanRequired(f"Nothing was moved: {index.name} needs {which}.")
    today = signal_selectors.last_closed_day()
    if index_selectors.decision_in_force(index, as_of=today) is None:
        raise IndexNotReady(
            f"Nothing was moved: {index.name} has no target weights in force yet; try again later."
        )
    return index, owner


def enough_checked(index: Any, amount: Decimal) -> None:
    """Raises BelowMinimum where `amount` USD is less than can be invested in the index."""
    least = index_minimum(index)
    if amount >= least:
        return
    if least == MINIMUM_INVESTMENT:
        raise BelowMinimum(f"Nothing was moved: the smallest investment is ${least:,.2f}.")
    raise BelowMinimum(
        f"Nothing was moved: the smallest investment in {index.name} is ${least:,.2f}. With less its smallest token "
        "could not be bought."
    )


def units_free(user: User, portfolio: Portfolio) -> int:
    """Base units of the portfolio that this person may redeem."""
    amount = (
        Balance.objects.filter(account__user=user, account__kind=Account.Kind.CASH, asset=portfolio.units)
        .values_list("amount", flat=True)
        .first()
    )
    return 0 if amount is None else to_base(amount, UNIT_SCALE)


def units_asked(
    portfolio: Portfolio,
    free: int,
    *,
    units: Decimal | str | None = None,
    amount: Decimal | None = None,
    percent: Decimal | None = None,
) -> int:
    """Base units that such a wish redeems of `free` ones; all of them where nothing says how many, or where less than a
    cent's worth would be left: nobody could ever be paid for it. Raises InvalidAmount, InsufficientUnits,
    InsufficientFunds."""
    if units is not None:
        try:
            wanted = to_base(amount_parse(units, decimals=UNIT_SCALE), UNIT_SCALE)
        except ValueError as error:
            raise InvalidAmount(f"Nothing was moved. {error}", field="units") from error
    elif amount is not None:
        wanted = _units_for(portfolio, amount, free)
    elif percent is not None:
        wanted = free * to_base(percent, 2) // 10_000
    else:
        wanted = free
    if wanted <= 0 or wanted > free:
        have = f"{from_base(free, UNIT_SCALE):f}"
        raise InsufficientUnits(f"Nothing was moved: {have} units are free to redeem.")
    return _without_dust(portfolio, wanted, free)


def percent_checked(percent: Decimal | str) -> Decimal:
    """A share above 0 and up to 100 with at most two decimals. Raises InvalidAmount."""
    try:
        part = amount_parse(percent)
    except ValueError as error:
        raise InvalidAmount(
            "Nothing was moved: send a percentage such as 25 or 12.5.", field="percent"
        ) from error
    if part > 100:
        raise InvalidAmount("Nothing was moved: at most 100 percent can be redeemed.", field="percent")
    return part


def _units_for(portfolio: Portfolio, amount: Decimal, free: int) -> int:
    valuation = valuations([portfolio.pk])[portfolio.pk]
    worth = units_value(free, valuation.value, valuation.units)
    micro = to_base(amount, USD_SCALE)
    if worth <= 0 or micro > worth:
        raise InsufficientFunds(
            f"Nothing was moved: what you may redeem is worth ${from_base(worth, USD_SCALE):,.2f} now. "
            "Ask for less, or redeem everything."
        )
    return min(free, -(-micro * valuation.units // valuation.value))


def _without_dust(portfolio: Portfolio, wanted: int, free: int) -> int:
    if wanted == free:
        return wanted
    valuation = valuations([portfolio.pk])[portfolio.pk]
    left = units_value(free - wanted, valuation.value, valuation.units)
    return free if valuation.value > 0 and left < CENT else wanted
