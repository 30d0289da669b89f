"""What is owed to each person: their cash, and their units looked through to what their portfolios hold."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from portfolios.core.money import to_base
from portfolios.core.reserves import Division
from portfolios.models import Account, Balance, Book, LedgerAsset
from portfolios.services import accounts

_PEOPLE = (Account.Kind.CASH, Account.Kind.RESERVED)


@dataclass
class _Owed:
    """One person's: dollars in base units, portfolio -> units, and (assets by place, cash, quantities) of books."""

    cash: int = 0
    units: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    books: list[tuple[int, int, Sequence[int]]] = field(default_factory=list)


@dataclass
class Liabilities:
    """`assets` in the order of the sums; `people` are the ids of everybody who is owed something."""

    assets: list[LedgerAsset]
    people: list[int]
    _owed: dict[int, _Owed]
    _divisions: dict[int, Division]
    _places: dict[int, int]
    _spread: dict[int, list[int]]
    _baskets: dict[int, list[int]]

    def amounts(self, people: Iterable[int]) -> Iterator[list[int]]:
        """What each of `people` is owed, base units in the order of `assets`. Everybody once, in one order: what a
        portfolio holds is divided as they come, and is whole when all have come."""
        for person in people:
            amounts = [0] * len(self.assets)
            owed = self._owed[person]
            amounts[0] = owed.cash
            for portfolio, units in owed.units.items():
                part = self._divisions[portfolio].next(units)
                for place, amount in zip(self._spread[portfolio], part, strict=True):
                    amounts[place] += amount
            for basket, cash, quantities in owed.books:
                amounts[0] += cash
                for asset, quantity in zip(self._baskets[basket], quantities, strict=True):
                    if quantity:
                        amounts[self._places[asset]] += quantity
            yield amounts


def liabilities() -> Liabilities:
    """What everybody is owed at this moment, read in a handful of queries. Units of the house are nobody's claim.

    Call it while no dealing is under way, in a transaction that sees one moment.
    """
    owed: dict[int, _Owed] = defaultdict(_Owed)
    units_of = dict(
        LedgerAsset.objects.filter(kind=LedgerAsset.Kind.UNIT, portfolio__isnull=False).values_list(
            "pk", "portfolio__pk"
        )
    )
    scales = dict(LedgerAsset.objects.values_list("pk", "scale"))
    usd = accounts.usd().pk
    balances = Balance.objects.filter(account__kind__in=_PEOPLE, account__user__isnull=False, amount__gt=0)
    for person, asset, amount in balances.exclude(account__user__email=accounts.HOUSE_EMAIL).values_list(
        "account__user_id", "asset_id", "amount"
    ):
        units = to_base(amount, scales[asset])
        if asset == usd:
            owed[person].cash += units
        elif asset in units_of:
            owed[person].units[units_of[asset]] += units
    _debts_subtract(owed, usd)
    baskets: dict[int, list[int]] = {}
    in_books: set[int] = set()
    books = Book.objects.select_related("basket").iterator(chunk_size=5000)
    for book in books:
        if not book.cash and not any(book.quantities):
            continue
        baskets.setdefault(book.basket_id, list(book.basket.assets))
        owed[book.owner_id].books.append((book.basket_id, book.cash, book.quantities))
    for assets in baskets.values():
        in_books |= set(assets)
    holdings = _holdings()
    wanted = {usd, *in_books, *(asset for lines in holdings.values() for asset, _ in lines)}
    known = LedgerAsset.objects.filter(pk__in=wanted).order_by("code")
    ordered = sorted(known, key=lambda asset: (asset.pk != usd, asset.code))
    places = {asset.pk: place for place, asset in enumerate(ordered)}
    issued = _issued()
    divisions = {
        portfolio: Division([quantity for _, quantity in lines], issued.get(portfolio, 0))
        for portfolio, lines in holdings.items()
    }
    for portfolio in {key for person in owed.values() for key in person.units} - divisions.keys():
        divisions[portfolio] = Division([], issued.get(portfolio, 0))
    spread = {key: [places[asset] for asset, _ in holdings.get(key, [])] for key in divisions}
    people = sorted(person for person, claim in owed.items() if claim.cash or claim.units or claim.books)
    return Liabilities(ordered, people, dict(owed), divisions, places, spread, baskets)


def _debts_subtract(owed: dict[int, _Owed], usd: int) -> None:
    """Nobody is owed the dollars that they owe themselves; a debt beyond their dollars is no negative claim."""
    debts = Balance.objects.filter(account__kind=Account.Kind.RECEIVABLE, amount__lt=0, asset_id=usd)
    for person, amount in debts.values_list("account__user_id", "amount"):
        if person in owed:
            owed[person].cash = max(0, owed[person].cash + to_base(amount, 6))


def _holdings() -> dict[int, list[tuple[int, int]]]:
    """Portfolio -> (asset, base units) of all that it holds."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    lines = Balance.objects.filter(account__kind=Account.Kind.ASSETS, amount__gt=0).order_by("asset__code")
    for portfolio, asset, scale, amount in lines.values_list(
        "account__portfolio_id", "asset_id", "asset__scale", "amount"
    ):
        found[portfolio].append((asset, to_base(amount, scale)))
    return found


def _issued() -> dict[int, int]:
    lines = Balance.objects.filter(account__kind=Account.Kind.ISSUED, amount__lt=Decimal(0))
    return {
        portfolio: -to_base(amount, scale)
        for portfolio, scale, amount in lines.values_list("account__portfolio_id", "asset__scale", "amount")
    }
