"""Settings of the admin console's look and menu. Imported by config.settings."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy

_MENU: dict[str, list[tuple[str, str, str]]] = {
    "People": [
        ("Users", "group", "portfolios_user"),
        ("Plans", "sell", "portfolios_plan"),
        ("Subscriptions", "event_repeat", "portfolios_subscription"),
        ("Invoices", "receipt_long", "portfolios_invoice"),
        ("API keys", "key", "portfolios_apikey"),
    ],
    "Indices": [
        ("Indices", "stacked_line_chart", "indices_index"),
        ("Rulebooks", "gavel", "indices_rulebookversion"),
        ("Decisions", "balance", "indices_decision"),
        ("Levels", "show_chart", "indices_indexlevel"),
        ("Former levels", "history", "indices_levelrevision"),
    ],
    "Market": [
        ("Clock", "schedule", "signals_market"),
        ("Tokens", "toll", "signals_asset"),
        ("Freezes", "ac_unit", "signals_freeze"),
        ("Price guard", "shield", "signals_guardrecord"),
        ("Corrections", "edit_note", "signals_restatement"),
        ("Former candles", "history", "signals_candlerevision"),
        ("Token events", "event", "signals_assetevent"),
        ("Loads", "download", "signals_loadrun"),
    ],
    "Signals": [
        ("Alerts", "notifications", "signals_alert"),
        ("Grades", "grade", "signals_grade"),
        ("Regime", "explore", "signals_regime"),
        ("Models", "model_training", "signals_modelrun"),
        ("Experiments", "science", "signals_experiment"),
        ("Features", "dataset", "signals_featurevector"),
        ("Observations", "query_stats", "signals_observation"),
    ],
    "Trading": [
        ("Kill switch", "emergency_home", "portfolios_pause"),
        ("Orders", "shopping_cart", "portfolios_order"),
        ("Switches", "swap_horiz", "portfolios_switch"),
        ("Recurring plans", "event_repeat", "portfolios_recurringplan"),
        ("Rebalances", "sync", "portfolios_rebalance"),
        ("Dealing cycles", "cycle", "portfolios_dealingcycle"),
        ("Block orders", "deployed_code", "portfolios_blockorder"),
        ("Fills", "check_circle", "portfolios_fill"),
        ("Portfolios", "pie_chart", "portfolios_portfolio"),
        ("Venues", "hub", "portfolios_venueaccount"),
        ("Reconciliations", "rule", "portfolios_reconciliation"),
    ],
    "Books": [
        ("Entries", "menu_book", "portfolios_entry"),
        ("Accounts", "account_balance_wallet", "portfolios_account"),
        ("Balances", "account_balance", "portfolios_balance"),
        ("Payments", "payments", "portfolios_payment"),
        ("Fees announced", "percent", "portfolios_feeschedule"),
        ("Fees taken", "receipt_long", "portfolios_feeaccrual"),
        ("Provider messages", "webhook", "portfolios_paymentevent"),
        ("Withdrawal addresses", "pin_drop", "portfolios_withdrawaldestination"),
        ("Withdrawal limits", "speed", "portfolios_withdrawallimit"),
        ("Security events", "shield", "portfolios_securityevent"),
    ],
    "Notices": [
        ("Notices", "mail", "portfolios_notice"),
        ("Announcements", "campaign", "portfolios_announcement"),
    ],
    "Machine": [("Task results", "task_alt", "django_celery_results_taskresult")],
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Bellwether",
    "SITE_HEADER": "Bellwether",
    "SITE_SUBHEADER": "Back office",
    "SITE_SYMBOL": "monitoring",
    "SITE_URL": "/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/mark.svg")}
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "config.back_office.overview",
    "ENVIRONMENT": "config.back_office.market_badge",
    "BORDER_RADIUS": "4px",
    "COLORS": {
        # Ink on paper with one accent: the blue of the Okabe-Ito palette.
        "primary": {
            "50": "oklch(97% .015 240)",
            "100": "oklch(93% .03 240)",
            "200": "oklch(87% .06 240)",
            "300": "oklch(78% .09 240)",
            "400": "oklch(68% .12 240)",
            "500": "oklch(58% .125 242)",
            "600": "oklch(50% .12 244)",
            "700": "oklch(43% .105 245)",
            "800": "oklch(37% .085 246)",
            "900": "oklch(32% .065 247)",
            "950": "oklch(23% .045 248)",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [
            {
                "items": [{"title": "Overview", "icon": "dashboard", "link": reverse_lazy("admin:index")}],
            },
            *(
                {
                    "title": title,
                    "separator": True,
                    "items": [
                        {"title": name, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}
                        for name, icon, model in items
                    ],
                }
                for title, items in _MENU.items()
            ),
        ],
    },
}
