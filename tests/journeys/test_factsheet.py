"""The page of an index: charts, twin, holdings drawn; the list by family; two indices compared. Known by heart."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from indices.models import Decision, Index, IndexLevel, RulebookVersion, TargetWeight
from indices.selectors import performance
from indices.selectors.composition import changes, composition, invested_shares
from indices.selectors.factsheet import factsheet
from indices.selectors.overview import performances, recent_levels
from signals.models import Asset, Market
from tests.journeys.reading import read
from tests.journeys.worlds import FIRST_DAY, TODAY, index_create

pytestmark = pytest.mark.django_db

BODY = {
    "slug": "ai-small",
    "name": "Bellwether AI Small",
    "family": "ai",
    "base": {"level": 1000, "date": "2022-01-01"},
    "overlay": {"regime": True, "risk_off": "delta"},
}


def decide(index: Index, as_of: date, weights: dict[str, str], *, note: str = "") -> Decision:
    """A decision traded the day after; `delta` plays the stablecoin."""
    year, week, _ = as_of.isocalendar()
    made = Decision.objects.create(
        index=index,
        rulebook=index.versions.get(version=1),
        as_of=as_of,
        effective_on=as_of + timedelta(days=1),
        epoch=f"{year}-W{week:02d}",
        input_hash="0" * 64,
        turnover=0.5,
        note=note,
    )
    TargetWeight.objects.bulk_create(
        TargetWeight(decision=made, asset=Asset.objects.get(slug=slug), weight=Decimal(weight), rank=rank)
        for rank, (slug, weight) in enumerate(weights.items(), start=1)
    )
    return made


@pytest.fixture
def ai(world: Market) -> Index:
    """An AI index with the overlay that fell to a half in the market, and its twin that only climbed."""
    index = Index.objects.create(
        slug="ai-small", name="Bellwether AI Small", family=Index.Family.AI, position=10, is_tokenized=True
    )
    RulebookVersion.objects.create(index=index, version=1, body=BODY, digest="ai-small")
    twin = Index.objects.create(
        slug="ai-small-passive",
        name="Bellwether AI Small, passive",
        family=Index.Family.AI,
        kind=Index.Kind.TWIN,
        twin_of=index,
        is_published=False,
    )
    RulebookVersion.objects.create(index=twin, version=1, body=BODY | {"slug": twin.slug}, digest="twin")
    span = (TODAY - FIRST_DAY).days + 1
    IndexLevel.objects.bulk_create(
        IndexLevel(index=one, date=FIRST_DAY + timedelta(days=number), level=level(number))
        for one, level in ((index, lambda day: 1000.0 - 5 * day), (twin, lambda day: 1000.0 + 5 * day))
        for number in range(span)
    )
    decide(index, FIRST_DAY + timedelta(days=5), {"alpha": "0.6", "beta": "0.4"})
    decide(index, FIRST_DAY + timedelta(days=20), {"alpha": "0.3", "gamma": "0.2", "delta": "0.5"})
    return index


def points(html: str, chart: int) -> Any:
    """What the crosshair reads out on the `chart`th chart of the page."""
    found = re.findall(r'data-points="([^"]*)"', html)
    return json.loads(found[chart].replace("&quot;", '"').replace("&#x27;", "'"))


def test_charts_of_a_plain_index(client: Client, world: Market) -> None:
    html = client.get("/indices/sqrt-30/?range=all").content.decode()
    text = read(client.get("/indices/sqrt-30/?range=all")).text
    levels = points(html, 0)
    # Its reference, the market index, stands beside it.
    assert levels[0] == ["1 Jan 2022", "Square Root 30 1,000.00, Global 100 1,000.00", 0.0, levels[0][3]]
    assert levels[-1][1] == "Square Root 30 1,400.00, Global 100 1,400.00"
    falls = points(html, 1)
    lowest = min(falls, key=lambda point: -point[3][0])
    # From 1,190 to 600.
    assert lowest[:2] == ["21 Jan 2022", "Square Root 30 −50%, Global 100 −50%"]
    weights = points(html, 2)
    assert weights[-1][1] == "ALP 40%, BET 30%, GAM 15%, DEL 10%, EPS 5%"
    assert "Show as a table" in text
    assert "passive twin" not in text
    assert "in the market" not in text


def test_an_ai_index_stands_beside_its_twin_with_the_regime_under_it(client: Client, ai: Index) -> None:
    response = client.get("/indices/ai-small/?range=all")
    html, text = response.content.decode(), read(response).text
    assert points(html, 0)[-1][1] == "AI Small 800.00, Passive twin 1,200.00"
    assert "Since the start ▼ −20.0% passive twin +20.0%" in text
    assert "Worst fall ▼ −20.0% passive twin 0.0%" in text
    assert "Tokenized" in text
    # Wholly in the market from day 6, half of it from day 21 on, forty days in all.
    assert 'd="M150.0 1000V0.0H525.0V500.0H1000V1000Z"' in html
    assert "50% now" in text
    assert "AI-powered" in text
    assert points(html, 2)[-1][1] == "Stablecoins 50%, ALP 30%, GAM 20%"


def test_ranges_scales_and_windows_keep_one_another(client: Client, world: Market) -> None:
    page = read(client.get("/indices/global-100/?range=1m&scale=log&window=30"))
    assert "?range=all&scale=log&window=30" in page.links
    assert "?range=1m&window=30" in page.links
    assert "?range=1m&scale=log" in page.links
    assert "logarithmic scale" in page.text
    assert "12 Jan 2022 to 10 Feb 2022" in page.text or "11 Jan 2022 to 10 Feb 2022" in page.text


def test_a_start_of_ones_own(client: Client, world: Market) -> None:
    page = read(client.get("/indices/global-100/?start=2022-01-25&scale=linear"))
    assert "25 Jan 2022 to 10 Feb 2022" in page.text
    assert "?start=2022-01-25" in page.links
    assert "?range=all&scale=linear" in page.links
    wrong = {
        "soon": "start: write a day like 2021-06-30, not &#x27;soon&#x27;. This is 1Y.",
        "2022-02-10": "start: must lie before 10 February 2022. This is 1Y.",
    }
    for written, complaint in wrong.items():
        response = client.get("/indices/global-100/", {"start": written})
        assert response.status_code == 200
        assert complaint in response.content.decode()


def test_the_fragment_is_part_of_the_page(client: Client, ai: Index) -> None:
    address = "/indices/ai-small/?start=2022-01-10&window=30"
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="range-chart"')
    assert part.strip() in client.get(address).content.decode()


def test_holdings_are_drawn_by_weight_with_their_change(client: Client, world: Market) -> None:
    page = client.get("/indices/global-100/").content.decode()
    drawn = re.findall(r'aria-label="(\w+) ([\d.]+)%, ([^"]+) in a week"', page)
    # Every close grows by 1 % of the first a day: from 1.33 to 1.40 in a week.
    assert {change for _, _, change in drawn} == {"+5.3%"}
    assert [name for name, _, _ in drawn] == ["Alpha", "Beta", "Gamma", "Delta", "Epsilon"]
    assert sum(float(weight) for _, weight, _ in drawn) == pytest.approx(100, abs=0.2)


def test_an_index_without_history_says_so(client: Client, world: Market) -> None:
    Index.objects.create(slug="ai-later", name="AI Later", family=Index.Family.AI)
    RulebookVersion.objects.create(
        index=Index.objects.get(slug="ai-later"), version=1, body=BODY | {"slug": "ai-later"}, digest="later"
    )
    page = read(client.get("/indices/ai-later/"))
    assert page.offences == []
    assert "Nothing to draw yet" in page.text
    assert "Nothing is held yet" in page.text
    assert "Its history has not begun yet." in read(client.get("/indices/")).text


def test_the_list_goes_by_family_and_shows_the_twin(client: Client, ai: Index) -> None:
    page = read(client.get("/indices/"))
    assert "Market cap" in page.text
    assert "AI-powered" in page.text
    assert page.text.index("Bellwether Global 100") < page.text.index("Bellwether AI Small")
    assert "Tokenized" in page.text
    assert "−20.0%twin 0.0%" in page.text.replace("% twin", "%twin")
    assert [link for link in page.links if "passive" in link] == []
    only = read(client.get("/indices/?family=ai"))
    assert "Bellwether AI Small" in only.text
    assert "Bellwether Global 100" not in only.text
    part = client.get("/indices/?family=ai", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="families"')
    unknown = read(client.get("/indices/?family=none"))
    assert "Bellwether Global 100" in unknown.text


def test_the_list_costs_the_same_for_many_indices(
    client: Client, world: Market, django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        index_create(f"more-{number}", f"More {number}", 20 + number)
    with django_assert_max_num_queries(12):
        assert client.get("/indices/").status_code == 200


def test_the_page_of_an_index_costs_a_bounded_number_of_queries(
    client: Client, ai: Index, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(90):
        client.get("/indices/ai-small/?range=all")


def test_home_shows_the_families(client: Client, ai: Index) -> None:
    text = read(client.get("/")).text
    assert "Market cap" in text
    assert "passive twin" in text
    assert "stablecoins when the regime turns" in text


def test_two_indices_compared(client: Client, ai: Index) -> None:
    response = client.get("/indices/compare/?a=ai-small&b=global-100")
    page, html = read(response), response.content.decode()
    assert page.offences == []
    assert points(html, 0)[-1][1] == "AI Small 800.00, Global 100 1,400.00"
    assert "Since 1 January 2022 ▼ −20.0% ▲ +40.0%" in page.text
    assert "Worst fall since then ▼ −20.0% ▼ −49.6%" in page.text
    # Alpha 30 and 40, gamma 20 and 15, delta 50 and 10 % at the targets, drifted alike: 30 + 15 + 10.
    assert "3 tokens in common; 55.0% of the weight is the same" in page.text
    assert "Tokens held 3 5" in page.text
    # 40 days are too few for a figure per year, and enough for a worst day: 1,190 to 600.
    assert "Growth per year – –" in page.text
    assert "Worst day −0.62% −49.58%" in page.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "Compare two indices"),
        ("?a=global-100&b=none", "There is no index named none. Choose two of these."),
        ("?a=global-100&b=global-100", "These are the same index."),
        ("?a=global-100&b=ai-later", "Nothing to compare yet"),
    ],
)
def test_comparing_needs_two(client: Client, world: Market, query: str, said: str) -> None:
    later = Index.objects.create(slug="ai-later", name="AI Later", family=Index.Family.AI)
    RulebookVersion.objects.create(index=later, version=1, body=BODY | {"slug": "ai-later"}, digest="later")
    response = client.get(f"/indices/compare/{query}")
    assert response.status_code == 200
    assert said in read(response).text


def test_figures_of_many_are_those_of_each(world: Market, ai: Index) -> None:
    indices = list(Index.objects.all())
    found = performances(indices, as_of=TODAY)
    assert len(indices) == 4
    for index in indices:
        assert found[index.pk] == performance(index, as_of=TODAY)
    early = performances(indices, as_of=FIRST_DAY + timedelta(days=3))
    assert early[ai.pk].level == 985.0
    assert performances(indices, as_of=FIRST_DAY - timedelta(days=1)) == {}
    assert performances([], as_of=TODAY) == {}
    assert recent_levels([ai], as_of=TODAY, days=2) == {ai.pk: [805.0, 800.0]}


def test_composition_sums_to_one_on_every_day(ai: Index) -> None:
    found = composition(ai, as_of=TODAY)
    assert found is not None
    bought = [FIRST_DAY + timedelta(days=number) for number in (6, 21)]
    assert found.days == [*bought, TODAY]
    assert {held.slug: held.weights for held in found.largest} == {
        "alpha": pytest.approx([0.6, 0.3, 0.3]),
        "beta": pytest.approx([0.4, 0.0, 0.0]),
        "gamma": pytest.approx([0.0, 0.2, 0.2]),
    }
    assert [held.slug for held in found.largest] == ["alpha", "beta", "gamma"]
    assert found.waiting == [0.0, 0.5, 0.5]
    assert found.rest == pytest.approx([0.0, 0.0, 0.0])
    assert invested_shares(ai, as_of=TODAY) == [(bought[0], 1.0), (bought[1], 0.5)]
    # What was in force at the start is carried to it; before the second purchase nothing is known of it.
    cut = composition(
        ai, as_of=bought[1] - timedelta(days=1), start=FIRST_DAY + timedelta(days=10), largest=1
    )
    assert cut is not None
    assert cut.days == [FIRST_DAY + timedelta(days=10), bought[1] - timedelta(days=1)]
    assert cut.largest[0].weights == pytest.approx([0.6, 0.6])
    assert cut.rest == pytest.approx([0.4, 0.4])
    assert composition(ai, as_of=FIRST_DAY) is None


def test_composition_keeps_the_first_and_the_last_of_many(ai: Index) -> None:
    for week in range(22, 38):
        made = FIRST_DAY + timedelta(days=week)
        Decision.objects.filter(index=ai, epoch=f"D{week}").delete()
        decision = decide_on(ai, made, f"D{week}")
        TargetWeight.objects.create(
            decision=decision, asset=Asset.objects.get(slug="alpha"), weight=Decimal(1)
        )
    found = composition(ai, as_of=TODAY, points=4)
    assert found is not None
    assert len(found.days) <= 6
    assert found.days[0] == FIRST_DAY + timedelta(days=6)
    assert found.largest[0].weights[-2:] == [1.0, 1.0]


def decide_on(index: Index, as_of: date, epoch: str) -> Decision:
    """A bare decision under its own epoch."""
    return Decision.objects.create(
        index=index,
        rulebook=index.versions.get(version=1),
        as_of=as_of,
        effective_on=as_of + timedelta(days=1),
        epoch=epoch,
        input_hash="0" * 64,
        turnover=0.1,
    )


def test_changes_are_left_out_where_a_close_is_missing(world: Market) -> None:
    Asset.objects.create(slug="young", symbol="YNG", name="Young", first_day=TODAY)
    assert changes(["alpha", "young"], as_of=TODAY, days=7) == {"alpha": pytest.approx(1.40 / 1.33 - 1)}
    assert changes([], as_of=TODAY, days=7) == {}


def test_the_statistics_are_those_of_the_sheet_and_lead_to_their_formulas(client: Client, ai: Index) -> None:
    page = read(client.get("/indices/ai-small/"))
    sheet = factsheet(ai, as_of=TODAY)
    assert sheet is not None
    for key in ("performance", "risk", "relative", "composition"):
        section = sheet.section(key)
        assert section is not None
        assert section.title in page.text
        for row in section.rows:
            told = " ".join((row.label, *(cell.text for cell in row.cells)))
            assert told in page.text
            assert f"/indices/formulas/#{row.key}" in page.links
    # From 1,000 on 1 January to 850 at its end and 800 on 10 February.
    assert "2022 −15.0%* −5.9%*" in page.text
    assert "1 −20.0% 1 Jan 2022 10 Feb 2022 not yet 40 days" in page.text
    assert "/indices/ai-small/export.csv?as_of=2022-02-10" in page.links
    assert "/indices/ai-small/receipts/" in page.links
    months = client.get("/indices/ai-small/").content.decode()
    assert re.search(r'class="num down-2">\s*−15.0%', months)


def test_a_sealed_decision_shows_nothing_before_it_is_traded(
    client: Client, ai: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = decide(ai, TODAY, {"epsilon": "1"})
    monkeypatch.setattr("indices.selectors.rebalances.sealed_decisions", lambda ids: {sealed.pk} & set(ids))
    html = client.get("/indices/ai-small/?range=all").content.decode()
    text = read(client.get("/indices/ai-small/?range=all")).text
    assert "Sealed until the close of 11 February 2022." in text
    assert "Epsilon" not in html
    assert "EPS" not in html


def test_what_is_wrong_with_an_index_stands_at_the_top(client: Client, ai: Index) -> None:
    decide(ai, TODAY, {"alpha": "1"}, note="fully invested: no regime is known")
    text = read(client.get("/indices/ai-small/")).text
    assert "Decided on 2022-02-10 without all it should know: fully invested: no regime is known." in text
    assert text.index("without all it should know") < text.index("Since the start")
