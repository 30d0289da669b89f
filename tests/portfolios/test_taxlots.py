"""Lots and their parts: against examples by hand, against a slow second opinion, and never a unit or a cent astray."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.core.taxlots import Acquired, Disposed, Lot, Matching, Method, match

START = date(2022, 1, 1)
RULES = [Method.FIFO, Method.LIFO, Method.HIFO, Method.AVERAGE]


def bought(key: str, place: int, quantity: int, cost: int | None, day: date = START) -> Acquired:
    return Acquired(key, place, day, quantity, cost)


def sold(place: int, quantity: int, proceeds: int | None, day: date = START, **more: object) -> Disposed:
    return Disposed(f"s{place}", place, day, quantity, proceeds, **more)  # type: ignore[arg-type]


def gains(found: Matching) -> list[int | None]:
    return [part.gain for part in found.parts]


# A worked example: 10 for 1,000, 10 for 1,500, 10 for 1,200; then 15 are sold for 2,100.
THREE = [bought("a", 1, 10, 1000), bought("b", 2, 10, 1500), bought("c", 3, 10, 1200)]
SALE = sold(4, 15, 2100)


@pytest.mark.parametrize(
    ("method", "taken", "left"),
    [
        # 10 of a (1,000) and 5 of b (750): cost 1,750, gain 350.
        (Method.FIFO, [("a", 10, 1000, 1400), ("b", 5, 750, 700)], {"b": (5, 750), "c": (10, 1200)}),
        # 10 of c (1,200) and 5 of b (750): cost 1,950, gain 150.
        (Method.LIFO, [("c", 10, 1200, 1400), ("b", 5, 750, 700)], {"a": (10, 1000), "b": (5, 750)}),
        # 10 of b (1,500) and 5 of c (600): cost 2,100, no gain.
        (Method.HIFO, [("b", 10, 1500, 1400), ("c", 5, 600, 700)], {"a": (10, 1000), "c": (5, 600)}),
        # 3,700 for 30 is 123.33 each: 15 cost 1,850, gain 250; what is left costs 1,850 too, evenly.
        (Method.AVERAGE, [("a", 10, 1233, 1400), ("b", 5, 617, 700)], {"b": (5, 617), "c": (10, 1233)}),
    ],
)
def test_an_example_by_hand(
    method: Method, taken: list[tuple[str, int, int, int]], left: dict[str, tuple[int, int]]
) -> None:
    found = match(THREE, [SALE], default=method)
    assert [(p.lot and p.lot.key, p.quantity, p.cost, p.proceeds) for p in found.parts] == taken
    assert {lot.acquired.key: (lot.quantity, lot.cost) for lot in found.open_lots} == left


def test_chosen_lots_go_first_and_the_rest_by_age() -> None:
    choice = sold(4, 15, 2100, chosen=(("c", 4), ("b", 3)))
    found = match(THREE, [choice], default=Method.SPECIFIC)
    assert [(p.lot and p.lot.key, p.quantity, p.cost, p.by_choice) for p in found.parts] == [
        ("c", 4, 480, True),
        ("b", 3, 450, True),
        ("a", 8, 800, False),
    ]
    assert found.unfollowed == []


def test_a_choice_that_is_not_there_is_said_and_not_followed() -> None:
    found = match(THREE, [sold(4, 15, 2100, chosen=(("c", 12), ("z", 1)))], default=Method.SPECIFIC)
    assert found.unfollowed == [("s4", "c", 2), ("s4", "z", 1)]
    assert [(p.lot and p.lot.key, p.quantity) for p in found.parts] == [("c", 10), ("a", 5)]


def test_a_lot_that_comes_later_cannot_go_earlier() -> None:
    found = match([bought("a", 1, 5, 500), bought("late", 3, 5, 900)], [sold(2, 5, 600)], default=Method.LIFO)
    assert [p.lot and p.lot.key for p in found.parts] == ["a"]
    # The same day: the ledger's order decides.
    found = match([bought("b", 9, 5, 900), bought("a", 8, 5, 500)], [sold(10, 5, 600)])
    assert [p.lot and p.lot.key for p in found.parts] == ["a"]


def test_without_a_cost_there_is_no_gain() -> None:
    gift = bought("gift", 1, 10, None)
    found = match([gift, bought("a", 2, 10, 1000)], [sold(3, 15, 3000)])
    assert [(p.cost, p.proceeds, p.gain) for p in found.parts] == [(None, 2000, None), (500, 1000, 500)]
    # Highest cost first: of what is not known nobody says that it was the most.
    found = match([gift, bought("a", 2, 10, 1000)], [sold(3, 15, 3000)], default=Method.HIFO)
    assert [p.lot and p.lot.key for p in found.parts] == ["a", "gift"]
    # What is not known is not averaged into what is.
    found = match(
        [gift, bought("a", 2, 10, 1000), bought("b", 3, 10, 2000)],
        [sold(4, 20, 4000)],
        default=Method.AVERAGE,
    )
    assert [(p.lot and p.lot.key, p.cost) for p in found.parts] == [("gift", None), ("a", 1500)]
    # More went out than ever came in; nothing was paid for it.
    found = match([bought("a", 1, 5, 500)], [sold(2, 8, None)])
    assert [(p.lot and p.lot.key, p.quantity, p.gain) for p in found.parts] == [
        ("a", 5, None),
        (None, 3, None),
    ]
    found = match([], [sold(2, 8, 900)])
    assert [(p.lot, p.proceeds, p.gain, p.days_held) for p in found.parts] == [(None, 900, None, None)]


def test_long_is_more_than_a_year() -> None:
    lots = [bought("a", 1, 10, 1000)]
    for days, is_long in ((365, False), (366, True)):
        [part] = match(lots, [sold(2, 10, 1100, START + timedelta(days=days))]).parts
        assert (part.days_held, part.is_long()) == (days, is_long)
    [part] = match(lots, [sold(2, 10, 1100, START + timedelta(days=200))]).parts
    assert part.is_long(long_after=180)


def test_each_year_has_its_own_rule() -> None:
    later = date(2023, 1, 1)
    sales = [sold(4, 10, 1000), sold(5, 10, 1000, later)]
    found = match(THREE, sales, {2022: Method.LIFO, 2023: Method.HIFO})
    assert [(p.lot and p.lot.key, p.method) for p in found.parts] == [("c", Method.LIFO), ("b", Method.HIFO)]


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="quantity above zero"):
        match([bought("a", 1, 0, 1)], [])
    with pytest.raises(ValueError, match="no negative amount"):
        match([], [sold(1, 1, -1)])
    with pytest.raises(ValueError, match="key of its own"):
        match([bought("a", 1, 1, 1), bought("a", 2, 1, 1)], [])


# A slow second opinion: every single unit is an object with its own exact cost, and is picked one by one.


def half_up(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def slow(
    acquired: list[Acquired], disposed: list[Disposed], method: Method
) -> tuple[list[dict[str, int]], list[int]]:
    """(lot key -> how many of its units went, known cost of it all) of each disposal, looking at units one by one."""
    costs: dict[str, int] = {}
    pool: list[str] = []
    both: list[Acquired | Disposed] = [*acquired, *disposed]
    events = sorted(both, key=lambda item: item.place)
    picked, paid = [], []
    for event in events:
        if isinstance(event, Acquired):
            pool += [event.key] * event.quantity
            if event.cost is not None:
                costs[event.key] = event.cost
            continue
        places = {item.key: item.place for item in acquired}
        taken: dict[str, int] = {}
        known = [key for key in pool if key in costs]
        whole = sum(costs[key] for key in set(known))
        for _ in range(event.quantity):
            if not pool:
                break
            here = {key: pool.count(key) for key in set(pool)}
            before = {key: here[key] + taken.get(key, 0) for key in here}
            if method is Method.LIFO:
                best = max(here, key=lambda key: places[key])
            elif method is Method.HIFO:
                best = max(
                    here,
                    key=lambda key: (
                        key in costs,
                        Fraction(costs.get(key, 0), before[key]) if key in costs else 0,
                        -places[key],
                    ),
                )
            else:
                best = min(here, key=lambda key: places[key])
            pool.remove(best)
            taken[best] = taken.get(best, 0) + 1
        cost = 0
        if method is Method.AVERAGE:
            gone = sum(count for key, count in taken.items() if key in costs)
            if gone:
                cost = half_up(Fraction(whole * gone, len(known)))
                left = whole - cost
                # Only their sum matters from here on: it lies on one of the lots that are left.
                rest = [key for key in costs if key in pool]
                for key in costs:
                    costs[key] = 0
                if rest:
                    costs[rest[0]] = left
        else:
            for key, count in taken.items():
                if key in costs:
                    part = half_up(Fraction(costs[key] * count, count + pool.count(key)))
                    costs[key] -= part
                    cost += part
        picked.append(taken)
        paid.append(cost)
    return picked, paid


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Acquired], list[Disposed]]:
    acquired, disposed = [], []
    there, day = 0, START
    for place in range(1, draw(st.integers(2, 10))):
        day += timedelta(days=draw(st.integers(0, 400)))
        if there == 0 or draw(st.booleans()):
            quantity = draw(st.integers(1, 12))
            cost = draw(
                st.one_of(st.none(), st.integers(0, 10_000))
                if draw(st.booleans())
                else st.integers(0, 10_000)
            )
            acquired.append(bought(f"l{place}", place, quantity, cost, day))
            there += quantity
        else:
            quantity = draw(st.integers(1, there))
            disposed.append(sold(place, quantity, draw(st.integers(0, 10_000)), day))
            there -= quantity
    return acquired, disposed


@pytest.mark.parametrize("method", RULES)
@given(history=histories())
def test_a_slow_second_opinion_agrees(method: Method, history: tuple[list[Acquired], list[Disposed]]) -> None:
    acquired, disposed = history
    found = match(acquired, disposed, default=method)
    picked, paid = slow(acquired, disposed, method)
    for sale, units, cost in zip(disposed, picked, paid, strict=True):
        parts = [part for part in found.parts if part.disposed is sale]
        assert {part.lot.key: part.quantity for part in parts if part.lot} == units
        assert sum(part.cost or 0 for part in parts) == cost
        assert sum(part.proceeds or 0 for part in parts) == sale.proceeds


@pytest.mark.parametrize("method", RULES)
@given(history=histories())
def test_parts_sum_to_their_lots(method: Method, history: tuple[list[Acquired], list[Disposed]]) -> None:
    acquired, disposed = history
    found = match(acquired, disposed, default=method)
    assert all(part.quantity > 0 for part in found.parts)
    left = {lot.acquired.key: lot for lot in found.open_lots}
    for lot in acquired:
        parts = [part for part in found.parts if part.lot is lot]
        rest = left.get(lot.key, Lot(lot, 0, 0 if lot.cost is not None else None))
        assert sum(part.quantity for part in parts) + rest.quantity == lot.quantity
        assert [part.cost is None for part in parts] == [lot.cost is None] * len(parts)
        if method is not Method.AVERAGE and lot.cost is not None:
            assert sum(part.cost or 0 for part in parts) + (rest.cost or 0) == lot.cost
    whole = sum(lot.cost or 0 for lot in acquired)
    assert sum(p.cost or 0 for p in found.parts) + sum(lot.cost or 0 for lot in found.open_lots) == whole


@given(history=histories(), data=st.data())
def test_chosen_parts_sum_to_their_lots_too(
    history: tuple[list[Acquired], list[Disposed]], data: st.DataObject
) -> None:
    acquired, disposed = history
    keys = st.sampled_from([lot.key for lot in acquired])
    chosen = [
        Disposed(
            sale.key,
            sale.place,
            sale.day,
            sale.quantity,
            sale.proceeds,
            chosen=tuple(data.draw(st.lists(st.tuples(keys, st.integers(1, 6)), max_size=3))),
        )
        for sale in disposed
    ]
    found = match(acquired, chosen, default=Method.SPECIFIC)
    assert sum(part.quantity for part in found.parts) == sum(sale.quantity for sale in chosen)
    left = {lot.acquired.key: lot for lot in found.open_lots}
    for lot in acquired:
        parts = [part for part in found.parts if part.lot is lot]
        rest = left.get(lot.key, Lot(lot, 0, 0))
        assert sum(part.quantity for part in parts) + rest.quantity == lot.quantity
        if lot.cost is not None:
            assert sum(part.cost or 0 for part in parts) + (rest.cost or 0) == lot.cost
