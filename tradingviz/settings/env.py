"""Strict readers of environment variables: junk stops the start with the variable's name.

A value is looked for in the process's environment, then in `.env` (the user's), then in `.run/embedded.env`
(written by the embedded start). An empty value counts as absent.
"""

import os
import re
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]
OFF = "off"
ENVIRONMENTS = {"development": "dev", "test": "test", "production": "prod"}
_LINE = re.compile(r"^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$")


def state_dir() -> Path:
    """Return the folder of the embedded parts' state."""
    return Path(os.environ.get("TRADINGVIZ_STATE") or ROOT / ".run")


def parse_env_file(text: str) -> dict[str, str]:
    """Return the variables of a `.env` text: KEY=value lines, `#` comments, optional quotes."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.match(line.strip())
        if match:
            found[match[1]] = _unquote(match[2].strip())
    return found


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value.split(" #", 1)[0].rstrip()


@cache
def _file_values() -> dict[str, str]:
    values: dict[str, str] = {}
    for path in (state_dir() / "embedded.env", ROOT / ".env"):
        if path.is_file():
            values.update({k: v for k, v in parse_env_file(path.read_text(encoding="utf-8")).items() if v})
    return values


def get(name: str) -> str | None:
    """Return the variable's text, or None where it is absent or empty."""
    return os.environ.get(name) or _file_values().get(name)


def text(name: str, default: str) -> str:
    """Return the variable or its default."""
    return get(name) or default


def required(name: str, why: str) -> str:
    """Return the variable; raise ImproperlyConfigured naming it where it is absent."""
    value = get(name)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set: {why}")
    return value


def integer(name: str, default: int, *, low: int = 0, high: int = 2**31) -> int:
    """Return the variable as a whole number within [low, high]."""
    value = get(name)
    if value is None:
        return default
    if not re.fullmatch(r"-?[0-9]+", value) or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number from {low} to {high}")
    return int(value)


def decimal(name: str, default: float, *, low: float, high: float) -> float:
    """Return the variable as a finite number within [low, high]."""
    value = get(name)
    if value is None:
        return default
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise ImproperlyConfigured(f"{name}={value!r} is not a number from {low} to {high}")
    return number


def boolean(name: str, default: bool) -> bool:
    """Return the variable as true or false (true/false, yes/no, on/off, 1/0)."""
    value = get(name)
    if value is None:
        return default
    words = {
        "true": True,
        "yes": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "off": False,
        "0": False,
    }
    if value.lower() not in words:
        raise ImproperlyConfigured(f"{name}={value!r} is neither true nor false")
    return words[value.lower()]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """Return the variable, one of `allowed`."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(allowed)}")
    return value


def url(name: str, default: str, schemes: tuple[str, ...]) -> str:
    """Return the variable as a URL with one of `schemes` and a host or socket path."""
    value = text(name, default)
    parts = urlsplit(value)
    if parts.scheme not in schemes or not (parts.netloc or parts.path):
        raise ImproperlyConfigured(f"{name}={value!r} is not a URL with scheme {' or '.join(schemes)}")
    try:
        _ = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={value!r}: {error}") from error
    return value


def url_or_off(name: str, default: str, schemes: tuple[str, ...]) -> str | None:
    """Return the variable as `url` does, None where it says `off`."""
    return None if text(name, default) == OFF else url(name, default, schemes)


def file(name: str, default: str) -> Path | None:
    """Return the variable as a file's path, relative to the project's folder; None where it says `off`.

    A folder that cannot be written stops the start only where the variable names it.
    """
    value = text(name, default)
    if value == OFF:
        return None
    path = ROOT / value
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise PermissionError
    except OSError as error:
        if get(name) is None:
            return None
        raise ImproperlyConfigured(f"{name}={value!r} cannot be written") from error
    return path


def words(name: str, default: tuple[str, ...]) -> list[str]:
    """Return a comma-separated list."""
    value = get(name)
    return [word.strip() for word in value.split(",") if word.strip()] if value else list(default)


def limits(name: str) -> dict[str, int]:
    """Return a comma-separated list of `route=number a minute`."""
    found: dict[str, int] = {}
    for word in words(name, ()):
        route, _, number = word.partition("=")
        if not route.startswith("/") or not re.fullmatch(r"[1-9][0-9]{0,8}", number):
            raise ImproperlyConfigured(f"{name}={word!r} is not a route and a number, as in /fo/snapshot=30")
        found[route] = int(number)
    return found


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Return a comma-separated list of addresses and networks (10.0.0.0/8)."""
    try:
        return [ip_network(word) for word in words(name, ())]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from error


def choose_settings() -> None:
    """Set DJANGO_SETTINGS_MODULE from ENVIRONMENT unless it is set already, and where processes count together."""
    name = choice("ENVIRONMENT", "development", tuple(ENVIRONMENTS))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"tradingviz.settings.{ENVIRONMENTS[name]}")
    _prepare_counting()


def _prepare_counting() -> None:
    """Hand PROMETHEUS_MULTIPROC_DIR to prometheus_client, which looks only into the process's environment.

    A gauge that an earlier process of this pid left would be taken for ours: pids begin anew with every container.
    """
    folder = get("PROMETHEUS_MULTIPROC_DIR")
    if folder is None:
        return
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    try:
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in Path(folder).glob(f"gauge_live*_{os.getpid()}.db"):
            left.unlink(missing_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"PROMETHEUS_MULTIPROC_DIR={folder!r} cannot be written") from error


def inherit(module: ModuleType, into: dict[str, object]) -> None:
    """Copy a settings module's names into another's; what follows in the other one overrides them."""
    into.update({name: value for name, value in vars(module).items() if name.isupper()})
