"""What every environment shares. Variables and defaults are listed in README's configuration table."""

from datetime import timedelta
from typing import Any

import django_stubs_ext
from redis import ConnectionError as RedisConnectionError
from redis.backoff import NoBackoff
from redis.retry import Retry

import tradingviz
from tradingviz.core.logging.config import log_config
from tradingviz.settings import env

# Lets `ModelAdmin[Model]` and the like be written at run time too.
django_stubs_ext.monkeypatch()

BASE_DIR = env.ROOT
ENVIRONMENT = env.choice("ENVIRONMENT", "development", tuple(env.ENVIRONMENTS))
VERSION = tradingviz.__version__
EMBEDDED = "the embedded start (make run) generates it; otherwise put it into .env"

SECRET_KEY = env.get("DJANGO_SECRET_KEY") or env.required("JWT_SECRET_KEY", EMBEDDED)
# Closes what brokers gave, at rest: accounts/encryption.py. Never the key of sessions itself.
CREDENTIALS_KEY = env.text("CREDENTIALS_KEY", f"credentials of {SECRET_KEY}")
CREDENTIALS_PREVIOUS_KEYS = env.words("CREDENTIALS_PREVIOUS_KEYS", ())
DEBUG = False
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]"))

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
    "django_celery_beat",
    "tradingviz",
    "streaming",
    "accounts",
    "fo_analytics",
    "strategies",
]
MIDDLEWARE = [
    "tradingviz.core.headers.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tradingviz.core.errors.UnavailableMiddleware",
]
ROOT_URLCONF = "tradingviz.urls"
ASGI_APPLICATION = "tradingviz.asgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "tradingviz" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# What libpq understands.
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# ASGI serves each request from any thread: no connection outlives a request, the pool keeps them warm instead.
DB_POOL_SIZE = env.integer("DB_POOL_SIZE", 8, low=0, high=200)
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": env.text("DB_HOST", "localhost"),
        "PORT": env.integer("DB_PORT", 5432, low=1, high=65535),
        "NAME": env.text("DB_NAME", "stocksblitz_unified"),
        "USER": env.text("DB_USER", "stocksblitz"),
        "PASSWORD": env.required("DB_PASSWORD", EMBEDDED),
        "CONN_MAX_AGE": 0,
        # Compiling a query takes longer than any of ours runs. Those with parameters beside them are parsed once a
        # connection, but planned for the parameters each time: a plan for any range of time looks into every chunk.
        # A server that went away without a word is noticed.
        "OPTIONS": {
            "options": "-c jit=off -c plan_cache_mode=force_custom_plan",
            "prepare_threshold": 1,
            "sslmode": env.choice("DB_SSLMODE", "prefer", SSL_MODES),
            "connect_timeout": 5,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
        }
        | ({"pool": {"min_size": 1, "max_size": DB_POOL_SIZE, "timeout": 5}} if DB_POOL_SIZE else {}),
    }
}
# Of the processes that answer requests: see core/database.py.
DB_STATEMENT_TIMEOUT_MS = env.integer("DB_STATEMENT_TIMEOUT_MS", 15_000, low=0, high=3_600_000)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.url("REDIS_URL", "redis://localhost:6379", ("redis", "rediss", "unix"))
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # redis-py's 5 s socket timeout equals the layer's blocking time: idle sockets would drop.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": 30}], "prefix": "layer"},
    }
}

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
JWT_ALGORITHM = env.choice("JWT_ALGORITHM", "HS256", ("HS256", "HS384", "HS512"))
JWT_PREVIOUS_SECRET_KEYS = env.words("JWT_PREVIOUS_SECRET_KEYS", ())
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": True,
    "CHECK_REVOKE_TOKEN": True,
    "ALGORITHM": JWT_ALGORITHM,
    "SIGNING_KEY": env.required("JWT_SECRET_KEY", EMBEDDED),
    "ISSUER": "tradingviz",
    "AUDIENCE": "tradingviz",
    "TOKEN_TYPE_CLAIM": "typ",
    "AUTH_TOKEN_CLASSES": ["accounts.tokens.AccessToken"],
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.GateAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "accounts.permissions.HasScope",
    ],
    "DEFAULT_RENDERER_CLASSES": ["tradingviz.core.rest.WireRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "tradingviz.core.rest.FirstFormNegotiation",
    "DEFAULT_PARSER_CLASSES": ["tradingviz.core.rest.WireParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tradingviz.core.errors.problem_response",
    "UNAUTHENTICATED_USER": None,
}
# Requests a minute: by user, by address where nobody is signed in; a route named here has a count of its own. A tier
# multiplies. The routes of GUESSING_LIMITED are limited by their views instead.
RATE_LIMIT_PER_MINUTE = env.integer("RATE_LIMIT_PER_MINUTE", 100, low=1, high=10_000_000)
RATE_LIMIT_TIERS = {"standard": 1, "professional": 5, "internal": 50}
RATE_LIMIT_ROUTES = {
    "/health": 600, "/health/live": 600, "/health/ready": 600, "/metrics": 600, "/static/*": 1_200, "/admin/*": 600,
} | env.limits("RATE_LIMIT_ROUTES")  # fmt: skip
MAX_REQUEST_BYTES = env.integer("MAX_REQUEST_BYTES", 1 << 20, low=1_024, high=1 << 30)
GUESSING_LIMITED = ("/auth/token", "/auth/token/refresh", "/admin/login/", "/accounts/<int:pk>/postback")
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_REQUEST_BYTES
# Whose X-Forwarded-For is believed, as networks; nobody's unless told.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
# Pages of other hosts that may read answers and open sockets.
CORS_ALLOWED_ORIGINS = env.words("CORS_ALLOWED_ORIGINS", ())
SPECTACULAR_SETTINGS = {
    "TITLE": "tradingviz",
    "DESCRIPTION": "Option-chain analytics, Greeks and strategies for Indian futures and options.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "Side": ["BUY", "SELL"],
        "OrderStatus": ["OPEN", "PARTIAL", "COMPLETE", "CANCELLED", "REJECTED"],
        "InstrumentKindEnum": ["SPOT", "FUT", "CE", "PE"],
        "OptionKindEnum": ["CE", "PE"],
        "ContractKindEnum": ["CE", "PE", "FUT", "EQ"],
        "StrategyStatusEnum": ["draft", "active", "paused", "closed"],
        "NewStrategyStatusEnum": ["draft", "active"],
    },
}
# django-ratelimit counts in Django's cache; it lives in Redis so that several processes share one count.
# Somebody waits for the answer: a Redis that hangs is waited for once, a connection of before its restart replaced.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "socket_timeout": 1.0,
            "socket_connect_timeout": 1.0,
            "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        },
    }
}

# How long an answer is kept at most, by its timeframe; new data ends it earlier. 15m and 30m follow 5m and 1h.
CACHE_TTL_1M = env.integer("CACHE_TTL_1M", 60, low=1, high=604_800)
CACHE_TTL_5M = env.integer("CACHE_TTL_5M", 300, low=1, high=604_800)
CACHE_TTL_1H = env.integer("CACHE_TTL_1H", 3_600, low=1, high=604_800)
CACHE_TTL_1D = env.integer("CACHE_TTL_1D", 86_400, low=1, high=604_800)
CACHE_MEMORY_MB = env.integer("CACHE_MEMORY_MB", 64, low=0, high=65_536)

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "global_keyprefix": "celery:"}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "tradingviz.beat:Scheduler"

# Stored and computed in UTC; staff read and write the exchange's clock.
TIME_ZONE = "Asia/Kolkata"
USE_TZ = True
USE_I18N = False
STATIC_URL = "/static/"
# Assets come straight from the packages that bring them; production collects them.
WHITENOISE_USE_FINDERS = True

# None where there is none: nothing is asked for, and /health does not wait for it.
TICKER_SERVICE_URL = env.url_or_off("TICKER_SERVICE_URL", "http://localhost:8080", ("http", "https"))
# What the ticker service is told to send: of these underlyings so many strikes around the money of so many expiries.
TICKER_SUBSCRIBE = env.words("TICKER_SUBSCRIBE", ())
TICKER_SUBSCRIBE_LEVELS = env.integer("TICKER_SUBSCRIBE_LEVELS", 20, low=1, high=500)
TICKER_SUBSCRIBE_EXPIRIES = env.integer("TICKER_SUBSCRIBE_EXPIRIES", 2, low=1, high=50)
# How many streams the ticks are spread over, by underlying; an ingest reads one of them.
TICK_SHARDS = env.integer("TICK_SHARDS", 1, low=1, high=1024)
TICK_SHARD = env.integer("TICK_SHARD", 0, high=1023)
RISK_FREE_RATE = env.decimal("RISK_FREE_RATE", 0.065, low=-0.05, high=0.5)
# How often active strategies are marked to market, in seconds.
M2M_PERIOD_SECONDS = env.integer("M2M_PERIOD_SECONDS", 5, low=1, high=300)
INGEST_PUBLISH_MS = env.integer("INGEST_PUBLISH_MS", 100, low=20, high=10_000)
INGEST_COMMIT_MS = env.integer("INGEST_COMMIT_MS", 500, low=50, high=10_000)
# Days kept of each time series, the newest stored one included; 0 keeps everything.
RETENTION_BAR_DAYS = env.integer("RETENTION_BAR_DAYS", 90, low=0, high=36_500)
RETENTION_CHAIN_METRIC_DAYS = env.integer("RETENTION_CHAIN_METRIC_DAYS", 400, low=0, high=36_500)
RETENTION_BAR_ROLLUP_DAYS = env.integer("RETENTION_BAR_ROLLUP_DAYS", 0, low=0, high=36_500)
# Counted back from today.
RETENTION_SECURITY_EVENT_DAYS = env.integer("RETENTION_SECURITY_EVENT_DAYS", 400, low=0, high=36_500)

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
# One file for all processes; containers write to stdout only, unless told.
LOG_FILE = env.file("LOG_FILE", "logs/app.log" if ENVIRONMENT == "development" else "off")
LOGGING = log_config(level=LOG_LEVEL, file=LOG_FILE)
