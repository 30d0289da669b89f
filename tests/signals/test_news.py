"""News: whom a text names, each text once, daily counts and tones."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from signals.core.news import NAMES, Naming, news_readings, unique_items
from signals.providers.vader import Vader

ASSETS = ["bitcoin", "bitcoin-cash", "ethereum", "ripple", "solana", "maker"]


class Length:
    """A tone that can be worked out in the head: a tenth of the words, bad where the text says so."""

    name = "length"

    def score(self, text: str) -> float:
        return (-1.0 if "bad" in text else 1.0) * len(text.split()) / 10


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Bitcoin and Ethereum fall, BTC by 3%", ["bitcoin", "ethereum"]),
        ("Bitcoin Cash forks again", ["bitcoin-cash"]),
        ("Bitcoin Cash beats Bitcoin", ["bitcoin", "bitcoin-cash"]),
        ("Wrapped Bitcoin and Bitcoin SV are others'", []),
        ("A market maker and the Maker of things", []),
        ("MakerDAO votes", ["maker"]),
        ("XRP, (Solana) and Solana's rivals", ["ripple", "solana"]),
        ("Bitcoiners together, ETHZurich", []),
        ("ripple effects of solana", []),
        ("$BTC is how a ticker is shouted", []),
        ("", []),
    ],
)
def test_a_text_names_a_token_only_by_a_name_that_nothing_else_has(text: str, named: list[str]) -> None:
    assert Naming(ASSETS)(text) == named


def test_no_name_belongs_to_two_tokens() -> None:
    counts = Counter(name for names in NAMES.values() for name in names)
    assert [name for name, count in counts.items() if count > 1] == []


def items(*rows: tuple[str, str | None, str | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ts": pd.to_datetime([row[0] for row in rows]),
            "title": [row[1] for row in rows],
            "text": [row[2] for row in rows],
        }
    )


def test_a_text_counts_once_the_first_time() -> None:
    rows = items(
        ("2022-01-02 10:00", "Second", "Same  TEXT, here."),
        ("2022-01-01 09:00", "First", "same text here"),
        ("2022-01-01 08:00", None, "another text"),
        ("2022-01-01 08:00", "No text", None),
        ("2022-01-01 08:00", "No words", "..."),
    )
    assert unique_items(rows)["text"].tolist() == ["another text", "same text here"]


def test_days_have_a_count_and_a_mean_tone_of_each_token_and_of_the_market() -> None:
    rows = items(
        ("2022-01-01 00:00", None, "Bitcoin one two three"),
        ("2022-01-01 23:59", "Bad Ethereum", "bad Bitcoin day"),
        ("2022-01-02 00:00", None, "nobody is named here"),
    )
    made = news_readings(rows, assets=ASSETS, scorer=Length(), source="here")
    assert (made.family, made.source) == ("sentiment", "here")
    table: Any = made.rows.set_index([made.rows["asset"].fillna("market"), "day"])
    first, second = pd.Timestamp("2022-01-01"), pd.Timestamp("2022-01-02")
    assert table.loc[("bitcoin", first), ["news_count", "news_sent"]].tolist() == [2.0, pytest.approx(-0.05)]
    assert table.loc[("ethereum", first), ["news_count", "news_sent"]].tolist() == [1.0, pytest.approx(-0.5)]
    market = table.loc[("market", first)]
    assert market[["market_news_count", "market_news_sent"]].tolist() == [2.0, pytest.approx(-0.05)]
    assert np.isnan(market["news_count"])
    assert table.loc[("market", second), "market_news_count"] == 1.0
    assert table["known_at"].tolist() == [second, pd.Timestamp("2022-01-03"), second, second]
    assert len(table) == 4


def test_no_news_make_no_readings() -> None:
    assert len(news_readings(items(), assets=ASSETS, scorer=Length(), source="here").rows) == 0


def test_vader_hears_good_and_bad_news_and_says_its_version() -> None:
    scorer = Vader()
    assert scorer.score("Bitcoin crashes, investors fear heavy losses") < -0.3
    assert scorer.score("Great gains: adoption is a success") > 0.3
    assert scorer.score("The meeting is on Monday") == 0.0
    assert scorer.name.startswith("vader-3")
