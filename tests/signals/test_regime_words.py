"""What the regime page says and draws: exact words and places for made figures."""

from datetime import date, timedelta

import numpy as np
import pytest

from signals.core.observations import Observations, Observed
from signals.core.regime import RegimeRules, regime
from signals.core.regime.drawing import STEPS, Point, gauge, history_chart
from signals.core.regime.wording import Held, account, held_alike, lines, next_look, reckoning, verdict
from tests.signals.test_regime import SMALL, market

RULES = RegimeRules()
READ: dict[str, float | None] = {
    "trend_50": 0.062,
    "trend_100": -0.136,
    "trend_200": None,
    "leader_50": 0.01,
    "leader_100": 0.02,
    "leader_200": 0.03,
    "breadth": 0.61,
    "volatility": 0.8,
    "correlation": 0.697,
    "stablecoin_flow": -0.0258,
}


def test_every_reading_says_what_it_is_and_how_it_votes() -> None:
    said = {line.name: line for line in lines(READ, RULES, leader="Bitcoin")}
    assert list(said)[:7] == [f"{line}_{days}" for line in ("trend", "leader") for days in (50, 100, 200)] + [
        "breadth"
    ]
    assert said["trend_50"].text == "The market stands 6.2% above its mean of 50 days."
    assert (said["trend_50"].shown, said["trend_50"].vote) == ("+6.2%", "for")
    assert said["trend_100"].text == "The market stands 13.6% below its mean of 100 days."
    assert said["trend_100"].vote == "against"
    assert said["trend_200"].vote == "unknown"
    assert said["leader_50"].title == "Bitcoin, 50 days"
    assert said["breadth"].vote == "for"
    assert said["volatility"].text.startswith("80% a year over 60 days, above the 50%")
    assert said["volatility"].vote == "shrinks"
    assert (said["correlation"].shown, said["correlation"].vote) == ("0.70", "no vote")
    assert said["stablecoin_flow"].text == "Stablecoins shrank by 2.6% in 30 days."
    assert not {"leader_mvrv", "leader_funding", "fear_greed"} & set(said)


def test_what_is_observed_is_said_where_it_is_known() -> None:
    seen = READ | {"leader_mvrv": 0.837, "leader_funding": 0.0000572, "fear_greed": 25.0, "volatility": 0.4}
    said = {line.name: line for line in lines(seen, RULES, leader="Bitcoin")}
    assert said["leader_mvrv"].text.endswith(
        "0.84 times what its owners paid on average: they sit on a loss."
    )
    assert "those who bet on a rise pay: 0.006% per 8 hours" in said["leader_funding"].text
    assert said["fear_greed"].shown == "25"
    assert {said[name].vote for name in ("leader_mvrv", "leader_funding", "fear_greed")} == {"no vote"}
    assert said["volatility"].vote == "no vote"


def test_nothing_known_is_said_as_unknown() -> None:
    said = lines({}, RULES, leader="")
    assert {line.vote for line in said} == {"unknown"}
    assert said[3].title == "The largest token, 50 days"
    assert reckoning({}, None, RULES).startswith("Too little is known")


def test_the_reckoning_multiplies_votes_and_volatility() -> None:
    assert reckoning(READ, 5 / 6 * 0.5 / 0.8, RULES).startswith(
        "5 of 6 votes are for the market, times 0.62 for its volatility: 52% wanted."
    )


def test_each_step_has_a_verdict_and_one_arc_of_the_gauge() -> None:
    assert len({verdict(step) for step in STEPS}) == 5
    drawn = gauge(75)
    assert [step.is_reached for step in drawn.steps] == [True, True, True, True, False]
    assert [step.percent for step in drawn.steps if step.is_here] == [75]
    assert len({step.path for step in drawn.steps}) == 5
    assert float(gauge(0).needle_x) < 130 < float(gauge(100).needle_x)
    assert gauge(50).needle_x == "130.0"


def test_the_next_look_is_the_next_sunday_and_never_today() -> None:
    assert next_look(date(2022, 12, 31), RULES) == date(2023, 1, 1)
    assert next_look(date(2023, 1, 1), RULES) == date(2023, 1, 8)
    assert next_look(date(2023, 1, 2), RULES) == date(2023, 1, 8)


def test_holding_the_same_share_all_the_time() -> None:
    held = held_alike([1.0, 2.0, 1.0], 0.5)
    assert held.value == pytest.approx(1.5 * 0.75)
    assert held.drawdown == pytest.approx(-0.25)
    assert held_alike([1.0], 0.5) == Held(1.0, 0.0)


def test_the_account_tells_both_sides() -> None:
    kept = {
        "followed": 2.5,
        "passive": 4.0,
        "followed_drawdown": -0.4,
        "passive_drawdown": -0.8,
        "cash": 0.6,
        "loss_avoided": 0.62,
        "upside_missed": 0.58,
        "switches": 12.0,
        "cost": 0.0126,
    }
    said = account(kept, first=date(2020, 1, 1), day=date(2021, 1, 1), alike=Held(3.0, -0.35))
    assert len(said) == 5
    assert " ".join(said) == (
        "From 1 January 2020 to 1 January 2021 following it would have made 2,500 out of 1,000, less than the 4,000 "
        "of staying in the market. Its worst fall was 40%, the market’s 80%. It was in cash 60% of the time. That "
        "kept it out of 62% of the sum of all daily falls, and out of 58% of all daily rises. It moved 12 times, "
        "which cost 1.3% of its value altogether. Holding 40% of the market on every day, without any timing, would "
        "have made 3,000 and fallen 35%, no more than the regime did: against that, timing took away 500."
    )


def test_the_history_has_two_lines_from_a_thousand_and_a_step_area() -> None:
    first = date(2022, 1, 1)
    shares = [100, 100, 50, 50, 0]
    points = [
        Point(first + timedelta(days=at), percent, 2.0 + at, 4.0 + at / 2)
        for at, percent in enumerate(shares)
    ]
    chart = history_chart(points)
    assert chart is not None
    assert (chart.market.value, chart.regime.value) == ("3,000", "1,500")
    assert chart.band == "M0 1000L0 0H500.0V500H1000.0V1000H1000V1000Z"
    assert chart.description.endswith("The risk share was 100% then and is 0% now; its average is 60%.")
    assert '["3 Jan 2022","regime 1,250, market 2,000, 50% in",0.5,' in chart.points
    assert float(chart.market.end_top.rstrip("%")) < float(chart.regime.end_top.rstrip("%"))
    assert history_chart(points[:1]) is None


def test_names_of_lines_that_end_together_stand_apart() -> None:
    first = date(2022, 1, 1)
    alike = [Point(first + timedelta(days=at), 100, 1.0 + at, 1.0 + at) for at in range(3)]
    chart = history_chart(alike)
    assert chart is not None
    tops = [float(curve.label_top.rstrip("%")) for curve in (chart.market, chart.regime)]
    assert abs(tops[0] - tops[1]) >= 9.9
    assert min(tops) >= 2.0


def test_observations_of_the_largest_token_become_readings_without_a_vote() -> None:
    panel = market(120)
    plain = regime(panel, SMALL)
    slug = plain.leader.iloc[-1]
    days = np.arange(120, dtype=np.float64)
    seen = Observations(
        {
            "CapMVRVCur": Observed((slug,), (1 + days / 100)[:, None]),
            "funding_rate": Observed((slug,), (days / 1e6)[:, None]),
            "fear_greed": Observed(None, days[:, None]),
        }
    )
    told = regime(panel.observing(seen), SMALL)
    last = told.readings.iloc[-1]
    assert last["leader_mvrv"] == 2.19
    assert last["leader_funding"] == pytest.approx(116e-6)
    assert last["fear_greed"] == 119
    assert told.readings["leader_mvrv"][told.leader != slug].isna().all()
    assert plain.readings[["leader_mvrv", "leader_funding", "fear_greed"]].isna().all(axis=None)
    assert told.wanted.equals(plain.wanted)
