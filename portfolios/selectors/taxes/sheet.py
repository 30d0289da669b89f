"""The report of a tax year as a sheet: the one function behind page, CSV, PDF and API."""

from datetime import date
from decimal import Decimal

from portfolios.core.money import from_base
from portfolios.core.sheets import WORDS, Cell, Column, Row, Section, Sheet, digest, to_body
from portfolios.core.taxlots import Method
from portfolios.selectors.taxes.report import OpenLot, TaxLine, TaxReport
from signals.core import figures

METHODS = {
    Method.FIFO: "First in, first out: the oldest units go first.",
    Method.LIFO: "Last in, first out: the newest units go first.",
    Method.HIFO: "Highest cost first: the units that cost most go first.",
    Method.AVERAGE: "Average cost: every unit costs what all of them cost on average; the oldest go first.",
    Method.SPECIFIC: "Lots that you choose: where you have chosen none, the oldest units go first.",
}
UNKNOWN_COST = "Its cost is not known: it came without a purchase."
UNKNOWN_PROCEEDS = "Nothing was paid for it."
_KINDS = {
    "sale": "Redeemed",
    "sold": "Sold",
    "switch": "Redeemed to switch",
    "fee": "Taken as a fee",
    "undone": "Undone",
    "given": "Went out without payment",
}
_CAME = {
    "purchase": "Bought",
    "received": "Came without a purchase",
    "returned": "Came back by a correction",
}


def tax_sheet(report: TaxReport) -> Sheet:
    """Every cell of the report. The same report gives the same sheet."""
    state = (
        "closed" if report.closed_at is not None else "the year is not over" if not report.is_over else "open"
    )
    return Sheet(
        key=f"taxes-{report.year}",
        title=f"Tax lots of {report.year}",
        subtitle=f"{METHODS[report.method]} Through {figures_day(report.through)}; {state}.",
        facts={
            "year": str(report.year),
            "method": report.method.value,
            "through": report.through.isoformat(),
            "long_after_days": str(report.long_after),
            "state": state,
        },
        sections=(_summary(report), _disposals(report), _open(report)),
        notes=_notes(report),
    )


def tax_digest(report: TaxReport) -> str:
    """SHA-256 of every line, lot and sum of the report, whatever has been said about it since."""
    return digest({"sections": to_body(tax_sheet(report))["sections"]})


def figures_day(day: date) -> str:
    """`3 Feb 2026`."""
    return f"{day:%-d %b %Y}"


def _summary(report: TaxReport) -> Section:
    columns = (Column("proceeds_usd", "Proceeds"), Column("cost_usd", "Cost"), Column("gain_usd", "Gain"))
    rows = []
    for term, label, kind in (
        ("short", f"Held up to {report.long_after} days", "line"),
        ("long", f"Held longer than {report.long_after} days", "line"),
        ("all", "All of known cost", "total"),
    ):
        proceeds, cost, gain = report.sums(term)
        rows.append(Row(term, label, (usd(proceeds), usd(cost), usd(gain, signed=True)), kind))
    unknown = report.without_basis
    if unknown:
        paid = sum(line.part.proceeds or 0 for line in unknown)
        rows.append(
            Row(
                "unknown",
                "Without a known cost",
                (usd(paid), none(UNKNOWN_COST), none(UNKNOWN_COST)),
                flags=("missing basis",),
            )
        )
    return Section(
        key="summary",
        title="The year",
        note="Proceeds are what you were paid after every cost of selling; cost is what you paid, with every cost of "
        "buying in it. Gain is the one less the other; a minus is a loss.",
        label="Term",
        columns=columns,
        rows=tuple(rows),
    )


def _disposals(report: TaxReport) -> Section:
    columns = (
        Column("what", "What", WORDS),
        Column("units", "Units"),
        Column("acquired", "Acquired"),
        Column("disposed", "Disposed"),
        Column("days", "Days"),
        Column("term", "Term", WORDS),
        Column("proceeds_usd", "Proceeds"),
        Column("cost_usd", "Cost"),
        Column("gain_usd", "Gain"),
    )
    rows = tuple(_disposal(report, line, place) for place, line in enumerate(report.lines, start=1))
    return Section(
        key="disposals",
        title="What went out",
        note="One line for each part of a lot that went out. The parts of a lot sum to the lot, to the cent.",
        label="Of",
        columns=columns,
        rows=rows,
        empty="Nothing went out in this year.",
    )


def _disposal(report: TaxReport, line: TaxLine, place: int) -> Row:
    part, flags = line.part, []
    if not line.has_basis:
        flags.append("missing basis")
    if part.disposed.kind in ("switch", "fee"):
        flags.append(part.disposed.kind)
    if part.by_choice:
        flags.append("your choice")
    why = UNKNOWN_COST if part.cost is None else UNKNOWN_PROCEEDS
    term = report.term(line)
    return Row(
        key=str(place),
        label=line.asset.name,
        cells=(
            Cell(part.disposed.kind, _KINDS[part.disposed.kind]),
            quantity(part.quantity, line.asset.scale),
            day(part.lot.day if part.lot else None, "Nobody knows since when."),
            day(part.disposed.day),
            none("Nobody knows since when.") if part.days_held is None else whole(part.days_held),
            Cell(term, term) if term else none("Nobody knows since when."),
            none(UNKNOWN_PROCEEDS) if part.proceeds is None else usd(part.proceeds),
            none(UNKNOWN_COST) if part.cost is None else usd(part.cost),
            none(why) if part.gain is None else usd(part.gain, signed=True),
        ),
        flags=tuple(flags),
    )


def _open(report: TaxReport) -> Section:
    columns = (
        Column("came", "How", WORDS),
        Column("acquired", "Acquired"),
        Column("units", "Units left"),
        Column("cost_usd", "Cost left"),
        Column("lot", "Lot", WORDS),
    )
    return Section(
        key="lots",
        title=f"Lots open on {figures_day(report.through)}",
        note="What you still hold, purchase by purchase. A lot's number is its entry in the ledger; in a personal "
        "portfolio, its batch and its token.",
        label="Of",
        columns=columns,
        rows=tuple(_lot(lot) for lot in report.open_lots),
        empty="You held nothing.",
    )


def _lot(line: OpenLot) -> Row:
    acquired = line.lot.acquired
    return Row(
        key=acquired.key,
        label=line.asset.name,
        cells=(
            Cell(acquired.kind, _CAME[acquired.kind]),
            day(acquired.day),
            quantity(line.lot.quantity, line.asset.scale),
            none(UNKNOWN_COST) if line.lot.cost is None else usd(line.lot.cost),
            Cell(acquired.key, f"No. {acquired.key}"),
        ),
        flags=("missing basis",) if line.lot.cost is None else (),
    )


ADVICE = (
    "This is arithmetic, not tax advice: which rule you may use, and what counts as held long, depends on where you "
    "pay tax."
)
UNIT = (
    "What is taxed here is the unit of a pooled index: what the pool itself trades when it is rebalanced is no "
    "disposal of yours, and the index's rebalances are there to be looked at only."
)
TAKEN = (
    "A switch is a disposal of the one index and a purchase of the other. Management and performance fees are taken by "
    "issuing units to us: your own units stay as many, so nothing of yours is disposed of."
)
WITHOUT = (
    "Lines without a known cost are in no sum of gains. Their proceeds are shown apart: find out what the units had "
    "cost you before you report them."
)


BOOKS = (
    "In a personal portfolio the tokens are yours, so each of its trades counts. What a token cost or brought is its "
    "mark of that dealing, with the dealing's real cost shared over what was traded, in whole cents."
)


def _notes(report: TaxReport) -> tuple[str, ...]:
    notes = [ADVICE, UNIT, TAKEN]
    if report.has_books:
        notes.append(BOOKS)
    if report.without_basis:
        notes.append(WITHOUT)
    if report.unfollowed:
        names = ", ".join(
            f"{figures.quantity(from_base(units, asset.scale), 12)} of {asset.name}"
            for asset, units in report.unfollowed
        )
        notes.append(
            f"Some of the lots that you chose did not hold that much ({names}); the oldest went instead."
        )
    if report.closed_at is not None:
        notes.append(f"Closed on {report.closed_at:%-d %b %Y}; nothing of it changes any more.")
    return tuple(notes)


def usd(cents: int, *, signed: bool = False) -> Cell:
    """Dollars of whole cents."""
    amount = from_base(cents, 2)
    return Cell(f"{amount:f}", figures.signed_usd(amount) if signed else figures.usd(amount))


def none(reason: str) -> Cell:
    """No value, and why."""
    return Cell("", figures.DASH, reason)


def day(value: date | None, reason: str = "") -> Cell:
    """A market day."""
    return none(reason) if value is None else Cell(value.isoformat(), figures_day(value))


def whole(number: int) -> Cell:
    """A count."""
    return Cell(str(number), f"{number:,}")


def quantity(units: int, scale: int) -> Cell:
    """Units or tokens, exactly; shown cut to twelve digits."""
    exact: Decimal = from_base(units, scale)
    text = f"{exact:f}"
    return Cell(text.rstrip("0").rstrip(".") if "." in text else text, figures.quantity(exact, 12))
