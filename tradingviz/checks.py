"""System checks that refuse a weak production: `manage.py check --deploy`, and with `--database default` the pool's."""

import os
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from channels_redis.core import RedisChannelLayer
from channels_redis.utils import create_pool, decode_hosts
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import Error as DatabaseError
from django.db import connections

BLACKLIST_APP = "rest_framework_simplejwt.token_blacklist"
# RFC 7518, 3.2: a key as long as the hash.
KEY_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
SHORTEST_SECRET = 32
# A real one has more: the rarest case in 32 random hexadecimal digits has seven.
FEWEST_CHARACTERS = 7
SAMPLES = (
    "django-insecure",
    "tests-use",
    "change",
    "example",
    "secret-key",
    "secret_key",
    "your-",
    "your_",
)
SECURE_SSL_MODES = ("require", "verify-ca", "verify-full")
NEW_SECRET = "make one:  python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"

_FREE = """
    SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
"""

Messages = list[CheckMessage]


def _secrets() -> dict[str, tuple[str, int]]:
    """Return the secrets that sign or close, and how many bytes each needs, by the variable's name."""
    needed = KEY_BYTES.get(settings.JWT_ALGORITHM, SHORTEST_SECRET)
    previous = {
        f"JWT_PREVIOUS_SECRET_KEYS[{place}]": (key, needed)
        for place, key in enumerate(settings.JWT_PREVIOUS_SECRET_KEYS)
    }
    closing = {
        f"CREDENTIALS_PREVIOUS_KEYS[{place}]": (key, SHORTEST_SECRET)
        for place, key in enumerate(settings.CREDENTIALS_PREVIOUS_KEYS)
    }
    return {
        "DJANGO_SECRET_KEY": (settings.SECRET_KEY, SHORTEST_SECRET),
        "JWT_SECRET_KEY": (settings.SIMPLE_JWT["SIGNING_KEY"], needed),
        "CREDENTIALS_KEY": (settings.CREDENTIALS_KEY, SHORTEST_SECRET),
        **previous,
        **closing,
    }


@register(Tags.security, deploy=True)
def secrets_are_long(app_configs: Any, **options: Any) -> Messages:
    """E001: a secret that can be guessed by trying."""
    return [
        Error(f"{name} is shorter than {needed} bytes", hint=NEW_SECRET, id="tradingviz.E001")
        for name, (secret, needed) in _secrets().items()
        if len(secret.encode()) < needed
    ]


@register(Tags.security, deploy=True)
def secrets_are_no_samples(app_configs: Any, **options: Any) -> Messages:
    """E002: a secret that others know, from documentation or a repository, or that is none."""
    return [
        Error(f"{name} is a sample or hardly random", hint=NEW_SECRET, id="tradingviz.E002")
        for name, (secret, _) in _secrets().items()
        if len(set(secret)) < FEWEST_CHARACTERS or any(sample in secret.lower() for sample in SAMPLES)
    ]


@register(Tags.security, deploy=True)
def keys_differ(app_configs: Any, **options: Any) -> Messages:
    """E003: one secret for two purposes."""
    keys = [key for name, (key, _) in _secrets().items() if name != "DJANGO_SECRET_KEY"]
    if settings.SECRET_KEY in keys:
        return [Error("tokens and sessions are signed with the same key", hint=NEW_SECRET, id="tradingviz.E003")]
    if settings.CREDENTIALS_KEY in (settings.SIMPLE_JWT["SIGNING_KEY"], *settings.JWT_PREVIOUS_SECRET_KEYS):
        return [Error("one key signs tokens and closes credentials", hint=NEW_SECRET, id="tradingviz.E003")]
    return []


@register(Tags.security, deploy=True)
def credentials_have_a_key(app_configs: Any, **options: Any) -> Messages:
    """E011: credentials of brokers that open with the key of sessions, which is made new when sessions have to end."""
    if settings.SECRET_KEY not in settings.CREDENTIALS_KEY:
        return []
    return [Error("CREDENTIALS_KEY is made of DJANGO_SECRET_KEY", hint=NEW_SECRET, id="tradingviz.E011")]


@register(Tags.security, deploy=True)
def debug_is_off(app_configs: Any, **options: Any) -> Messages:
    """E004: error pages that show settings and code to everybody."""
    if not settings.DEBUG:
        return []
    return [Error("DEBUG is on", hint="set ENVIRONMENT=production and unset DEBUG", id="tradingviz.E004")]


@register(Tags.security, deploy=True)
def hosts_are_named(app_configs: Any, **options: Any) -> Messages:
    """E005: a service that answers to any name; pages of any of these may open sockets, too."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [Error("ALLOWED_HOSTS allows every host", hint="name the hosts, comma-separated", id="tradingviz.E005")]


@register(Tags.security, deploy=True)
def origins_are_named(app_configs: Any, **options: Any) -> Messages:
    """E006: pages that anybody may have written, or changed on their way."""
    hint = "name origins like https://trade.example.org; plain http only on this machine"
    return [
        Error(f"CORS_ALLOWED_ORIGINS allows {origin}", hint=hint, id="tradingviz.E006")
        for origin in settings.CORS_ALLOWED_ORIGINS
        if not _is_safe_origin(origin)
    ]


def _is_safe_origin(origin: str) -> bool:
    parts = urlsplit(origin)
    if "*" in origin or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(parts.hostname))


@register(Tags.security, deploy=True)
def not_everybody_is_a_proxy(app_configs: Any, **options: Any) -> Messages:
    """E012: X-Forwarded-For that anybody may write, and with it a new quota for every request."""
    return [
        Error(f"TRUSTED_PROXIES believes all of {network}", hint="name the proxies' networks", id="tradingviz.E012")
        for network in settings.TRUSTED_PROXIES
        if network.prefixlen == 0
    ]


@register(Tags.security, deploy=True)
def rotated_tokens_end(app_configs: Any, **options: Any) -> Messages:
    """E007: refresh tokens that are exchanged and go on being valid."""
    jwt = settings.SIMPLE_JWT
    ends = BLACKLIST_APP in settings.INSTALLED_APPS and jwt.get("BLACKLIST_AFTER_ROTATION", False)
    if ends or not jwt.get("ROTATE_REFRESH_TOKENS", False):
        return []
    hint = f"put {BLACKLIST_APP} into INSTALLED_APPS and set BLACKLIST_AFTER_ROTATION"
    return [Error("refresh tokens are rotated and not blacklisted", hint=hint, id="tradingviz.E007")]


@register(Tags.database)
def pools_fit_the_server(app_configs: Any, databases: Sequence[str] | None = None, **options: Any) -> Messages:
    """E008: a pool of one process that the server cannot fill; W008 where the server cannot be asked."""
    return [message for alias in databases or () for message in _pool_of(alias)]


def _pool_of(alias: str) -> Iterable[CheckMessage]:
    connection = connections[alias]
    pool = connection.settings_dict.get("OPTIONS", {}).get("pool")
    most = pool.get("max_size", pool.get("min_size", 4)) if isinstance(pool, dict) else 0
    if not most:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(_FREE)
            free = int(cursor.fetchone()[0])
    except DatabaseError as error:
        yield Caution(f"database {alias} cannot be asked: {type(error).__name__}", id="tradingviz.W008")
        return
    if most > free:
        hint = "lower DB_POOL_SIZE, which every process has for itself, or raise max_connections"
        text = f"DB_POOL_SIZE is {most}, and the server has {free} connections for everybody"
        yield Error(text, hint=hint, id="tradingviz.E008")


@register(Tags.security, deploy=True)
def layer_waits_longer_than_it_blocks(app_configs: Any, **options: Any) -> Messages:
    """E009: a Redis socket that gives up while the channel layer is waiting for a message, as it always is."""
    hint = f"set socket_timeout above {RedisChannelLayer.brpop_timeout} s in CHANNEL_LAYERS, or to None"
    return [
        Error(f"channel layer {name}: Redis sockets end after {timeout} s", hint=hint, id="tradingviz.E009")
        for name, layer in settings.CHANNEL_LAYERS.items()
        for timeout in _socket_timeouts(layer)
        if timeout is not None and timeout <= RedisChannelLayer.brpop_timeout
    ]


def _socket_timeouts(layer: dict[str, Any]) -> list[float | None]:
    """Return the socket timeout of each of a layer's hosts; what the configuration leaves open, redis-py says."""
    if not layer["BACKEND"].startswith("channels_redis.core."):
        return []
    hosts = decode_hosts(layer.get("CONFIG", {}).get("hosts"))
    return [create_pool(host).make_connection().socket_timeout for host in hosts if "master_name" not in host]


@register(Tags.security, deploy=True)
def remote_databases_are_encrypted(app_configs: Any, **options: Any) -> Messages:
    """E010: passwords and positions in plain text between machines."""
    hint = f"set DB_SSLMODE to {' or '.join(SECURE_SSL_MODES)}"
    return [
        Error(f"database {alias} on {host} is reached without demanding TLS", hint=hint, id="tradingviz.E010")
        for alias, database in settings.DATABASES.items()
        for host in str(database.get("HOST", "")).split(",")
        if not is_this_machine(host) and _ssl_mode(database) not in SECURE_SSL_MODES
    ]


def _ssl_mode(database: dict[str, Any]) -> str:
    return str(database.get("OPTIONS", {}).get("sslmode") or os.environ.get("PGSSLMODE", "prefer"))


def is_this_machine(host: str) -> bool:
    """Return whether a host is this machine: nothing, the folder of a socket, localhost or a loopback address."""
    if not host or host.startswith(("/", "@")) or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
