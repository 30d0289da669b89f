"""Settings of the REST API: Django REST Framework and the OpenAPI document. Imported by config.settings."""

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portfolios.authentication.ApiKeyAuthentication",  # first: its challenge is the one a 401 carries
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["portfolios.authentication.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["config.throttles.PlanRateThrottle"],
    "DEFAULT_PAGINATION_CLASS": "config.pagination.KeysetPagination",
    "DEFAULT_RENDERER_CLASSES": ["config.wire.CompactJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.wire.ExactJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "config.api_schema.ProblemAwareSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "config.problems.problem_handler",
    "COERCE_DECIMAL_TO_STRING": True,
    "URL_FORMAT_OVERRIDE": None,
    # The client's address is the peer's unless an operator says how many proxies stand in front.
    "NUM_PROXIES": 0,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

DESCRIPTION = """
Market data, index methodology and your own money, point in time.

* **Keys.** Send `Authorization: Bearer KEY` or `X-API-Key: KEY`. A key has the scope `read`, or `trade`
  or `withdraw` too. Market and index reads work without a key, at the Free rate.
* **Time.** Every market and index read takes `as_of` (a date, UTC) and answers from what was known at that day's
  close. Without it you get the last closed day of the market clock.
* **Money.** Amounts are decimal strings. They are never rounded for you.
* **Errors** are RFC 9457 problem documents (`application/problem+json`) with a stable `code`.
* **Retries.** Writes take `Idempotency-Key`: the same key and body give the same answer and one effect.
* **Lists** are cursor-paginated: follow `next` until it is null. `page_size` is at most 200.
* **Rates** depend on your plan: `RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset` on every answer,
  `Retry-After` on a 429. Your own account has its own, never smaller allowance.
"""

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Bellwether API",
    "DESCRIPTION": DESCRIPTION,
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "LICENSE": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SORT_OPERATIONS": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "displayRequestDuration": True,
        "persistAuthorization": False,
    },
    "TAGS": [
        {"name": "Tokens", "description": "What the market is made of."},
        {"name": "Indices", "description": "What should be held, when it was decided and why."},
        {"name": "Custom indices", "description": "Build an index of your own from one of ours."},
        {"name": "Account", "description": "Who you are here and what you hold."},
        {"name": "Money", "description": "Money in and out."},
        {"name": "Orders", "description": "Invest in an index or redeem units of it."},
        {"name": "Plans", "description": "What you pay for."},
    ],
}
