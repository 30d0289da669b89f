"""Dividing an order over venues: against brute force, and through the database."""

from itertools import product

from hypothesis import assume, example, given
from hypothesis import strategies as st

from portfolios.core.fees import PPB
from portfolios.core.routing import Venue, route

PERCENT = PPB // 100
MILLION = 10**6


def venue(*levels: tuple[int, int], fee: int = 0, **changes: int) -> Venue:
    """Prices in micro-dollars a base unit: `one` is 1."""
    return Venue(list(levels), fee=fee, one=1, **changes)


def lots_max(side: Venue) -> int:
    return sum(quantity for _, quantity in side.levels)


def cost(side: Venue, quantity: int, *, buying: bool) -> int:
    """By hand: level after level, exact, in 1 / PPB micro-dollars."""
    total, left = 0, quantity
    for price, there in side.levels:
        taken = min(left, there)
        total, left = total + taken * price, left - taken
    assert left == 0
    return total * (PPB + side.fee if buying else PPB - side.fee)


def usable(side: Venue, quantity: int, *, buying: bool) -> bool:
    if quantity == 0:
        return True
    if quantity > lots_max(side) or quantity % side.step or quantity < side.least_quantity:
        return False
    limit = side.levels[0][0] if buying else side.levels[-1][0]
    if quantity * limit < side.least_notional:
        return False
    if side.available is None:
        return True
    return cost(side, quantity, buying=True) <= side.available * PPB if buying else quantity <= side.available


def best_by_force(size: int, sides: list[Venue], *, buying: bool) -> tuple[int, int] | None:
    """(quantity, cost) of the best of all divisions on the common lattice."""
    lot = max(side.step for side in sides)
    best: tuple[int, int] | None = None
    ranges = [range(0, lots_max(side) + 1, lot if len(sides) > 1 else side.step) for side in sides]
    for quantities in product(*ranges):
        if not any(quantities) or not all(
            usable(s, q, buying=buying) for s, q in zip(sides, quantities, strict=True)
        ):
            continue
        total = sum(cost(s, q, buying=buying) for s, q in zip(sides, quantities, strict=True))
        if (buying and total > size * PPB) or (not buying and sum(quantities) > size):
            continue
        found = (sum(quantities), -total if buying else total)
        best = found if best is None else max(best, found)
    return best


@st.composite
def sides(draw: st.DrawFn, *, buying: bool, step: int) -> Venue:
    # Prices in hundreds: every cost is a whole number, so that force and rule compare the same things.
    prices = draw(st.lists(st.integers(20, 60).map(lambda n: n * 100), min_size=1, max_size=3, unique=True))
    return Venue(
        [(price, draw(st.integers(1, 9))) for price in sorted(prices, reverse=not buying)],
        fee=draw(st.sampled_from([0, PERCENT, 3 * PERCENT])),
        one=1,
        step=step,
        least_quantity=draw(st.sampled_from([0, 0, 2, 5])),
        least_notional=draw(st.sampled_from([0, 0, 10_000])),
        available=draw(st.one_of(st.none(), st.integers(0, 40_000 if buying else 20))),
    )


@given(st.data(), st.booleans(), st.integers(1, 90_000))
def test_the_division_is_the_best_there_is(data: st.DataObject, buying: bool, money: int) -> None:
    step = data.draw(st.sampled_from([1, 1, 2, 3]))
    both = [data.draw(sides(buying=buying, step=step)) for _ in range(2)]
    size = money if buying else data.draw(st.integers(1, 40))
    found = route(size, {"a": both[0], "b": both[1]}, buying=buying)
    forced = [best_by_force(size, group, buying=buying) for group in ([both[0]], [both[1]], both)]
    possible = [result for result in forced if result is not None]
    if not possible:
        # A sale that is larger than the books is still sent; nothing else is.
        assert found == {}
        return
    assert sum(found.values()) == size
    reached = replay(found, dict(zip("ab", both, strict=True)), buying=buying)
    worst = (max if buying else min)(
        side.levels[-1][0] * (PPB + side.fee if buying else PPB - side.fee) for side in both
    )

    def score(result: tuple[int, int]) -> int:
        quantity, total = result
        return quantity * worst + total if buying else total + (size - quantity) * worst

    assert score(reached) >= max(score(result) for result in possible)


def replay(found: dict[str, int], venues: dict[str, Venue], *, buying: bool) -> tuple[int, int]:
    """What the parts would really trade: each venue fills what its part allows, in its own steps."""
    quantity = total = 0
    for name, part in found.items():
        side = venues[name]
        most = min(lots_max(side), lots_max(side) if buying else part) // side.step * side.step
        while most and buying and cost(side, most, buying=True) > part * PPB:
            most -= side.step
        if not buying and side.available is not None:
            most = min(most, side.available // side.step * side.step)
        quantity += most
        total += (-1 if buying else 1) * cost(side, most, buying=buying)
    return quantity, total


def test_the_cheaper_book_is_eaten_first() -> None:
    cheap, dear = venue((100, 5), (102, 5)), venue((101, 10))
    assert route(1_000, {"cheap": cheap, "dear": dear}, buying=True) == {"cheap": 553, "dear": 447}
    selling = {"high": venue((102, 4), (99, 9)), "low": venue((100, 10))}
    assert route(9, selling, buying=False) == {"high": 4, "low": 5}


def test_a_fee_can_turn_the_choice() -> None:
    a, b = venue((100, 10), fee=2 * PERCENT), venue((101, 10))
    assert route(500, {"a": a, "b": b}, buying=True) == {"b": 500}


def test_a_small_order_is_not_divided_below_the_least_one() -> None:
    a, b = venue((100, 3), (110, 9), least_notional=400), venue((101, 10), least_notional=400)
    assert route(5, {"a": venue((100, 3), (90, 9), least_notional=400), "b": venue((99, 10), least_notional=400)},
                 buying=False) == {"b": 5}  # fmt: skip
    assert set(route(560, {"a": a, "b": b}, buying=True)) == {"b"}


def test_what_a_venue_does_not_hold_is_not_sold_there() -> None:
    a, b = venue((100, 10), available=3), venue((98, 10), available=20)
    assert route(8, {"a": a, "b": b}, buying=False) == {"a": 3, "b": 5}


def test_nobody_takes_it() -> None:
    assert route(10, {"a": venue(), "b": venue()}, buying=True) == {}
    assert route(1, {"a": venue((100, 10), least_quantity=5)}, buying=False) == {}


def test_the_better_price_wins_over_the_last_base_unit() -> None:
    coarse, fine = venue((100, 100), step=10), venue((90, 100), step=1)
    # Five base units stay unsold, worth 90 each at most: a better end than selling all of them at 90.
    assert route(105, {"coarse": coarse, "fine": fine}, buying=False) == {"coarse": 105}


@given(st.integers(1, 10**15), st.booleans())
@example(123_456_789, True)
def test_real_magnitudes_divide_without_remainder(size: int, buying: bool) -> None:
    """Bitcoin at 60,000 USD in base units of 1e-14, a hundred levels: parts sum exactly."""
    one = 10 ** (14 + 18)
    price = 60_000 * 10**24

    def book(tilt: int) -> list[tuple[int, int]]:
        sign = 1 if buying else -1
        return [
            (price + sign * price * (number + tilt) // 10_000, 10**13 * (number + 1)) for number in range(100)
        ]

    venues = {
        "a": Venue(book(0), 10**6, one, step=10**9, least_notional=5 * MILLION),
        "b": Venue(book(1), 10**6, one, step=10**8, least_notional=5 * MILLION),
    }
    parts = route(size, venues, buying=buying)
    assume(parts)
    assert sum(parts.values()) == size
    assert all(part > 0 for part in parts.values())
