"""Activity, tax lots and statements: what the screen says is what CSV, PDF and API say, to the last cell."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from pypdf import PdfReader

from portfolios.models import Entry, LotChoice, Statement, TaxYear, User
from portfolios.services import execution, investing, payments, valuations
from portfolios.services.statements import statements_issue
from signals import selectors as signal_selectors
from signals.models import Market
from tests.journeys.reading import read, submit

pytestmark = pytest.mark.django_db


class Tables(HTMLParser):
    """The tables of a sheet: section -> row -> texts of its cells, the row's label first."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, list[str]]] = {}
        self._section, self._row, self._depth = "", "", 0
        self._silent = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "table" and given.get("data-section"):
            self._section = str(given["data-section"])
            self.found[self._section] = {}
        elif tag == "tr" and given.get("data-row"):
            self._row = str(given["data-row"])
            self.found[self._section][self._row] = []
        elif tag in ("td", "th") and self._row:
            self._depth = 1
            self.found[self._section][self._row].append("")
        elif (
            tag == "span"
            and self._depth
            and (self._silent or given.get("class") in ("sr", "badge", "badge warn"))
        ):
            self._silent += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._depth = 0
        elif tag == "tr":
            self._row = ""
        elif tag == "span" and self._silent:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if self._depth and self._row and not self._silent:
            self.found[self._section][self._row][-1] += data


def day_pass(world: Market, day: date) -> None:
    """The clock stands at the close of `day`, and what hangs on it is done."""
    world.time = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
    world.save()
    execution.dealing_run()
    valuations.valuations_record(day)


@pytest.fixture
def rich(world: Market, ada: User) -> User:
    """Ada bought twice, sold a part, and March has come."""
    investing.invest(ada, "global-100", "200.00")
    day_pass(world, date(2022, 2, 11))
    investing.invest(ada, "global-100", "100.00")
    day_pass(world, date(2022, 2, 20))
    investing.redeem(ada, "global-100", amount="120.00")
    payments.withdraw(ada, "30")
    for day in (date(2022, 2, 27), date(2022, 2, 28), date(2022, 3, 1)):
        day_pass(world, day)
    assert statements_issue(signal_selectors.market_time()) == 1
    return ada


def sections_of(body: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Section -> row -> texts, label first, out of an API body."""
    return {
        section["key"]: {
            row["key"]: [row["label"], *(cell["text"] for cell in row["cells"])] for row in section["rows"]
        }
        for section in body["sections"]
        if section["rows"]
    }


def values_of(body: dict[str, Any]) -> dict[tuple[str, str], list[str]]:
    """(section, row) -> label, and the value of each number or the text of each word, as a spreadsheet has them."""
    found = {}
    for section in body["sections"]:
        kinds = [column["kind"] for column in section["columns"]]
        for row in section["rows"]:
            cells = [
                cell["value"] if kind == "number" else cell["text"] if cell["value"] else ""
                for cell, kind in zip(row["cells"], kinds, strict=True)
            ]
            found[section["key"], row["key"]] = [row["label"], *cells]
    return found


def csv_of(body: bytes) -> dict[tuple[str, str], list[str]]:
    found = {}
    width = 0
    for line in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")):
        if line[:2] == ["section", "row"]:
            width = len(line) - 2
        elif len(line) > 3 and line[0] not in ("about", "note"):
            found[line[0], line[1]] = line[2:width]
    return found


def pdf_text(body: bytes) -> str:
    pages = PdfReader(io.BytesIO(body)).pages
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))


def compare(client: Client, page: str, csv_at: str, pdf_at: str, body: dict[str, Any]) -> None:
    """Screen, CSV and PDF against the API's body, cell by cell."""
    html = client.get(page)
    assert html.status_code == 200
    assert read(html).offences == []
    shown = Tables(html.content.decode()).found
    assert {
        section: {key: [text.strip() for text in row] for key, row in rows.items()}
        for section, rows in shown.items()
    } == sections_of(body)
    spread = client.get(csv_at)
    assert (spread.status_code, spread["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert spread["Cache-Control"] == "private, no-store"
    assert csv_of(spread.content) == values_of(body)
    paper = client.get(pdf_at)
    assert (paper.status_code, paper["Content-Type"]) == (200, "application/pdf")
    text = pdf_text(paper.content)
    for section in sections_of(body).values():
        for row in section.values():
            # A row stands on paper in one piece, cell after cell, unless a long text was broken between them.
            for cell in row:
                assert re.sub(r"\s+", "", cell) in text, cell
    assert client.get(pdf_at).content == paper.content


def test_a_statement_says_the_same_everywhere(ada_client: Client, rich: User) -> None:
    answer = ada_client.get("/api/v1/statements/2022-02/").json()
    assert (answer["month"], answer["version"], answer["note"]) == ("2022-02", 1, "")
    parts = {name: Decimal(answer[f"{name}_usd"]) for name in ("opening", "deposits", "withdrawals", "other")}
    assert parts == {"opening": 0, "deposits": 500, "withdrawals": 30, "other": 0}
    assert Decimal(answer["closing_usd"]) == 470 + Decimal(answer["gains_usd"]) - Decimal(answer["costs_usd"])
    at = "/statements/2022-02"
    compare(ada_client, f"{at}/", f"{at}/export.csv", f"{at}/export.pdf", answer["sheet"])
    assert "February 2022" in read(ada_client.get("/statements/")).text
    [listed] = ada_client.get("/api/v1/statements/").json()["results"]
    assert listed == {name: value for name, value in answer.items() if name != "sheet"}


def test_a_tax_year_says_the_same_everywhere(ada_client: Client, rich: User) -> None:
    answer = ada_client.get("/api/v1/taxes/2022/").json()
    assert [section["key"] for section in answer["sections"]] == ["summary", "disposals", "lots"]
    compare(ada_client, "/taxes/2022/", "/taxes/2022/export.csv", "/taxes/2022/export.pdf", answer)
    page = read(ada_client.get("/taxes/2022/")).text
    assert "The unit is what is taxed." in page
    assert "not tax advice" in page
    assert ada_client.get("/taxes/").headers["Location"] == "/taxes/2022/"


def test_activity_says_the_same_everywhere(ada_client: Client, rich: User) -> None:
    shown = ada_client.get("/api/v1/activity/").json()
    assert shown["next"] is None
    lines = shown["results"]
    file: Any = ada_client.get("/activity/export.csv")
    body = b"".join(file.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(body)))
    assert [row["key"] for row in rows] == [line["key"] for line in lines[::-1]]
    for row, line in zip(rows, lines[::-1], strict=True):
        for name in (
            "gross_usd",
            "after_costs_usd",
            "free_change_usd",
            "net_change_usd",
            "dollars_after_usd",
        ):
            assert Decimal(row[name] or 0) == Decimal(line[name] or 0)
        assert {f"{part['kind']}_usd": Decimal(part["usd"]) for part in line["costs"]} == {
            name: Decimal(row[name])
            for name in row
            if row[name] and name.removesuffix("_usd") in ("trading_fee", "spread", "rounding", "plan")
        }
    text = read(ada_client.get("/activity/")).text
    for line in lines:
        assert line["title"] in text
    assert "trading fee" in text
    assert "in units" in text
    assert sum(Decimal(line["free_change_usd"]) for line in lines) == Decimal(
        ada_client.get("/api/v1/me/").json()["cash_usd"]
    )


def test_activity_can_be_narrowed_down(ada_client: Client, rich: User) -> None:
    text = read(ada_client.get("/activity/?kind=deposit&kind=withdrawal")).text
    assert "+$500.00" in text
    assert "−$30.00" in text
    assert "Invest in" not in text.split("Show everything")[1]
    page = read(ada_client.get("/activity/?kind=plan"))
    assert "Nothing of that kind" in page.text
    wrong = ada_client.get("/activity/?since=soon&index=nothing&kind=x")
    assert wrong.status_code == 200
    assert "since: write a day like 2026-01-31" in read(wrong).text
    answer = ada_client.get("/api/v1/activity/?kind=invest&limit=1").json()
    assert [line["kind"] for line in answer["results"]] == ["invest"]
    answer = ada_client.get(answer["next"]).json()
    assert [line["kind"] for line in answer["results"]] == ["invest"]
    assert answer["next"] is None
    assert ada_client.get("/api/v1/activity/?kind=x").status_code == 400
    assert ada_client.get("/api/v1/activity/?since=soon").status_code == 400


def test_lots_are_chosen_on_the_page(ada_client: Client, rich: User) -> None:
    order = rich.orders.get(side="redeem")
    at = f"/taxes/lots/{order.pk}/"
    assert at in read(ada_client.get("/taxes/2022/")).links
    second = Entry.objects.filter(reference__endswith=":settle", kind="units_issue").latest("id").pk
    # The form posts to its own address.
    answer = ada_client.post(at, {f"lot-{second}": "5"})
    assert answer.status_code == 422
    assert f"Nothing was changed: lot No. {second} does not hold 5 units." in read(answer).text
    assert ada_client.post(at, {f"lot-{second}": "0.5"}).headers["Location"] == "/taxes/2022/"
    assert LotChoice.objects.get().lot_id == second
    page = read(ada_client.get("/taxes/2022/")).text
    assert "your choice" in page
    assert "1 lot chosen" in page
    answer = ada_client.get(f"/api/v1/orders/{order.pk}/lots/").json()
    assert answer["chosen"] == [{"lot": second, "units": "0.5"}]
    submit(ada_client, "/taxes/2022/", "/taxes/2022/method/", method="hifo")
    assert TaxYear.objects.get().method == "hifo"
    assert "The year" in page


def test_a_year_is_closed_on_the_page(ada_client: Client, rich: User, world: Market) -> None:
    early = ada_client.post("/taxes/2022/close/", follow=True)
    assert "2022 is not over yet" in read(early).text
    world.time = datetime(2023, 1, 2, tzinfo=UTC)
    world.save()
    submit(ada_client, "/taxes/2022/", "/taxes/2022/close/")
    page = read(ada_client.get("/taxes/2022/"))
    assert "2022 was closed on" in page.text
    assert [form["action"] for form in page.forms if form["action"].startswith("/taxes")] == []
    refused = ada_client.patch("/api/v1/taxes/2022/", {"method": "lifo"}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "tax_year_closed")


def test_nobody_reads_what_is_not_theirs(ada_client: Client, rich: User, bob: User) -> None:
    order = rich.orders.get(side="redeem")
    stranger = Client()
    stranger.force_login(bob)
    for address in (
        "/statements/2022-02/",
        "/statements/2022-02/export.pdf",
        "/statements/2022-02/export.csv",
        f"/taxes/lots/{order.pk}/",
    ):
        assert ada_client.get(address).status_code == 200
        assert stranger.get(address).status_code == 404
        assert Client().get(address).status_code == 302
    for address in (
        "/taxes/2019/",
        "/taxes/2019/export.pdf",
        "/statements/nonsense/",
        "/statements/2022-13/",
    ):
        assert ada_client.get(address).status_code == 404
    for version in ("9", "x", "-1", "٣", "9" * 19):
        assert ada_client.get("/statements/2022-02/", {"version": version}).status_code == 404
    for version in ("x", "0", "32768"):
        refused = ada_client.get("/api/v1/statements/2022-02/", {"version": version})
        assert refused.status_code == 400
        assert [error["field"] for error in refused.json()["errors"]] == ["version"]
    assert ada_client.get("/api/v1/statements/2022-02/", {"version": "2"}).status_code == 404
    assert ada_client.get("/api/v1/statements/2022-02/", {"version": "1"}).json()["version"] == 1
    assert "written like 2026-01" in ada_client.get("/api/v1/statements/2022-2/").json()["detail"]
    assert "No statement yet" in read(stranger.get("/statements/")).text
    assert "You held nothing." in read(stranger.get("/taxes/2022/")).text
    assert Statement.objects.count() == 1
