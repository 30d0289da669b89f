"""What a draft of rules looks like: its backtest beside the base, drawn and told."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from indices import selectors as index_selectors
from indices.core.backtest import BacktestError
from indices.core.charting.lines import LinesChart, Named, lines_chart
from indices.core.levels import LevelError
from indices.core.prose import rules
from indices.core.rulebook import DecisionError, Rulebook
from indices.services import preview as previews
from portfolios.services import custom
from portfolios.views.visitors import person
from signals.core import figures

MEMBERS_SHOWN = 15
TOO_MANY = "You have asked for many previews within a minute. Wait a moment, then try again; nothing is lost."


@dataclass(frozen=True)
class Figure:
    """One statistic of the draft and of the base, as written; `help` says what it is."""

    name: str
    mine: str
    base: str
    help: str = ""


def preview_context(
    request: HttpRequest, rulebook: Rulebook, base: Rulebook, *, as_of: date, name: str = "Yours"
) -> dict[str, Any]:
    """What templates/portfolios/_preview.html needs; `refusal` instead of a preview where there can be none."""
    shown: dict[str, Any] = {"base_name": short(base), "rules": rules(rulebook)}
    if not custom.allowance_take(visitor(request)):
        return shown | {"refusal": TOO_MANY}
    try:
        preview = previews.preview(rulebook, base, as_of=as_of)
    except (previews.PreviewError, DecisionError, BacktestError, LevelError) as error:
        return shown | {"refusal": f"These rules cannot be computed: {error}"}
    members = member_lines(preview)
    return shown | {
        "preview": preview,
        "figures": statistics(preview),
        "chart": chart(preview, name),
        "members": members[:MEMBERS_SHOWN],
        "more_members": members[MEMBERS_SHOWN:],
        "widest": max((line["member"].weight for line in members), default=0),
        "left_out": left_out(preview),
        "years": (preview.end - preview.start).days / 365,
    }


def visitor(request: HttpRequest) -> str:
    """By what the previews of this visitor are counted."""
    if request.user.is_authenticated:
        return f"user:{person(request).pk}"
    return f"address:{BaseThrottle().get_ident(Request(request))}"


def chart(preview: previews.Preview, name: str) -> LinesChart | None:
    """Both lines over the same days."""
    return lines_chart(
        [Named("main", name, preview.level), Named("second", short(preview.base), preview.base_level)],
        write=figures.level,
    )


def short(rulebook: Rulebook) -> str:
    """The name of one of our indices where there is little room."""
    return (rulebook.name or rulebook.slug).removeprefix("Bellwether ")


def statistics(preview: previews.Preview) -> list[Figure]:
    """The figures of both, side by side. What needs a year is a dash under one."""
    mine, base = preview.metrics, preview.base_metrics

    def both(name: str, key: str, write: Any, told: str = "") -> Figure:
        return Figure(name, write(mine[key]), write(base[key]), told)

    return [
        both("Total return", "total_return", figures.signed_percent, "after the cost of trading"),
        both("Growth per year", "cagr", figures.signed_percent, "compound; needs a year at least"),
        both("Volatility", "volatility", figures.percent, "of daily returns, per year of 365 days"),
        both("Sharpe ratio", "sharpe", figures.ratio, "mean by deviation of daily returns, per year"),
        both(
            "Worst fall", "max_drawdown", figures.signed_percent, "from a peak to the lowest point after it"
        ),
        both("Turned over per year", "turnover_per_year", figures.percent, "half of buys plus sells"),
        both("Cost of trading in all", "cost_total", figures.percent, "already taken from the level"),
    ]


def member_lines(preview: previews.Preview) -> list[dict[str, Any]]:
    """The members at the last decision, the largest first, with their names."""
    names = index_selectors.token_names([member.slug for member in preview.members])
    return [
        {"member": member, "name": names[member.slug].name, "symbol": names[member.slug].symbol}
        for member in preview.members
        if member.slug in names
    ]


def left_out(preview: previews.Preview) -> list[dict[str, Any]]:
    """What only the base holds, with its weight there, the largest first."""
    names = index_selectors.token_names([slug for slug, _ in preview.left_out])
    return [
        {"name": names[slug].name, "weight": weight}
        for slug, weight in preview.left_out[:MEMBERS_SHOWN]
        if slug in names
    ]
