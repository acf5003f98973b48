"""Variables: what the user set, what is generated once, and where the embedded servers are this time."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from tradingviz.quickstart.preflight import LOOPBACK
from tradingviz.quickstart.state import write_privately
from tradingviz.settings.env import ROOT, parse_env_file

DATABASE = "stocksblitz_unified"
USER = "stocksblitz"
DEMO_USER = "demo"
_HEADER = "# Written by `make run` at every start. Your own settings belong into .env, which comes first.\n"
_CONNECTION = ("DB_HOST", "DB_PORT", "DB_USER", "DB_NAME", "REDIS_URL", "SIMULATOR_PORT", "TICKER_SERVICE_URL")
_SUBSCRIBED = "NIFTY,BANKNIFTY,SENSEX"
_SECRETS = {
    "DB_PASSWORD": 24,
    "REDIS_PASSWORD": 24,
    "JWT_SECRET_KEY": 48,
    "DJANGO_SECRET_KEY": 48,
    "CREDENTIALS_KEY": 48,
    "DEMO_PASSWORD": 12,
}


def user_settings(environment: Mapping[str, str] | None = None, root: Path = ROOT) -> dict[str, str]:
    """What the user set: `.env`, and before it the process's environment. An empty value counts as absent."""
    file = root / ".env"
    values = parse_env_file(file.read_text(encoding="utf-8")) if file.is_file() else {}
    values |= {k: v for k, v in (os.environ if environment is None else environment).items() if v}
    return {k: v for k, v in values.items() if v}


def read(path: Path) -> dict[str, str]:
    """The variables of a generated file; empty when there is none."""
    return parse_env_file(path.read_text(encoding="utf-8")) if path.is_file() else {}


def generated_secrets(known: Mapping[str, str]) -> dict[str, str]:
    """The secrets already there, and new ones for those which are missing."""
    fresh = {name: secrets.token_urlsafe(size) for name, size in _SECRETS.items() if not known.get(name)}
    return {name: known.get(name) or fresh[name] for name in _SECRETS}


def write(path: Path, values: Mapping[str, str]) -> None:
    """Replace the generated file (0600)."""
    write_privately(path, _HEADER + "".join(f"{name}={value}\n" for name, value in values.items()))


def uses_own_database(user: Mapping[str, str]) -> bool:
    """Whether the user named a database server."""
    return "DB_PASSWORD" in user or "DB_HOST" in user


def database_name(user: Mapping[str, str], *, replays: bool) -> str:
    """Recorded prices and generated ones never share a database: the generated ones get one of their own."""
    name = user.get("DB_NAME", DATABASE)
    return name if replays else f"{name.removesuffix('_unified')}_simulated"


def simulator_settings(port: int) -> dict[str, str]:
    """Where the simulator listens, and what it is to send."""
    address = f"http://{LOOPBACK}:{port}"
    return {"SIMULATOR_PORT": str(port), "TICKER_SERVICE_URL": address, "TICKER_SUBSCRIBE": _SUBSCRIBED}


def connection_facts(values: Mapping[str, str]) -> dict[str, str]:
    """The part of the generated file which may change at every start."""
    return {name: values[name] for name in _CONNECTION if name in values}
