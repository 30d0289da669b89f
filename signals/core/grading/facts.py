"""What a feature says of a token in words an investor knows, and which theme it belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Fact:
    """`more` and `less` are said before `than nine in ten graded tokens`; `span` after it; `theme` groups facts."""

    theme: str
    more: str
    less: str
    span: str


Words = tuple[str, str]

_STEADY = ("Its price has swung more", "Its price has been steadier")
_BEST_DAYS = ("Its best days have been wilder", "Its best days have been tamer")
_WORST_DAY = ("Its worst day has been milder", "Its worst day has been worse")
_BAD_DAYS = ("Its bad days have been milder", "Its bad days have been worse")
_RESTLESS = ("Its swings have grown more", "Its swings have grown less")
_JUMPS = ("It moves more by sudden jumps", "It moves less by sudden jumps")
_LOTTERY = ("It leans more on rare big gains", "It leans less on rare big gains")
_RISEN = ("It has risen more", "It has risen less")
_BEFORE = ("It rose more before the latest weeks", "It rose less before the latest weeks")
_REVERSAL = ("It fell more half a year and longer ago", "It fell less half a year and longer ago")
_ABOVE = ("It stands higher against its own average price", "It stands lower against its own average price")
_TREND = ("Its price trend points up more", "Its price trend points up less")
_RANGE = ("It trades nearer the top of its range", "It trades nearer the bottom of its range")
_HIGH = ("Its last high lies further back", "Its last high is more recent")
_FALL = ("It has fallen less from its peak", "It has fallen more from its peak")
_PATH = ("Its price moves straighter", "Its price moves less straight")
_VOLUME = ("Its trading volume has picked up more", "Its trading volume has picked up less")
_TURNOVER = ("More of its value changes hands", "Less of its value changes hands")
_TRADED = ("More of it is traded", "Less of it is traded")
_IMPACT = ("Its price gives way more to a trade", "Its price gives way less to a trade")
_BOUNCE = ("Its price bounces more between trades", "Its price bounces less between trades")
_STILL = ("It has stood still on more days", "It has stood still on fewer days")
_CAPACITY = ("It takes longer to buy in size", "It is quicker to buy in size")
_SIZE = ("Its market value is larger", "Its market value is smaller")
_RANK = ("Its market value is smaller", "Its market value is larger")
_COIN = ("One coin of it costs more", "One coin of it costs less")
_AGE = ("It has been traded for longer", "It has been traded for a shorter time")
_SUPPLY = ("Its supply has grown more", "Its supply has grown less")
_LINK = ("It moves more with the market", "It moves less with the market")
_SEASON = (
    "This time of the calendar has been kinder to it",
    "This time of the calendar has been harder on it",
)
_WEEKEND = ("Its weekends are livelier", "Its weekends are quieter")

_PATTERNS: tuple[tuple[str, str, Words], ...] = (
    (r"ewma_vol_94", "calm", _STEADY),  # 94 is a decay, not days
    (r"(?:vol|idio_vol|downside_dev|garch_fcst|ulcer|boll_width)_(\d+)d?", "calm", _STEADY),
    (r"(?:parkinson|garman_klass|yang_zhang|atr)_(\d+)(?:_pct)?", "calm", _STEADY),
    (r"max(?:_ret|5_avg)_(\d+)d", "calm", _BEST_DAYS),
    (r"min_ret_(\d+)d", "calm", _WORST_DAY),
    (r"c?var95_(\d+)", "calm", _BAD_DAYS),
    (r"vol_of_vol_(\d+)|vol_ratio_7_(\d+)", "calm", _RESTLESS),
    (r"jump_share_(\d+)|kurt_(\d+)", "calm", _JUMPS),
    (r"skew_(\d+)|updown_ratio_(\d+)|coskew_(\d+)", "calm", _LOTTERY),
    (r"(?:ret|sign_consistency|vw_mom|volscaled_mom|resid_mom|mom_accel)_(\d+)d?", "path", _RISEN),
    (r"mom_(\d+)_\d+", "path", _BEFORE),
    (r"lt_reversal_\d+_\d+", "path", _REVERSAL),
    (r"(?:px_sma|px_to_avg)_(\d+)", "path", _ABOVE),
    (r"sma_cross_\d+_(\d+)|slope_t_(\d+)|macd|macd_hist|(?:stoch_)?rsi_(\d+)", "path", _TREND),
    (r"di_diff_(\d+)|aroon_osc_(\d+)", "path", _TREND),
    (r"dist_(?:high|low)_(\d+)|donchian_pos_(\d+)|donchian_ensemble|boll_pctb_(\d+)", "path", _RANGE),
    (r"stoch_k_(\d+)|stoch_d_3|williams_r_(\d+)|cci_(\d+)", "path", _RANGE),
    (r"days_since_high_(\d+)", "path", _HIGH),
    (r"mdd_(\d+)|drawdown_now", "path", _FALL),
    (r"trend_r2_(\d+)|efficiency_(\d+)|hurst_(\d+)|var_ratio_7_(\d+)|adx_(\d+)", "path", _PATH),
    (r"vol_sma_(\d+)|vol_shock_7_(\d+)|vol_trend_(\d+)|volmacd", "volume", _VOLUME),
    (r"obv_slope_(\d+)|cmf_(\d+)|mfi_(\d+)", "volume", _VOLUME),
    (r"turnover_(?:sd_)?(\d+)", "volume", _TURNOVER),
    (r"(?:log|std)_dvol_(\d+)", "volume", _TRADED),
    (r"amihud_(\d+)", "volume", _IMPACT),
    (r"spread_(?:roll|cs|ar)_(\d+)", "volume", _BOUNCE),
    (r"zero_ret_share_(\d+)|stale_days_(\d+)", "volume", _STILL),
    (r"capacity_days_1m", "volume", _CAPACITY),
    (r"log_mcap|mcap_share", "size", _SIZE),
    (r"mcap_rank", "size", _RANK),
    (r"log_price|maxdprc_7", "size", _COIN),
    (r"age_days", "age", _AGE),
    (r"issuance_(\d+)", "supply", _SUPPLY),
    (r"(?:dimson_lag_)?beta_(?:mkt_|btc_|eth_)?(\d+)|downside_beta_(\d+)", "market", _LINK),
    (r"r2_(\d+)|corr_chg_(\d+)_\d+", "market", _LINK),
    (r"dow_mean_104w|month_mean_hist", "season", _SEASON),
    (r"weekend_vol_ratio_(\d+)", "season", _WEEKEND),
)


@cache
def fact(name: str) -> Fact:
    """The fact of the feature `name`. Raises KeyError for one that has no words yet."""
    for pattern, theme, (more, less) in _PATTERNS:
        found = re.fullmatch(pattern, name)
        if found:
            days = next((group for group in found.groups() if group), "")
            return Fact(theme, more, less, f" over {days} days" if days else "")
    raise KeyError(f"{name}: no words; add it to signals.core.grading.facts")
