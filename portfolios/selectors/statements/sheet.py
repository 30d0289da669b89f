"""A month as a sheet: the one function behind a statement's page, CSV, PDF and API."""

from collections.abc import Sequence
from decimal import Decimal

from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base
from portfolios.core.returns import Rate
from portfolios.core.sheets import WORDS, Cell, Column, Row, Section, Sheet
from portfolios.selectors.activity.costs import TITLES
from portfolios.selectors.records import ActivityLine
from portfolios.selectors.statements.report import HeldLine, MonthReport
from signals.core import figures

USD = (Column("usd", "USD"),)
HOW = (
    "Opening value, plus deposits, less withdrawals, plus or less other movements, plus gains before costs (a loss is "
    "taken off), less costs, is the closing value. Every line is in whole cents and they add up to the cent."
)
GAINS = (
    "The result of an index is its closing value, less its opening value, less what you put in, plus what you took "
    "out. Gains before costs are these results and the costs that are inside them."
)
VALUES = (
    "A holding is worth its units times the value of one unit at the month's last close, rounded down to the cent. A "
    "month ends with the close of its last day, UTC."
)


def statement_sheet(report: MonthReport, *, version: int = 1, note: str = "") -> Sheet:
    """Every cell of the statement. The same report gives the same sheet."""
    name = f"{report.month:%B %Y}"
    corrected = f" Version {version}, which replaces the one before: {note}" if version > 1 else ""
    sections = [
        _summary(report),
        _results(report),
        _holdings(report),
        _returns(report),
        _costs(report),
        _activity(report),
    ]
    if report.plan_charges:
        sections.append(_plans(report.plan_charges))
    return Sheet(
        key=f"statement-{report.month:%Y-%m}",
        title=f"Statement for {name}",
        subtitle=f"Market dates, UTC. What you had at the close of {_day(report)}.{corrected}",
        facts={
            "owner": report.user.email,
            "month": f"{report.month:%Y-%m}",
            "version": str(version),
            "note": note,
        },
        sections=tuple(sections),
        notes=(HOW, VALUES, GAINS),
    )


def _summary(report: MonthReport) -> Section:
    sums = report.sums
    rows = [
        Row("opening", "Opening value", (usd(sums.opening),)),
        Row("deposits", "Deposits", (usd(sums.deposits, signed=True),)),
        Row("withdrawals", "Withdrawals", (usd(-sums.withdrawals, signed=True),)),
    ]
    if sums.other:
        rows.append(Row("other", "Other movements", (usd(sums.other, signed=True),)))
    title = "Gains before costs" if sums.gains >= 0 else "Losses before costs"
    rows.append(Row("gains", title, (usd(sums.gains, signed=True),)))
    rows.append(Row("costs", "Costs", (usd(-sum(sums.costs), signed=True),)))
    rows.append(Row("closing", "Closing value", (usd(sums.closing),), "total"))
    return Section("summary", "The month", "", "", USD, tuple(rows))


def _results(report: MonthReport) -> Section:
    columns = (
        Column("opening_usd", "Opening"),
        Column("put_in_usd", "Put in"),
        Column("taken_out_usd", "Taken out"),
        Column("closing_usd", "Closing"),
        Column("result_usd", "Result"),
    )
    rows = [
        Row(
            line.slug,
            line.name,
            (
                usd(line.held.opening),
                usd(line.held.put_in),
                usd(line.held.taken_out),
                usd(line.held.closing),
                usd(line.held.result, signed=True),
            ),
        )
        for line in report.held
    ]
    if rows:
        sums = [
            sum(getattr(line.held, name) for line in report.held)
            for name in ("opening", "put_in", "taken_out", "closing", "result")
        ]
        cells = (*(usd(amount) for amount in sums[:4]), usd(sums[4], signed=True))
        rows.append(Row("all", "All indices", cells, "total"))
    return Section(
        "results",
        "What each index brought",
        "After every cost of dealing and every fee.",
        "Index",
        columns,
        tuple(rows),
        empty="You held no index this month.",
    )


def _holdings(report: MonthReport) -> Section:
    columns = (
        Column("units", "Units"),
        Column("unit_price_usd", "Unit price"),
        Column("priced_on", "Price of"),
        Column("value_usd", "Value"),
    )
    rows = [_holding(line) for line in report.held if line.units_closing or line.held.closing]
    dollars = (
        ("free", "Dollars, free", report.free),
        ("set_aside", "Dollars, set aside", report.set_aside),
        ("owed", "Dollars owed to us", report.owed),
    )
    blank = Cell("", "")
    rows += [
        Row(key, label, (blank, blank, blank, usd(amount)))
        for key, label, amount in dollars
        if amount or key == "free"
    ]
    rows.append(Row("closing", "Closing value", (blank, blank, blank, usd(report.sums.closing)), "total"))
    return Section(
        "holdings", f"What you had at the close of {_day(report)}", "", "Holding", columns, tuple(rows)
    )


def _holding(line: HeldLine) -> Row:
    units = from_base(line.units_closing, UNIT_SCALE)
    price = line.price
    if not line.units_closing:
        tokens = Cell("", figures.DASH, "It is held in tokens, valued at the month's last close.")
        return Row(line.slug, line.name, (tokens, tokens, tokens, usd(line.held.closing)))
    none = Cell("", figures.DASH, "The index has no price.")
    return Row(
        line.slug,
        line.name,
        (
            Cell(plain(units), figures.quantity(units, 12)),
            none if price is None else Cell(plain(price.usd), figures.usd(price.usd, 4)),
            none if price is None else Cell(price.day.isoformat(), f"{price.day:%-d %b %Y}"),
            usd(line.held.closing),
        ),
    )


def _returns(report: MonthReport) -> Section:
    rows = [
        Row(key, label, (_rate(rate),))
        for key, label, rate in (
            ("time_weighted", "Time-weighted", report.returns.time_weighted),
            ("money_weighted", "Money-weighted", report.returns.money_weighted),
        )
    ]
    return Section(
        "returns",
        "What it returned",
        "Of the whole account, its dollars too. Time-weighted leaves out when you put money in; money-weighted counts "
        "it. The page of returns shows how both are worked out.",
        "Return",
        (Column("fraction", "This month"),),
        tuple(rows),
    )


def _rate(rate: Rate) -> Cell:
    if rate.value is None:
        return Cell("", figures.DASH, rate.reason)
    return Cell(plain(rate.value), figures.signed_percent(rate.value, 2))


def _costs(report: MonthReport) -> Section:
    rows = [
        Row(kind, TITLES[kind][:1].upper() + TITLES[kind][1:], (usd(amount),))
        for kind, amount in report.costs
        if amount
    ]
    if rows:
        rows.append(Row("all", "All costs", (usd(sum(report.sums.costs)),), "total"))
    return Section(
        "costs",
        "What it cost",
        "Your own orders, your share of what rebalances cost, and fees taken as units. All of it is inside the results "
        "above.",
        "Cost",
        USD,
        tuple(rows),
        empty="Nothing was traded and nothing charged.",
    )


def _activity(report: MonthReport) -> Section:
    columns = (
        Column("day", "Day"),
        Column("what", "What", WORDS),
        Column("cost_usd", "Cost"),
        Column("change_usd", "Change"),
        Column("dollars_usd", "Dollars after"),
    )
    running = report.dollars_opening
    rows = [
        Row(
            "opening",
            "Opening dollars",
            (Cell("", ""), Cell("", ""), Cell("", ""), Cell("", ""), usd(running)),
        )
    ]
    for place, line in enumerate(report.lines, start=1):
        change = int(line.net_usd.scaleb(USD_SCALE))
        running += change
        rows.append(_movement(place, line, change, running))
    return Section(
        "activity",
        "Your dollars",
        "Every movement of your dollars, free and set aside together. The change is after costs.",
        "",
        columns,
        tuple(rows),
    )


def _movement(place: int, line: ActivityLine, change: int, running: int) -> Row:
    day = figures.market_day(line.at)
    cost = line.cost_usd
    return Row(
        str(place),
        line.title,
        (
            Cell(day.isoformat(), f"{day:%-d %b}"),
            Cell(line.detail, line.detail),
            Cell("", "") if cost is None else Cell(plain(cost), figures.usd_exact(cost)),
            usd(change, signed=True),
            usd(running),
        ),
    )


def _plans(lines: Sequence[ActivityLine]) -> Section:
    rows = [
        Row(line.key, line.title, (Cell(plain(line.cost_usd or Decimal(0)), figures.usd(line.cost_usd)),))
        for line in lines
    ]
    note = "Paid from elsewhere, not from your dollars here: in none of the sums above."
    return Section("plans", "Plans", note, "Plan", USD, tuple(rows))


def _day(report: MonthReport) -> str:
    return f"{figures.market_day(report.through):%-d %B %Y}"


def usd(micro: int, *, signed: bool = False) -> Cell:
    """Dollars; shown in cents, exactly where there is a part of one."""
    amount = from_base(micro, USD_SCALE)
    text = figures.signed_usd(amount) if signed else figures.usd(amount)
    return Cell(f"{amount.quantize(Decimal('0.01')):f}" if micro % 10_000 == 0 else plain(amount), text)


def plain(amount: Decimal) -> str:
    """A number without exponent and without zeros at its end."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
