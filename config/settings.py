"""Settings. Every variable that the environment may set is read here; docs/operations.md lists them."""

import os
from datetime import timedelta
from decimal import Decimal
from typing import Any

import environ
from csp.constants import NONE, SELF

from config.admin_site import UNFOLD  # noqa: F401  (settings of the admin console)
from config.api_settings import REST_FRAMEWORK, SPECTACULAR_SETTINGS  # noqa: F401  (settings of the API)
from config.environment import local_secret, mode, next_database, require_production
from config.runtime import servers, worlds
from config.runtime.paths import ROOT, folder, var_dir
from config.schedule import beat_schedule

env = environ.Env()

BASE_DIR = ROOT
BELLWETHER_ENV = mode(os.environ)
PRODUCTION = BELLWETHER_ENV == "production"
if PRODUCTION:
    require_production(os.environ)
PROCESS = env.str("BELLWETHER_PROCESS", default="")

VAR_DIR = folder(var_dir(os.environ))
WORLD = worlds.current(os.environ, VAR_DIR)
WORLD_LABEL = WORLD.label

if not servers.external(os.environ):
    # manage.py, `up` and the tests set both before this module is loaded. What still comes here (type checks,
    # `check`, the schema) opens no connection.
    for _name, _value in servers.addresses(VAR_DIR, WORLD).items():
        os.environ.setdefault(_name, _value)

SECRET_KEY = env.str("SECRET_KEY", default="") or local_secret(VAR_DIR)
# Signs the receipts of the indices; another one from now on is a new key, and the old public one stays published.
BELLWETHER_SIGNING_KEY = env.str("BELLWETHER_SIGNING_KEY", default="")
SIGNING_KEY_FILE = VAR_DIR / "signing_key"
# Seals what must be read again, such as keys of exchanges: the first one seals, the others still open.
BELLWETHER_VAULT_KEY = env.str("BELLWETHER_VAULT_KEY", default="")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "config.apps.PlatformConfig",
    "portfolios.apps.PortfoliosConfig",
    "indices.apps.IndicesConfig",
    "signals.apps.SignalsConfig",
    "unfold",  # before the admin, whose templates it replaces
    # The timetable's process only sends wake-up calls: without admin and tasks it needs a third of the memory.
    "django.contrib.admin.apps.SimpleAdminConfig" if PROCESS == "beat" else "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "csp",
    "django_celery_results",
]

MIDDLEWARE = [
    "config.metrics.RequestMetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.HeadersMiddleware",
    "config.middleware.ContentPolicyMiddleware",
    "config.conditional.ApiHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "config.middleware.PreparingMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "signals.context.page",
            ],
        },
    },
]

# data
DATABASES = {
    "default": {
        **env.db_url("DATABASE_URL"),
        "ATOMIC_REQUESTS": False,
        # A connection per thread, kept and checked: survives a restart of the server without a pool of our own.
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 10, "application_name": "bellwether"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.str("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.str("CACHE_URL", default="") or next_database(REDIS_URL),
        "KEY_PREFIX": "bellwether",
        "OPTIONS": {"socket_connect_timeout": 5, "socket_timeout": 5},
    }
}

# time, language, files
TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en-us"
USE_I18N = True
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Hashed names need collectstatic, which `up` runs; runserver and the tests serve the sources as they are.
STATIC_HASHED = env.bool("STATIC_HASHED", default=not DEBUG)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "config.static.StaticStorage"
        if STATIC_HASHED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = [
    "jpg",
    "jpeg",
    "png",
    "gif",
    "webp",
    "zip",
    "gz",
    "br",
    "woff",
    "woff2",
    "map",
]
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not STATIC_HASHED
MEDIA_ROOT = VAR_DIR / "media"

# market data
COINGECKO_API_KEY = env.str("COINGECKO_API_KEY", default="")
FEAR_GREED = env.bool("FEAR_GREED", default=True)
# Their community data are CC BY-NC 4.0: whoever turns this on says that the use is not commercial.
COINMETRICS = env.bool("COINMETRICS", default=False)
DERIVATIVES_EXCHANGE = env.str("DERIVATIVES_EXCHANGE", default="")

# USDC: off while there is no USDC_RPC_URL (docs/usdc.md)
USDC_RPC_URL = env.str("USDC_RPC_URL", default="")
USDC_SECOND_RPC_URL = env.str("USDC_SECOND_RPC_URL", default="")
USDC_CHAIN_ID = env.int("USDC_CHAIN_ID", default=1)
USDC_CONTRACT = env.str("USDC_CONTRACT", default="0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
USDC_CONFIRMATIONS = env.int("USDC_CONFIRMATIONS", default=12)
USDC_START_BLOCK = env.int("USDC_START_BLOCK", default=0)
USDC_ASSET = env.str("USDC_ASSET", default="usd-coin")
USDC_MINIMUM = env.str("USDC_MINIMUM", default="1")
USDC_HOT_KEY = env.str("USDC_HOT_KEY", default="")  # in the worker's environment alone
USDC_WALLETS = env.list("USDC_WALLETS", default=[])
USDC_PAYOUT_CAP = env.str("USDC_PAYOUT_CAP", default="10000")
USDC_DAILY_CAP = env.str("USDC_DAILY_CAP", default="50000")
USDC_MAX_FEE_GWEI = env.int("USDC_MAX_FEE_GWEI", default=200)

# money in and out
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
STRIPE_LIVE = env.bool("STRIPE_LIVE", default=False)
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="")
# Play money that comes in must never go out as real money: off by itself where there is a real way in or out.
SANDBOX_MONEY = env.bool("SANDBOX_MONEY", default=not (STRIPE_LIVE or env.str("USDC_RPC_URL", default="")))
# USD in one UTC day, and USD above which two people approve. Play money has limits of its own.
WITHDRAWAL_DAILY_LIMIT = env.str("WITHDRAWAL_DAILY_LIMIT", default="50000")
WITHDRAWAL_APPROVAL_ABOVE = env.str("WITHDRAWAL_APPROVAL_ABOVE", default="10000")
PLAY_WITHDRAWAL_DAILY_LIMIT = env.str("PLAY_WITHDRAWAL_DAILY_LIMIT", default="1000000")
PLAY_WITHDRAWAL_APPROVAL_ABOVE = env.str("PLAY_WITHDRAWAL_APPROVAL_ABOVE", default="100000")
WITHDRAWAL_DESTINATION_HOURS = env.int("WITHDRAWAL_DESTINATION_HOURS", default=24)
WITHDRAWAL_HOLD_HOURS = env.int("WITHDRAWAL_HOLD_HOURS", default=72)

# venues: how far from the mark an order may trade, a fraction; what the paper venue does to orders, in millionths
SLIPPAGE_CAP = Decimal(env.str("SLIPPAGE_CAP", default="0.01"))
PAPER_BOOK = env.bool("PAPER_BOOK", default=False)
PAPER_REJECTS = env.int("PAPER_REJECTS", default=0)
PAPER_OUTAGES = env.int("PAPER_OUTAGES", default=0)
PAPER_PARTIALS = env.int("PAPER_PARTIALS", default=0)

# people
AUTH_USER_MODEL = "portfolios.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/dashboard/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Bellwether] "
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_SESSION_REMEMBER = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Bellwether"
# A browser on a local machine speaks http; passkeys are otherwise refused there.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
USERSESSIONS_TRACK_ACTIVITY = False

# mail: files in var/mail unless EMAIL_URL names a server
MAIL_DIR = VAR_DIR / "mail"
EMAIL_TO_FILES = not env.str("EMAIL_URL", default="")
if EMAIL_TO_FILES:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(folder(MAIL_DIR))
else:
    vars().update(env.email_url("EMAIL_URL"))
# Where people reach the site, for links in mails about their money; without it a mail names the page only.
SITE_URL = env.str("SITE_URL", default="")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Bellwether <no-reply@bellwether.localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# browser security
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^metrics$"]
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    if env.bool("BEHIND_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        REST_FRAMEWORK["NUM_PROXIES"] = 1  # else everybody behind the proxy would share one rate limit

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# tasks: wake-up calls only; the rows in the database are the queue of record
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than the longest task (or it would run twice); the sweep that redelivers runs every 10 s, not 100 s.
    "visibility_timeout": 3600,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 5,
}
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
CELERY_RESULT_EXPIRES = timedelta(days=3)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TRACK_STARTED = False
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_SOFT_TIME_LIMIT = 1500
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 2000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = beat_schedule()
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "run" / "beat-schedule")

# observation
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"()": "config.logs.PlainFormatter"},
        "json": {"()": "config.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "json" if PRODUCTION else "plain"},
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        # Its own handlers would print each line twice.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        # Ticks run every few seconds: only what goes wrong in them is worth a line.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
