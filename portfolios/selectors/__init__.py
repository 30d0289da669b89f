"""Questions put to the books: whose money is it, where is it, and what happened to it."""

from portfolios.selectors.activity import activity
from portfolios.selectors.balances import cash, reserved
from portfolios.selectors.custom import (
    custom_index,
    custom_index_in_use,
    custom_index_queryset,
    custom_index_shared,
    custom_indices,
    custom_indices_left,
)
from portfolios.selectors.holdings import holding, holdings
from portfolios.selectors.minimums import MINIMUM_INVESTMENT, index_minimum
from portfolios.selectors.operations import dealing_at_rest
from portfolios.selectors.orders import order, order_queryset, order_row, orders, switch
from portfolios.selectors.plans import (
    index_allowed,
    invoices,
    plan_needed,
    plan_of,
    plan_row,
    plans,
    subscription_of,
)
from portfolios.selectors.previews import invest_preview, redeem_preview, switch_preview
from portfolios.selectors.rebalances import (
    last_rebalance,
    rebalance_counts,
    rebalance_history,
    rebalance_open,
)
from portfolios.selectors.records import (
    ActivityLine,
    Holding,
    InvoiceRow,
    NavPointRow,
    OrderPreview,
    OrderRow,
    PlanRow,
    PortfolioValue,
    Position,
    RebalanceRow,
    SubscriptionRow,
    TradeLine,
)
from portfolios.selectors.stops import PriceNotice, Stop, price_notices, stops
from portfolios.selectors.valuations import nav_history, portfolio, portfolio_value, positions, valuations

__all__ = [
    "MINIMUM_INVESTMENT",
    "ActivityLine",
    "Holding",
    "InvoiceRow",
    "NavPointRow",
    "OrderPreview",
    "OrderRow",
    "PlanRow",
    "PortfolioValue",
    "Position",
    "PriceNotice",
    "RebalanceRow",
    "Stop",
    "SubscriptionRow",
    "TradeLine",
    "activity",
    "cash",
    "custom_index",
    "custom_index_in_use",
    "custom_index_queryset",
    "custom_index_shared",
    "custom_indices",
    "custom_indices_left",
    "dealing_at_rest",
    "holding",
    "holdings",
    "index_allowed",
    "index_minimum",
    "invest_preview",
    "invoices",
    "last_rebalance",
    "nav_history",
    "order",
    "order_queryset",
    "order_row",
    "orders",
    "plan_needed",
    "plan_of",
    "plan_row",
    "plans",
    "portfolio",
    "portfolio_value",
    "positions",
    "price_notices",
    "rebalance_counts",
    "rebalance_history",
    "rebalance_open",
    "redeem_preview",
    "reserved",
    "stops",
    "subscription_of",
    "switch",
    "switch_preview",
    "valuations",
]
