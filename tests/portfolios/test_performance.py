"""A person's performance: exact sums, figures that follow from their rows alone, and one answer everywhere."""

import csv
import io
from datetime import date, timedelta
from decimal import Context, Decimal

import pytest
from django.test import Client
from django.urls import reverse

from portfolios import selectors
from portfolios.core.money import to_base
from portfolios.core.roots import positive_roots
from portfolios.models import FeeAccrual, NavPoint, Order, User
from portfolios.selectors.returns import PeriodError, performance
from portfolios.services import investing, payments
from portfolios.services.ledger_check import checks_run
from signals.core import figures as written
from tests.factories import user_make
from tests.portfolios.investing_life import START, days_pass, life, tick, today
from tests.worlds import World, world_create

pytestmark = pytest.mark.django_db
WIDE = Context(prec=60)


@pytest.fixture
def lived() -> tuple[World, User]:
    return life()


def near(one: Decimal, other: Decimal) -> bool:
    """The same but for a micro-dollar: values here are units times a value per unit cut to twelve decimals."""
    return abs(one - other) <= Decimal("0.000001")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def rows_of(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))


def chain(rows: list[dict[str, str]]) -> Decimal:
    """The time-weighted return from the file alone, as the page says it is worked out."""
    grown, above = Decimal(1), None
    for row in rows:
        before, after = Decimal(row["value_before_usd"]), Decimal(row["value_after_usd"])
        put, out = Decimal(row["money_in_usd"]), Decimal(row["money_out_usd"])
        if above:
            grown = WIDE.multiply(grown, WIDE.divide(before, above))
        if before + put:
            grown = WIDE.multiply(grown, WIDE.divide(after + out, before + put))
        above = after
    return grown - 1


def solve(rows: list[dict[str, str]]) -> Decimal:
    """The money-weighted return from the file alone: by the roots of its flows."""
    flows: dict[date, int] = {}
    for place, row in enumerate(rows):
        moved = Decimal(row["money_in_usd"]) - Decimal(row["money_out_usd"])
        moved += Decimal(row["value_before_usd"]) if place == 0 else 0
        moved -= Decimal(row["value_after_usd"]) if place == len(rows) - 1 else 0
        on = date.fromisoformat(row["day"])
        flows[on] = flows.get(on, 0) + to_base(moved, 6)
    kept = {on: amount for on, amount in flows.items() if amount}
    last = max(kept)
    [root] = positive_roots([(amount, (last - on).days) for on, amount in kept.items()])
    return WIDE.power(root, (last - min(kept)).days) - 1


def test_the_books_are_sound(lived: tuple[World, User]) -> None:
    assert [(check.name, check.detail) for check in checks_run() if not check.passed] == []
    assert FeeAccrual.objects.count() > 15


@pytest.mark.parametrize(
    "query", ["", "index=global-100", "period=1m", "start=2022-01-27", "start=2022-01-27&index=global-100"]
)
def test_every_figure_follows_from_its_file(lived: tuple[World, User], query: str) -> None:
    client = signed_in(lived[1])
    page = client.get(reverse("portfolios:performance") + f"?{query}").content.decode()
    answer = client.get(reverse("portfolios:performance_export") + f"?{query}")
    assert answer["Content-Type"].startswith("text/csv")
    rows = rows_of(answer.content)
    asked = dict(part.split("=") for part in query.split("&") if part)
    if "start" in asked:
        asked["start"] = date.fromisoformat(asked["start"])  # type: ignore[assignment]
    told = performance(lived[1], **asked).figures  # type: ignore[arg-type]
    assert told.time_weighted.value == chain(rows).quantize(Decimal("1E-10"))
    assert told.money_weighted.value == solve(rows).quantize(Decimal("1E-10"))
    assert written.signed_percent(told.time_weighted.value, 2) in page
    assert written.signed_percent(told.money_weighted.value, 2) in page
    assert written.signed_usd(told.gain) in page
    put = sum(Decimal(row["money_in_usd"]) for row in rows)
    out = sum(Decimal(row["money_out_usd"]) for row in rows)
    start, end = Decimal(rows[0]["value_before_usd"]), Decimal(rows[-1]["value_after_usd"])
    assert (told.value_start, told.money_in, told.money_out, told.value_end) == (start, put, out, end)
    assert told.gain == end - start - put + out


def test_the_account_is_what_the_dashboard_says(lived: tuple[World, User]) -> None:
    user = lived[1]
    told = performance(user)
    held = selectors.holdings(user)[0]
    assert near(told.figures.value_end, selectors.cash(user) + held.value_usd)
    assert (told.figures.money_in, told.figures.money_out) == (4000, 200)
    assert near(told.holdings[0].figures.value_end, held.value_usd)
    assert told.elsewhere == 0
    assert told.figures.gaps == ()


def test_the_whole_return_of_a_holding_by_hand(lived: tuple[World, User]) -> None:
    """Unit price at the end over the first one, times what each order cost."""
    user = lived[1]
    orders = list(Order.objects.filter(user=user).order_by("settled_at"))
    last = NavPoint.objects.latest("date").unit_price
    expected = last / Decimal(orders[0].unit_price or 0)
    units = Decimal(0)
    for order in orders:
        assert order.units is not None
        assert order.unit_price is not None
        if order.side == Order.Side.INVEST:
            expected *= (
                (units + order.units) * order.unit_price / (units * order.unit_price + (order.amount or 0))
            )
            units += order.units
        else:
            left = (units - order.units) * order.unit_price
            expected *= (left + (order.proceeds or 0)) / (units * order.unit_price)
            units -= order.units
    told = performance(user, index="global-100").figures.time_weighted.value
    assert told is not None
    assert abs(told - (expected - 1)) < Decimal("1E-7")


def test_all_parts_sum_to_the_gain(lived: tuple[World, User]) -> None:
    for report in (performance(lived[1]), performance(lived[1], start=START + timedelta(days=5))):
        gain = sum(row.figures.gain for row in report.holdings)
        assert report.figures.gain == gain + report.elsewhere
        assert report.tokens is not None
        parts = [*report.tokens.tokens, *report.tokens.others]
        assert sum(part.usd for part in parts) == gain
        others = {part.key: part.usd for part in report.tokens.others}
        assert others["orders"] < 0
        assert others["rebalances"] < 0
        assert others["fees"] < 0
        assert abs(others["rest"]) < Decimal("0.01"), "on this market everything deals at a close"
        assert report.split is not None
        assert report.split.market + report.split.choice + report.split.costs == gain
        assert report.split.costs < 0


def test_rebalances_cost_what_the_activity_says(lived: tuple[World, User]) -> None:
    user = lived[1]
    told = performance(user).tokens
    assert told is not None
    charged = sum(
        (line.cost_usd or Decimal(0) for line in selectors.activity(user) if line.kind == "rebalance"),
        Decimal(0),
    )
    assert {part.key: part.usd for part in told.others}["rebalances"] == -charged


def test_page_file_and_api_say_the_same(lived: tuple[World, User]) -> None:
    user = lived[1]
    client = signed_in(user)
    body = client.get("/api/v1/performance/?rows=true").json()
    told = performance(user)
    assert body["figures"]["time_weighted"]["value"] == format(
        told.figures.time_weighted.value or 0, "f"
    ).rstrip("0")
    assert Decimal(body["figures"]["gain_usd"]) == told.figures.gain
    file = rows_of(client.get(reverse("portfolios:performance_export")).content)
    assert len(file) == len(body["rows"])
    for one, other in zip(file, body["rows"], strict=True):
        assert (one["day"], one["event"]) == (other["day"], other["event"])
        assert Decimal(one["value_after_usd"]) == Decimal(other["value_after_usd"])
    page = client.get(reverse("portfolios:performance")).content.decode()
    for row, item in zip(told.alternatives, body["alternatives"], strict=True):
        assert (item["gain_usd"] is None) == (row.gain is None)
        if row.gain is not None:
            assert Decimal(item["gain_usd"]) == row.gain
            assert written.signed_usd(row.gain) in page
        else:
            assert row.reason in page


def test_what_cannot_be_asked(lived: tuple[World, User]) -> None:
    user = lived[1]
    client = signed_in(user)
    for query, word in (
        ("period=5y", "period"),
        ("start=2031-01-01", "start"),
        ("as_of=2031-01-01", "as_of"),
        ("index=nothing", "index"),
        ("start=tomorrow", "start"),
    ):
        assert client.get(reverse("portfolios:performance") + f"?{query}").status_code == 400
        assert client.get(reverse("portfolios:performance_export") + f"?{query}").status_code == 400
        problem = client.get(f"/api/v1/performance/?{query}")
        assert problem.status_code == 400
        assert word in problem.content.decode()
    with pytest.raises(PeriodError, match="period"):
        performance(user, period="")
    for query in ("alternative=bitcoin", "alternative=gold&index=global-100"):
        assert client.get(reverse("portfolios:performance_export") + f"?{query}").status_code == 400


def test_nobody_sees_the_money_of_another(lived: tuple[World, User]) -> None:
    stranger = user_make()
    assert performance(stranger).figures.first is None
    assert (
        "Nothing to show yet" in signed_in(stranger).get(reverse("portfolios:performance")).content.decode()
    )
    answer = Client().get(reverse("portfolios:performance"))
    assert answer.status_code == 302


def test_the_first_day() -> None:
    """Deposit, investment, no close yet: the cost is there, a money-weighted rate is not."""
    world = world_create(today=START)
    user = user_make(cash="1000")
    told = performance(user)
    assert (told.figures.gain, told.figures.time_weighted.value) == (0, 0)
    assert told.figures.money_weighted.reason != ""
    order = investing.invest(user, "global-100", "1000")
    assert performance(user).figures.gain == 0, "what is set aside is still there"
    tick()
    order.refresh_from_db()
    holding = performance(user, index="global-100").figures
    assert holding.first == START
    assert abs(holding.gain + order.cost_usd) < Decimal("0.00001")
    days_pass(world, 1)
    assert performance(user).figures.money_weighted.value is not None


def test_a_flow_between_two_closes_leaves_the_return_alone() -> None:
    """The same index over the same days: who adds in between has the same time-weighted return but for costs."""
    world = world_create(today=START)
    steady, adding = user_make(cash="5000"), user_make(cash="5000")
    for user in (steady, adding):
        investing.invest(user, "global-100", "1000")
    tick()
    days_pass(world, 5)
    investing.invest(adding, "global-100", "4000")
    tick()
    days_pass(world, 5)
    one, other = (performance(user, index="global-100", start=START).figures for user in (steady, adding))
    assert one.time_weighted.value is not None
    assert other.time_weighted.value is not None
    assert abs(one.time_weighted.value - other.time_weighted.value) < Decimal("0.004")
    assert other.gain > one.gain


def test_everything_sold_and_nothing_for_a_while() -> None:
    world = world_create(today=START)
    user = user_make(cash="1000")
    investing.invest(user, "global-100", "500")
    tick()
    days_pass(world, 4)
    investing.redeem(user, "global-100", all=True)
    tick()
    days_pass(world, 4)
    told = performance(user, index="global-100").figures
    assert told.value_end == 0
    assert told.gain == told.money_out - told.money_in
    assert told.money_weighted.days == 4
    after = performance(user, index="global-100", start=today() - timedelta(days=2)).figures
    assert (after.first, after.gain) == (None, 0)
    investing.invest(user, "global-100", "300")
    tick()
    days_pass(world, 2)
    again = performance(user, index="global-100").figures
    assert again.money_in == 800
    assert again.time_weighted.value is not None
    assert near(
        performance(user).figures.value_end, selectors.cash(user) + selectors.holdings(user)[0].value_usd
    )


def test_a_missing_close_is_said_and_not_drawn_flat(lived: tuple[World, User]) -> None:
    world, user = lived
    gone = START + timedelta(days=6)
    NavPoint.objects.filter(date=gone).delete()
    told = performance(user)
    assert told.figures.gaps == (gone,)
    assert gone not in {step.day for step in told.figures.steps}
    page = signed_in(user).get(reverse("portfolios:performance")).content.decode()
    assert "1 close between 21 Jan 2022" in page
    assert world.index.slug == "global-100"


def test_a_deposit_between_orders_of_one_moment() -> None:
    """Market time stands still in a replay: deposits and dealings of one moment must not be mixed up."""
    world = world_create(today=START)
    user = user_make(cash="500")
    investing.invest(user, "global-100", "500")
    payments.deposit(user, "300")
    tick()
    investing.invest(user, "global-100", "300")
    payments.deposit(user, "100")
    tick()
    payments.withdraw(user, "50")
    days_pass(world, 1)
    told = performance(user).figures
    assert (told.money_in, told.money_out) == (900, 50)
    assert near(told.value_end, selectors.cash(user) + selectors.holdings(user)[0].value_usd)
    flows = [step for step in told.steps if step.money_in or step.money_out]
    assert [step.money_in // 10**6 for step in flows] == [500, 300, 100, 0]
    assert flows[1].before == 500 * 10**6, "what is being dealt is there"
