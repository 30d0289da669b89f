"""The rulebook in plain words: what the public reads is made from what the engine runs."""

from dataclasses import dataclass

from indices.core.rulebook.clauses import Rulebook
from indices.core.rulebook.terms import Exclusion, FreeFloat
from indices.core.rulebook.values import Threshold
from signals.core import figures

RANKED_BY = {
    "market_cap": "market capitalisation",
    "smoothed_market_cap": "market capitalisation, smoothed over several days",
    "grade": "Bellwether grade",
}
WEIGHTED_BY = {
    "market_cap": "in proportion to market capitalisation",
    "sqrt_market_cap": "in proportion to the square root of market capitalisation, which leans less on the largest",
    "equal": "equally",
    "inverse_volatility": "in inverse proportion to volatility, so that calmer tokens weigh more",
    "risk_parity": "so that each token contributes the same share of risk",
    "min_variance": "so that the variance of the whole is as small as it can be",
    "grade_tilt": "by market capitalisation, tilted toward higher grades",
}
EVERY = {
    "daily": "every day",
    "monthly": "on the last day of each month",
    "quarterly": "on the last day of each quarter",
}


@dataclass(frozen=True)
class Rule:
    """One clause in words."""

    title: str
    text: str


def rules(rulebook: Rulebook) -> list[Rule]:
    """The rules of an index as an investor reads them, in the order in which the engine applies them."""
    found = [
        Rule("What may enter", universe(rulebook)),
        Rule("What it must show", screens(rulebook)),
        Rule("How many", selection(rulebook)),
        Rule("How much of each", weighting(rulebook)),
        Rule("When", calendar(rulebook)),
        Rule("What trading costs", costs(rulebook)),
        Rule("When a token dies", delisting(rulebook)),
    ]
    if rulebook.overlay.regime:
        found.insert(4, Rule("When the market turns", shelter(rulebook)))
    if rulebook.fees.management_bps:
        found.insert(-1, Rule("What holding costs", fees(rulebook)))
    if rulebook.tokenized:
        found.append(Rule("As a token", "The index is also issued as a token on a chain."))
    return found


def universe(rulebook: Rulebook) -> str:
    """Which tokens are considered."""
    clause = rulebook.universe
    first = (
        f"Tokens of the kind {listed(clause.categories, 'or')}"
        if clause.categories
        else "Every token with a price"
    )
    if clause.exclude_categories:
        first += f", except {listed(clause.exclude_categories, 'and')} tokens"
    names = tuple(item if isinstance(item, str) else dated(item) for item in clause.exclude)
    named = f" Left out by name: {listed(names, 'and')}." if names else ""
    return f"{first}.{named}"


def dated(exclusion: Exclusion) -> str:
    """An exclusion with its time and reason."""
    told = exclusion.asset
    if exclusion.from_ is not None:
        told += f" from {exclusion.from_} on"
    if exclusion.until is not None:
        told += f" until {exclusion.until}"
    return f"{told} ({exclusion.reason})" if exclusion.reason else told


def screens(rulebook: Rulebook) -> str:
    """The thresholds of entry and stay."""
    clause = rulebook.screens
    parts = []
    if clause.min_market_cap:
        parts.append(f"market capitalisation of {doors(clause.min_market_cap)}")
    if clause.min_median_volume_30d:
        parts.append(f"median daily volume over 30 days of {doors(clause.min_median_volume_30d)}")
    if clause.min_age_days:
        parts.append(f"a price history of {clause.min_age_days} days")
    if clause.min_grade:
        enter, stay = clause.min_grade.enter, clause.min_grade.stay
        parts.append(
            f"a grade of {enter:g}" if enter == stay else f"a grade of {enter:g} to enter, {stay:g} to stay"
        )
    return f"At least: {'; '.join(parts)}." if parts else "No further conditions."


def selection(rulebook: Rulebook) -> str:
    """Ranking, count and buffer."""
    clause = rulebook.selection
    text = f"The top {clause.count} by {RANKED_BY[clause.rank_by]}."
    if clause.buffer:
        last = clause.count + clause.buffer
        text += f" A token already in stays until it falls below rank {last}, which saves trades."
    if clause.review != "always":
        period = {"monthly": "month", "quarterly": "quarter"}[clause.review]
        text += f" Members are chosen anew once a {period}; in between they are only weighted anew."
    return text


def weighting(rulebook: Rulebook) -> str:
    """Scheme, cap and floor."""
    clause = rulebook.weighting
    text = f"Weighted {WEIGHTED_BY[clause.scheme]}."
    if clause.smoothing_days and clause.scheme in ("market_cap", "sqrt_market_cap", "grade_tilt"):
        kind = "exponentially weighted mean" if clause.smoothing == "ewma" else "mean"
        text += f" Market capitalisation is the {kind} of {clause.smoothing_days} days."
    if clause.tilt != 1:
        text += f" The tilt is (grade / 100) to the power of {clause.tilt:g}."
    if clause.free_float:
        text += (
            f" Of these only a part of the capitalisation counts: {listed(floats(clause.free_float), 'and')}."
        )
    if clause.max_weight_largest is not None:
        text += (
            f" The largest token may weigh up to {share(clause.max_weight_largest)}, every other up to "
            f"{share(clause.max_weight)}; what lies above is spread over the others."
        )
    elif clause.max_weight < 1:
        text += f" No token above {share(clause.max_weight)}; what lies above is spread over the others."
    for category, most in clause.max_weight_groups:
        text += f" All {category} tokens together weigh no more than {share(most)}."
    if clause.min_weight:
        text += f" None below {share(clause.min_weight)}."
    return text


def floats(free_float: FreeFloat) -> tuple[str, ...]:
    """Each free float in words."""
    return tuple(
        f"{asset} {', then '.join(share(part) + (f' from {first}' if first else '') for first, part in steps)}"
        for asset, steps in free_float.items
    )


def shelter(rulebook: Rulebook) -> str:
    """Where the overlay goes, and how far."""
    clause = rulebook.overlay
    basket = clause.basket
    names = (
        tuple(basket)
        if len(basket) == 1
        else tuple(f"{name} ({share(part)})" for name, part in basket.items())
    )
    text = f"The risk share of the market regime stays invested; the rest waits in {listed(names, 'and')}."
    if len(basket) > 1:
        text += " The part of one without a price goes to the others."
    if clause.max_issuer < 1:
        text += (
            f" No more than {share(clause.max_issuer)} of the index waits in one of them; what finds no place stays "
            "invested."
        )
    return text


def calendar(rulebook: Rulebook) -> str:
    """When it is decided and traded."""
    clause = rulebook.calendar
    when = f"every {clause.weekday.capitalize()}" if clause.frequency == "weekly" else EVERY[clause.frequency]
    days = {0: "at the same close", 1: "at the close of the next day"}.get(
        clause.lag_days, f"at the close {clause.lag_days} days later"
    )
    text = f"Decided {when} at the close (24:00 UTC), traded {days}."
    if clause.announce_days is not None:
        ahead = {0: "on the day of the trade", 1: "on the day before the trade"}
        told = ahead.get(clause.announce_days, f"{clause.announce_days} days before the trade")
        text += f" The decision is announced {told}."
    if rulebook.trading.drift_band:
        text += f" A token within {share(rulebook.trading.drift_band)} of its target is left alone."
    if rulebook.trading.max_turnover is not None:
        text += f" At most {share(rulebook.trading.max_turnover)} of the index is turned over at once."
    return text


def costs(rulebook: Rulebook) -> str:
    """What the published level pays for trading."""
    basis = rulebook.costs.fee_bps + rulebook.costs.half_spread_bps
    impact = " plus a charge that grows with the size of the trade" if rulebook.costs.impact else ""
    paid = f"The published level pays {basis / 100:g}% of every amount bought or sold{impact}."
    for tier in rulebook.costs.tiers:
        volume = figures.compact_usd(tier.min_median_volume)
        fee = (rulebook.costs.fee_bps + tier.half_spread_bps) / 100
        paid += f" From a median daily volume of {volume} on it is {fee:g}%."
    return f"{paid} The first purchase counts too."


def fees(rulebook: Rulebook) -> str:
    """What a holder pays by the year."""
    yearly = rulebook.fees.management_bps / 100
    return f"{yearly:g}% a year, day by day. The published level is before this fee; the net-of-fee level is after."


def delisting(rulebook: Rulebook) -> str:
    """What happens without a price."""
    clause = rulebook.delisting
    loss = (
        "counts as lost entirely" if clause.return_ == -1 else f"is written down by {share(-clause.return_)}"
    )
    if clause.return_ == 0:
        loss = "is sold at its last price"
    return f"Its last price is held for {clause.after_missing_days} days without a new one; then the position {loss}."


def doors(threshold: Threshold) -> str:
    """A threshold with its two sides."""
    enter, stay = figures.compact_usd(threshold.enter), figures.compact_usd(threshold.stay)
    return enter if enter == stay else f"{enter} to enter, {stay} to stay"


def listed(words: tuple[str, ...], joint: str) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}"


def share(fraction: float) -> str:
    """0.25 -> `25%`."""
    return f"{fraction * 100:g}%"
