"""Sentiment and attention: how often and in what tone the news name a token, and the mood of the market."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from signals.core.features.block import Block
from signals.core.features.observing import observed_feature, of_market, of_tokens
from signals.core.features.registry import declare
from signals.core.features.rolling import Series
from signals.core.panel import Array

WEEK = 7
NAMED_WITHIN = 364
"""A token that the news have not named for a year is one they do not follow: its silence says nothing."""

feature = partial(observed_feature, "sentiment")


def _feed_up(b: Block) -> npt.NDArray[np.bool_]:
    """[date x 1] Whether the feed carried news, of whatever, on three quarters of the last seven days."""
    feed = of_market(b, "market_news_count")
    return Series(np.where(feed > 0, feed, np.nan)[:, None]).enough(WEEK)


def _named(b: Block) -> Series:
    counts = of_tokens(b, "news_count").x
    return b.once("named", lambda: Series(np.where(counts > 0, counts, np.nan)))


@feature(
    "news_count_7", inputs="news", needs="news_count market_news_count", window=NAMED_WITHIN, unit="news"
)  # fmt: skip
def news_count(b: Block) -> Array:
    """News of 7 days that name the token; zero for one that was named within 364 days, else missing, as where the feed
    was silent. Source: Tetlock (2007); Rognone, Hyde & Zhang (2020)."""
    named = _named(b)
    followed = named.enough(NAMED_WITHIN, least=1)
    return np.where(followed & _feed_up(b), named.sum(WEEK), np.nan)


@feature(
    "news_sent_7", inputs="news", needs="news_count news_sent market_news_count", window=WEEK, unit="−1 to 1"
)  # fmt: skip
def news_sent(b: Block) -> Array:
    """Mean tone of the news of 7 days that name the token. Source: Hutto & Gilbert (2014), VADER; Tetlock (2007)."""
    named = _named(b)
    tone = Series(named.x * of_tokens(b, "news_sent").x)
    told = named.sum(WEEK)
    return np.where((told > 0) & _feed_up(b), tone.sum(WEEK) / told, np.nan)


@partial(declare, "sentiment")(
    "fear_greed", inputs="mood", needs="fear_greed", window=1, unit="0 to 100", shared=True
)  # fmt: skip
def fear_greed(b: Block) -> Array:
    """The fear & greed index as published on the day. Source: alternative.me."""
    return of_market(b, "fear_greed")
