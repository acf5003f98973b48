"""A weak production is refused: each check fires for what it is about, and is silent otherwise."""

import secrets
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Tags
from django.core.checks.registry import registry
from pytest_django import Settings

from tradingviz import checks

SOUND_KEYS = [secrets.token_urlsafe(48) for _ in range(4)]
SAMPLES = [
    "a-key-that-only-tests-use-0123456789abcdef",
    "django-insecure-7#f9!x$2k@m4(p1)q8w_e5r6t7y8u9i0o",
    "please-change-me-before-production-0123456789",
    "your-secret-key-goes-here-0123456789-abcdefgh",
    "A" * 64,
    "abcabcabcabcabcabcabcabcabcabcabcabcabcabc",
]


@pytest.fixture(autouse=True)
def production(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A production that is sound."""
    monkeypatch.delenv("PGSSLMODE", raising=False)
    settings.SECRET_KEY = SOUND_KEYS[0]
    settings.SIMPLE_JWT = settings.SIMPLE_JWT | {"SIGNING_KEY": SOUND_KEYS[1]}
    settings.JWT_PREVIOUS_SECRET_KEYS = [SOUND_KEYS[2]]
    settings.CREDENTIALS_KEY = SOUND_KEYS[3]
    settings.ALLOWED_HOSTS = ["trade.example.org"]


def fired() -> list[CheckMessage]:
    """Return what our checks say that need no server."""
    ours = [
        check for check in registry.get_checks(include_deployment_checks=True) if check.__module__ == checks.__name__
    ]
    return [
        message
        for check in ours
        if Tags.database not in check.tags
        for message in check(app_configs=None, databases=None)
    ]


def ids() -> list[str]:
    """Return the ids of what our checks say."""
    return [str(message.id) for message in fired()]


def jwt(settings: Settings, **changed: Any) -> None:
    """Change a setting of tokens."""
    settings.SIMPLE_JWT = settings.SIMPLE_JWT | changed


def test_a_sound_production_is_silent() -> None:
    assert ids() == []


def test_every_check_is_one_of_security_for_deployment_or_of_the_database() -> None:
    always = {check for check in registry.get_checks() if check.__module__ == checks.__name__}
    assert [tuple(check.tags) for check in always] == [(Tags.database,)]
    ours = {
        check for check in registry.get_checks(include_deployment_checks=True) if check.__module__ == checks.__name__
    }
    assert len(ours) == 12
    assert all({*check.tags} <= {Tags.security, Tags.database} for check in ours)


@pytest.mark.parametrize("length", [1, 31])
def test_a_short_secret_is_refused_and_one_of_32_bytes_is_not(settings: Settings, length: int) -> None:
    for name in ("django", "jwt", "previous"):
        set_secret(settings, name, SOUND_KEYS[0][:length])
        assert "tradingviz.E001" in ids()
        set_secret(settings, name, f"0123456789abcdefghijklmnopqrstu{name[0]}")
        assert ids() == []


def set_secret(settings: Settings, name: str, value: str) -> None:
    """Replace one of the three kinds of secret."""
    if name == "django":
        settings.SECRET_KEY = value
    elif name == "jwt":
        jwt(settings, SIGNING_KEY=value)
    else:
        settings.JWT_PREVIOUS_SECRET_KEYS = [SOUND_KEYS[2], value]


@pytest.mark.parametrize(("algorithm", "needed"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_signing_key_is_as_long_as_its_algorithms_hash(settings: Settings, algorithm: str, needed: int) -> None:
    text = (SOUND_KEYS[1] + SOUND_KEYS[2])[:needed]
    settings.JWT_ALGORITHM = algorithm
    settings.JWT_PREVIOUS_SECRET_KEYS = []
    jwt(settings, SIGNING_KEY=text[:-1])
    assert ids() == ["tradingviz.E001"]
    jwt(settings, SIGNING_KEY=text)
    assert ids() == []


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("name", ["django", "jwt", "previous"])
def test_a_secret_that_others_know_or_that_is_none_is_refused(settings: Settings, name: str, sample: str) -> None:
    set_secret(settings, name, sample)
    assert ids() == ["tradingviz.E002"]


def test_generated_secrets_of_any_usual_form_are_believed(settings: Settings) -> None:
    for make in (secrets.token_urlsafe, secrets.token_hex):
        for _ in range(200):
            settings.SECRET_KEY = make(48)
            assert ids() == []


def test_one_secret_for_two_purposes_is_refused(settings: Settings) -> None:
    settings.SECRET_KEY = SOUND_KEYS[1]
    assert ids() == ["tradingviz.E003"]
    settings.SECRET_KEY = SOUND_KEYS[2]
    assert ids() == ["tradingviz.E003"]


@pytest.mark.parametrize("key", [SOUND_KEYS[1], SOUND_KEYS[2]])
def test_a_key_that_signs_tokens_does_not_close_credentials(settings: Settings, key: str) -> None:
    settings.CREDENTIALS_KEY = key
    assert ids() == ["tradingviz.E003"]


def test_credentials_do_not_open_with_the_key_of_sessions(settings: Settings) -> None:
    settings.CREDENTIALS_KEY = f"credentials of {settings.SECRET_KEY}"  # the default outside of production
    assert ids() == ["tradingviz.E011"]


def test_a_short_key_of_credentials_is_refused_an_old_one_too(settings: Settings) -> None:
    settings.CREDENTIALS_PREVIOUS_KEYS = [SOUND_KEYS[3][:31]]
    assert ids() == ["tradingviz.E001"]


def test_no_message_repeats_a_secret(settings: Settings) -> None:
    settings.SECRET_KEY = SAMPLES[0][:25]
    jwt(settings, SIGNING_KEY=SAMPLES[0][:25])
    assert len(fired()) == 5
    assert SAMPLES[0][:25] not in str([(message.msg, message.hint) for message in fired()])


def test_debug_is_refused(settings: Settings) -> None:
    settings.DEBUG = True
    assert ids() == ["tradingviz.E004"]


@pytest.mark.parametrize(("network", "refused"), [("0.0.0.0/0", True), ("::/0", True), ("10.0.0.0/8", False)])
def test_believing_everybody_s_word_for_an_address_is_refused(settings: Settings, network: str, refused: bool) -> None:
    settings.TRUSTED_PROXIES = [ip_network(network)]
    assert ids() == ["tradingviz.E012"] * refused


@pytest.mark.parametrize(("hosts", "refused"), [(["*"], True), (["a.org", "*"], True), (["a.org", ".b.org"], False)])
def test_answering_to_every_name_is_refused(settings: Settings, hosts: list[str], refused: bool) -> None:
    settings.ALLOWED_HOSTS = hosts
    assert ids() == ["tradingviz.E005"] * refused


@pytest.mark.parametrize(
    ("origin", "refused"),
    [
        ("*", True),
        ("https://*.example.org", True),
        ("http://trade.example.org", True),
        ("http://192.0.2.1:3000", True),
        ("http://localhost.example.org", True),
        ("trade.example.org", True),
        ("null", True),
        ("https://trade.example.org", False),
        ("https://trade.example.org:8443", False),
        ("http://localhost:3000", False),
        ("http://127.0.0.1:3000", False),
        ("http://[::1]:3000", False),
    ],
)
def test_an_origin_that_is_nobodys_in_particular_or_unprotected_is_refused(
    settings: Settings, origin: str, refused: bool
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://sound.example.org", origin]
    assert ids() == ["tradingviz.E006"] * refused


def test_rotation_without_a_blacklist_is_refused(settings: Settings) -> None:
    apps = [app for app in settings.INSTALLED_APPS if app != checks.BLACKLIST_APP]
    assert len(apps) == len(settings.INSTALLED_APPS) - 1
    jwt(settings, BLACKLIST_AFTER_ROTATION=False)
    assert ids() == ["tradingviz.E007"]
    jwt(settings, ROTATE_REFRESH_TOKENS=False)
    assert ids() == []


def test_rotation_without_the_blacklists_app_is_refused(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(checks, "BLACKLIST_APP", "an.app.that.is.missing")
    assert ids() == ["tradingviz.E007"]
    jwt(settings, ROTATE_REFRESH_TOKENS=False)
    assert ids() == []


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("redis://redis:6379", True),  # redis-py's own default
        ({"address": "redis://redis:6379"}, True),
        ({"address": "redis://redis:6379", "socket_timeout": 5}, True),
        ({"address": "redis://redis:6379", "socket_timeout": 0.5}, True),
        ({"host": "redis", "port": 6379, "socket_timeout": 1}, True),
        ({"address": "redis://redis:6379?socket_timeout=3"}, True),
        ({"address": "redis://redis:6379", "socket_timeout": 5.1}, False),
        ({"address": "rediss://redis:6379", "socket_timeout": 30}, False),
        ({"address": "redis://redis:6379", "socket_timeout": None}, False),
        ({"address": "unix:///run/redis.sock", "socket_timeout": 30}, False),
    ],
)
def test_a_redis_socket_that_gives_up_before_the_channel_layer_is_refused(
    settings: Settings, host: object, refused: bool
) -> None:
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [host]}}
    settings.CHANNEL_LAYERS = {"default": layer}
    assert ids() == ["tradingviz.E009"] * refused


def test_a_channel_layer_in_memory_has_no_redis_to_wait_for(settings: Settings) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    assert ids() == []


def database_on(monkeypatch: pytest.MonkeyPatch, host: str, options: dict[str, str]) -> None:
    """Have the database on a host."""
    monkeypatch.setitem(django_settings.DATABASES["default"], "HOST", host)
    monkeypatch.setitem(django_settings.DATABASES["default"], "OPTIONS", options)


HOSTS = [
    ("", True),
    ("/run/postgresql", True),
    ("@abstract", True),
    ("localhost", True),
    ("127.0.0.1", True),
    ("127.1.2.3", True),
    ("::1", True),
    ("db.example.org", False),
    ("database", False),
    ("10.0.0.5", False),
    ("localhost,db.example.org", False),
]


@pytest.mark.parametrize(("host", "here"), HOSTS)
@pytest.mark.parametrize("mode", [None, "disable", "allow", "prefer", "require", "verify-ca", "verify-full"])
def test_a_remote_database_without_tls_is_refused(
    monkeypatch: pytest.MonkeyPatch, host: str, here: bool, mode: str | None
) -> None:
    database_on(monkeypatch, host, {} if mode is None else {"sslmode": mode})
    demanded = mode in ("require", "verify-ca", "verify-full")
    assert ids() == ([] if here or demanded else ["tradingviz.E010"])


def test_the_mode_may_come_from_libpqs_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    database_on(monkeypatch, "db.example.org", {})
    assert ids() == ["tradingviz.E010"]
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert ids() == []


def test_every_refusal_says_what_to_do(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.SECRET_KEY = "short"
    jwt(settings, SIGNING_KEY="short", BLACKLIST_AFTER_ROTATION=False)
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = settings.CORS_ALLOWED_ORIGINS = ["*"]
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": ["redis://redis:6379"]}}
    settings.CHANNEL_LAYERS = {"default": layer}
    database_on(monkeypatch, "db.example.org", {})
    assert {message.id for message in fired()} == {
        f"tradingviz.E{number:03}" for number in (1, 2, 3, 4, 5, 6, 7, 9, 10)
    }
    assert all(message.hint and message.is_serious() for message in fired())
